//! The linear steps on bit planes, and the way from blocks to bit planes and back.

use super::lanes::{W, swap_move};

/// 32 blocks, in their order or in bit planes: then bit `b` of row `r` of all of them is in `[8 * r + b]`,
/// where lane `c` is column `c` and bit `n` of a lane is block `n`.
pub(super) type State = [W; 32];

/// A round key: each bit as a mask, in the places of [`State`].
pub(super) type RoundKey = [W; 32];

/// Transposes 8 by 8 bits: bit `i` of each byte of `x[j]` goes to bit `j` of that byte of `x[i]`.
#[inline(always)]
fn transpose_bits(x: &mut [W; 8]) {
    let [a, b, c, d, e, f, g, h] = x;
    let nibbles = W::splat(0x0f0f_0f0f);
    swap_move::<4>(a, e, nibbles);
    swap_move::<4>(b, f, nibbles);
    swap_move::<4>(c, g, nibbles);
    swap_move::<4>(d, h, nibbles);
    let pairs = W::splat(0x3333_3333);
    swap_move::<2>(a, c, pairs);
    swap_move::<2>(b, d, pairs);
    swap_move::<2>(e, g, pairs);
    swap_move::<2>(f, h, pairs);
    let bits = W::splat(0x5555_5555);
    swap_move::<1>(a, b, bits);
    swap_move::<1>(c, d, bits);
    swap_move::<1>(e, f, bits);
    swap_move::<1>(g, h, bits);
}

/// The planes of a row.
#[inline(always)]
pub(super) fn row(state: &State, r: usize) -> [W; 8] {
    core::array::from_fn(|b| state[8 * r + b])
}

/// [`transpose_bits`] of each row.
#[inline(never)]
fn transpose_rows(state: &mut State) {
    for planes in state.as_chunks_mut::<8>().0 {
        transpose_bits(planes);
    }
}

/// From blocks, in their order, to bit planes.
#[inline(never)]
pub(super) fn slice(state: &mut State) {
    for j in 0..8 {
        // Blocks j, 8 + j, 16 + j, 24 + j: their bytes go to row r, byte b of each lane.
        let [b0, b1, b2, b3] = core::array::from_fn(|b| state[8 * b + j]);
        let (p0, p1) = b0.zip8(b2);
        let (q0, q1) = b1.zip8(b3);
        let (x0, x1) = p0.zip8(q0);
        let (y0, y1) = p1.zip8(q1);
        let (u0, u1) = x0.zip32(y0);
        let (v0, v1) = x1.zip32(y1);
        let (r0, r1) = u0.zip32(v0);
        let (r2, r3) = u1.zip32(v1);
        [state[j], state[8 + j], state[16 + j], state[24 + j]] = [r0, r1, r2, r3];
    }
    transpose_rows(state);
}

/// From bit planes to blocks, in their order.
#[inline(never)]
pub(super) fn unslice(state: &mut State) {
    transpose_rows(state);
    for j in 0..8 {
        let [r0, r1, r2, r3] = core::array::from_fn(|r| state[8 * r + j]);
        let (p0, p1) = r0.zip8(r1);
        let (q0, q1) = r2.zip8(r3);
        let (x0, x1) = p0.zip16(q0);
        let (y0, y1) = p1.zip16(q1);
        let (u0, u1) = x0.zip32(y0);
        let (v0, v1) = x1.zip32(y1);
        let (b0, b1) = u0.zip32(v0);
        let (b2, b3) = u1.zip32(v1);
        [state[j], state[8 + j], state[16 + j], state[24 + j]] = [b0, b1, b2, b3];
    }
}

/// AddRoundKey.
#[inline(always)]
pub(super) fn add(state: &mut State, key: &RoundKey) {
    for (plane, key) in state.iter_mut().zip(key) {
        *plane ^= *key;
    }
}

#[inline(always)]
fn rotated<const N: usize>(x: [W; 8]) -> [W; 8] {
    x.map(W::rotate_lanes::<N>)
}

#[inline(always)]
fn sum(a: [W; 8], b: [W; 8]) -> [W; 8] {
    core::array::from_fn(|i| a[i] ^ b[i])
}

/// Times x in GF(2^8), FIPS 197 §4.3.
#[inline(always)]
pub(super) fn xtime([a0, a1, a2, a3, a4, a5, a6, a7]: [W; 8]) -> [W; 8] {
    [a7, a0 ^ a7, a1, a2 ^ a7, a3 ^ a7, a4, a5, a6]
}

/// ShiftRows of all rows.
#[inline(always)]
fn shifted(state: &State) -> [[W; 8]; 4] {
    let s = |r| row(state, r);
    [s(0), rotated::<1>(s(1)), rotated::<2>(s(2)), rotated::<3>(s(3))]
}

/// InvShiftRows of all rows.
#[inline(always)]
fn unshifted(state: &State) -> [[W; 8]; 4] {
    let s = |r| row(state, r);
    [s(0), rotated::<3>(s(1)), rotated::<2>(s(2)), rotated::<1>(s(3))]
}

#[inline(always)]
fn put(state: &mut State, r: usize, planes: [W; 8]) {
    state[8 * r..8 * r + 8].copy_from_slice(&planes);
}

/// Bit `b` of all rows after ShiftRows.
#[inline(always)]
fn shifted_plane(state: &State, b: usize) -> [W; 4] {
    [
        state[b],
        state[8 + b].rotate_lanes::<1>(),
        state[16 + b].rotate_lanes::<2>(),
        state[24 + b].rotate_lanes::<3>(),
    ]
}

