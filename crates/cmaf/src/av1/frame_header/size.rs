//! A frame's size, and the frames that it refers to.

use super::Reader;

impl Reader<'_, '_> {
    /// The frame's size and its references; returns whether it may copy from itself, and whether its vectors
    /// have high precision.
    pub(super) fn size_and_references(
        &mut self,
        intra: bool,
        integer_mv: bool,
    ) -> Result<(bool, bool), &'static str> {
        if intra {
            self.frame_size()?;
            self.render_size()?;
            let copies = self.screen_content && self.size[0] == self.size[1] && self.bits.flag()?;
            return Ok((copies, false));
        }
        let short = self.sequence.order_hint_bits > 0 && self.bits.flag()?;
        if short {
            let (last, golden) = (self.bits.u(3)? as usize, self.bits.u(3)? as usize);
            self.named = self.short_references(last, golden);
        }
        for n in 0..7 {
            if !short {
                self.named[n] = self.bits.u(3)? as usize;
            }
            if let Some([_, difference]) = self.sequence.frame_id_bits {
                self.bits.u(difference)?;
            }
        }
        let mut found = false;
        if self.size_override && !self.error_resilient {
            for n in 0..7 {
                if self.bits.flag()? {
                    let reference = self.references[self.named[n]];
                    self.size = [reference.upscaled_width, reference.upscaled_width, reference.height];
                    self.superres()?;
                    found = true;
                    break;
                }
            }
        }
        if !found {
            self.frame_size()?;
            self.render_size()?;
        }
        let high_precision = !integer_mv && self.bits.flag()?;
        if !self.bits.flag()? {
            self.bits.skip(2)?; // interpolation filter
        }
        self.bits.flag()?; // switchable motion mode
        if !self.error_resilient && self.sequence.ref_frame_mvs {
            self.bits.flag()?;
        }
        Ok((false, high_precision))
    }

    /// `set_frame_refs` (§7.8).
    fn short_references(&self, last: usize, golden: usize) -> [usize; 7] {
        let hints: Vec<i32> = self
            .references
            .iter()
            .map(|reference| self.distance(reference.order_hint, self.order_hint))
            .collect();
        let mut used = [false; 8];
        let mut named: [Option<usize>; 7] = [None; 7];
        (named[0], named[3]) = (Some(last), Some(golden));
        (used[last], used[golden]) = (true, true);
        let latest_backward =
            |used: &[bool; 8]| (0..8).filter(|&n| !used[n] && hints[n] >= 0).max_by_key(|&n| (hints[n], n));
        let earliest_backward =
            |used: &[bool; 8]| (0..8).filter(|&n| !used[n] && hints[n] >= 0).min_by_key(|&n| (hints[n], n));
        let latest_forward =
            |used: &[bool; 8]| (0..8).filter(|&n| !used[n] && hints[n] < 0).max_by_key(|&n| (hints[n], n));
        for slot in [6, 4, 5] {
            let found = if slot == 6 { latest_backward(&used) } else { earliest_backward(&used) };
            if let Some(n) = found {
                (named[slot], used[n]) = (Some(n), true);
            }
        }
        for slot in [1, 2, 4, 5, 6] {
            if named[slot].is_none()
                && let Some(n) = latest_forward(&used)
            {
                (named[slot], used[n]) = (Some(n), true);
            }
        }
        let earliest = (0..8).min_by_key(|&n| (hints[n], n)).unwrap_or(0);
        named.map(|index| index.unwrap_or(earliest))
    }

    /// `frame_size` (§5.9.5).
    fn frame_size(&mut self) -> Result<(), &'static str> {
        let mut size = self.sequence.max_size;
        if self.size_override {
            let [width, height] = self.sequence.size_bits;
            size = [self.bits.u(width)? + 1, self.bits.u(height)? + 1];
        }
        self.size = [size[0], size[0], size[1]];
        self.superres()
    }

    /// `superres_params` (§5.9.8).
    fn superres(&mut self) -> Result<(), &'static str> {
        if self.sequence.superres && self.bits.flag()? {
            let denominator = self.bits.u(3)? + 9;
            self.size[0] = (self.size[1] * 8 + denominator / 2) / denominator;
        }
        Ok(())
    }

    fn render_size(&mut self) -> Result<(), &'static str> {
        if self.bits.flag()? { self.bits.skip(32) } else { Ok(()) }
    }
}
