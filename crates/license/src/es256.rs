//! ES256: ECDSA on P-256 with SHA-256, signatures as r ‖ s (RFC 9053 §2.1).

/// By `ring`, which takes a third of `p256`'s time; a server verifies two signatures for each license. `p256`
/// makes the point of its x first, for `ring` takes no compressed ones.
#[cfg(all(feature = "issue", not(target_arch = "wasm32")))]
pub(crate) fn verify(
    key: &crate::SigningPublicKey,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), crate::Error> {
    use p256::elliptic_curve::sec1::ToSec1Point;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    let point = p256::PublicKey::from_sec1_bytes(key.as_bytes())
        .map_err(|_| crate::Error::NotAuthentic)?
        .to_sec1_point(false);
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes());
    key.verify(message, signature).map_err(|_| crate::Error::NotAuthentic)
}

/// Only tests verify ES256 in a browser.
#[cfg(all(feature = "issue", target_arch = "wasm32"))]
pub(crate) fn verify(
    key: &crate::SigningPublicKey,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), crate::Error> {
    use p256::ecdsa::signature::Verifier;
    use p256::ecdsa::{Signature, VerifyingKey};

    let key = VerifyingKey::from_sec1_bytes(key.as_bytes()).map_err(|_| crate::Error::NotAuthentic)?;
    let signature = Signature::from_slice(signature).map_err(|_| crate::Error::NotAuthentic)?;
    key.verify(message, &signature).map_err(|_| crate::Error::NotAuthentic)
}

#[cfg(feature = "issue")]
impl crate::SigningPublicKey {
    /// Verifies an ES256 signature (r ‖ s, 64 bytes) of a message by this key, as `X-NCCP-Signature` has it.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`](crate::Error::NotAuthentic), also when the key is no point of the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), crate::Error> {
        verify(self, message, signature)
    }
}
