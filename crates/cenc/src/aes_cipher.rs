use aes::Aes128;
use cipher::{
    BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper,
};

use crate::{Cek, Direction, Error, Pattern, RangeTable, SampleProtection, SegmentCipher};

/// How many blocks are gathered before one call of the block cipher: a multiple of every backend's width.
const BATCH: usize = 64;

/// [`SegmentCipher`] on the `aes` crate: AES instructions where the machine has them, constant-time software
/// elsewhere (so in wasm). The expanded key is wiped when dropped.
pub struct AesCipher(Aes128);

impl AesCipher {
    /// Expands the key.
    pub fn new(cek: &Cek) -> Self {
        Self(Aes128::new(cek.expose().into()))
    }

    fn ctr(&self, iv: [u8; 16], skip: u8, data: &mut [u8]) {
        let core = ctr::CtrCore::<_, ctr::flavors::Ctr64BE>::inner_iv_init(self.0.clone(), &iv.into());
        let mut stream = StreamCipherCoreWrapper::from_core(core);
        stream.apply_keystream(&mut [0u8; 16][..usize::from(skip)]);
        stream.apply_keystream(data);
    }

    fn cbc_encrypt(&self, iv: [u8; 16], pattern: Pattern, data: &mut [u8]) {
        let mut mode = cbc::Encryptor::inner_iv_init(self.0.clone(), &iv.into());
        for round in data.chunks_mut(stride(pattern)) {
            let crypt = round.len().min(usize::from(pattern.crypt) * 16);
            for block in round[..crypt].as_chunks_mut::<16>().0 {
                mode.encrypt_block(block.into());
            }
        }
    }

    fn cbc_decrypt(&self, iv: [u8; 16], pattern: Pattern, data: &mut [u8]) {
        let mut mode = cbc::Decryptor::inner_iv_init(self.0.clone(), &iv.into());
        let stride = stride(pattern);
        let crypt = usize::from(pattern.crypt) * 16;
        if pattern.skip == 0 {
            let whole = data.len() / 16 * 16;
            for batch in data[..whole].chunks_mut(BATCH * 16) {
                mode.decrypt_blocks(cipher::Array::cast_slice_from_core_mut(batch.as_chunks_mut::<16>().0));
            }
            return;
        }
        // The protected blocks lie apart; gathered, the cipher takes several at a time.
        let mut gathered = [[0u8; 16]; BATCH];
        let starts = || (0..data.len()).step_by(stride).flat_map(|at| (at..at + crypt).step_by(16));
        let starts: Vec<usize> = starts().take_while(|at| at + 16 <= data.len()).collect();
        for batch in starts.chunks(BATCH) {
            for (block, &at) in gathered.iter_mut().zip(batch) {
                block.copy_from_slice(&data[at..at + 16]);
            }
            let blocks = &mut gathered[..batch.len()];
            mode.decrypt_blocks(cipher::Array::cast_slice_from_core_mut(blocks));
            for (block, &at) in gathered.iter().zip(batch) {
                data[at..at + 16].copy_from_slice(block);
            }
        }
    }
}

/// Bytes of one round of the pattern; never 0.
fn stride(pattern: Pattern) -> usize {
    (usize::from(pattern.crypt) + usize::from(pattern.skip)).max(1) * 16
}

impl core::fmt::Debug for AesCipher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AesCipher(redacted)")
    }
}

impl SegmentCipher for AesCipher {
    fn apply(&self, direction: Direction, table: &RangeTable, data: &mut [u8]) -> Result<(), Error> {
        table.check_bounds(data.len())?;
        for range in table.ranges() {
            let bytes = &mut data[range.offset..range.offset + range.len];
            match (table.protection(), direction) {
                (SampleProtection::Ctr, _) => self.ctr(range.iv, range.skip, bytes),
                (SampleProtection::Cbc(pattern), Direction::Encrypt) => {
                    self.cbc_encrypt(range.iv, pattern, bytes)
                }
                (SampleProtection::Cbc(pattern), Direction::Decrypt) => {
                    self.cbc_decrypt(range.iv, pattern, bytes)
                }
            }
        }
        Ok(())
    }
}
