//! AES-128 and AES-256 over whole media segments.
#![no_std]

extern crate alloc;

macro_rules! ciphers {
    ($key:ty) => {
        ciphers!($key, Aes128, 16, U16);
        ciphers!($key, Aes256, 32, U32);
    };
    ($key:ty, $name:ident, $len:literal, $size:ident) => {
        /// AES.
        pub struct $name($key);

        /// Shows nothing of the key.
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }

        impl $name {
            /// Expands the key.
            pub fn new(key: &[u8; $len]) -> Self {
                Self(<$key>::new(key))
            }

            /// Encrypts each block by itself (ECB).
            pub fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
                self.0.encrypt_blocks(blocks);
            }

            /// Decrypts each block by itself (ECB).
            pub fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
                self.0.decrypt_blocks(blocks);
            }

            /// Encrypts or decrypts the spans in counter mode, in place.
            pub fn ctr(
                &self,
                width: CounterWidth,
                spans: &[Span],
                data: &mut [u8],
            ) -> Result<(), OutOfBounds> {
                $crate::check(spans, data)?;
                self.0.ctr(width, spans, data);
                Ok(())
            }

            /// Decrypts.
            pub fn cbc_decrypt(
                &self,
                pattern: Pattern,
                spans: &[Span],
                data: &mut [u8],
            ) -> Result<(), OutOfBounds> {
                $crate::check(spans, data)?;
                self.0.cbc_decrypt(pattern, spans, data);
                Ok(())
            }

            /// Encrypts.
            pub fn cbc_encrypt(
                &self,
                pattern: Pattern,
                spans: &[Span],
                data: &mut [u8],
            ) -> Result<(), OutOfBounds> {
                $crate::check(spans, data)?;
                self.0.cbc_encrypt(pattern, spans, data);
                Ok(())
            }
        }

        impl cipher::KeySizeUser for $name {
            type KeySize = cipher::consts::$size;
        }

        impl cipher::KeyInit for $name {
            fn new(key: &cipher::Key<Self>) -> Self {
                Self(<$key>::new(key))
            }
        }

        impl cipher::BlockSizeUser for $name {
            type BlockSize = cipher::consts::U16;
        }

        impl cipher::BlockCipherEncrypt for $name {
            fn encrypt_with_backend(
                &self,
                f: impl cipher::BlockCipherEncClosure<BlockSize = Self::BlockSize>,
            ) {
                f.call(&$crate::Backend(|blocks: &mut [[u8; 16]]| self.0.encrypt_blocks(blocks)));
            }
        }

        impl cipher::BlockCipherDecrypt for $name {
            fn decrypt_with_backend(
                &self,
                f: impl cipher::BlockCipherDecClosure<BlockSize = Self::BlockSize>,
            ) {
                f.call(&$crate::Backend(|blocks: &mut [[u8; 16]]| self.0.decrypt_blocks(blocks)));
            }
        }

        /// The key's expansion is wiped by the part that holds it.
        impl zeroize::ZeroizeOnDrop for $name {}
    };
}

#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod bitslice;
#[cfg(any(test, feature = "portable", not(all(target_arch = "wasm32", target_feature = "simd128"))))]
pub mod portable;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use bitslice::Key;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use portable::Key;

/// A run of bytes that belong together under one IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first byte in the data.
    pub offset: usize,
    /// Number of bytes.
    pub len: usize,
    /// CTR: counter block of the first byte. CBC: the IV.
    pub iv: [u8; 16],
    /// CTR: how many key stream bytes of that first block are used up already (0 to 15). CBC: 0.
    pub skip: u8,
}

/// How many 16-byte blocks are enciphered, then left, in turn (ISO/IEC 23001-7 §9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    /// Enciphered blocks of each round; where it is 0, nothing is.
    pub crypt: u8,
    /// Blocks left alone after them.
    pub skip: u8,
}

/// How much of a counter block counts, from its end; it wraps there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterWidth {
    /// The lower 64 bits, as in ISO/IEC 23001-7 §9.2.
    Bits64,
    /// All, as in NIST SP 800-38A.
    Bits128,
}

impl CounterWidth {
    #[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
    fn add(self, counter: u128, blocks: u64) -> u128 {
        match self {
            Self::Bits64 => counter >> 64 << 64 | u128::from((counter as u64).wrapping_add(blocks)),
            Self::Bits128 => counter.wrapping_add(u128::from(blocks)),
        }
    }
}
/// A span reaches past the data; nothing has been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span reaches past the data")]
pub struct OutOfBounds;

