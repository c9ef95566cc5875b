//! The lanes as `v128`: all of this crate's `unsafe` code.

#![expect(unsafe_code, reason = "v128.load and v128.store take raw pointers")]

use core::arch::wasm32::*;
use core::ops::{BitAnd, BitXor};

use super::Block;

/// Four 32-bit lanes; as bytes, in memory order.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::bitslice) struct W(v128);

impl Default for W {
    #[inline(always)]
    fn default() -> Self {
        Self(u32x4_splat(0))
    }
}

impl BitXor for W {
    type Output = Self;
    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }
}

impl BitAnd for W {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(v128_and(self.0, other.0))
    }
}

impl W {
    #[inline(always)]
    pub(in crate::bitslice) fn splat(word: u32) -> Self {
        Self(u32x4_splat(word))
    }

    #[inline(always)]
    pub(in crate::bitslice) fn from_words([a, b, c, d]: [u32; 4]) -> Self {
        Self(u32x4(a, b, c, d))
    }

    #[inline(always)]
    pub(in crate::bitslice) fn words(self) -> [u32; 4] {
        [
            u32x4_extract_lane::<0>(self.0),
            u32x4_extract_lane::<1>(self.0),
            u32x4_extract_lane::<2>(self.0),
            u32x4_extract_lane::<3>(self.0),
        ]
    }

    #[inline(always)]
    pub(in crate::bitslice) fn load(block: &Block) -> Self {
        // SAFETY: the reference is valid for reads of 16 bytes; v128.load needs no alignment.
        Self(unsafe { v128_load(core::ptr::from_ref(block).cast()) })
    }

    #[inline(always)]
    pub(in crate::bitslice) fn store(self, block: &mut Block) {
        // SAFETY: the reference is valid for writes of 16 bytes, and nobody else's; v128.store needs no
        // alignment.
        unsafe { v128_store(core::ptr::from_mut(block).cast(), self.0) }
    }

    /// Each lane to the right, zeros from the left.
    #[inline(always)]
    pub(in crate::bitslice) fn shr<const N: u32>(self) -> Self {
        Self(u32x4_shr(self.0, N))
    }

    /// Each lane to the left.
    #[inline(always)]
    pub(in crate::bitslice) fn shl<const N: u32>(self) -> Self {
        Self(u32x4_shl(self.0, N))
    }

    /// Bit `n` of each lane as a mask: all ones or all zeros.
    #[inline(always)]
    pub(in crate::bitslice) fn mask_of_bit(self, n: u32) -> Self {
        Self(i32x4_shr(i32x4_shl(self.0, 31 - n), 31))
    }

    /// Lane `c` from lane `c + N` modulo 4.
    #[inline(always)]
    pub(in crate::bitslice) fn rotate_lanes<const N: usize>(self) -> Self {
        let v = self.0;
        Self(match N {
            1 => i32x4_shuffle::<1, 2, 3, 0>(v, v),
            2 => i32x4_shuffle::<2, 3, 0, 1>(v, v),
            3 => i32x4_shuffle::<3, 0, 1, 2>(v, v),
            _ => v,
        })
    }

    /// Lane `c` from lane `-c` modulo 4.
    #[inline(always)]
    pub(in crate::bitslice) fn negate_lanes(self) -> Self {
        Self(i32x4_shuffle::<0, 3, 2, 1>(self.0, self.0))
    }

    /// This, but lane `N` of `other`.
    #[inline(always)]
    pub(in crate::bitslice) fn with_lane<const N: usize>(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self(match N {
            0 => i32x4_shuffle::<4, 1, 2, 3>(a, b),
            1 => i32x4_shuffle::<0, 5, 2, 3>(a, b),
            2 => i32x4_shuffle::<0, 1, 6, 3>(a, b),
            _ => i32x4_shuffle::<0, 1, 2, 7>(a, b),
        })
    }

    /// Bytes of both in turn: those of the lower halves, those of the upper halves.
    #[inline(always)]
    pub(in crate::bitslice) fn zip8(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (
            Self(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b)),
            Self(i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b)),
        )
    }

    /// As [`zip8`](Self::zip8), by 16 bits.
    #[inline(always)]
    pub(in crate::bitslice) fn zip16(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (
            Self(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b)),
            Self(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)),
        )
    }

    /// As [`zip8`](Self::zip8), by 32 bits.
    #[inline(always)]
    pub(in crate::bitslice) fn zip32(self, other: Self) -> (Self, Self) {
        let (a, b) = (self.0, other.0);
        (Self(i32x4_shuffle::<0, 4, 1, 5>(a, b)), Self(i32x4_shuffle::<2, 6, 3, 7>(a, b)))
    }
}
