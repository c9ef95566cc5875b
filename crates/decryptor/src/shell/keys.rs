//! WebCrypto keys: made here, used here, never to be exported. `software_keys.rs` has the same names without
//! WebCrypto.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use drm_api::DrmError;
use js_sys::{Array, Promise, Uint8Array};
use license::{KeyLevel, RsaModulus, SigningPublicKey};
use wasm_bindgen::prelude::*;
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::interop::{crypto, object, octets, property, typed, wait};

/// How well these keys are kept.
pub(super) const LEVEL: KeyLevel = KeyLevel::Webcrypto;
/// This build in `/decryptor-config.json`.
pub(super) const BUILD: &str = "module";
/// Whether RSA pairs are made on another thread.
pub(super) const MAKES_PAIRS_ELSEWHERE: bool = true;
/// The database that keeps them.
pub(super) const DATABASE: &str = "matinee-drm";

/// What makes and uses keys.
pub(super) type Crypto = SubtleCrypto;
/// The private half of an RSA pair.
pub(super) type RsaPrivate = CryptoKey;
/// An RSA pair that is being made.
pub(super) type Begun = Promise;
/// A ciphertext that is being decrypted.
pub(super) type Decrypting = Result<Promise, JsValue>;

/// `crypto.subtle`, which plain-http pages other than localhost do not have.
pub(super) fn subtle(scope: &web_sys::WorkerGlobalScope) -> Result<Crypto, DrmError> {
    scope
        .crypto()
        .ok()
        .map(|crypto| crypto.subtle())
        .filter(|subtle| !subtle.is_undefined())
        .ok_or(DrmError::Unsupported { what: "crypto.subtle".into() })
}

/// A P-256 key pair for signing; the private half is not extractable.
#[derive(Clone)]
pub(super) struct SigningPair {
    private: CryptoKey,
    pub(super) public: SigningPublicKey,
}

/// An RSA-2048 key pair for OAEP; the private half is not extractable.
#[derive(Clone)]
pub(super) struct RsaPair {
    pub(super) private: RsaPrivate,
    pub(super) modulus: RsaModulus,
}

fn unusable() -> DrmError {
    DrmError::Unsupported { what: "crypto.subtle with P-256 and RSA-OAEP".into() }
}

fn usages(names: &[&str]) -> JsValue {
    names.iter().map(|name| JsValue::from_str(name)).collect::<Array>().into()
}

fn halves(pair: &JsValue) -> Result<(CryptoKey, CryptoKey), DrmError> {
    let half = |name| typed::<CryptoKey>(pair, name).ok_or_else(unusable);
    Ok((half("privateKey")?, half("publicKey")?))
}

impl SigningPair {
    pub(super) async fn generate(subtle: &Crypto) -> Result<Self, DrmError> {
        let algorithm = object(&[("name", &"ECDSA".into()), ("namedCurve", &"P-256".into())]);
        let pair = subtle.generate_key_with_object(&algorithm, false, &usages(&["sign", "verify"]));
        let (private, public) = halves(&wait(pair).await.map_err(crypto)?)?;
        let point = wait(subtle.export_key("raw", &public)).await.map_err(crypto)?;
        let public = SigningPublicKey::from_uncompressed(&octets(&point)).map_err(|_| unusable())?;
        Ok(Self { private, public })
    }

    /// The private half as the database keeps it.
    pub(super) fn stored(&self) -> JsValue {
        self.private.clone().into()
    }

    /// The pair of a private half that the database kept.
    pub(super) fn from_stored(private: JsValue, public: SigningPublicKey) -> Option<Self> {
        Some(Self { private: private.dyn_into().ok()?, public })
    }

    /// ES256: r ‖ s.
    pub(super) async fn sign(&self, subtle: &Crypto, message: &[u8]) -> Result<[u8; 64], DrmError> {
        let algorithm = object(&[("name", &"ECDSA".into()), ("hash", &"SHA-256".into())]);
        let signature = subtle.sign_with_object_and_u8_array(&algorithm, &self.private, message);
        octets(&wait(signature).await.map_err(crypto)?).try_into().map_err(|_| unusable())
    }
}

