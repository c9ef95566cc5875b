//! What stands behind the tiles: how the frame is decoded. It is read for its length, and for the segments'
//! quantizers, which later frames may take over.

use super::super::grain_and_motion::global_motion;
use super::Reader;
use crate::bits::Bits;

impl Reader<'_, '_> {
    /// All that follows the tiles, but for film grain. Returns the segments' quantizers.
    pub(super) fn rest(
        &mut self,
        intra: bool,
        anew: bool,
        before: [Option<i32>; 8],
        intra_block_copy: bool,
        high_precision: bool,
    ) -> Result<[Option<i32>; 8], &'static str> {
        let colour = !self.sequence.monochrome;
        let (base, deltas) = self.quantization()?;
        let (enabled, segments) = segmentation(self.bits, anew, before)?;
        let mut delta_q = false;
        if base > 0 {
            delta_q = self.bits.flag()?;
        }
        if delta_q {
            self.bits.skip(2)?;
            if !intra_block_copy && self.bits.flag()? {
                self.bits.skip(3)?;
            }
        }
        let quantizer =
            |delta: &Option<i32>| (base as i32 + delta.filter(|_| enabled).unwrap_or(0)).clamp(0, 255);
        let lossless = !deltas && segments.iter().all(|delta| quantizer(delta) == 0);
        if !lossless && !intra_block_copy {
            self.loop_filter(colour)?;
            if self.sequence.cdef {
                self.bits.skip(2)?;
                let strengths = 1 << self.bits.u(2)?;
                self.bits.skip(strengths * if colour { 12 } else { 6 })?;
            }
        }
        let all_lossless = lossless && self.size[0] == self.size[1];
        if !all_lossless && !intra_block_copy && self.sequence.restoration {
            self.restoration(colour)?;
        }
        if !lossless {
            self.bits.flag()?; // transform mode
        }
        if !intra && self.bits.flag()? && self.has_skip_mode() {
            self.bits.flag()?;
        }
        if !intra && !self.error_resilient && self.sequence.warped_motion {
            self.bits.flag()?;
        }
        self.bits.flag()?; // reduced transforms
        if !intra {
            global_motion(self.bits, high_precision)?;
        }
        Ok(segments)
    }

    /// `quantization_params` (§5.9.12): the base, and whether anything differs from it.
    fn quantization(&mut self) -> Result<(u32, bool), &'static str> {
        let bits = &mut *self.bits;
        let base = bits.u(8)?;
        let delta = |bits: &mut Bits<'_>| Ok::<_, &'static str>(bits.flag()? && bits.u(7)? != 0);
        let mut any = delta(bits)?;
        if !self.sequence.monochrome {
            let differ = self.sequence.separate_uv_delta_q && bits.flag()?;
            for _ in 0..if differ { 4 } else { 2 } {
                any |= delta(bits)?;
            }
        }
        if bits.flag()? {
            bits.skip(if self.sequence.separate_uv_delta_q { 12 } else { 8 })?;
        }
        Ok((base, any))
    }

    /// `loop_filter_params` (§5.9.11).
    fn loop_filter(&mut self, colour: bool) -> Result<(), &'static str> {
        let bits = &mut *self.bits;
        let (first, second) = (bits.u(6)?, bits.u(6)?);
        if colour && (first > 0 || second > 0) {
            bits.skip(12)?;
        }
        bits.skip(3)?;
        if bits.flag()? && bits.flag()? {
            for _ in 0..10 {
                if bits.flag()? {
                    bits.skip(7)?;
                }
            }
        }
        Ok(())
    }

    /// `lr_params` (§5.9.20).
    fn restoration(&mut self, colour: bool) -> Result<(), &'static str> {
        let (mut any, mut chroma) = (false, false);
        for plane in 0..if colour { 3 } else { 1 } {
            if self.bits.u(2)? != 0 {
                any = true;
                chroma |= plane > 0;
            }
        }
        if any {
            if self.bits.flag()? && !self.sequence.large_superblocks {
                self.bits.flag()?;
            }
            if self.sequence.subsampling == [true, true] && chroma {
                self.bits.flag()?;
            }
        }
        Ok(())
    }

    /// Whether a frame whose blocks may have two references could skip (§5.9.22).
    fn has_skip_mode(&self) -> bool {
        if self.sequence.order_hint_bits == 0 {
            return false;
        }
        let hints: Vec<u32> = self.named.iter().map(|&n| self.references[n].order_hint).collect();
        let before = |a: u32, b: u32| self.distance(a, b) < 0;
        let latest_before = |time: u32| {
            let earlier = hints.iter().copied().filter(|&hint| before(hint, time));
            earlier.reduce(|latest, hint| if before(latest, hint) { hint } else { latest })
        };
        let Some(forward) = latest_before(self.order_hint) else { return false };
        let backward = hints.iter().any(|&hint| self.distance(hint, self.order_hint) > 0);
        backward || latest_before(forward).is_some()
    }
}

/// `segmentation_params` (§5.9.14): whether there are segments, and their quantizers.
fn segmentation(
    bits: &mut Bits<'_>,
    anew: bool,
    before: [Option<i32>; 8],
) -> Result<(bool, [Option<i32>; 8]), &'static str> {
    /// Bits of each feature, and whether it has a sign.
    const FEATURES: [(u32, bool); 8] =
        [(8, true), (6, true), (6, true), (6, true), (6, true), (3, false), (0, false), (0, false)];
    if !bits.flag()? {
        return Ok((false, [None; 8]));
    }
    let mut update = true;
    if !anew {
        if bits.flag()? {
            bits.flag()?; // temporal update
        }
        update = bits.flag()?;
    }
    if !update {
        return Ok((true, before));
    }
    let mut segments = [None; 8];
    for segment in &mut segments {
        for (feature, (width, signed)) in FEATURES.into_iter().enumerate() {
            if bits.flag()? {
                let value = bits.u(width + u32::from(signed))? as i32;
                if feature == 0 {
                    *segment = Some(if value >= 256 { value - 512 } else { value }.clamp(-255, 255));
                }
            }
        }
    }
    Ok((true, segments))
}
