//! Encoders that cost little: each writes what was made ready, in time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::rtmp;
use super::stream::Piece;

/// How long a connection may take nothing, or may not answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Octets of an answer that are shown.
const SHOWN: usize = 200;

/// Where one publishes.
#[derive(Debug)]
pub(super) enum Door {
    /// An endless request.
    Http {
        /// The server.
        address: SocketAddr,
        /// With the key in it.
        path: String,
    },
    /// A connection.
    Rtmp {
        /// The server.
        address: SocketAddr,
        /// Its application.
        app: &'static str,
        /// The stream's name, with the key in it.
        name: String,
    },
}

/// What all publishers have in common, and what they tell.
#[derive(Debug, Default)]
pub(super) struct Load {
    is_over: AtomicBool,
    /// Milliseconds that the latest write was behind its time.
    late: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// All publishers go.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// How far the latest write was behind its time.
    pub(super) fn late(&self) -> Duration {
        Duration::from_millis(self.late.load(Ordering::Relaxed))
    }

    /// Why publishers ended before they were told to.
    pub(super) fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes from a moment on, until the load is over or the server takes no more.
    pub(super) fn publish(&self, door: &Door, pieces: &[Piece], begin: Instant) {
        if let Err(error) = self.try_publish(door, pieces, begin)
            && !self.is_over.load(Ordering::Relaxed)
        {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
        }
    }

    fn try_publish(&self, door: &Door, pieces: &[Piece], begin: Instant) -> io::Result<()> {
        self.wait(begin);
        let mut stream = door.open()?;
        for piece in pieces {
            let due = begin + piece.at;
            if self.wait(due) {
                return Ok(());
            }
            if let Err(error) = stream.write_all(&piece.octets) {
                return Err(said(&mut stream).unwrap_or(error));
            }
            let late = u64::try_from(due.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.late.fetch_max(late, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Waits until then. Gives whether the load is over.
    fn wait(&self, due: Instant) -> bool {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Door {
    fn open(&self) -> io::Result<TcpStream> {
        let (Self::Http { address, .. } | Self::Rtmp { address, .. }) = self;
        let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        match self {
            Self::Http { path, .. } => {
                let head =
                    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
                stream.write_all(head.as_bytes())?;
            }
            Self::Rtmp { app, name, .. } => rtmp::begin(&mut stream, app, name)?,
        }
        Ok(stream)
    }
}

/// What a server that takes no more has said of it, by HTTP.
fn said(stream: &mut TcpStream) -> Option<io::Error> {
    let mut answer = [0; SHOWN];
    let count = stream.read(&mut answer).ok().filter(|count| *count > 0)?;
    let text = String::from_utf8_lossy(answer.get(..count)?).into_owned();
    text.starts_with("HTTP/").then(|| io::Error::other(text.lines().next().unwrap_or_default().to_owned()))
}
