//! One connection of many.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::bench::delivery::Film;
use crate::error::Error;

/// How long an answer may take, of a server with very many connections.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets that an idle connection asks for each time.
const SHORT: usize = 1000;
/// Octets that a slow one takes each time: of less the system tells the server nothing until its buffers,
/// which are large on one machine, are empty by a third.
const SIP: usize = 512 << 10;
/// Octets of an answer's head at most.
const MOST_HEAD: usize = 8 << 10;

/// A connection, or what will be one.
pub(super) struct Client {
    stream: Option<TcpStream>,
    is_slow: bool,
}

/// The first octets of a film's file.
///
/// # Errors
/// [`Error::Server`] where it is not given.
pub(super) fn head_of(address: SocketAddr, film: &Film) -> Result<Vec<u8>, Error> {
    let mut stream = connect(address).map_err(failed("the first request"))?;
    ask(&mut stream, film, Some(SHORT)).map_err(failed("the first request"))
}

impl Client {
    /// One that asks for a little now and then.
    pub(super) fn idle() -> Self {
        Self { stream: None, is_slow: false }
    }

    /// One that asks for a whole file, and takes a little of it now and then.
    pub(super) fn slow() -> Self {
        Self { stream: None, is_slow: true }
    }

    /// Asks for something, or takes some more. Gives whether the server had closed it meanwhile, as it does
    /// with idle ones.
    ///
    /// # Errors
    /// [`Error::Server`] where no answer comes, or not the one that was asked for.
    pub(super) fn turn(&mut self, address: SocketAddr, film: &Film, expected: &[u8]) -> Result<bool, Error> {
        match (&mut self.stream, self.is_slow) {
            (Some(stream), true) => sip(stream).map(|()| false).map_err(failed("a slow reader")),
            (Some(stream), false) => match ask(stream, film, Some(SHORT)) {
                Ok(got) => same(&got, expected).map(|()| false),
                // It was idle for too long, on a machine that is busy.
                Err(error) if is_closed(&error) => self.open(address, film, expected).map(|()| true),
                Err(error) => Err(failed("an idle connection")(error)),
            },
            (None, _) => self.open(address, film, expected).map(|()| false),
        }
    }

    fn open(&mut self, address: SocketAddr, film: &Film, expected: &[u8]) -> Result<(), Error> {
        self.stream = None;
        let mut stream = connect(address).map_err(failed("a new connection"))?;
        if self.is_slow {
            ask(&mut stream, film, None).and_then(|_| sip(&mut stream)).map_err(failed("a slow reader"))?;
        } else {
            let got = ask(&mut stream, film, Some(SHORT)).map_err(failed("a new connection"))?;
            same(&got, expected)?;
        }
        self.stream = Some(stream);
        Ok(())
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks for the first so many octets, and reads them; without a number for all, and reads the answer's head
/// alone.
fn ask(stream: &mut TcpStream, film: &Film, first: Option<usize>) -> io::Result<Vec<u8>> {
    let range =
        first.map_or(String::new(), |first| format!("Range: bytes=0-{}\r\n", first.saturating_sub(1)));
    let request = format!("GET {} HTTP/1.1\r\nHost: films\r\n{range}\r\n", film.url);
    stream.write_all(request.as_bytes())?;
    // What of a long answer is taken along with its head is lost: it is not looked at.
    let mut reader = BufReader::with_capacity(MOST_HEAD, &mut *stream);
    let wanted: &[u8] = if first.is_some() { b"HTTP/1.1 206 " } else { b"HTTP/1.1 200 " };
    let head = head(&mut reader)?;
    if !head.starts_with(wanted) {
        let line = String::from_utf8_lossy(head.split(|octet| *octet == b'\r').next().unwrap_or_default());
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the answer is `{line}`")));
    }
    let mut body = vec![0; first.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(body)
}

/// An answer's head; nothing behind it is taken.
fn head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.extend(octet);
        if head.len() > MOST_HEAD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer's head has no end"));
        }
    }
    Ok(head)
}

/// Takes some more of an answer that goes on.
fn sip(stream: &mut TcpStream) -> io::Result<()> {
    stream.read_exact(&mut vec![0; SIP])
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind())
}

fn same(got: &[u8], expected: &[u8]) -> Result<(), Error> {
    match got == expected {
        true => Ok(()),
        false => Err(Error::Server("an answer has other octets than the first had".to_owned())),
    }
}

fn failed(who: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Server(format!("{who}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_where_it_ends() {
        let mut answer: &[u8] = b"HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabc";
        assert!(head(&mut answer).unwrap().ends_with(b": 3\r\n\r\n"));
        assert_eq!(answer, b"abc");
        assert!(head(&mut answer).is_err(), "it has none");
        assert!(head(&mut io::repeat(b'a')).is_err(), "it has no end");
    }

    #[test]
    fn what_a_server_closes_is_told_from_what_is_wrong() {
        assert!(is_closed(&io::ErrorKind::ConnectionReset.into()));
        assert!(!is_closed(&io::ErrorKind::TimedOut.into()));
        assert!(same(b"a", b"a").is_ok() && same(b"a", b"b").is_err());
    }
}
