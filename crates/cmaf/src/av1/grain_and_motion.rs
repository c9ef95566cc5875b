//! The last parts of a frame header. Nothing in them matters but how long they are.

use crate::bits::Bits;

use super::sequence::Sequence;

/// `global_motion_params` (AV1 bitstream specification, §5.9.24).
pub(super) fn global_motion(bits: &mut Bits<'_>, high_precision: bool) -> Result<(), &'static str> {
    for _ in 0..7 {
        if !bits.flag()? {
            continue;
        }
        // Bits of the values' magnitudes.
        let translation = if bits.flag()? {
            (0..2).try_for_each(|_| parameter(bits, 12))?; // rotation and zoom
            12
        } else if bits.flag()? {
            if high_precision { 9 } else { 8 }
        } else {
            (0..4).try_for_each(|_| parameter(bits, 12))?; // affine
            12
        };
        (0..2).try_for_each(|_| parameter(bits, translation))?;
    }
    Ok(())
}

/// `decode_signed_subexp_with_ref` (§5.9.26): its length does not depend on the reference.
fn parameter(bits: &mut Bits<'_>, magnitude: u32) -> Result<(), &'static str> {
    let symbols = 2 * (1 << magnitude) + 1;
    let (mut round, mut from) = (0, 0);
    loop {
        let width = if round > 0 { 3 + round - 1 } else { 3 };
        if symbols <= from + 3 * (1 << width) {
            return bits.ns(symbols - from).map(drop);
        }
        if !bits.flag()? {
            return bits.skip(width as usize);
        }
        round += 1;
        from += 1 << width;
    }
}

/// `film_grain_params` (§5.9.30), where there are any.
pub(super) fn film_grain(sequence: &Sequence, inter: bool, bits: &mut Bits<'_>) -> Result<(), &'static str> {
    if !bits.flag()? {
        return Ok(());
    }
    bits.skip(16)?;
    if inter && !bits.flag()? {
        return bits.skip(3); // as another frame
    }
    let luma = bits.u(4)? as usize;
    bits.skip(16 * luma)?;
    let from_luma = !sequence.monochrome && bits.flag()?;
    let (mut cb, mut cr) = (0, 0);
    let luma_only = sequence.subsampling == [true, true] && luma == 0;
    if !(sequence.monochrome || from_luma || luma_only) {
        cb = bits.u(4)? as usize;
        bits.skip(16 * cb)?;
        cr = bits.u(4)? as usize;
        bits.skip(16 * cr)?;
    }
    bits.skip(2)?;
    let lag = bits.u(2)? as usize;
    let mut coefficients = 2 * lag * (lag + 1);
    if luma > 0 {
        bits.skip(8 * coefficients)?;
        coefficients += 1;
    }
    for points in [cb, cr] {
        if from_luma || points > 0 {
            bits.skip(8 * coefficients)?;
        }
    }
    bits.skip(4)?; // shifts
    for points in [cb, cr] {
        if points > 0 {
            bits.skip(25)?;
        }
    }
    bits.skip(2)
}
