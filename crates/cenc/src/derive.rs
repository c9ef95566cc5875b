use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Cek, CommonKey, ContentId, Error, Iv, Kid, Label, Scheme};

/// HKDF-SHA256 (RFC 5869) to 16 bytes.
fn hkdf16(secret: &[u8; 16], salt: &str, info: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    let mut out = Zeroizing::new([0u8; 16]);
    // The only failure is an output of more than 255 hashes.
    let done = Hkdf::<Sha256>::new(Some(salt.as_bytes()), secret).expand_multi_info(info, out.as_mut());
    debug_assert!(done.is_ok());
    out
}

fn of_content(
    common: &CommonKey,
    salt: &str,
    content: &ContentId,
    label: &Label,
    period: u32,
) -> Zeroizing<[u8; 16]> {
    let period = period.to_be_bytes();
    hkdf16(
        common.expose(),
        salt,
        &[content.as_str().as_bytes(), &[0], label.as_str().as_bytes(), &[0], &period],
    )
}

/// The content key of one rotation period (0 without rotation): HKDF-SHA256 of the common key, salt
/// `matinee/cek/1`, info content id ‖ 0x00 ‖ label ‖ 0x00 ‖ period (u32, big-endian), 16 bytes.
pub fn derive_cek(common: &CommonKey, content: &ContentId, label: &Label, period: u32) -> Cek {
    Cek::new(*of_content(common, "matinee/cek/1", content, label, period))
}

/// The key id that belongs to [`derive_cek`]'s key: the same derivation with salt `matinee/kid/1`.
pub fn derive_kid(common: &CommonKey, content: &ContentId, label: &Label, period: u32) -> Kid {
    Kid(*of_content(common, "matinee/kid/1", content, label, period))
}

/// The secret from which IVs follow: the common key where the content key was derived from it, else the given
/// content key itself.
#[derive(Debug, Clone, Copy)]
pub enum IvKey<'a> {
    /// The content key is derived.
    Common(&'a CommonKey),
    /// The content key was given by the operator.
    Given(&'a Cek),
}

/// The first IV of a representation: HKDF-SHA256, salt `matinee/iv/1`, info content id, representation id and
/// pack id (32 hexadecimal digits), each behind its length as a big-endian u16; 8 bytes for cenc, 16 for
/// cbcs. Sample `i` has [`Iv::of_sample`]`(i)`.
///
/// # Errors
/// [`Error::NameLength`] if a name has more than 65,535 bytes.
pub fn base_iv(
    key: IvKey<'_>,
    scheme: Scheme,
    content: &ContentId,
    representation_id: &str,
    pack_id: &str,
) -> Result<Iv, Error> {
    let bytes = of_representation(key, "matinee/iv/1", content, representation_id, pack_id)?;
    match scheme {
        Scheme::Cenc => Iv::from_slice(&bytes[..8]),
        Scheme::Cbcs => Ok(Iv::from_bytes(*bytes)),
    }
}

/// What follows for one representation of one pack: info content id, representation id and pack id, each
/// behind its length as a big-endian u16.
pub(crate) fn of_representation(
    key: IvKey<'_>,
    salt: &str,
    content: &ContentId,
    representation_id: &str,
    pack_id: &str,
) -> Result<Zeroizing<[u8; 16]>, Error> {
    let secret = match key {
        IvKey::Common(key) => key.expose(),
        IvKey::Given(key) => key.expose(),
    };
    let fields = [content.as_str().as_bytes(), representation_id.as_bytes(), pack_id.as_bytes()];
    let mut lengths = [[0u8; 2]; 3];
    for (length, field) in lengths.iter_mut().zip(fields) {
        *length = u16::try_from(field.len()).map_err(|_| Error::NameLength(field.len()))?.to_be_bytes();
    }
    let info = [&lengths[0], fields[0], &lengths[1], fields[1], &lengths[2], fields[2]];
    Ok(hkdf16(secret, salt, &info))
}
