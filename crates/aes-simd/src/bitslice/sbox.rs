//! The S-box and its inverse as circuits: the same gates whatever the data, so constant time.
//!
//! Bits are given least significant first. Both leave out the constant 0x63 of the affine map (four
//! inversions), which is part of the round keys here ([`AFFINE`]); so 0 goes to 0. Sources: Boyar, Matthews
//! and Peralta, "Logic minimization techniques with applications to cryptology", J. Cryptology 26 (2013), and
//! the circuit `SLP_AES_113` of Boyar, Peralta and Çalık, all of which is here but for the linear layers of
//! the inverse.

use core::ops::{BitAnd, BitXor};

use super::lanes::W;

/// What the circuits leave out: `sbox(x) ^ AFFINE` is SubBytes of FIPS 197 §5.1.1, `inverse(x ^ AFFINE)`
/// InvSubBytes of §5.3.2.
pub(super) const AFFINE: u8 = 0x63;

/// The part that is not linear: inversion in GF(2^8) by way of GF(2^4), 62 gates. Takes 22 linear forms of
/// the input, gives 18 products of which the output's bits are sums.
#[inline(always)]
#[rustfmt::skip]
fn products<T>([y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20, y21]: [T; 22]) -> [T; 18]
where
    T: Copy + BitXor<Output = T> + BitAnd<Output = T>,
{
    let t2 = y12 & y15; let t12 = y9 & y11; let t13 = y14 & y17; let t14 = t13 ^ t12; let t15 = y8 & y10;
    let t16 = t15 ^ t12; let t7 = y13 & y16; let t5 = y4 & y0; let t6 = t5 ^ t2; let t18 = t6 ^ t16;
    let t22 = t18 ^ y19; let t10 = y2 & y7; let t11 = t10 ^ t7; let t20 = t11 ^ t16; let t24 = t20 ^ y18;
    let t8 = y5 & y1; let t9 = t8 ^ t7; let t19 = t9 ^ t14; let t23 = t19 ^ y21; let t3 = y3 & y6; let t4 = t3 ^ t2;
    let t17 = t4 ^ y20; let t21 = t17 ^ t14; let t26 = t21 & t23; let t27 = t24 ^ t26; let t31 = t22 ^ t26;
    let t25 = t21 ^ t22; let t28 = t25 & t27; let t29 = t28 ^ t22; let z14 = t29 & y2; let z5 = t29 & y7;
    let t30 = t23 ^ t24; let t32 = t31 & t30; let t33 = t32 ^ t24; let t35 = t27 ^ t33; let t36 = t24 & t35;
    let t38 = t27 ^ t36; let t39 = t29 & t38; let t40 = t25 ^ t39; let t43 = t29 ^ t40; let z3 = t43 & y16;
    let z12 = t43 & y13; let z13 = t40 & y5; let z4 = t40 & y1; let t34 = t23 ^ t33; let t37 = t36 ^ t34;
    let t41 = t40 ^ t37; let z8 = t41 & y10; let z17 = t41 & y8; let t44 = t33 ^ t37; let z0 = t44 & y15;
    let z9 = t44 & y12; let z10 = t37 & y3; let z1 = t37 & y6; let z11 = t33 & y4; let t42 = t29 ^ t33;
    let t45 = t42 ^ t41; let z7 = t45 & y17; let z16 = t45 & y14; let z6 = t42 & y11; let z15 = t42 & y9;
    let z2 = t33 & y0;
    [z0, z1, z2, z3, z4, z5, z6, z7, z8, z9, z10, z11, z12, z13, z14, z15, z16, z17]
}

/// SubBytes without its constant, 113 gates.
#[inline(always)]
#[rustfmt::skip]
pub(super) fn sbox<T>([u7, u6, u5, u4, u3, u2, u1, u0]: [T; 8]) -> [T; 8]
where
    T: Copy + BitXor<Output = T> + BitAnd<Output = T>,
{
    let y14 = u3 ^ u5; let y13 = u0 ^ u6; let y12 = y13 ^ y14; let t1 = u4 ^ y12; let y15 = t1 ^ u5;
    let y6 = y15 ^ u7; let y20 = t1 ^ u1; let y9 = u0 ^ u3; let y11 = y20 ^ y9; let y7 = u7 ^ y11; let y8 = u0 ^ u5;
    let t0 = u1 ^ u2; let y10 = y15 ^ t0; let y17 = y10 ^ y11; let y19 = y10 ^ y8; let y16 = t0 ^ y11;
    let y21 = y13 ^ y16; let y18 = u0 ^ y16; let y1 = t0 ^ u7; let y4 = y1 ^ u3; let y2 = y1 ^ u0; let y5 = y1 ^ u6;
    let y3 = y5 ^ y8;
    let [z0, z1, z2, z3, z4, z5, z6, z7, z8, z9, z10, z11, z12, z13, z14, z15, z16, z17] =
        products([u7, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20, y21]);
    let tc12 = z3 ^ z5; let tc6 = z3 ^ z4; let tc5 = z1 ^ z0; let tc11 = tc6 ^ tc5; let tc8 = z7 ^ tc6;
    let tc16 = z6 ^ tc8; let tc20 = z15 ^ tc16; let tc1 = z15 ^ z16; let tc2 = z10 ^ tc1; let tc21 = tc2 ^ z11;
    let tc3 = z9 ^ tc2; let s0 = tc3 ^ tc16; let s3 = tc3 ^ tc11; let s1 = s3 ^ tc16; let tc13 = z13 ^ tc1;
    let tc4 = z0 ^ z2; let tc7 = z12 ^ tc4; let tc9 = z8 ^ tc7; let tc10 = tc8 ^ tc9; let tc17 = z14 ^ tc10;
    let s5 = tc21 ^ tc17; let tc26 = tc17 ^ tc20; let s2 = tc26 ^ z17; let tc14 = tc4 ^ tc12; let tc18 = tc13 ^ tc14;
    let s6 = tc10 ^ tc18; let s7 = z12 ^ tc18; let s4 = tc14 ^ s3;
    [s7, s6, s5, s4, s3, s2, s1, s0]
}

