use cenc::{AesCipher, Kid, decrypt_whole};
use isobmff::FourCc;

use crate::{Error, Keys, MAX_MDAT, Step};

/// A segment that is encrypted whole, whatever is in it: AES-128-CBC with PKCS #7 padding, HLS's `AES-128`.
/// Takes bytes in any chunking and gives all of them once the last has come.
#[derive(Debug)]
pub struct WholeSegment {
    kid: Kid,
    iv: [u8; 16],
    bytes: Vec<u8>,
    is_clear: bool,
}

impl WholeSegment {
    /// A segment under this key and IV.
    pub const fn new(kid: Kid, iv: [u8; 16]) -> Self {
        Self { kid, iv, bytes: Vec::new(), is_clear: false }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if there are more than [`MAX_MDAT`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let size = (self.bytes.len() as u64).saturating_add(bytes.len() as u64);
        if size > MAX_MDAT {
            return Err(Error::TooLarge { kind: FourCc(*b"file"), size });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// All bytes having come: the clear segment, once; then [`Step::NeedData`]. While its key is missing the
    /// bytes are kept.
    ///
    /// # Errors
    /// [`Error::Range`] if it was not encrypted in this way, and what [`Keys::find`] says.
    pub fn finish(&mut self, keys: &mut impl Keys) -> Result<Step<'_>, Error> {
        if self.is_clear {
            return Ok(Step::NeedData);
        }
        let found: Option<&AesCipher> = keys.find(&self.kid)?;
        let Some(cipher) = found else { return Ok(Step::NeedKeys(vec![self.kid])) };
        decrypt_whole(cipher, self.iv, &mut self.bytes)?;
        self.is_clear = true;
        Ok(Step::Fragment(&self.bytes))
    }
}
