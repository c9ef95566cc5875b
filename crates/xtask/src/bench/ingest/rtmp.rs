//! The least of RTMP 1.0 that a publisher needs.

use std::io::{self, Read, Write};

/// Kinds of messages.
pub(super) const AUDIO: u8 = 8;
pub(super) const VIDEO: u8 = 9;
pub(super) const DATA: u8 = 18;
const CHUNK_SIZE: u8 = 1;
const COMMAND: u8 = 20;

/// Octets of our chunks, as OBS has them.
const SIZE: usize = 4096;
/// Octets of C1, and of S1 and S2.
const HELLO: usize = 1536;
/// Octets of an answer that are looked at.
const MOST: usize = 64 << 10;

/// A message, in a chunk stream of its kind's own and in the one stream that there is.
pub(super) fn write(octets: &mut Vec<u8>, kind: u8, time: u32, payload: &[u8]) {
    let (chunks, stream) = match kind {
        CHUNK_SIZE => (2, 0),
        COMMAND => (3, 0),
        VIDEO => (6, 1),
        _ => (4, 1),
    };
    write_into(octets, (chunks, stream), kind, time, payload);
}

/// A time of 4.6 hours and more would need a field of its own: no film here is that long.
fn write_into(octets: &mut Vec<u8>, (chunks, stream): (u8, u8), kind: u8, time: u32, payload: &[u8]) {
    let [_, t2, t1, t0] = time.min(0x00ff_fffe).to_be_bytes();
    let [_, s2, s1, s0] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    octets.extend([chunks, t2, t1, t0, s2, s1, s0, kind, stream, 0, 0, 0]);
    for (n, piece) in payload.chunks(SIZE).enumerate() {
        if n > 0 {
            octets.push(0xc0 | chunks);
        }
        octets.extend_from_slice(piece);
    }
}

/// A text of AMF0, of 65,535 octets at most.
pub(super) fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[2][..], &length, text.as_bytes()].concat()
}

fn command(name: &str, transaction: u8, arguments: &[Vec<u8>]) -> Vec<u8> {
    let number = f64::from(transaction).to_be_bytes();
    [&text(name)[..], &[0], &number, &arguments.concat()].concat()
}

const NULL: u8 = 5;

fn connect(app: &str) -> Vec<u8> {
    // Names in an object have no mark before them.
    let field = |name: &str, value: &str| [&text(name)[1..], &text(value)].concat();
    let fields =
        [field("app", app), field("type", "nonprivate"), field("tcUrl", &format!("rtmp://localhost/{app}"))];
    let object = [&[3][..], &fields.concat(), &[0, 0, 9]].concat();
    command("connect", 1, &[object])
}

/// From the handshake until the stream is taken.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where it is refused; else of the connection.
pub(super) fn begin(stream: &mut (impl Read + Write), app: &str, name: &str) -> io::Result<()> {
    stream.write_all(&[&[3][..], &[0; HELLO]].concat())?;
    let mut answer = vec![0; 1 + 2 * HELLO];
    stream.read_exact(&mut answer)?;
    let mut octets = answer.get(1..=HELLO).unwrap_or_default().to_vec();
    write(&mut octets, CHUNK_SIZE, 0, &(SIZE as u32).to_be_bytes());
    write(&mut octets, COMMAND, 0, &connect(app));
    stream.write_all(&octets)?;
    until(stream, "NetConnection.Connect.Success")?;
    let mut octets = Vec::new();
    write(&mut octets, COMMAND, 0, &command("createStream", 2, &[vec![NULL]]));
    stream.write_all(&octets)?;
    until(stream, "_result")?;
    let mut octets = Vec::new();
    let arguments = [vec![NULL], text(name), text("live")];
    write_into(&mut octets, (4, 1), COMMAND, 0, &command("publish", 3, &arguments));
    stream.write_all(&octets)?;
    until(stream, "NetStream.Publish.Start")
}

/// Reads until the server has said something.
fn until(stream: &mut impl Read, wanted: &str) -> io::Result<()> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    let says = |all: &[u8], what: &str| all.windows(what.len()).any(|window| window == what.as_bytes());
    while !says(&all, wanted) {
        let count = stream.read(&mut piece)?;
        all.extend_from_slice(piece.get(..count).unwrap_or_default());
        let refused = ["Rejected", "BadName"].iter().any(|no| says(&all, no));
        if count == 0 || refused || all.len() > MOST {
            let why = if refused { "it is refused" } else { "it ended" };
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("waiting for {wanted} by RTMP: {why}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read is the server's, what is written is kept.
    struct Peer(io::Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Peer {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            // No more than one answer at a time.
            let most = into.len().min(64);
            self.0.read(into.get_mut(..most).unwrap_or_default())
        }
    }

    impl Write for Peer {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.1.extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn long_messages_go_in_chunks() {
        let mut octets = Vec::new();
        write(&mut octets, VIDEO, 0x01_0203, &[7; SIZE + 1]);
        assert_eq!(octets[..12], [6, 1, 2, 3, 0, 0x10, 1, 9, 1, 0, 0, 0]);
        assert_eq!(octets.len(), 12 + SIZE + 1 + 1);
        assert_eq!(octets[12 + SIZE..], [0xc6, 7]);
    }

    #[test]
    fn a_stream_begins_or_is_refused() {
        let said = |last: &str| {
            let words = ["NetConnection.Connect.Success", "_result", last];
            let padded = words.map(|word| format!("{word:.<64}"));
            let mut peer = Peer(
                io::Cursor::new([vec![3; 1 + 2 * HELLO], padded.concat().into_bytes()].concat()),
                Vec::new(),
            );
            (begin(&mut peer, "bench", "e0?key=k"), peer.1)
        };
        let (begun, sent) = said("NetStream.Publish.Start");
        assert!(begun.is_ok() && sent.windows(8).any(|window| window == b"e0?key=k"));
        assert!(said("NetStream.Publish.BadName").0.unwrap_err().to_string().contains("refused"));
        assert!(said("").0.is_err());
    }
}
