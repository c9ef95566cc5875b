use core::fmt;
use core::str::FromStr;

use crate::Error;

/// Protection scheme of ISO/IEC 23001-7 §10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// AES-128-CTR, full subsamples, 8-byte IVs that count up.
    Cenc,
    /// AES-128-CBC with a pattern (video 1:9, audio whole), one constant 16-byte IV.
    Cbcs,
}

impl Scheme {
    /// The four-character code in `schm`.
    pub const fn four_cc(self) -> [u8; 4] {
        match self {
            Self::Cenc => *b"cenc",
            Self::Cbcs => *b"cbcs",
        }
    }

    /// The scheme of a four-character code.
    ///
    /// # Errors
    /// [`Error::UnknownScheme`] for any other code (`cens` and `cbc1` are not used by Matinee). `piff` is
    /// what `cenc` was called before the standard (with AES-CTR, which its `tenc` says).
    pub const fn from_four_cc(code: [u8; 4]) -> Result<Self, Error> {
        match &code {
            b"cenc" | b"piff" => Ok(Self::Cenc),
            b"cbcs" => Ok(Self::Cbcs),
            _ => Err(Error::UnknownScheme),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cenc => "cenc",
            Self::Cbcs => "cbcs",
        })
    }
}

impl FromStr for Scheme {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "cenc" => Ok(Self::Cenc),
            "cbcs" => Ok(Self::Cbcs),
            _ => Err(Error::UnknownScheme),
        }
    }
}

/// How many 16-byte blocks are encrypted, then left, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Encrypted blocks of each round.
    pub crypt: u8,
    /// Clear blocks after them.
    pub skip: u8,
}

impl Pattern {
    /// Every whole block, as audio has it (and `tenc` as 0:0).
    pub const WHOLE: Self = Self { crypt: 1, skip: 0 };
    /// One block in ten, as cbcs video has it.
    pub const VIDEO: Self = Self { crypt: 1, skip: 9 };

    /// The pattern of a `tenc` or `seig` entry, where 0:0 means every whole block.
    pub const fn from_box(crypt: u8, skip: u8) -> Self {
        match (crypt, skip) {
            (0, 0) => Self::WHOLE,
            (crypt, skip) => Self { crypt, skip },
        }
    }
}

impl From<Pattern> for aes_simd::Pattern {
    fn from(Pattern { crypt, skip }: Pattern) -> Self {
        Self { crypt, skip }
    }
}

/// How the bytes of protected ranges are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleProtection {
    /// AES-128-CTR; the key stream runs on over the subsamples of a sample.
    Ctr,
    /// AES-128-CBC over the blocks of the pattern; the IV starts again at each subsample; an incomplete last
    /// block stays clear.
    Cbc(Pattern),
}

/// Which way a cipher goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Clear to protected.
    Encrypt,
    /// Protected to clear.
    Decrypt,
}
