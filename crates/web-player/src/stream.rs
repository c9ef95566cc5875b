//! A film's segments over a WebSocket, beside [`fetcher`](crate::fetcher): the same downloads, the same
//! events.
//!
//! What to say, and whose the octets are that come, is [`playback::stream`]'s to know; here are the socket
//! and those who wait. Once it is broken it stays so: every download that it leaves behind is told
//! [`Failure::Unstreamed`], and goes on by ranges.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::{Rc, Weak},
};

use engine::{Failure, FetchId, FetchSpec};
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use nccp::stream::{Piece, SUBPROTOCOL, Told};
pub use playback::stream::Broken;
use playback::stream::{Do, Stream};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

use crate::{
    clock,
    fetcher::{FetchEvent, Transfer},
};

/// By which way a film's media come, where its manifest prefers the persistent connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is being opened.
    Connecting,
    /// Over the persistent connection.
    Stream,
    /// By ranges, and why.
    Ranges(Broken),
}

/// Who waits for a download.
#[derive(Clone)]
struct Taker {
    tell: Rc<dyn Fn(FetchEvent)>,
    /// Names one attempt: the next one of the same download has another.
    attempt: Rc<()>,
}

/// A playback's connection, until it is dropped.
pub struct Connection {
    url: String,
    socket: WebSocket,
    stream: RefCell<Stream>,
    takers: RefCell<HashMap<FetchId, Taker>>,
    broken: RefCell<Option<Broken>>,
    listeners: RefCell<Vec<EventListener>>,
}

/// A download that comes over a connection; dropping it gives it up silently.
pub struct Running {
    connection: Weak<Connection>,
    fetch: FetchId,
    attempt: Rc<()>,
}

impl Transfer for Running {}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.upgrade() {
            connection.give_up(self.fetch, &self.attempt);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.socket.close();
    }
}

impl Connection {
    /// Begins to connect.
    ///
    /// # Errors
    /// The browser does not try: the URL is none, or the page's policy forbids it.
    pub fn open(url: &str) -> Result<Rc<Self>, Broken> {
        let socket = WebSocket::new_with_str(url, SUBPROTOCOL).map_err(|_| Broken::Closed)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let connection = Rc::new(Self {
            url: url.to_owned(),
            socket,
            stream: RefCell::new(Stream::connecting(clock::monotonic())),
            takers: RefCell::default(),
            broken: RefCell::default(),
            listeners: RefCell::default(),
        });
        connection.listen();
        Ok(connection)
    }

    /// Has `happened` called at each event of this name, until it is broken.
    fn on(self: &Rc<Self>, name: &'static str, happened: fn(&Self, &Event)) -> EventListener {
        let weak = Rc::downgrade(self);
        EventListener::new(&self.socket, name, move |event| {
            if let Some(connection) = weak.upgrade().filter(|connection| !connection.is_broken()) {
                happened(&connection, event);
            }
        })
    }

    fn listen(self: &Rc<Self>) {
        let opened = self.on("open", |this, _| {
            let news = this.stream.borrow_mut().opened(clock::monotonic());
            this.carry_out(news, None);
        });
        let message = self.on("message", |this, event| this.message(event.unchecked_ref()));
        // An error is followed by it, and says nothing more.
        let closed = self.on("close", |this, _| this.break_off(Broken::Closed));
        self.listeners.replace(vec![opened, message, closed]);
    }

