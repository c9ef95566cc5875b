//! Chunks (RTMP 1.0, section 5.3): messages of several streams, cut into pieces.

use zeroize::{Zeroize as _, Zeroizing};

/// Most chunk streams of a connection; encoders have four or five.
const MAX_STREAMS: usize = 32;
/// Octets of messages that are not whole yet, of all chunk streams together.
const MAX_HELD: usize = 24 << 20;
/// The same before media messages are allowed.
const MAX_HELD_BEFORE: usize = 256 << 10;
/// Octets of a command or of data.
const MAX_COMMAND: usize = 64 << 10;
/// Octets of messages about the connection itself.
const MAX_CONTROL: usize = 64;
/// The size of chunks before anybody says another.
const FIRST_SIZE: usize = 128;
/// A time that stands in four more octets.
const EXTENDED: u32 = 0xff_ffff;

/// Types of messages.
pub(crate) mod kind {
    pub(crate) const CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW: u8 = 5;
    pub(crate) const BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const COMMAND3: u8 = 17;
    pub(crate) const COMMAND: u8 = 20;
}

/// Why a connection cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// A chunk that goes by one before it, which was not there.
    #[error("a chunk without the header that it goes by")]
    NoHeader,
    /// No encoder has so many.
    #[error("more than {MAX_STREAMS} chunk streams")]
    Streams,
    /// More than is taken.
    #[error("a message of type {kind} that is too large")]
    TooLarge {
        /// Its type.
        kind: u8,
    },
    /// Messages that never become whole.
    #[error("too many messages that are not whole")]
    Held,
}

/// A whole message. A stream key may be in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    /// Milliseconds; wraps.
    pub(crate) time: u32,
    pub(crate) payload: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, time, payload } = self;
        let (kind, time, octets) = (kind, time, payload.len());
        f.debug_struct("Message").field("kind", kind).field("time", time).field("octets", &octets).finish()
    }
}

/// A chunk stream.
#[derive(Default)]
struct Stream {
    id: u32,
    time: u32,
    /// What the next message without a time of its own adds.
    delta: u32,
    /// The time field that stood in four more octets.
    extended: Option<u32>,
    len: usize,
    kind: u8,
    payload: Zeroizing<Vec<u8>>,
    /// Whether a message has begun.
    begun: bool,
}

