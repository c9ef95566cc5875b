use crate::bits::Bits;

use super::grain_and_motion::{film_grain, global_motion};
use super::sequence::Sequence;

pub(super) const KEY_FRAME: u32 = 0;
pub(super) const INTER_FRAME: u32 = 1;
const INTRA_ONLY_FRAME: u32 = 2;
const SWITCH_FRAME: u32 = 3;

/// What later frames need of a frame that they may refer to (AV1 bitstream specification, §7.20).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reference {
    kind: u32,
    upscaled_width: u32,
    height: u32,
    order_hint: u32,
    /// Of each segment, by how much its quantizer differs.
    segments: [Option<i32>; 8],
}

/// What a frame header says that the rest of the frame needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: u32,
    pub(super) shown: bool,
    pub(super) shows_existing: bool,
    pub(super) refreshes: u32,
    pub(super) tiles: Tiles,
}

/// How a frame is divided (§5.9.15).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tiles {
    pub(super) count: u32,
    /// Bits that number a tile.
    pub(super) bits: u32,
    /// Bytes of a tile's size.
    pub(super) size_bytes: usize,
}

/// The frame that a header is read for.
struct Reader<'a, 'b> {
    sequence: &'a Sequence,
    references: &'a mut [Reference; 8],
    bits: &'a mut Bits<'b>,
    error_resilient: bool,
    screen_content: bool,
    size_override: bool,
    order_hint: u32,
    /// Coded width, width once upscaled, height.
    size: [u32; 3],
    named: [usize; 7],
}

/// Reads a frame header (`uncompressed_header`, §5.9.2) of a unit in a layer, and notes what it leaves for later
/// frames.
pub(super) fn read(
    sequence: &Sequence,
    references: &mut [Reference; 8],
    layer: [u32; 2],
    bits: &mut Bits<'_>,
) -> Result<FrameHeader, &'static str> {
    let (mut kind, mut shown, mut showable, mut error_resilient) = (KEY_FRAME, true, false, true);
    if !sequence.reduced_still {
        if bits.flag()? {
            return show_existing(sequence, references, bits);
        }
        kind = bits.u(2)?;
        shown = bits.flag()?;
        if shown {
            presentation_time(sequence, bits)?;
            showable = kind != KEY_FRAME;
        } else {
            showable = bits.flag()?;
        }
        error_resilient = kind == SWITCH_FRAME || kind == KEY_FRAME && shown || bits.flag()?;
    }
    if kind == KEY_FRAME && shown {
        references.iter_mut().for_each(|reference| reference.order_hint = 0);
    }
    let disable_cdf_update = bits.flag()?;
    let screen_content = match sequence.screen_content {
        2 => bits.flag()?,
        fixed => fixed == 1,
    };
    let integer_mv = screen_content
        && match sequence.integer_mv {
            2 => bits.flag()?,
            fixed => fixed == 1,
        };
    if let Some([id_bits, _]) = sequence.frame_id_bits {
        bits.u(id_bits)?;
    }
    let size_override = kind == SWITCH_FRAME || !sequence.reduced_still && bits.flag()?;
    let order_hint = bits.u(sequence.order_hint_bits)?;
    let intra = matches!(kind, KEY_FRAME | INTRA_ONLY_FRAME);
    let primary = if intra || error_resilient { 7 } else { bits.u(3)? };
    buffer_removal_times(sequence, layer, bits)?;
    let refreshes = if kind == SWITCH_FRAME || kind == KEY_FRAME && shown { 0xff } else { bits.u(8)? };
    if (!intra || refreshes != 0xff) && error_resilient && sequence.order_hint_bits > 0 {
        for reference in references.iter_mut() {
            reference.order_hint = bits.u(sequence.order_hint_bits)?;
        }
    }
    let mut this = Reader {
        sequence,
        references,
        bits,
        error_resilient,
        screen_content,
        size_override,
        order_hint,
        size: [0; 3],
        named: [0; 7],
    };
    let (intra_block_copy, high_precision) = this.size_and_references(intra, integer_mv)?;
    if !sequence.reduced_still && !disable_cdf_update {
        this.bits.flag()?;
    }
    let tiles = this.tiles()?;
    let before = match primary {
        7 => [None; 8],
        index => this.references[this.named[index as usize]].segments,
    };
    let segments = this.rest(intra, primary == 7, before, intra_block_copy, high_precision)?;
    if sequence.film_grain && (shown || showable) {
        film_grain(sequence, kind == INTER_FRAME, this.bits)?;
    }
    let [_, upscaled_width, height] = this.size;
    let left = Reference { kind, upscaled_width, height, order_hint, segments };
    for (n, reference) in references.iter_mut().enumerate() {
        if refreshes >> n & 1 == 1 {
            *reference = left;
        }
    }
    Ok(FrameHeader { kind, shown, shows_existing: false, refreshes, tiles })
}

/// A frame that was decoded before is shown; a key frame then becomes all references.
fn show_existing(
    sequence: &Sequence,
    references: &mut [Reference; 8],
    bits: &mut Bits<'_>,
) -> Result<FrameHeader, &'static str> {
    let this = references[bits.u(3)? as usize];
    presentation_time(sequence, bits)?;
    if let Some([id_bits, _]) = sequence.frame_id_bits {
        bits.u(id_bits)?;
    }
    let refreshes = if this.kind == KEY_FRAME { 0xff } else { 0 };
    if refreshes != 0 {
        *references = [this; 8];
    }
    let tiles = Tiles::default();
    Ok(FrameHeader { kind: this.kind, shown: true, shows_existing: true, refreshes, tiles })
}

