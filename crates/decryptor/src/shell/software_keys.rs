//! Keys in Rust, for the build `compat`: what `keys.rs` does with WebCrypto, under the same names, where
//! there is none.
//!
//! They are wiped here when dropped, but the database holds them as octets: whoever owns the browser's
//! profile can read them. That is what the key level `software` says.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use drm_api::DrmError;
use js_sys::Uint8Array;
use license::{KeyLevel, RsaModulus, SigningPublicKey, SoftwareRsaKey, SoftwareSigningKey};
use wasm_bindgen::prelude::*;
use web_sys::WorkerGlobalScope;
use zeroize::Zeroizing;

use super::interop::typed;

/// How well these keys are kept.
pub(super) const LEVEL: KeyLevel = KeyLevel::Software;
/// This build in `/decryptor-config.json`.
pub(super) const BUILD: &str = "compat";
/// Whether RSA pairs are made on another thread.
pub(super) const MAKES_PAIRS_ELSEWHERE: bool = false;
/// The database that keeps them: another one than WebCrypto's, whose records are no octets.
pub(super) const DATABASE: &str = "matinee-drm-software";

/// Milliseconds until an RSA pair is made that nobody waits for yet. It takes some hundreds of them, in which
/// this worker does nothing else, so that what the page asks for right after the identity goes first.
const AHEAD: i32 = 150;

/// What makes keys ahead of time.
pub(super) type Crypto = WorkerGlobalScope;
/// The private half of an RSA pair.
pub(super) type RsaPrivate = Rc<SoftwareRsaKey>;
/// A plaintext.
pub(super) type Decrypting = Result<Zeroizing<Vec<u8>>, DrmError>;

/// What makes keys here.
pub(super) fn subtle(scope: &WorkerGlobalScope) -> Result<Crypto, DrmError> {
    Ok(scope.clone())
}

/// A P-256 key pair for signing.
#[derive(Clone)]
pub(super) struct SigningPair {
    private: Rc<SoftwareSigningKey>,
    pub(super) public: SigningPublicKey,
}

/// An RSA-2048 key pair for OAEP.
#[derive(Clone)]
pub(super) struct RsaPair {
    pub(super) private: RsaPrivate,
    pub(super) modulus: RsaModulus,
}

/// Where an RSA pair will be, unless it is wanted before.
pub(super) struct Begun(Rc<RefCell<Option<RsaPair>>>);

fn unusable(_: license::Error) -> DrmError {
    DrmError::Unsupported { what: "crypto.getRandomValues".into() }
}

/// Stored octets; the browser's own copy of them is overwritten.
fn secret(stored: &JsValue) -> Option<Zeroizing<Vec<u8>>> {
    let stored: &Uint8Array = stored.dyn_ref()?;
    let secret = Zeroizing::new(stored.to_vec());
    stored.fill(0, 0, stored.length());
    Some(secret)
}

impl SigningPair {
    pub(super) async fn generate(_: &Crypto) -> Result<Self, DrmError> {
        let private = SoftwareSigningKey::generate().map_err(unusable)?;
        let public = private.public_key().map_err(unusable)?;
        Ok(Self { private: Rc::new(private), public })
    }

    /// The private half as the database keeps it: the scalar.
    pub(super) fn stored(&self) -> JsValue {
        Uint8Array::from(self.private.to_bytes().as_slice()).into()
    }

    /// The pair of a private half that the database kept.
    pub(super) fn from_stored(private: JsValue, public: SigningPublicKey) -> Option<Self> {
        let scalar = secret(&private)?;
        let private = SoftwareSigningKey::from_bytes(scalar.as_slice().try_into().ok()?).ok()?;
        Some(Self { private: Rc::new(private), public })
    }

    /// ES256: r ‖ s.
    pub(super) async fn sign(&self, _: &Crypto, message: &[u8]) -> Result<[u8; 64], DrmError> {
        Ok(self.private.sign(message))
    }
}

impl RsaPair {
    fn generate() -> Result<Self, DrmError> {
        let private = SoftwareRsaKey::generate().map_err(unusable)?;
        let modulus = private.modulus().map_err(unusable)?;
        Ok(Self { private: Rc::new(private), modulus })
    }

    /// Makes a pair soon, on this thread; [`finish`](Self::finish) takes it.
    pub(super) fn begin(scope: &Crypto) -> Result<Begun, DrmError> {
        let begun = Rc::new(RefCell::new(None));
        let place: Weak<RefCell<Option<Self>>> = Rc::downgrade(&begun);
        let make = Closure::once_into_js(move || {
            // Gone: somebody had to have it before.
            if let Some(place) = place.upgrade() {
                let pair = Self::generate().ok();
                place.replace(pair);
            }
        });
        let set = scope.set_timeout_with_callback_and_timeout_and_arguments_0(make.unchecked_ref(), AHEAD);
        // Without a timer it is made when it is wanted.
        drop(set);
        Ok(Begun(begun))
    }

    /// Takes the pair that [`begin`](Self::begin) was to make; one that is not there yet is made now.
    pub(super) async fn finish(_: &Crypto, begun: Begun) -> Result<Self, DrmError> {
        let pair = begun.0.take();
        drop(begun);
        pair.map_or_else(Self::generate, Ok)
    }
}

/// An RSA pair's private half as the database keeps it: the primes.
pub(super) fn rsa_to_stored(private: &RsaPrivate) -> JsValue {
    private.to_primes().map_or(JsValue::UNDEFINED, |primes| Uint8Array::from(primes.as_slice()).into())
}

/// The private half that the database kept.
pub(super) fn rsa_from_stored(stored: JsValue) -> Option<RsaPrivate> {
    SoftwareRsaKey::from_primes(secret(&stored)?.as_slice().try_into().ok()?).ok().map(Rc::new)
}

/// After private halves were stored: overwrites the record's octets, of which the database has its copy.
pub(super) fn wipe(stored: &JsValue) {
    for name in ["signing", "rsa", "key"] {
        if let Some(octets) = typed::<Uint8Array>(stored, name) {
            octets.fill(0, 0, octets.length());
        }
    }
}

/// Domain keys are for devices that can keep them: servers seal none for the level `software`.
pub(super) async fn import_domain_key(
    _: &Crypto,
    _: &[u8],
    _: &[u8],
    _: &[u8],
) -> Result<RsaPrivate, DrmError> {
    Err(super::interop::state("domain keys are not for this key level"))
}

/// Decrypts RSA-OAEP by a private key.
pub(super) fn begin_decrypt_oaep(_: &Crypto, private: &RsaPrivate, ciphertext: &[u8]) -> Decrypting {
    private.decrypt(ciphertext).map_err(|_| DrmError::LicenseInvalid)
}

/// The plaintext.
pub(super) async fn finish_decrypt_oaep(begun: Decrypting) -> Decrypting {
    begun
}
