use crate::{BoxRef, Boxes, Edit, Error, FourCc, TrackEncryption};

/// Protection of a sample entry: the content of its `sinf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// `schm`'s scheme, such as `cenc`.
    pub scheme: FourCc,
    /// `schm`'s version; 0x00010000 for 1.0.
    pub scheme_version: u32,
    /// `tenc`: the default for the track's samples.
    pub encryption: TrackEncryption,
    /// Where `sinf` begins, from the start of the parsed slice.
    pub sinf_offset: usize,
}

/// An entry of `stsd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleEntry {
    /// The type that the entry has in the file: `encv` or `enca` when protected.
    pub kind: FourCc,
    /// The format of the samples once clear: `frma`'s, or `kind`.
    pub format: FourCc,
    /// Where the entry begins, from the start of the parsed slice.
    pub offset: usize,
    /// Its protection, if any of a scheme with `tenc`.
    pub protection: Option<Protection>,
}

impl SampleEntry {
    fn parse(entry: &BoxRef<'_>, handler: FourCc) -> Result<Self, Error> {
        let mut this = Self { kind: entry.kind, format: entry.kind, offset: entry.offset, protection: None };
        if entry.kind != b"encv" && entry.kind != b"enca" {
            return Ok(this);
        }
        let Some(sinf) = Self::children(entry, handler)?.first(b"sinf")? else {
            return Err(Error::Missing { kind: FourCc(*b"sinf"), parent: entry.kind });
        };
        this.format = sinf.required(b"frma")?.cursor().four_cc()?;
        let Some(schm) = sinf.child(b"schm")? else { return Ok(this) };
        let (_, _, mut schm) = schm.full()?;
        let (scheme, scheme_version) = (schm.four_cc()?, schm.u32()?);
        let Some(tenc) = sinf.required(b"schi")?.child(b"tenc")? else { return Ok(this) };
        let encryption = TrackEncryption::parse_tenc(tenc.cursor())?;
        this.protection = Some(Protection { scheme, scheme_version, encryption, sinf_offset: sinf.offset });
        Ok(this)
    }

    /// The boxes inside a sample entry: behind the fixed fields, which depend on the kind of media.
    pub(crate) fn children<'a>(entry: &BoxRef<'a>, handler: FourCc) -> Result<Boxes<'a>, Error> {
        let fixed = match &handler.0 {
            b"vide" => 78,
            b"soun" => {
                // QuickTime's sound description versions 1 and 2 have more fields.
                let mut cursor = entry.cursor();
                cursor.take(8)?;
                match cursor.u16()? {
                    1 => 44,
                    2 => 64,
                    _ => 28,
                }
            }
            _ => 8,
        };
        if entry.payload.len() < fixed {
            return Err(Error::Truncated { kind: entry.kind });
        }
        Ok(entry.children(fixed))
    }

    /// All entries of an `stsd`.
    pub(crate) fn parse_all(stsd: &BoxRef<'_>, handler: FourCc) -> Result<Vec<Self>, Error> {
        let (_, _, mut cursor) = stsd.full()?;
        let count = cursor.u32()? as usize;
        let entries: Vec<_> = stsd
            .children(8)
            .take(count)
            .map(|entry| Self::parse(&entry?, handler))
            .collect::<Result<_, _>>()?;
        if entries.len() < count {
            return Err(Error::Truncated { kind: FourCc(*b"stsd") });
        }
        Ok(entries)
    }

    /// What turns the entries of an `stsd` into one clear entry: the first, in its original format. Several
    /// entries (clear lead beside protected samples) become one if they have the same format.
    pub(crate) fn clearing_edits(stsd: &BoxRef<'_>, entries: &[Self], edits: &mut Vec<Edit>) {
        let one_format = entries.windows(2).all(|pair| pair[0].format == pair[1].format);
        let protected = entries.iter().any(|entry| entry.protection.is_some());
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 && one_format && protected {
                edits.push(Edit::free(entry.offset));
            } else if let Some(protection) = &entry.protection {
                edits.push(Edit { offset: entry.offset + 4, bytes: entry.format.0 });
                edits.push(Edit::free(protection.sinf_offset));
            }
        }
        if let Some(second) = entries.get(1).filter(|_| one_format && protected) {
            edits.push(Edit { offset: stsd.payload_offset() + 4, bytes: 1u32.to_be_bytes() });
            // It ends before the others, which lie behind it then: Chromium takes whatever it holds for a
            // sample entry.
            let large = stsd.payload_offset() - stsd.offset == 16;
            let size = (second.offset - stsd.offset) as u32;
            edits.push(Edit { offset: stsd.offset + if large { 12 } else { 0 }, bytes: size.to_be_bytes() });
        }
    }
}