impl RsaPair {
    /// Starts making a pair, off this thread; [`finish`](Self::finish) takes it.
    pub(super) fn begin(subtle: &Crypto) -> Result<Begun, DrmError> {
        let algorithm = object(&[
            ("name", &"RSA-OAEP".into()),
            ("modulusLength", &2048.into()),
            ("publicExponent", &Uint8Array::from([1, 0, 1].as_slice())),
            ("hash", &"SHA-256".into()),
        ]);
        subtle.generate_key_with_object(&algorithm, false, &usages(&["encrypt", "decrypt"])).map_err(crypto)
    }

    /// Waits for the pair that [`begin`](Self::begin) started.
    pub(super) async fn finish(subtle: &Crypto, begun: Begun) -> Result<Self, DrmError> {
        let (private, public) = halves(&wait(Ok(begun)).await.map_err(crypto)?)?;
        let jwk = wait(subtle.export_key("jwk", &public)).await.map_err(crypto)?;
        let n = property(&jwk, "n").as_string().and_then(|n| Base64UrlUnpadded::decode_vec(&n).ok());
        let modulus = RsaModulus::try_from(n.unwrap_or_default().as_slice()).map_err(|_| unusable())?;
        Ok(Self { private, modulus })
    }
}

/// Opens a domain's private key (PKCS#8 under AES-256-GCM) without its octets ever being here; it cannot be
/// read again.
pub(super) async fn import_domain_key(
    subtle: &Crypto,
    key: &[u8],
    sealed: &[u8],
    additional_data: &[u8],
) -> Result<RsaPrivate, DrmError> {
    let octets = Uint8Array::from(key);
    let imported = subtle.import_key_with_str("raw", &octets, "AES-GCM", false, &usages(&["unwrapKey"]));
    let imported = wait(imported).await;
    octets.fill(0, 0, octets.length());
    let imported: CryptoKey = imported.map_err(crypto)?.unchecked_into();
    let sealing = object(&[
        ("name", &"AES-GCM".into()),
        ("iv", &Uint8Array::from(license::DOMAIN_KEY_NONCE.as_slice())),
        ("additionalData", &Uint8Array::from(additional_data)),
    ]);
    let rsa = object(&[("name", &"RSA-OAEP".into()), ("hash", &"SHA-256".into())]);
    let (format, usages) = ("pkcs8", usages(&["decrypt"]));
    let unwrapped = subtle.unwrap_key_with_u8_array_and_object_and_object(
        format, sealed, &imported, &sealing, &rsa, false, &usages,
    );
    wait(unwrapped).await.map(JsCast::unchecked_into).map_err(crypto)
}

/// An RSA pair's private half as the database keeps it.
pub(super) fn rsa_to_stored(private: &RsaPrivate) -> JsValue {
    private.clone().into()
}

/// The private half that the database kept.
pub(super) fn rsa_from_stored(stored: JsValue) -> Option<RsaPrivate> {
    stored.dyn_into().ok()
}

/// After a private half was stored: there is nothing of it here.
pub(super) fn wipe(_stored: &JsValue) {}

/// Starts decrypting RSA-OAEP by a private key, off this thread; [`finish_decrypt_oaep`] takes it.
pub(super) fn begin_decrypt_oaep(subtle: &Crypto, private: &RsaPrivate, ciphertext: &[u8]) -> Decrypting {
    let algorithm = object(&[("name", &"RSA-OAEP".into())]);
    subtle.decrypt_with_object_and_u8_array(&algorithm, private, ciphertext)
}

/// Waits for the plaintext; the browser's own copy of it is overwritten.
pub(super) async fn finish_decrypt_oaep(begun: Decrypting) -> Result<Zeroizing<Vec<u8>>, DrmError> {
    let plaintext = Uint8Array::new(&wait(begun).await.map_err(|_| DrmError::LicenseInvalid)?);
    let secret = Zeroizing::new(plaintext.to_vec());
    plaintext.fill(0, 0, plaintext.length());
    Ok(secret)
}
