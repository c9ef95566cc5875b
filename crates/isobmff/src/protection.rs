use crate::{BoxWriter, Cursor, Error, FourCc};

/// How samples are encrypted: the content of `tenc` and of a `seig` sample group entry (ISO/IEC 23001-7 §8.2,
/// §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackEncryption {
    /// Whether samples are protected at all.
    pub protected: bool,
    /// Encrypted blocks of each round of the pattern; 0 with `skip_blocks` 0: no pattern.
    pub crypt_blocks: u8,
    /// Clear blocks of each round.
    pub skip_blocks: u8,
    /// Length of each sample's IV: 8, 16, or 0 where the constant IV counts.
    pub iv_size: u8,
    /// Which key.
    pub kid: [u8; 16],
    constant_iv: [u8; 16],
    constant_iv_size: u8,
}

impl TrackEncryption {
    /// Protection with an IV for each sample.
    pub const fn per_sample_iv(kid: [u8; 16], iv_size: u8) -> Self {
        Self {
            protected: true,
            crypt_blocks: 0,
            skip_blocks: 0,
            iv_size,
            kid,
            constant_iv: [0; 16],
            constant_iv_size: 0,
        }
    }

    /// Protection with one IV for all samples and a pattern (0, 0: whole blocks).
    pub const fn with_constant_iv(kid: [u8; 16], iv: [u8; 16], crypt_blocks: u8, skip_blocks: u8) -> Self {
        Self {
            protected: true,
            crypt_blocks,
            skip_blocks,
            iv_size: 0,
            kid,
            constant_iv: iv,
            constant_iv_size: 16,
        }
    }

    /// The IV of all samples, 8 or 16 bytes; empty where each sample has its own.
    pub fn constant_iv(&self) -> &[u8] {
        &self.constant_iv[..usize::from(self.constant_iv_size)]
    }

    /// Reads a `tenc` box's payload, version and flags included.
    pub(crate) fn parse_tenc(mut cursor: Cursor<'_>) -> Result<Self, Error> {
        let (version, _) = cursor.version_and_flags()?;
        if version > 1 {
            return Err(Error::Version { kind: FourCc(*b"tenc"), version });
        }
        let mut entry = Self::parse_entry(&mut cursor, b"tenc")?;
        if version == 0 {
            (entry.crypt_blocks, entry.skip_blocks) = (0, 0);
        }
        Ok(entry)
    }

    /// Reads what `tenc` (behind version and flags) and a `seig` entry have in common.
    pub(crate) fn parse_entry(cursor: &mut Cursor<'_>, kind: &[u8; 4]) -> Result<Self, Error> {
        let [_, pattern, protected, iv_size] = cursor.array()?;
        let mut entry = Self::per_sample_iv(cursor.array()?, iv_size);
        (entry.crypt_blocks, entry.skip_blocks) = (pattern >> 4, pattern & 0x0f);
        entry.protected = match protected {
            0 => false,
            1 => true,
            _ => return Err(Error::invalid(kind, "isProtected is neither 0 nor 1")),
        };
        if !matches!(iv_size, 0 | 8 | 16) {
            return Err(Error::invalid(kind, "the IV size is none of 0, 8 and 16"));
        }
        if entry.protected && iv_size == 0 {
            entry.constant_iv_size = cursor.u8()?;
            if !matches!(entry.constant_iv_size, 8 | 16) {
                return Err(Error::invalid(kind, "the constant IV has neither 8 nor 16 bytes"));
            }
            let iv = cursor.take(usize::from(entry.constant_iv_size))?;
            entry.constant_iv[..iv.len()].copy_from_slice(iv);
        }
        Ok(entry)
    }
}

/// Writes what `tenc` (behind version and flags) and a `seig` entry have in common.
pub(crate) fn write_entry(encryption: &TrackEncryption, out: &mut BoxWriter) {
    out.u8(0);
    out.u8(encryption.crypt_blocks << 4 | encryption.skip_blocks & 0x0f);
    out.u8(u8::from(encryption.protected));
    out.u8(encryption.iv_size);
    out.bytes(&encryption.kid);
    let constant = encryption.constant_iv();
    if !constant.is_empty() {
        out.u8(constant.len() as u8);
        out.bytes(constant);
    }
}
