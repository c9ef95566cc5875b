//! The lanes as four words.

use core::ops::{BitAnd, BitXor};

use super::Block;

/// Four 32-bit lanes; as bytes, in memory order.
#[derive(Clone, Copy, Default)]
pub(in crate::bitslice) struct W([u32; 4]);

impl BitXor for W {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] ^ other.0[i]))
    }
}

impl BitAnd for W {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] & other.0[i]))
    }
}

impl W {
    pub(in crate::bitslice) fn splat(word: u32) -> Self {
        Self([word; 4])
    }

    pub(in crate::bitslice) fn from_words(words: [u32; 4]) -> Self {
        Self(words)
    }

    pub(in crate::bitslice) fn words(self) -> [u32; 4] {
        self.0
    }

    pub(in crate::bitslice) fn load(block: &Block) -> Self {
        let mut words = block.as_chunks::<4>().0.iter();
        Self(core::array::from_fn(|_| words.next().map_or(0, |bytes| u32::from_le_bytes(*bytes))))
    }

    pub(in crate::bitslice) fn store(self, block: &mut Block) {
        for (bytes, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            *bytes = word.to_le_bytes();
        }
    }

    pub(in crate::bitslice) fn shr<const N: u32>(self) -> Self {
        Self(self.0.map(|word| word >> N))
    }

    pub(in crate::bitslice) fn shl<const N: u32>(self) -> Self {
        Self(self.0.map(|word| word << N))
    }

    pub(in crate::bitslice) fn mask_of_bit(self, n: u32) -> Self {
        Self(self.0.map(|word| ((word << (31 - n)) as i32 >> 31) as u32))
    }

    pub(in crate::bitslice) fn rotate_lanes<const N: usize>(self) -> Self {
        Self(core::array::from_fn(|i| self.0[(i + N) % 4]))
    }

    pub(in crate::bitslice) fn negate_lanes(self) -> Self {
        Self(core::array::from_fn(|i| self.0[(4 - i) % 4]))
    }

    pub(in crate::bitslice) fn with_lane<const N: usize>(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| if i == N { other.0[i] } else { self.0[i] }))
    }

    pub(in crate::bitslice) fn zip8(self, other: Self) -> (Self, Self) {
        self.zip(other, 1)
    }

    pub(in crate::bitslice) fn zip16(self, other: Self) -> (Self, Self) {
        self.zip(other, 2)
    }

    pub(in crate::bitslice) fn zip32(self, other: Self) -> (Self, Self) {
        self.zip(other, 4)
    }

    fn zip(self, other: Self, size: usize) -> (Self, Self) {
        let (mut a, mut b) = ([0; 16], [0; 16]);
        self.store(&mut a);
        other.store(&mut b);
        let mut out = [[0u8; 16]; 2];
        for i in 0..32 {
            let (unit, byte) = (i / size, i % size);
            let from = if unit % 2 == 0 { &a } else { &b };
            out[i / 16][i % 16] = from[unit / 2 * size + byte];
        }
        (Self::load(&out[0]), Self::load(&out[1]))
    }
}
