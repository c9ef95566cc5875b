//! Matinee's DRM module: keys, licenses and fragment decryption, in a dedicated worker as wasm.
//!
//! The core is free of the browser and is tested natively:
//! * [`PushDecryptor`]: ciphertext in any chunking in, clear fragments out, in place, one batch a fragment.
//! * [`WholeSegment`]: the same for segments that are encrypted whole.
//! * [`Sessions`]: challenges waiting for licenses, and the keys that came, found by KID.
//! * [`TrustedTime`]: a clock that signed times anchor and that cannot be set back.
//!
//! The shell (only in wasm: `start`) speaks [`drm_api`] over `postMessage`, keeps the device's keys as non-extractable WebCrypto
//! keys in IndexedDB, and does nothing that the core can do. Feature `compat` makes the second build of it, `decryptor-compat`: keys
//! in Rust, for plain-http pages, which have no `crypto.subtle`, and (built without `simd128`) for browsers without SIMD.

mod error;
mod push;
mod session;
#[cfg(target_arch = "wasm32")]
mod shell;
mod time;
mod whole;

pub use error::Error;
pub use push::{ClearInit, MAX_HELD, MAX_MDAT, MAX_MOOF, PushDecryptor, Step};
pub use session::{Embedded, Granted, Keys, SessionId, Sessions};
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
