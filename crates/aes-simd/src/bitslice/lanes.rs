//! Four 32-bit lanes: `v128` in WebAssembly; four words elsewhere, so that the same kernel is tested
//! natively.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod words;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[path = "lanes/v128.rs"]
mod words;

pub(super) use words::W;

/// One block of AES.
pub(super) type Block = [u8; 16];

impl core::ops::BitXorAssign for W {
    #[inline(always)]
    fn bitxor_assign(&mut self, other: Self) {
        *self = *self ^ other;
    }
}

impl zeroize::DefaultIsZeroes for W {}

/// Exchanges the bits of `a` under `mask << SHIFT` with those of `b` under `mask`.
#[inline(always)]
pub(super) fn swap_move<const SHIFT: u32>(a: &mut W, b: &mut W, mask: W) {
    let t = core::hint::black_box((a.shr::<SHIFT>() ^ *b) & mask);
    *b ^= t;
    *a ^= t.shl::<SHIFT>();
}
