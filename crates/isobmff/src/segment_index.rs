use crate::{BoxRef, BoxWriter, Error, FourCc};

/// One reference of a `sidx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentReference {
    /// Whether it refers to another `sidx` rather than to media.
    pub to_index: bool,
    /// Number of bytes, below 2^31.
    pub size: u32,
    /// Duration in the index's timescale.
    pub duration: u32,
    /// `starts_with_SAP`.
    pub starts_with_sap: bool,
    /// Stream access point type, 0 (unknown) to 7.
    pub sap_type: u8,
    /// Time from the segment's start to the access point, below 2^28.
    pub sap_delta: u32,
}

impl SegmentReference {
    /// A media segment that begins with a stream access point of type 1.
    pub const fn media(size: u32, duration: u32) -> Self {
        Self { to_index: false, size, duration, starts_with_sap: true, sap_type: 1, sap_delta: 0 }
    }
}

/// `sidx`: sizes and durations of the segments that follow (ISO/IEC 14496-12 §8.16.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentIndex {
    /// Track id.
    pub reference_id: u32,
    /// Ticks a second.
    pub timescale: u32,
    /// Earliest presentation time of the first segment.
    pub earliest_presentation_time: u64,
    /// Bytes between the end of the box and the first segment.
    pub first_offset: u64,
    /// The segments.
    pub references: Vec<SegmentReference>,
}

impl SegmentIndex {
    /// Size of the box that [`write`](Self::write) makes of `count` references.
    pub const fn written_size(count: usize) -> usize {
        40 + 12 * count
    }

    /// Reads a `sidx` box.
    ///
    /// # Errors
    /// [`Error::Version`], [`Error::Truncated`].
    pub fn parse(sidx: &BoxRef<'_>) -> Result<Self, Error> {
        let (version, _, mut cursor) = sidx.full()?;
        if version > 1 {
            return Err(Error::Version { kind: FourCc(*b"sidx"), version });
        }
        let reference_id = cursor.u32()?;
        let timescale = cursor.u32()?;
        let earliest_presentation_time = cursor.u32_or_u64(version == 1)?;
        let first_offset = cursor.u32_or_u64(version == 1)?;
        cursor.u16()?;
        let count = cursor.u16()?;
        let table = cursor.table(u32::from(count), 12)?;
        let references = table
            .as_chunks::<12>()
            .0
            .iter()
            .map(|&[a, b, c, d, e, f, g, h, i, j, k, l]| {
                let (size, sap) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([i, j, k, l]));
                SegmentReference {
                    to_index: size >> 31 == 1,
                    size: size & 0x7fff_ffff,
                    duration: u32::from_be_bytes([e, f, g, h]),
                    starts_with_sap: sap >> 31 == 1,
                    sap_type: (sap >> 28 & 0x07) as u8,
                    sap_delta: sap & 0x0fff_ffff,
                }
            })
            .collect();
        Ok(Self { reference_id, timescale, earliest_presentation_time, first_offset, references })
    }

    /// Writes the box, version 1. At most 65,535 references.
    pub fn write(&self, out: &mut BoxWriter) {
        out.full_box(b"sidx", 1, 0, |out| {
            out.u32(self.reference_id);
            out.u32(self.timescale);
            out.u64(self.earliest_presentation_time);
            out.u64(self.first_offset);
            out.u16(0);
            out.u16(self.references.len() as u16);
            for reference in &self.references {
                out.u32(u32::from(reference.to_index) << 31 | reference.size);
                out.u32(reference.duration);
                out.u32(
                    u32::from(reference.starts_with_sap) << 31
                        | u32::from(reference.sap_type) << 28
                        | reference.sap_delta,
                );
            }
        });
    }
}
