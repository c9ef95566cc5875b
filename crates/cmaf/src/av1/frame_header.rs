//! Frame headers.

mod decoding;
mod size;
mod tiles;

use crate::bits::Bits;

use super::grain_and_motion::film_grain;
use super::sequence::Sequence;
pub(super) use tiles::Tiles;

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

/// Reads a frame header (`uncompressed_header`, §5.9.2) of a unit in a layer, and notes what it leaves for
/// later frames.
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
}