/// Sums of neighbouring rows.
#[inline(always)]
fn neighbours(a: [W; 4]) -> [W; 4] {
    [a[0] ^ a[1], a[1] ^ a[2], a[2] ^ a[3], a[3] ^ a[0]]
}

/// ShiftRows, MixColumns, AddRoundKey: plane by plane, for few are live at a time.
#[inline(always)]
pub(super) fn mix(state: &mut State, key: &RoundKey) {
    let top = neighbours(shifted_plane(state, 7));
    // The plane below, times x: of the lowest that is what the reduction gives.
    let mut below = top;
    macro_rules! planes {
        ($($b:literal)*) => {$({
            let a = shifted_plane(state, $b);
            let t = if $b == 7 { top } else { neighbours(a) };
            let mut out = [
                a[1] ^ t[2] ^ below[0] ^ key[$b],
                a[2] ^ t[3] ^ below[1] ^ key[8 + $b],
                a[3] ^ t[0] ^ below[2] ^ key[16 + $b],
                a[0] ^ t[1] ^ below[3] ^ key[24 + $b],
            ];
            // x^8 = x^4 + x^3 + x + 1.
            if matches!($b, 1 | 3 | 4) {
                out = [out[0] ^ top[0], out[1] ^ top[1], out[2] ^ top[2], out[3] ^ top[3]];
            }
            below = t;
            [state[$b], state[8 + $b], state[16 + $b], state[24 + $b]] = out;
        })*};
    }
    planes!(0 1 2 3 4 5 6 7);
    let _ = below;
}

/// ShiftRows, AddRoundKey: the last round's.
#[inline(always)]
pub(super) fn shift(state: &mut State, key: &RoundKey) {
    for (r, planes) in shifted(state).into_iter().enumerate() {
        put(state, r, sum(planes, row(key, r)));
    }
}

/// Bit `b` of all rows after InvShiftRows and AddRoundKey.
#[inline(always)]
fn unshifted_plane(state: &State, key: &RoundKey, b: usize) -> [W; 4] {
    [
        state[b] ^ key[b],
        state[8 + b].rotate_lanes::<3>() ^ key[8 + b],
        state[16 + b].rotate_lanes::<2>() ^ key[16 + b],
        state[24 + b].rotate_lanes::<1>() ^ key[24 + b],
    ]
}

/// InvShiftRows, AddRoundKey, InvMixColumns; the latter as MixColumns after a sparse matrix (Daemen and
/// Rijmen, The Design of Rijndael, §4.1.3).
#[inline(always)]
pub(super) fn unmix(state: &mut State, key: &RoundKey) {
    // Rows 0 and 2, rows 1 and 3.
    let pairs = |x: [W; 4]| [x[0] ^ x[2], x[1] ^ x[3]];
    let both = |x: [W; 2], y: [W; 2]| [x[0] ^ y[0], x[1] ^ y[1]];
    let spread = |x: [W; 4], [even, odd]: [W; 2]| [x[0] ^ even, x[1] ^ odd, x[2] ^ even, x[3] ^ odd];
    let [x5, x6, x7] = [5, 6, 7].map(|b| unshifted_plane(state, key, b));
    let (u5, u6, u7) = (pairs(x5), pairs(x6), pairs(x7));
    let u67 = both(u6, u7);
    let top = neighbours(spread(x7, u5));
    let mut below = top;
    let mut pair = [u5; 8];
    macro_rules! planes {
        ($($b:literal)*) => {$({
            let x = match $b {
                5 => x5,
                6 => x6,
                7 => x7,
                b => unshifted_plane(state, key, b),
            };
            pair[$b] = pairs(x);
            // The pairs' sums times x^2.
            let a = spread(x, match $b {
                0 => u6,
                1 => u67,
                2 => both(pair[0], u7),
                3 => both(pair[1], u6),
                4 => both(pair[2], u67),
                5 => both(pair[3], u7),
                6 => pair[4],
                _ => u5,
            });
            let t = if $b == 7 { top } else { neighbours(a) };
            let mut out = [
                a[1] ^ t[2] ^ below[0],
                a[2] ^ t[3] ^ below[1],
                a[3] ^ t[0] ^ below[2],
                a[0] ^ t[1] ^ below[3],
            ];
            if matches!($b, 1 | 3 | 4) {
                out = [out[0] ^ top[0], out[1] ^ top[1], out[2] ^ top[2], out[3] ^ top[3]];
            }
            below = t;
            [state[$b], state[8 + $b], state[16 + $b], state[24 + $b]] = out;
        })*};
    }
    planes!(0 1 2 3 4 5 6 7);
    let _ = below;
}

/// InvShiftRows, AddRoundKey: the last round's.
#[inline(always)]
pub(super) fn unshift(state: &mut State, key: &RoundKey) {
    for (r, planes) in unshifted(state).into_iter().enumerate() {
        put(state, r, sum(planes, row(key, r)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_planes_are_where_the_type_says() {
        let blocks: [[u8; 16]; 32] =
            core::array::from_fn(|n| core::array::from_fn(|i| (n * 89 + i * 41 + n * i) as u8));
        let mut state = blocks.map(|block| W::load(&block));
        slice(&mut state);
        for (n, block) in blocks.iter().enumerate() {
            for (i, byte) in block.iter().enumerate() {
                for bit in 0..8 {
                    let lane = state[8 * (i % 4) + bit].words()[i / 4];
                    assert_eq!(lane >> n & 1, u32::from(byte >> bit & 1));
                }
            }
        }
        unslice(&mut state);
        for (block, lanes) in blocks.iter().zip(state) {
            let mut out = [0; 16];
            lanes.store(&mut out);
            assert_eq!(out, *block);
        }
    }
}
