use aes_simd::{Aes128, CounterWidth};

use crate::{Cek, Direction, Error, RangeTable, SampleProtection, SegmentCipher};

/// [`SegmentCipher`] on [`aes_simd`]: AES instructions where the machine has them, 32 blocks at once by SIMD
/// in wasm. The expanded key is wiped when dropped.
#[derive(Debug)]
pub struct AesCipher(Aes128);

impl AesCipher {
    /// Expands the key.
    pub fn new(cek: &Cek) -> Self {
        Self(Aes128::new(cek.expose()))
    }

    /// Lets a browser's compiler optimise the cipher before the first segment comes ([`aes_simd::warm_up`]).
    pub fn warm_up() {
        aes_simd::warm_up();
    }
}

impl SegmentCipher for AesCipher {
    fn apply(&self, direction: Direction, table: &RangeTable, data: &mut [u8]) -> Result<(), Error> {
        table.check_bounds(data.len())?;
        let (cipher, spans) = (&self.0, table.ranges());
        let done = match (table.protection(), direction) {
            (SampleProtection::Ctr, _) => cipher.ctr(CounterWidth::Bits64, spans, data),
            (SampleProtection::Cbc(pattern), Direction::Encrypt) => {
                cipher.cbc_encrypt(pattern.into(), spans, data)
            }
            (SampleProtection::Cbc(pattern), Direction::Decrypt) => {
                cipher.cbc_decrypt(pattern.into(), spans, data)
            }
        };
        // Checked above, with the range in question.
        done.map_err(|_| Error::OutOfBounds { offset: 0, len: 0, available: data.len() })
    }
}