/// InvSubBytes without its constant, 114 gates. The forms and sums are those of the depth-16 circuit (Boyar
/// and Peralta, ePrint 2011/332), computed in 23 and 29 gates instead of 27 and 37: found by that paper's
/// greedy search with random ties, for the sums on the transposed matrix.
#[inline(always)]
#[rustfmt::skip]
pub(super) fn inverse<T>([u7, u6, u5, u4, u3, u2, u1, u0]: [T; 8]) -> [T; 8]
where
    T: Copy + BitXor<Output = T> + BitAnd<Output = T>,
{
    let y5 = u1 ^ u3; let y9 = u3 ^ u4; let y6 = y5 ^ u0; let y8 = u0 ^ u1; let y3 = u0 ^ u3; let y1 = y9 ^ u7;
    let y13 = y1 ^ u6; let y19 = y1 ^ u3; let y10 = y1 ^ y6; let y14 = y6 ^ u4; let y18 = y9 ^ u2; let y2 = y13 ^ y5;
    let y12 = y14 ^ y13; let y4 = y2 ^ y9; let y7 = y2 ^ y18; let y21 = y7 ^ u6; let y16 = y7 ^ y1; let r1 = u0 ^ u5;
    let y20 = r1 ^ y2; let y0 = r1 ^ u2; let y11 = y20 ^ y9; let y15 = y0 ^ y6; let y17 = y11 ^ y10;
    let [z0, z1, z2, z3, z4, z5, z6, z7, z8, z9, z10, z11, z12, z13, z14, z15, z16, z17] =
        products([y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20, y21]);
    let p1 = z3 ^ z5; let p2 = z13 ^ z16; let p3 = z6 ^ z15; let p4 = p1 ^ z12; let p5 = p2 ^ p3; let p6 = p4 ^ p5;
    let p7 = z8 ^ p6; let p8 = z0 ^ p1; let p9 = z2 ^ p8; let p10 = z4 ^ z5; let p11 = z1 ^ p7; let p12 = p8 ^ p10;
    let p13 = p11 ^ p12; let p14 = z10 ^ z16; let p15 = z11 ^ p9; let p16 = p14 ^ p15; let p17 = z14 ^ p13;
    let p18 = p16 ^ p17; let p19 = z7 ^ p6; let p20 = p10 ^ p19; let p21 = z9 ^ z11; let p22 = z17 ^ p21;
    let p23 = z15 ^ p22; let p24 = p16 ^ p20; let p25 = z17 ^ p24; let p26 = p7 ^ p9; let p27 = p2 ^ p18;
    let p28 = z12 ^ p18; let p29 = p22 ^ p28;
    [p23, p20, p13, p25, p26, p27, p29, p7]
}

/// SubBytes of a row, without its constant. For where speed does not count: a call, not a copy of the
/// circuit.
#[inline(never)]
pub(super) fn substitute(planes: &mut [W; 8]) {
    *planes = sbox(*planes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197 §5.1.1, from its definition: the inverse in GF(2^8), then the affine map.
    fn by_definition(x: u8) -> u8 {
        let product = |mut a: u8, mut b: u8| {
            let mut sum = 0;
            while b > 0 {
                sum ^= if b & 1 == 1 { a } else { 0 };
                a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
                b >>= 1;
            }
            sum
        };
        let inverse = (0..254).fold(1, |power, _| product(power, x));
        (0..5).fold(AFFINE, |sum, n| sum ^ inverse.rotate_left(n))
    }

    fn through(circuit: impl Fn([u8; 8]) -> [u8; 8], x: u8) -> u8 {
        let bits = circuit(core::array::from_fn(|i| x >> i & 1));
        (0..8).map(|i| bits[i] << i).sum()
    }

    #[test]
    fn both_circuits_are_what_fips_197_defines() {
        assert_eq!(by_definition(0x53), 0xed);
        for x in 0..=255 {
            let y = by_definition(x);
            assert_eq!(through(sbox, x) ^ AFFINE, y);
            assert_eq!(through(inverse, y ^ AFFINE), x);
        }
    }
}