/// Puts messages together. What was read is wiped.
pub(crate) struct Reader {
    buffer: Zeroizing<Vec<u8>>,
    taken: usize,
    streams: Vec<Stream>,
    /// The stream of a chunk whose octets come, and how many are still to come.
    open: Option<(usize, usize)>,
    size: usize,
    held: usize,
    /// Whether media messages may have their size.
    media: bool,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Zeroizing::default(),
            taken: 0,
            streams: Vec::new(),
            open: None,
            size: FIRST_SIZE,
            held: 0,
            media: false,
        }
    }

    pub(crate) fn push(&mut self, octets: &[u8]) {
        let left = self.buffer.len() - self.taken;
        self.buffer.copy_within(self.taken.., 0);
        self.buffer[left..].zeroize();
        self.buffer.truncate(left);
        self.taken = 0;
        append(&mut self.buffer, octets);
    }

    /// Chunks have so many octets at most from now on.
    pub(crate) fn set_size(&mut self, size: u32) {
        self.size = (size & 0x7fff_ffff).clamp(1, 1 << 24) as usize;
    }

    /// The message under way on a chunk stream is not sent to its end.
    pub(crate) fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            self.held -= stream.payload.len();
            (stream.payload, stream.begun) = (Zeroizing::default(), false);
        }
    }

    /// From now on, media messages may be as large as they like (16 MiB).
    pub(crate) fn allow_media(&mut self) {
        self.media = true;
    }

    /// The next whole message; `None` until more has come.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let (at, left) = match self.open {
                Some(open) => open,
                None => match self.header()? {
                    Some(open) => open,
                    None => return Ok(None),
                },
            };
            let rest = &self.buffer[self.taken..];
            let now = left.min(rest.len());
            let most = if self.media { MAX_HELD } else { MAX_HELD_BEFORE };
            if self.held + now > most {
                return Err(ChunkError::Held);
            }
            let stream = &mut self.streams[at];
            match stream.kind {
                kind::AUDIO | kind::VIDEO => stream.payload.extend_from_slice(&rest[..now]),
                _ => append(&mut stream.payload, &rest[..now]),
            }
            self.held += now;
            self.taken += now;
            if now < left {
                self.open = Some((at, left - now));
                return Ok(None);
            }
            self.open = None;
            if stream.payload.len() < stream.len {
                continue;
            }
            let payload = std::mem::take(&mut stream.payload);
            self.held -= payload.len();
            stream.begun = false;
            return Ok(Some(Message { kind: stream.kind, time: stream.time, payload }));
        }
    }

    /// Reads a chunk's header: its stream, and how many octets come of it.
    fn header(&mut self) -> Result<Option<(usize, usize)>, ChunkError> {
        let rest = &self.buffer[self.taken..];
        let Some((format, id, mut at)) = basic_header(rest) else { return Ok(None) };
        let len = [11, 7, 3, 0][usize::from(format)];
        let Some(fields) = rest.get(at..at + len) else { return Ok(None) };
        at += len;
        let known = self.streams.iter().position(|stream| stream.id == id);
        let three = |at: usize| u32::from_be_bytes([0, fields[at], fields[at + 1], fields[at + 2]]);
        let four = |at: usize| {
            let octets: Option<[u8; 4]> = rest.get(at..at + 4).and_then(|octets| octets.try_into().ok());
            octets.map(u32::from_be_bytes)
        };
        let mut extended = None;
        if format < 3 && three(0) == EXTENDED {
            let Some(value) = four(at) else { return Ok(None) };
            (extended, at) = (Some(value), at + 4);
        }
        if format == 3
            && let Some(before) = known.and_then(|known| self.streams[known].extended)
        {
            // Most encoders write it again, some do not.
            let Some(value) = four(at) else { return Ok(None) };
            at += if value == before { 4 } else { 0 };
        }
        let known = match known {
            Some(known) => known,
            None if format != 0 => return Err(ChunkError::NoHeader),
            None if self.streams.len() >= MAX_STREAMS => return Err(ChunkError::Streams),
            None => {
                self.streams.push(Stream { id, ..Stream::default() });
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[known];
        if format < 3 && stream.begun {
            // Another begins: that one does not become whole.
            self.held -= stream.payload.len();
            (stream.payload, stream.begun) = (Zeroizing::default(), false);
        }
        if format < 3 {
            stream.extended = extended;
            stream.delta = extended.unwrap_or_else(|| three(0));
        }
        if format < 2 {
            (stream.len, stream.kind) = (three(3) as usize, fields[6]);
        }
        if !stream.begun {
            stream.time = if format == 0 { stream.delta } else { stream.time.wrapping_add(stream.delta) };
            stream.begun = true;
            let most = match stream.kind {
                kind::AUDIO | kind::VIDEO if self.media => usize::MAX,
                kind::CHUNK_SIZE..=kind::BANDWIDTH => MAX_CONTROL,
                _ => MAX_COMMAND,
            };
            if stream.len > most {
                return Err(ChunkError::TooLarge { kind: stream.kind });
            }
        }
        self.taken += at;
        Ok(Some((known, (stream.len - stream.payload.len()).min(self.size))))
    }
}

/// Adds octets; where they need a larger allocation, nothing stays in the one before.
fn append(to: &mut Zeroizing<Vec<u8>>, octets: &[u8]) {
    let len = to.len() + octets.len();
    if len > to.capacity() {
        let mut larger = Zeroizing::new(Vec::<u8>::with_capacity(len.max(2 * to.capacity())));
        larger.extend_from_slice(&to[..]);
        *to = larger;
    }
    to.extend_from_slice(octets);
}

/// Format, chunk stream and length of a chunk's basic header.
fn basic_header(rest: &[u8]) -> Option<(u8, u32, usize)> {
    let first = *rest.first()?;
    let (id, len) = match first & 0x3f {
        0 => (64 + u32::from(*rest.get(1)?), 2),
        1 => (64 + u32::from(*rest.get(1)?) + 256 * u32::from(*rest.get(2)?), 3),
        id => (id.into(), 1),
    };
    Some((first >> 6, id, len))
}

/// Writes a message in chunks of `size`, on a chunk stream from 2 to 63.
pub(crate) fn write(out: &mut Vec<u8>, size: usize, id: u8, kind: u8, stream: u32, payload: &[u8]) {
    out.push(id & 0x3f);
    out.extend([0; 3]);
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend([len[1], len[2], len[3], kind]);
    out.extend(stream.to_le_bytes());
    for (n, piece) in payload.chunks(size).enumerate() {
        if n > 0 {
            out.push(0xc0 | id & 0x3f);
        }
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(octets: &[u8], piece: usize) -> Result<Vec<Message>, ChunkError> {
        let mut reader = Reader::new();
        let mut found = Vec::new();
        for piece in octets.chunks(piece.max(1)) {
            reader.push(piece);
            while let Some(message) = reader.next()? {
                found.push(message);
            }
        }
        Ok(found)
    }

    /// A chunk: format, stream, time, length, type, octets.
    fn chunk(format: u8, time: u32, len: u32, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut out = vec![format << 6 | 4];
        let time = time.to_be_bytes();
        let len = len.to_be_bytes();
        match format {
            0 => out.extend([time[1], time[2], time[3], len[1], len[2], len[3], kind, 1, 0, 0, 0]),
            1 => out.extend([time[1], time[2], time[3], len[1], len[2], len[3], kind]),
            2 => out.extend(&time[1..]),
            _ => {}
        }
        out.extend(data);
        out
    }

    fn times(octets: &[&[u8]]) -> Vec<u32> {
        all(&octets.concat(), 7).unwrap().iter().map(|message| message.time).collect()
    }

    proptest! {
        #[test]
        fn messages_in_pieces_of_any_size(
            messages in proptest::collection::vec((2u8..64, proptest::collection::vec(any::<u8>(), 0..600)), 0..8),
            piece in 1usize..400,
        ) {
            let mut octets = Vec::new();
            for (id, payload) in &messages {
                write(&mut octets, FIRST_SIZE, *id, kind::COMMAND, 1, payload);
            }
            let found = all(&octets, piece).unwrap();
            prop_assert_eq!(found.len(), messages.len());
            for (found, (_, payload)) in found.iter().zip(&messages) {
                prop_assert_eq!(&found.payload[..], &payload[..]);
            }
        }

        #[test]
        fn arbitrary_octets_never_panic(octets: Vec<u8>, size: u32, piece in 1usize..64) {
            let mut reader = Reader::new();
            reader.set_size(size);
            reader.allow_media();
            for piece in octets.chunks(piece) {
                reader.push(piece);
                while let Ok(Some(_)) = reader.next() {}
                prop_assert_eq!(reader.held, reader.streams.iter().map(|s| s.payload.len()).sum::<usize>());
            }
        }
    }

    #[test]
    fn times_go_on() {
        let first = chunk(0, 40, 1, 8, b"a");
        // Differences, and the same again; behind a whole header, that is its time.
        assert_eq!(times(&[&first, &chunk(1, 20, 1, 8, b"b"), &chunk(3, 0, 0, 0, b"c")]), [40, 60, 80]);
        assert_eq!(times(&[&first, &chunk(3, 0, 0, 0, b"b")]), [40, 80]);
        // Over the end of 32 bits, with the time in four more octets, once repeated in front of the second
        // chunk.
        let mut late = chunk(0, EXTENDED, 130, 8, &0xffff_fff0u32.to_be_bytes());
        late.extend([7; 128]);
        let mut repeated = chunk(3, 0, 0, 0, &0xffff_fff0u32.to_be_bytes());
        repeated.extend([7; 2]);
        let plain = chunk(3, 0, 0, 0, &[7; 2]);
        let next = chunk(1, 32, 1, 8, b"b");
        assert_eq!(times(&[&late, &repeated, &next]), [0xffff_fff0, 16]);
        assert_eq!(times(&[&late, &plain, &next]), [0xffff_fff0, 16]);
    }

    #[test]
    fn chunks_of_several_streams_between_each_other() {
        let mut octets = chunk(0, 0, 200, 20, &[1; 128]);
        octets.extend([5, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, 9]);
        octets.extend(chunk(3, 0, 0, 0, &[1; 72]));
        let found = all(&octets, 50).unwrap();
        assert_eq!(found.iter().map(|message| message.payload.len()).collect::<Vec<_>>(), [1, 200]);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        assert_eq!(all(&chunk(3, 0, 0, 0, b""), 1), Err(ChunkError::NoHeader));
        // Before a stream is accepted, no message is large.
        assert_eq!(all(&chunk(0, 0, 0x10_0000, 9, b""), 1), Err(ChunkError::TooLarge { kind: 9 }));
        assert_eq!(all(&chunk(0, 0, 65, 1, b""), 1), Err(ChunkError::TooLarge { kind: 1 }));
        let streams: Vec<u8> = (2..60)
            .flat_map(|id| [id, 0, 0, 0, 0, 0, 200, 20, 0, 0, 0, 0].into_iter().chain([0; 128]))
            .collect();
        assert_eq!(all(&streams, 4096), Err(ChunkError::Streams));
        // So many messages that are not whole, before anything is allowed.
        let mut reader = Reader::new();
        reader.set_size(1 << 16);
        let failed = (3..9).find_map(|id| {
            reader.push(&[&[id, 0, 0, 0, 1, 0, 0, 20, 0, 0, 0, 0][..], &[0; 0xffff]].concat());
            let failed = reader.next().err();
            reader.open = None;
            failed
        });
        assert_eq!((failed, reader.held), (Some(ChunkError::Held), 4 * 0xffff));
        // Two messages of 16 MiB that are not whole.
        let mut reader = Reader::new();
        reader.allow_media();
        reader.set_size(1 << 24);
        let (mut failed, media) = (None, vec![0; 0xff_fff0]);
        for id in [4, 5] {
            reader.push(&[id, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0]);
            reader.push(&[]);
            assert_eq!(reader.next(), Ok(None));
            reader.push(&media);
            failed = reader.next().err();
            // It goes on with the other stream only where chunks are smaller than messages.
            reader.open = None;
        }
        assert_eq!(failed, Some(ChunkError::Held));
    }
}
