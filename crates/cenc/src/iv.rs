use core::fmt;

use crate::Error;

/// Initialization vector of a sample: 8 or 16 bytes (ISO/IEC 23001-7 §9.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iv {
    bytes: [u8; 16],
    len: u8,
}

impl Iv {
    /// An 8-byte IV, given as the big-endian number that it is: the upper half of the first counter block.
    pub const fn from_u64(value: u64) -> Self {
        let half = value.to_be_bytes();
        let mut bytes = [0; 16];
        let mut at = 0;
        while at < 8 {
            bytes[at] = half[at];
            at += 1;
        }
        Self { bytes, len: 8 }
    }

    /// A 16-byte IV.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, len: 16 }
    }

    /// An IV as a box carries it.
    ///
    /// # Errors
    /// [`Error::IvLength`] if it has neither 8 nor 16 bytes.
    pub fn from_slice(iv: &[u8]) -> Result<Self, Error> {
        let mut bytes = [0; 16];
        match iv.len() {
            len @ (8 | 16) => {
                bytes[..len].copy_from_slice(iv);
                Ok(Self { bytes, len: len as u8 })
            }
            len => Err(Error::IvLength(len)),
        }
    }

    /// The 8 or 16 bytes that a box carries.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The first counter block (cenc) or the CBC IV (cbcs): an 8-byte IV is followed by zeros.
    pub const fn block(&self) -> [u8; 16] {
        self.bytes
    }

    /// The IV of sample `index` of a representation whose first IV is this one: 8-byte IVs count up, modulo
    /// 2^64; a 16-byte IV is constant.
    pub fn of_sample(&self, index: u64) -> Self {
        match self.len {
            8 => Self::from_u64(self.upper().wrapping_add(index)),
            _ => *self,
        }
    }

    /// The first eight bytes as a big-endian number: the part that all counter blocks of a sample share.
    pub const fn upper(&self) -> u64 {
        (u128::from_be_bytes(self.bytes) >> 64) as u64
    }

    /// The last eight bytes as a big-endian number: the sample's first block counter.
    pub const fn lower(&self) -> u64 {
        u128::from_be_bytes(self.bytes) as u64
    }
}

impl fmt::Display for Iv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Iv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iv({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_byte_ivs_count_and_wrap() {
        let base = Iv::from_u64(u64::MAX);
        assert_eq!(base.of_sample(2), Iv::from_u64(1));
        assert_eq!(base.of_sample(2).block(), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let constant = Iv::from_bytes([9; 16]);
        assert_eq!(constant.of_sample(5), constant);
        assert_eq!(Iv::from_slice(&[0; 7]), Err(Error::IvLength(7)));
        assert_eq!(Iv::from_slice(&[1; 8]).unwrap().to_string(), "0101010101010101");
    }
}
