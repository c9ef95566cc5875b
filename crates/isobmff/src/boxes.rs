use crate::{Cursor, Error, FourCc};

/// Size and type of a box (ISO/IEC 14496-12 §4.2), read from the start of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxHeader {
    /// The box's type.
    pub kind: FourCc,
    /// Length of the header: 8, or 16 with a 64-bit size, and 16 more for `uuid`.
    pub header_len: u8,
    /// Size of the whole box with its header; `None`: to the end of the file.
    pub size: Option<u64>,
}

impl BoxHeader {
    /// Longest possible header.
    pub const MAX_LEN: usize = 32;

    /// Reads the header at the start of `data`. `None` means that more bytes are needed.
    ///
    /// # Errors
    /// [`Error::BoxSize`] if the size is smaller than the header.
    pub fn parse(data: &[u8]) -> Result<Option<Self>, Error> {
        let Some((head, rest)) = data.split_first_chunk::<8>() else { return Ok(None) };
        let [s0, s1, s2, s3, kind @ ..] = *head;
        let kind = FourCc(kind);
        let mut header_len = 8u8;
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => None,
            1 => {
                let Some(wide) = rest.first_chunk::<8>() else { return Ok(None) };
                header_len = 16;
                Some(u64::from_be_bytes(*wide))
            }
            size => Some(u64::from(size)),
        };
        if kind == b"uuid" {
            header_len += 16;
        }
        if size.is_some_and(|size| size < u64::from(header_len)) {
            return Err(Error::BoxSize { kind, offset: 0 });
        }
        if data.len() < usize::from(header_len) {
            return Ok(None);
        }
        Ok(Some(Self { kind, header_len, size }))
    }
}

/// The boxes of the Protected Interoperable File Format (PIFF 1.1), whose types were UUIDs before the
/// standard had them; with this form [`Boxes`] reads them as the standard's.
const PIFF: [(&[u8; 16], &[u8; 4]); 3] = [
    (b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4", b"senc"),
    (b"\x89\x74\xdb\xce\x7b\xe7\x4c\x51\x84\xf9\x71\x48\xf9\x88\x25\x54", b"tenc"),
    (b"\xd0\x8a\x4f\x18\x10\xf3\x4a\x82\xb6\xc8\x32\xd8\xab\xa1\x83\xd3", b"pssh"),
];

/// A box inside a slice.
#[derive(Debug, Clone, Copy)]
pub struct BoxRef<'a> {
    /// The box's type; of PIFF's `uuid` boxes the one that they got in the standard: `senc`, `tenc`, `pssh`.
    pub kind: FourCc,
    /// Where the box begins, from the start of the outermost slice.
    pub offset: usize,
    /// Length of its header.
    pub header_len: usize,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> BoxRef<'a> {
    /// Size of the box with its header.
    pub const fn size(&self) -> usize {
        self.header_len + self.payload.len()
    }

    /// Where the payload begins, from the start of the outermost slice.
    pub const fn payload_offset(&self) -> usize {
        self.offset + self.header_len
    }

    /// Reads the payload's fields.
    pub const fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.kind, self.payload)
    }

    /// The version and flags of a full box, and a cursor behind them.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the payload is shorter.
    pub fn full(&self) -> Result<(u8, u32, Cursor<'a>), Error> {
        let mut cursor = self.cursor();
        let (version, flags) = cursor.version_and_flags()?;
        Ok((version, flags, cursor))
    }

    /// The boxes in the payload behind its first `skip` bytes (none if the payload is shorter).
    pub fn children(&self, skip: usize) -> Boxes<'a> {
        let skip = skip.min(self.payload.len());
        Boxes { data: &self.payload[skip..], base: self.payload_offset() + skip }
    }

    /// The first child of a type, in a box that holds nothing but boxes.
    ///
    /// # Errors
    /// As [`Boxes`].
    pub fn child(&self, kind: &[u8; 4]) -> Result<Option<BoxRef<'a>>, Error> {
        self.children(0).first(kind)
    }

    /// The first child of a type, which must be there.
    ///
    /// # Errors
    /// [`Error::Missing`], and as [`Boxes`].
    pub fn required(&self, kind: &[u8; 4]) -> Result<BoxRef<'a>, Error> {
        self.child(kind)?.ok_or(Error::Missing { kind: FourCc(*kind), parent: self.kind })
    }
}