    /// Where it leads.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn is_broken(&self) -> bool {
        self.broken.borrow().is_some()
    }

    /// How the film's media come.
    pub fn way(&self) -> Way {
        match &*self.broken.borrow() {
            Some(why) => Way::Ranges(why.clone()),
            None if self.stream.borrow().is_open() => Way::Stream,
            None => Way::Connecting,
        }
    }

    /// Whether a download is to come this way.
    pub fn carries(&self, spec: &FetchSpec) -> bool {
        !self.is_broken() && Stream::carries(spec)
    }

    /// Starts a download. `on_event` is called until the last chunk, a failure, or the drop of what this
    /// returns.
    pub fn start(self: &Rc<Self>, spec: &FetchSpec, on_event: impl Fn(FetchEvent) + 'static) -> Running {
        let (fetch, attempt) = (spec.fetch, Rc::new(()));
        let taker = Taker { tell: Rc::new(on_event), attempt: Rc::clone(&attempt) };
        self.takers.borrow_mut().insert(fetch, taker);
        let asks = self.stream.borrow_mut().want(spec, clock::monotonic());
        self.carry_out(asks, None);
        Running { connection: Rc::downgrade(self), fetch, attempt }
    }

    fn give_up(&self, fetch: FetchId, attempt: &Rc<()>) {
        let is_this = |taker: &Taker| Rc::ptr_eq(&taker.attempt, attempt);
        let is_running = self.takers.borrow().get(&fetch).is_some_and(is_this);
        if is_running {
            self.takers.borrow_mut().remove(&fetch);
            let asks = self.stream.borrow_mut().give_up(fetch);
            self.carry_out(asks, None);
        }
    }

    /// Gives it up, if nothing comes of it. Wanted a few times a second.
    pub fn give_up_if_silent(&self) {
        let is_silent = !self.is_broken() && self.stream.borrow().is_silent(clock::monotonic());
        if is_silent {
            self.break_off(Broken::Silent);
        }
    }

    fn message(&self, event: &MessageEvent) {
        let (data, now) = (event.data(), clock::monotonic());
        let (news, octets) = if let Some(text) = data.as_string() {
            let told = serde_json::from_str::<Told>(&text).map_err(|_| Broken::Nonsense);
            (told.and_then(|told| self.stream.borrow_mut().told(told, now)), None)
        } else {
            let message = match data.dyn_ref::<ArrayBuffer>() {
                Some(buffer) => Uint8Array::new(buffer),
                None => Uint8Array::new_with_length(0),
            };
            let head_ends = message.length().min(Piece::LEN as u32);
            let octets = message.subarray(head_ends, message.length());
            let head = message.subarray(0, head_ends).to_vec();
            let piece = Piece::read(&head).map(|(piece, _)| piece).ok_or(Broken::Nonsense);
            let length = u64::from(octets.length());
            (piece.and_then(|piece| self.stream.borrow_mut().piece(piece, length, now)), Some(octets))
        };
        match news {
            Ok(news) => self.carry_out(news, octets.as_ref()),
            Err(broken) => self.break_off(broken),
        }
    }

    /// First says what is to be said: whoever takes octets may want more at once, which comes after it.
    fn carry_out(&self, news: Vec<Do>, piece: Option<&Uint8Array>) {
        let mut taken = Vec::new();
        for one in news {
            match one {
                Do::Say(ask) => {
                    if let Ok(text) = serde_json::to_string(&ask) {
                        // Where it is closing, that is told soon.
                        let _ = self.socket.send_with_str(&text);
                    }
                }
                Do::Head { fetch, octets, last } => {
                    taken.push((fetch, Uint8Array::from(octets.as_slice()), last));
                }
                Do::Octets { fetch, skip, last } => {
                    let Some(piece) = piece else { continue };
                    let skip = u32::try_from(skip).unwrap_or(u32::MAX).min(piece.length());
                    taken.push((fetch, piece.subarray(skip, piece.length()), last));
                }
            }
        }
        for (fetch, octets, last) in taken {
            self.tell(fetch, FetchEvent::Chunk(octets, last), last);
        }
    }

    fn tell(&self, fetch: FetchId, event: FetchEvent, last: bool) {
        let taker = match last {
            true => self.takers.borrow_mut().remove(&fetch),
            false => self.takers.borrow().get(&fetch).cloned(),
        };
        if let Some(taker) = taker {
            (taker.tell)(event);
        }
    }

    /// It is over. What it leaves behind comes by ranges.
    fn break_off(&self, broken: Broken) {
        if self.is_broken() {
            return;
        }
        self.broken.replace(Some(broken));
        let _ = self.socket.close();
        let left = self.stream.borrow_mut().close();
        for fetch in left {
            self.tell(fetch, FetchEvent::Failed(Failure::Unstreamed), true);
        }
    }
}
