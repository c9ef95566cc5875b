//! What the traits of the `cipher` crate ask for, on functions that take any number of blocks.

use cipher::consts::{U16, U32};
use cipher::inout::{InOut, InOutBuf};
use cipher::{BlockCipherDecBackend, BlockCipherEncBackend, BlockSizeUser, ParBlocks, ParBlocksSizeUser};

/// For the traits of the `cipher` crate: what handles any number of blocks, 32 of them best.
pub(crate) struct Backend<F>(pub(crate) F);

impl<F> BlockSizeUser for Backend<F> {
    type BlockSize = U16;
}

impl<F> ParBlocksSizeUser for Backend<F> {
    type ParBlocksSize = U32;
}

impl<F: Fn(&mut [[u8; 16]])> Backend<F> {
    fn blocks(&self, mut blocks: InOutBuf<'_, '_, cipher::Block<Self>>) {
        let mut bytes = [[0; 16]; 32];
        let len = blocks.len();
        for (bytes, block) in bytes.iter_mut().zip(blocks.get_in()) {
            bytes.copy_from_slice(block);
        }
        (self.0)(&mut bytes[..len]);
        for (bytes, block) in bytes.iter().zip(blocks.get_out()) {
            block.copy_from_slice(bytes);
        }
    }
}

impl<F: Fn(&mut [[u8; 16]])> BlockCipherEncBackend for Backend<F> {
    fn encrypt_block(&self, mut block: InOut<'_, '_, cipher::Block<Self>>) {
        let mut bytes = [block.clone_in().0];
        (self.0)(&mut bytes);
        *block.get_out() = bytes[0].into();
    }

    fn encrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.blocks(blocks.into_buf());
    }
}

impl<F: Fn(&mut [[u8; 16]])> BlockCipherDecBackend for Backend<F> {
    fn decrypt_block(&self, mut block: InOut<'_, '_, cipher::Block<Self>>) {
        let mut bytes = [block.clone_in().0];
        (self.0)(&mut bytes);
        *block.get_out() = bytes[0].into();
    }

    fn decrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.blocks(blocks.into_buf());
    }
}