/// The boxes in a slice, one after another. Ends after the first error. A size of 0 means: to the end of the
/// slice.
#[derive(Debug, Clone)]
pub struct Boxes<'a> {
    data: &'a [u8],
    base: usize,
}

impl<'a> Boxes<'a> {
    /// The boxes in `data`, whose first byte has offset 0.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, base: 0 }
    }

    /// The first box of a type.
    ///
    /// # Errors
    /// [`Error::BoxSize`] or [`Error::Truncated`] if the boxes before it are malformed.
    pub fn first(mut self, kind: &[u8; 4]) -> Result<Option<BoxRef<'a>>, Error> {
        self.find(|found| found.as_ref().map_or(true, |found| found.kind == kind)).transpose()
    }

    fn read(&mut self) -> Result<BoxRef<'a>, Error> {
        let offset = self.base;
        let header = BoxHeader::parse(self.data)
            .map_err(|error| match error {
                Error::BoxSize { kind, .. } => Error::BoxSize { kind, offset },
                other => other,
            })?
            .ok_or_else(|| {
                let kind =
                    self.data.get(4..8).and_then(|k| k.try_into().ok()).map_or(*b"????", |k: [u8; 4]| k);
                Error::Truncated { kind: FourCc(kind) }
            })?;
        let impossible = Error::BoxSize { kind: header.kind, offset };
        let size = match header.size {
            None => self.data.len(),
            Some(size) => usize::try_from(size).map_err(|_| impossible.clone())?,
        };
        let (this, rest) = self.data.split_at_checked(size).ok_or(impossible)?;
        let header_len = usize::from(header.header_len);
        self.data = rest;
        self.base += size;
        let mut kind = header.kind;
        if kind == b"uuid"
            && let Some((_, now)) = PIFF.iter().find(|(uuid, _)| this[..header_len].ends_with(&uuid[..]))
        {
            kind = FourCc(**now);
        }
        Ok(BoxRef { kind, offset, header_len, payload: &this[header_len..] })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BoxRef<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // QuickTime ends some containers with four zero bytes.
        if self.data.is_empty() || self.data == [0; 4] {
            return None;
        }
        let result = self.read();
        if result.is_err() {
            self.data = &[];
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_forms() {
        let parse = |bytes: &[u8]| BoxHeader::parse(bytes);
        assert_eq!(parse(b"\0\0\0\x08fre"), Ok(None));
        let short = parse(b"\0\0\0\x08free").unwrap().unwrap();
        assert_eq!((short.header_len, short.size), (8, Some(8)));
        assert_eq!(parse(b"\0\0\0\0mdat").unwrap().unwrap().size, None);
        assert_eq!(parse(b"\0\0\0\x01mdat\0\0\0\0"), Ok(None));
        let wide = parse(b"\0\0\0\x01mdat\0\0\0\x02\0\0\0\0").unwrap().unwrap();
        assert_eq!((wide.header_len, wide.size), (16, Some(1 << 33)));
        assert!(parse(b"\0\0\0\x07free").is_err());
        assert!(parse(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f").is_err());
        assert!(parse(b"\0\0\0\x17uuid0123456789abcdef").is_err());
        assert_eq!(parse(b"\0\0\0\x18uuid0123456789abcdef").unwrap().unwrap().header_len, 24);
    }

    #[test]
    fn walking_knows_offsets_and_stops_at_errors() {
        let data = b"\0\0\0\x10moov\0\0\0\x08free\0\0\0\x09mdatX\0\0\0\x99trak";
        let found: Vec<_> = Boxes::new(data).collect();
        assert_eq!(found.len(), 3);
        let moov = found[0].as_ref().unwrap();
        assert_eq!(moov.required(b"free").unwrap().offset, 8);
        assert_eq!(moov.required(b"trak").unwrap_err().to_string(), "`moov` has no `trak`");
        assert_eq!(found[1].as_ref().unwrap().payload, b"X");
        assert_eq!(found[2], Err(Error::BoxSize { kind: FourCc(*b"trak"), offset: 25 }));
    }

    impl PartialEq for BoxRef<'_> {
        fn eq(&self, other: &Self) -> bool {
            (self.kind, self.offset, self.payload) == (other.kind, other.offset, other.payload)
        }
    }
}