fn presentation_time(sequence: &Sequence, bits: &mut Bits<'_>) -> Result<(), &'static str> {
    match sequence.decoder_model {
        Some(model) if !sequence.equal_picture_interval => bits.skip(model.presentation_time as usize),
        _ => Ok(()),
    }
}

fn buffer_removal_times(
    sequence: &Sequence,
    [temporal, spatial]: [u32; 2],
    bits: &mut Bits<'_>,
) -> Result<(), &'static str> {
    let Some(model) = sequence.decoder_model else { return Ok(()) };
    if bits.flag()? {
        for &(layers, described) in &sequence.operating_points {
            let inside = layers >> temporal & 1 == 1 && layers >> (spatial + 8) & 1 == 1;
            if described && (layers == 0 || inside) {
                bits.skip(model.removal_time as usize)?;
            }
        }
    }
    Ok(())
}

/// Smallest `k` with `block << k` of at least `target` (§5.9.15).
fn tile_log2(block: u32, target: u32) -> u32 {
    let mut k = 0;
    while u64::from(block) << k < u64::from(target) {
        k += 1;
    }
    k
}

/// A number below `count`, which has not as many bits as that (§4.10.7).
pub(super) fn non_symmetric(bits: &mut Bits<'_>, count: u32) -> Result<u32, &'static str> {
    let width = 32 - count.leading_zeros();
    if width == 0 {
        return Ok(0);
    }
    let short = (1u32 << width) - count;
    let value = bits.u(width - 1)?;
    if value < short { Ok(value) } else { Ok((value << 1) - short + bits.u(1)?) }
}

impl Reader<'_, '_> {
    /// §7.8 and §5.9.3: how far a reference is from a time; negative: before it.
    fn distance(&self, a: u32, b: u32) -> i32 {
        match self.sequence.order_hint_bits {
            0 => 0,
            bits => {
                let (difference, sign) = (a as i32 - b as i32, 1 << (bits - 1));
                (difference & (sign - 1)) - (difference & sign)
            }
        }
    }

    /// The frame's size and its references; returns whether it may copy from itself, and whether its vectors
    /// have high precision.
    fn size_and_references(&mut self, intra: bool, integer_mv: bool) -> Result<(bool, bool), &'static str> {
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

    /// `tile_info` (§5.9.15).
    fn tiles(&mut self) -> Result<Tiles, &'static str> {
        // In units of 4 luma samples, then in superblocks.
        let units = |len: u32| 2 * ((len + 7) >> 3);
        let shift = if self.sequence.large_superblocks { 5 } else { 4 };
        let blocks = |len: u32| (units(len) + (1 << shift) - 1) >> shift;
        let (columns, rows) = (blocks(self.size[0]), blocks(self.size[2]));
        if columns == 0 || rows == 0 {
            return Err("a frame without a size");
        }
        let widest = 4096 >> (shift + 2);
        let largest = (4096 * 2304) >> (2 * (shift + 2));
        let least_columns = tile_log2(widest, columns);
        let least = least_columns.max(tile_log2(largest, rows * columns));
        let (count, column_bits, row_bits);
        if self.bits.flag()? {
            let more = |bits: &mut Bits<'_>, least: u32, len: u32| {
                let mut log2 = least;
                while log2 < tile_log2(1, len.min(64)) && bits.flag()? {
                    log2 += 1;
                }
                Ok::<_, &'static str>(log2)
            };
            column_bits = more(self.bits, least_columns, columns)?;
            row_bits = more(self.bits, least.saturating_sub(column_bits), rows)?;
            let of = |len: u32, log2: u32| len.div_ceil((len + (1 << log2) - 1) >> log2);
            count = [of(columns, column_bits), of(rows, row_bits)];
        } else {
            let mut measure = |len: u32, most: u32| {
                let (mut at, mut tiles, mut largest) = (0, 0, 0);
                while at < len {
                    let size = non_symmetric(self.bits, most.min(len - at))? + 1;
                    (at, tiles, largest) = (at + size, tiles + 1, size.max(largest));
                }
                Ok::<_, &'static str>((tiles, largest))
            };
            let (tile_columns, widest) = measure(columns, widest)?;
            let area = if least > 0 { (rows * columns) >> (least + 1) } else { rows * columns };
            let (tile_rows, _) = measure(rows, (area / widest.max(1)).max(1))?;
            count = [tile_columns, tile_rows];
            (column_bits, row_bits) = (tile_log2(1, tile_columns), tile_log2(1, tile_rows));
        }
        let bits = column_bits + row_bits;
        let mut size_bytes = 4;
        if bits > 0 {
            self.bits.skip(bits as usize)?;
            size_bytes = self.bits.u(2)? as usize + 1;
        }
        if count[0] > 64 || count[1] > 64 {
            return Err("more tiles than a frame may have");
        }
        Ok(Tiles { count: count[0] * count[1], bits, size_bytes })
    }

    /// All that follows the tiles, but for film grain. Returns the segments' quantizers.
    fn rest(
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
