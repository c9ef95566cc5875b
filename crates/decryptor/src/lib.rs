//! Matinee's DRM module: keys, licenses and fragment decryption, in a dedicated worker as wasm.
//!
//! The core is free of the browser and is tested natively:
//! * [`PushDecryptor`]: ciphertext in any chunking in, clear fragments out, in place, one batch a fragment.
//! * [`WholeSegment`]: the same for segments that are encrypted whole.
//! * [`Cdm`]: license sessions: challenges out, licenses in, and the keys that came, found by KID. Private
//!   keys stay outside.
//! * [`InitData`]: the keys that DRM metadata and `pssh` boxes name.
//! * [`TrustedTime`]: a clock that signed times anchor and that knows when it was set back.
//!
//! The shell (only in wasm: `start`) speaks [`drm_api`] over `postMessage`, keeps the device's keys as
//! non-extractable WebCrypto keys in IndexedDB, and does nothing that the core can do. Feature `compat` makes
//! the second build of it, `decryptor-compat`: keys in Rust, for plain-http pages, which have no
//! `crypto.subtle`, and (built without `simd128`) for browsers without SIMD.

mod cdm;
mod error;
mod init_data;
mod push;
#[cfg(target_arch = "wasm32")]
mod shell;
mod time;
mod whole;

pub use cdm::{
    Cdm, Device, Granted, KeptLicense, Keys, LicenseRequest, Opener, PendingChallenge, PendingLicense,
    SessionId,
};
pub use error::Error;
pub use init_data::InitData;
pub use push::{ClearInit, MAX_HELD, MAX_MDAT, MAX_MOOF, PushDecryptor, Step};
#[cfg(target_arch = "wasm32")]
pub use shell::{messages, start, start_on};
pub use time::{Anchor, Clocks, TrustedTime};
pub use whole::WholeSegment;

/// The standard library's allocator would be two kilobytes (in Brotli) more.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Version of this module, as challenges and certificates name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// [`VERSION`] as three numbers.
pub fn module_version() -> license::Version {
    // The workspace's version, which has them.
    VERSION.parse().unwrap_or(license::Version::new(0, 0, 0))
}
