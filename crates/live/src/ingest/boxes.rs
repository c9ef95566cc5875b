//! Top-level boxes of an endless stream that comes in pieces of any size.

use isobmff::{BoxHeader, FourCc};

use super::IngestError;

/// Largest `moov`.
const MAX_HEADER: u64 = 1 << 20;
/// Largest `moof`.
const MAX_MOOF: u64 = 4 << 20;
/// Largest `mdat`: some ten seconds of a hundred Mbit/s.
const MAX_MEDIA: u64 = 128 << 20;

/// A box that is looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TopBox {
    pub(super) kind: FourCc,
    /// Where it begins in the stream.
    pub(super) position: u64,
    /// The whole box.
    pub(super) bytes: Vec<u8>,
}

/// Finds `moov`, `moof` and `mdat`; passes over everything else without keeping it.
#[derive(Debug, Default)]
pub(super) struct BoxReader {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were taken.
    taken: usize,
    /// Bytes still to come that nobody looks at.
    skip: u64,
    /// Where in the stream the next byte to be taken is.
    position: u64,
}

impl BoxReader {
    /// Takes the next piece of the stream.
    pub(super) fn push(&mut self, mut piece: &[u8]) {
        if self.taken == self.buffer.len() {
            let skipped = self.skip.min(piece.len() as u64);
            piece = &piece[skipped as usize..];
            self.skip -= skipped;
            self.position += skipped;
        }
        if self.taken > self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(piece);
    }

    /// Whether the stream could end here.
    pub(super) fn is_between_boxes(&self) -> bool {
        self.taken == self.buffer.len() && self.skip == 0
    }

    /// The next whole box; `None` until more has come.
    pub(super) fn next(&mut self) -> Result<Option<TopBox>, IngestError> {
        loop {
            let rest = &self.buffer[self.taken..];
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len() as u64);
                self.skip -= skipped;
                self.position += skipped;
                self.taken += skipped as usize;
                if self.skip > 0 {
                    return Ok(None);
                }
                continue;
            }
            let Some(header) = BoxHeader::parse(rest)? else { return Ok(None) };
            let kind = header.kind;
            if !kind.0.iter().all(|byte| (0x20..=0x7e).contains(byte)) {
                return Err(IngestError::NotMp4);
            }
            // Whatever an encoder begins with, it is one of these.
            const FIRST: [&[u8; 4]; 11] = [
                b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"prft", b"emsg", b"free", b"skip", b"uuid",
                b"mdat",
            ];
            if self.position == 0 && !FIRST.contains(&&kind.0) {
                return Err(IngestError::NotMp4);
            }
            let most = match &kind.0 {
                b"moov" => MAX_HEADER,
                b"moof" => MAX_MOOF,
                b"mdat" => MAX_MEDIA,
                _ => u64::MAX,
            };
            let size = header.size.filter(|size| *size <= most).ok_or(IngestError::TooLarge { kind })?;
            if most == u64::MAX {
                self.skip = size;
                continue;
            }
            if (rest.len() as u64) < size {
                return Ok(None);
            }
            // At most MAX_MEDIA.
            let size = size as usize;
            let found = TopBox { kind, position: self.position, bytes: rest[..size].to_vec() };
            self.taken += size;
            self.position = self.position.saturating_add(size as u64);
            return Ok(Some(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(data: &[u8], piece: usize) -> Vec<(FourCc, u64, usize)> {
        let mut reader = BoxReader::default();
        let mut found = Vec::new();
        for piece in data.chunks(piece) {
            reader.push(piece);
            while let Some(next) = reader.next().unwrap() {
                found.push((next.kind, next.position, next.bytes.len()));
            }
        }
        assert!(reader.is_between_boxes());
        found
    }

    #[test]
    fn boxes_in_pieces_of_any_size() {
        let data = b"\0\0\0\x0cftypiso6\0\0\0\x08moov\0\0\0\x10prft--------\0\0\0\x0amoof..\0\0\0\x09mdat.";
        let expected = vec![(FourCc(*b"moov"), 12, 8), (FourCc(*b"moof"), 36, 10), (FourCc(*b"mdat"), 46, 9)];
        for piece in 1..=data.len() {
            assert_eq!(all(data, piece), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        let next = |data: &[u8]| {
            let mut reader = BoxReader::default();
            reader.push(data);
            reader.next()
        };
        assert_eq!(next(b"\0\0\0\x08\x01\x02\x03\x04"), Err(IngestError::NotMp4));
        // To the end of the file: an endless stream has none.
        assert_eq!(next(b"\0\0\0\0mdat"), Err(IngestError::TooLarge { kind: FourCc(*b"mdat") }));
        assert_eq!(next(b"\xff\xff\xff\xffmoov"), Err(IngestError::TooLarge { kind: FourCc(*b"moov") }));
        assert!(matches!(next(b"\0\0\0\x07moov"), Err(IngestError::Boxes(_))));
        // What nobody looks at may have any size.
        assert_eq!(next(b"\xff\xff\xff\xfffree"), Ok(None));
    }
}