ciphers!(Key);

/// For the traits of the `cipher` crate: what handles any number of blocks, 32 of them best.
struct Backend<F>(F);

impl<F> cipher::BlockSizeUser for Backend<F> {
    type BlockSize = cipher::consts::U16;
}

impl<F> cipher::ParBlocksSizeUser for Backend<F> {
    type ParBlocksSize = cipher::consts::U32;
}

impl<F: Fn(&mut [[u8; 16]])> Backend<F> {
    fn blocks(&self, mut blocks: cipher::inout::InOutBuf<'_, '_, cipher::Block<Self>>) {
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

impl<F: Fn(&mut [[u8; 16]])> cipher::BlockCipherEncBackend for Backend<F> {
    fn encrypt_block(&self, mut block: cipher::inout::InOut<'_, '_, cipher::Block<Self>>) {
        let mut bytes = [block.clone_in().0];
        (self.0)(&mut bytes);
        *block.get_out() = bytes[0].into();
    }

    fn encrypt_par_blocks(&self, blocks: cipher::inout::InOut<'_, '_, cipher::ParBlocks<Self>>) {
        self.blocks(blocks.into_buf());
    }
}

impl<F: Fn(&mut [[u8; 16]])> cipher::BlockCipherDecBackend for Backend<F> {
    fn decrypt_block(&self, mut block: cipher::inout::InOut<'_, '_, cipher::Block<Self>>) {
        let mut bytes = [block.clone_in().0];
        (self.0)(&mut bytes);
        *block.get_out() = bytes[0].into();
    }

    fn decrypt_par_blocks(&self, blocks: cipher::inout::InOut<'_, '_, cipher::ParBlocks<Self>>) {
        self.blocks(blocks.into_buf());
    }
}

fn check(spans: &[Span], data: &[u8]) -> Result<(), OutOfBounds> {
    let inside = |span: &Span| span.offset.checked_add(span.len).is_some_and(|end| end <= data.len());
    if spans.iter().all(inside) { Ok(()) } else { Err(OutOfBounds) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn ecb(key: [u8; 32], long: bool, blocks in proptest::collection::vec(any::<[u8; 16]>(), 0..70)) {
            let key = if long { &key[..] } else { &key[..16] };
            let (ours, theirs) = (bitslice::Key::new(key), portable::Key::new(key));
            let (mut a, mut b) = (blocks.clone(), blocks);
            ours.encrypt_blocks(&mut a);
            theirs.encrypt_blocks(&mut b);
            prop_assert_eq!(&a, &b);
            ours.decrypt_blocks(&mut a);
            theirs.decrypt_blocks(&mut b);
            prop_assert_eq!(&a, &b);
        }

        #[test]
        fn modes(key: [u8; 32], long: bool, seed: u8, crypt in 0u8..3, skip in 0u8..10, wide: bool,
            spans in proptest::collection::vec((0usize..40, prop_oneof![0usize..600, 0usize..9000], any::<[u8; 16]>(), 0u8..16, 0u8..3), 0..8)) {
            let key = if long { &key[..] } else { &key[..16] };
            let (ours, theirs) = (bitslice::Key::new(key), portable::Key::new(key));
            let mut at = 0;
            let mut table = Vec::new();
            for (gap, len, mut iv, skip, near) in spans {
                if near > 0 { iv[8..15].fill(0xff); }
                if near > 1 { iv[..8].fill(0xff); }
                at += gap;
                table.push(Span { offset: at, len, iv, skip });
                at += len;
            }
            let data: Vec<u8> = (0..at).map(|i| (i as u8).wrapping_mul(seed)).collect();
            let width = if wide { CounterWidth::Bits128 } else { CounterWidth::Bits64 };
            let (mut a, mut b) = (data.clone(), data);
            ours.ctr(width, &table, &mut a);
            theirs.ctr(width, &table, &mut b);
            prop_assert!(a == b);
            let pattern = Pattern { crypt, skip };
            ours.cbc_decrypt(pattern, &table, &mut a);
            theirs.cbc_decrypt(pattern, &table, &mut b);
            prop_assert!(a == b);
            ours.cbc_encrypt(pattern, &table, &mut a);
            theirs.cbc_encrypt(pattern, &table, &mut b);
            prop_assert!(a == b);
        }
    }
}
