use crate::{BoxRef, Cursor, Error, FourCc, TrackEncryption};

/// Reads an `sgpd` box if it describes `seig` groups (ISO/IEC 14496-12 §8.9.3, ISO/IEC 23001-7 §6).
pub(crate) fn parse_sgpd_seig(sgpd: &BoxRef<'_>) -> Result<Option<Vec<TrackEncryption>>, Error> {
    let (version, _, mut cursor) = sgpd.full()?;
    if cursor.four_cc()? != b"seig" {
        return Ok(None);
    }
    let mut default_length = 0;
    if version >= 1 {
        default_length = cursor.u32()?;
    }
    if version >= 2 {
        cursor.u32()?; // default_group_description_index
    }
    let count = cursor.u32()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = if version == 0 {
            TrackEncryption::parse_entry(&mut cursor, b"sgpd")?
        } else {
            let length = if default_length == 0 { cursor.u32()? } else { default_length };
            let mut bytes = Cursor::new(FourCc(*b"sgpd"), cursor.table(length, 1)?);
            TrackEncryption::parse_entry(&mut bytes, b"sgpd")?
        };
        entries.push(entry);
    }
    Ok(Some(entries))
}

/// The entries of an `sbgp` box if it groups by `seig`: pairs of sample count and group description index.
pub(crate) fn parse_sbgp_seig<'a>(sbgp: &BoxRef<'a>) -> Result<Option<&'a [[u8; 8]]>, Error> {
    let (version, _, mut cursor) = sbgp.full()?;
    if cursor.four_cc()? != b"seig" {
        return Ok(None);
    }
    if version >= 1 {
        cursor.u32()?; // grouping_type_parameter
    }
    let count = cursor.u32()?;
    Ok(Some(cursor.table(count, 8)?.as_chunks().0))
}

/// Which group each sample of a fragment belongs to, one call a sample.
#[derive(Debug, Clone)]
pub(crate) struct GroupWalk<'a> {
    runs: &'a [[u8; 8]],
    left: u32,
    index: u32,
}

impl<'a> GroupWalk<'a> {
    pub(crate) const fn new(runs: &'a [[u8; 8]]) -> Self {
        Self { runs, left: 0, index: 0 }
    }

    /// The next sample's group description index; 0: none.
    pub(crate) fn next_index(&mut self) -> u32 {
        while self.left == 0 {
            let Some((&[a, b, c, d, e, f, g, h], rest)) = self.runs.split_first() else { return 0 };
            self.runs = rest;
            self.left = u32::from_be_bytes([a, b, c, d]);
            self.index = u32::from_be_bytes([e, f, g, h]);
        }
        self.left -= 1;
        self.index
    }
}
