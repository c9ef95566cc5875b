use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::state::State;

/// What is let through at once.
const PIECE: usize = 4096;

/// How a connection ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In good order (FIN).
    Close = 1,
    /// By reset (RST).
    Reset = 2,
}

/// What a connection's task, its socket and its answers' bodies share.
#[derive(Debug)]
pub(crate) struct Line {
    /// When the client may believe that it is connected.
    pub(crate) connected: Instant,
    ending: AtomicU8,
    /// Told when the connection has to end now.
    pub(crate) over: Notify,
}

impl Line {
    pub(crate) fn new(connected: Instant) -> Self {
        Self { connected, ending: AtomicU8::new(0), over: Notify::new() }
    }

    /// The connection ends in this way, once everything that was written is with the system.
    pub(crate) fn end(&self, end: End) {
        self.ending.store(end as u8, Ordering::SeqCst);
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst) != 0
    }

    fn is_reset(&self) -> bool {
        self.ending.load(Ordering::SeqCst) == End::Reset as u8
    }
}

/// A client's connection: what is written waits for its turn on the link.
pub(crate) struct Wire {
    stream: TcpStream,
    state: Arc<State>,
    line: Arc<Line>,
    /// Octets that are paid for, and when they are through.
    granted: usize,
    turn: Pin<Box<Sleep>>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, state: Arc<State>, line: Arc<Line>) -> Self {
        let turn = Box::pin(tokio::time::sleep_until(Instant::now()));
        Self { stream, state, line, granted: 0, turn }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.state.poll_sound(context));
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.state.poll_sound(context));
        if self.granted == 0 {
            self.granted = octets.len().min(PIECE);
            let through = self.state.reserve_down(self.granted);
            self.turn.as_mut().reset(through);
        }
        ready!(self.turn.as_mut().poll(context));
        let most = octets.len().min(self.granted);
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &octets[..most]))?;
        self.granted -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // hyper flushes when it has nothing more to write.
        if self.line.is_ending() {
            self.line.over.notify_one();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.is_reset() {
            // A socket that refuses is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}
