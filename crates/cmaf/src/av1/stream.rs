use cenc::Scheme;

use super::config;
use super::frame_header::{self, FrameHeader, KEY_FRAME, Reference, Tiles};
use super::obu::{self, Obu, Obus};
use super::sequence::Sequence;
use crate::bits::Bits;
use crate::subsamples::SubsampleBuilder;
use crate::{Access, Appearance, CodedSample};

/// An AV1 stream, read sample by sample in decoding order.
pub(crate) struct Av1Stream {
    sequence: Option<Sequence>,
    references: [Reference; 8],
    /// The frame whose tiles are not all there yet.
    frame: Option<FrameHeader>,
}

impl Av1Stream {
    /// Takes the sequence header of `av1C`'s payload.
    pub(crate) fn new(av1c: &[u8]) -> Result<Self, String> {
        Ok(Self { sequence: config::sequence(av1c)?, references: Default::default(), frame: None })
    }

    pub(crate) fn appearance(&self) -> Appearance {
        let transfer = self.sequence.as_ref().and_then(|sequence| u8::try_from(sequence.colour[1]).ok());
        let size = self.sequence.as_ref().map(|sequence| (sequence.max_size[0], sequence.max_size[1]));
        Appearance { size, sar: None, transfer, may_be_interlaced: false }
    }

    /// Reads the next sample. Only the data of tiles is protected, in whole blocks that end where it ends: so
    /// the binding wants it under any scheme.
    pub(crate) fn sample(&mut self, sample: &[u8], _scheme: Scheme) -> Result<CodedSample, String> {
        let mut builder = SubsampleBuilder::default();
        let (mut access, mut reference, mut first) = (Access::None, false, true);
        self.frame = None;
        for obu in Obus(sample) {
            let obu = obu?;
            builder.clear(obu.head);
            let (frame, head) = match obu.kind {
                obu::SEQUENCE_HEADER => {
                    self.sequence = Some(Sequence::parse(obu.payload)?);
                    (None, obu.payload.len())
                }
                obu::FRAME_HEADER | obu::REDUNDANT_FRAME_HEADER if self.frame.is_some() => {
                    (None, obu.payload.len())
                }
                obu::FRAME_HEADER => (Some(self.frame_header(&obu)?.0), obu.payload.len()),
                obu::FRAME => {
                    let (frame, head) = self.frame_header(&obu)?;
                    (Some(frame), head)
                }
                obu::TILE_GROUP => (None, 0),
                obu::TILE_LIST => return Err("large scale tiles are not supported".to_owned()),
                _ => (None, obu.payload.len()),
            };
            if let Some(frame) = frame {
                let key = frame.kind == KEY_FRAME && frame.shown && !frame.shows_existing;
                if first && key {
                    access = Access::Clean;
                }
                reference |= frame.refreshes != 0 || frame.shows_existing;
                first = false;
            }
            builder.clear(head);
            if matches!(obu.kind, obu::FRAME | obu::TILE_GROUP) {
                let tiles = self.frame.ok_or("tiles without a frame header")?.tiles;
                let last = tile_group(tiles, &obu.payload[head..], &mut builder)
                    .map_err(|what| format!("tile group: {what}"))?;
                if last {
                    self.frame = None;
                }
            }
        }
        Ok(CodedSample { subsamples: builder.finish(), access, leading: None, reference })
    }

    /// Reads a frame header and says how many bytes it has.
    fn frame_header(&mut self, obu: &Obu<'_>) -> Result<(FrameHeader, usize), String> {
        let sequence = self.sequence.as_ref().ok_or("a frame without a sequence header")?;
        let mut bits = Bits::new(obu.payload);
        let frame = frame_header::read(sequence, &mut self.references, obu.layer, &mut bits)
            .map_err(|what| format!("frame header: {what}"))?;
        if !frame.shows_existing {
            self.frame = Some(frame);
        }
        Ok((frame, bits.bytes()))
    }
}

/// Divides a tile group (§5.11.1); whether it has the frame's last tile.
fn tile_group(tiles: Tiles, group: &[u8], builder: &mut SubsampleBuilder) -> Result<bool, &'static str> {
    let mut bits = Bits::new(group);
    let (mut first, mut last) = (0, tiles.count - 1);
    if tiles.count > 1 && bits.flag()? {
        (first, last) = (bits.u(tiles.bits)?, bits.u(tiles.bits)?);
    }
    if first > last || last >= tiles.count {
        return Err("tiles that there are not");
    }
    builder.clear(bits.bytes());
    let mut rest = &group[bits.bytes()..];
    for tile in first..=last {
        let mut len = rest.len();
        if tile < last {
            let (size, after) = rest.split_at_checked(tiles.size_bytes).ok_or("it ends within a size")?;
            len = size.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte)) + 1;
            builder.clear(tiles.size_bytes);
            rest = after;
        }
        let (data, after) = rest.split_at_checked(len).ok_or("a tile reaches past its end")?;
        builder.slice(0, data.len(), Scheme::Cenc);
        rest = after;
    }
    Ok(last + 1 == tiles.count)
}
