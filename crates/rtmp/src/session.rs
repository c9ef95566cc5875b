//! The server's side of a connection: what a publisher says, and what it is answered (RTMP 1.0, section 7.2).

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::amf0::{self, Value};
use crate::chunk::{self, ChunkError, Message, Reader, kind};
use crate::handshake::Handshake;
use crate::target::Target;

/// Octets of our chunks; nothing that is answered is longer.
const SIZE: u32 = 4096;
/// Octets after which what was read is acknowledged, unless the publisher wants another number.
const WINDOW: u32 = 2_500_000;
/// No window is smaller: each piece that comes is answered once at most.
const SMALLEST_WINDOW: u32 = 4096;
/// The stream that `createStream` gives. There is one in a connection.
const STREAM: u32 = 1;
/// Codecs of Enhanced RTMP that are taken, and the bit for "can decode".
const VIDEO: [&str; 3] = ["avc1", "hvc1", "av01"];
const AUDIO: [&str; 2] = ["mp4a", "Opus"];
const CAN_DECODE: f64 = 1.0;
/// `capsEx`: several tracks in a connection, and times in nanoseconds, which are passed over.
const CAPABILITIES: f64 = 0x06 as f64;

/// Why a connection cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// It is something else, or RTMPE.
    #[error("this is no RTMP")]
    NotRtmp,
    /// Its chunks contradict themselves.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A command that makes no sense here.
    #[error("`{0}` is not expected here")]
    Command(&'static str),
    /// Somebody wants to watch.
    #[error("streams are taken here, and none is given out")]
    Play,
}

/// Pictures or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// A media message; [`flv`](crate::flv) reads its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Pictures or sound.
    pub kind: MediaKind,
    /// Milliseconds; wraps at 2³².
    pub time: u32,
    /// The tag's body.
    pub payload: Bytes,
}

/// What a publisher does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It wants to use an application: to be answered by [`Session::accept`] or [`Session::refuse`]. Nothing
    /// more is read until then.
    Connect(Target),
    /// It wants to send a stream, to be answered in the same way.
    Publish(Target),
    /// It sends.
    Media(Media),
    /// It has nothing more to send.
    End,
}

/// What waits for an answer.
#[derive(Debug, Clone, Copy)]
enum Question {
    Connect { transaction: f64 },
    Publish,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Connected,
    Publishing,
    Over,
}

/// A connection. Commands may have a stream key in them: what was read of them is wiped.
pub struct Session {
    nonce: [u8; 32],
    handshake: Option<Handshake>,
    reader: Reader,
    /// What is to be sent.
    out: Vec<u8>,
    stage: Stage,
    question: Option<Question>,
    /// As `connect` named it: it may have a key in it.
    app: Zeroizing<String>,
    /// Octets read, and how many of them were acknowledged.
    read: u64,
    acknowledged: u64,
    window: u32,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("stage", &self.stage)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A connection of which nothing is read yet. The nonce is for its handshake, and no secret.
    pub fn new(nonce: [u8; 32]) -> Self {
        Self {
            nonce,
            handshake: Some(Handshake::default()),
            reader: Reader::new(),
            out: Vec::new(),
            stage: Stage::New,
            question: None,
            app: Zeroizing::default(),
            read: 0,
            acknowledged: 0,
            window: WINDOW,
        }
    }

    /// Takes the next octets; [`event`](Self::event) says what they mean, and must have said it before more
    /// come.
    ///
    /// # Errors
    /// [`SessionError::NotRtmp`].
    pub fn push(&mut self, octets: &[u8]) -> Result<(), SessionError> {
        self.read += octets.len() as u64;
        match &mut self.handshake {
            None => self.reader.push(octets),
            Some(handshake) => {
                let done = handshake.push(&self.nonce, octets, &mut self.out);
                if let Some(rest) = done.map_err(|_| SessionError::NotRtmp)? {
                    let rest = Zeroizing::new(rest);
                    self.handshake = None;
                    self.reader.push(&rest);
                }
            }
        }
        if self.handshake.is_none() && self.read - self.acknowledged >= self.window.into() {
            self.acknowledged = self.read;
            // Wraps, as the specification has it.
            self.control(kind::ACKNOWLEDGEMENT, &(self.read as u32).to_be_bytes());
        }
        Ok(())
    }

    /// What is to be sent to the publisher, before anything else is read of it.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What the publisher does next; `None` until more has come, or while a question waits for its answer.
    ///
    /// # Errors
    /// [`SessionError`]: nothing more can be read.
    pub fn event(&mut self) -> Result<Option<Event>, SessionError> {
        while self.question.is_none() && self.stage != Stage::Over {
            let Some(message) = self.reader.next()? else { return Ok(None) };
            if let Some(event) = self.message(message)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Answers the question that waits: it may.
    pub fn accept(&mut self) {
        match self.question.take() {
            Some(Question::Connect { transaction }) => {
                self.stage = Stage::Connected;
                self.control(kind::WINDOW, &WINDOW.to_be_bytes());
                self.control(kind::BANDWIDTH, &[&WINDOW.to_be_bytes()[..], &[2]].concat());
                self.control(kind::CHUNK_SIZE, &SIZE.to_be_bytes());
                self.connected(transaction);
            }
            Some(Question::Publish) => {
                self.stage = Stage::Publishing;
                self.reader.allow_media();
                // The stream begins.
                self.control(kind::USER_CONTROL, &[&[0, 0][..], &STREAM.to_be_bytes()].concat());
                self.status("status", "NetStream.Publish.Start", "The stream is taken.");
            }
            None => {}
        }
    }

    /// Answers the question that waits: it may not, for a reason in words. Nothing more is read then.
    pub fn refuse(&mut self, reason: &str) {
        match self.question.take() {
            Some(Question::Connect { transaction }) => {
                let info = information("error", "NetConnection.Connect.Rejected", reason);
                self.command(0, &[Value::text("_error"), Value::Number(transaction), Value::Null, info]);
            }
            Some(Question::Publish) => self.status("error", "NetStream.Publish.BadName", reason),
            None => return,
        }
        self.stage = Stage::Over;
    }

    /// Says why nothing more is taken of a stream that was. Nothing more is read then.
    pub fn end(&mut self, reason: &str) {
        if self.stage == Stage::Publishing {
            self.status("error", "NetStream.Publish.Failed", reason);
        }
        self.stage = Stage::Over;
    }

    fn message(&mut self, mut message: Message) -> Result<Option<Event>, SessionError> {
        let payload = &message.payload;
        let number = || Some(u32::from_be_bytes(payload.get(..4)?.try_into().ok()?));
        match message.kind {
            kind::CHUNK_SIZE => number().into_iter().for_each(|size| self.reader.set_size(size)),
            kind::ABORT => number().into_iter().for_each(|id| self.reader.abort(id)),
            kind::WINDOW => {
                if let Some(window) = number() {
                    self.window = window.max(SMALLEST_WINDOW);
                }
            }
            // A ping.
            kind::USER_CONTROL if payload.starts_with(&[0, 6]) => {
                if let Some(time) = payload.get(2..6) {
                    let answer = [&[0, 7][..], time].concat();
                    self.control(kind::USER_CONTROL, &answer);
                }
            }
            media @ (kind::AUDIO | kind::VIDEO) if self.stage == Stage::Publishing => {
                let kind = if media == kind::VIDEO { MediaKind::Video } else { MediaKind::Audio };
                let payload = std::mem::take(&mut *message.payload).into();
                return Ok(Some(Event::Media(Media { kind, time: message.time, payload })));
            }
            kind::COMMAND => return self.commanded(payload),
            // The same behind a mark.
            kind::COMMAND3 => return self.commanded(payload.get(1..).unwrap_or_default()),
            // What an encoder says of its stream stands in the stream, too; and what nobody knows is passed
            // over.
            _ => {}
        }
        Ok(None)
    }

    fn commanded(&mut self, payload: &[u8]) -> Result<Option<Event>, SessionError> {
        let values = Zeroizing::new(amf0::read(payload));
        let Some(name) = values.first().and_then(Value::as_text) else { return Ok(None) };
        let transaction = match values.get(1) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        };
        match name {
            "connect" => {
                if self.stage != Stage::New {
                    return Err(SessionError::Command("connect"));
                }
                let app = values.get(2).and_then(|object| object.field("app")).and_then(Value::as_text);
                self.app = app.unwrap_or_default().to_owned().into();
                self.question = Some(Question::Connect { transaction });
                Ok(Some(Event::Connect(Target::new(&self.app, ""))))
            }
            "createStream" => {
                if self.stage == Stage::New {
                    return Err(SessionError::Command("createStream"));
                }
                self.result(transaction, Value::Number(STREAM.into()));
                Ok(None)
            }
            "publish" => {
                if self.stage != Stage::Connected {
                    return Err(SessionError::Command("publish"));
                }
                let name = values.get(3).and_then(Value::as_text).unwrap_or_default();
                let target = Target::new(&self.app, name);
                self.question = Some(Question::Publish);
                Ok(Some(Event::Publish(target)))
            }
            "play" | "play2" => Err(SessionError::Play),
            "deleteStream" | "closeStream" | "FCUnpublish" if self.stage == Stage::Publishing => {
                if name == "FCUnpublish" {
                    // What follows says it again.
                    return Ok(None);
                }
                self.stage = Stage::Over;
                Ok(Some(Event::End))
            }
            // Asked by some before they publish; nothing depends on the answer.
            "releaseStream" | "FCPublish" | "_checkbw" if transaction > 0.0 => {
                self.result(transaction, Value::Null);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn connected(&mut self, transaction: f64) {
        let codecs = || VIDEO.iter().chain(&AUDIO).map(|codec| Value::text(codec));
        let decodes = |codecs: &[&str]| {
            Value::Object(
                codecs.iter().map(|codec| ((*codec).to_owned(), Value::Number(CAN_DECODE))).collect(),
            )
        };
        let properties = Value::Object(vec![
            ("fmsVer".to_owned(), Value::text("FMS/3,5,7,7009")),
            ("capabilities".to_owned(), Value::Number(31.0)),
            ("mode".to_owned(), Value::Number(1.0)),
        ]);
        let Value::Object(mut info) =
            information("status", "NetConnection.Connect.Success", "Connection succeeded.")
        else {
            return;
        };
        info.extend([
            ("objectEncoding".to_owned(), Value::Number(0.0)),
            ("fourCcList".to_owned(), Value::List(codecs().collect())),
            ("videoFourCcInfoMap".to_owned(), decodes(&VIDEO)),
            ("audioFourCcInfoMap".to_owned(), decodes(&AUDIO)),
            ("capsEx".to_owned(), Value::Number(CAPABILITIES)),
        ]);
        let values = [Value::text("_result"), Value::Number(transaction), properties, Value::Object(info)];
        self.command(0, &values);
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let info = information(level, code, description);
        self.command(STREAM, &[Value::text("onStatus"), Value::Number(0.0), Value::Null, info]);
    }

    fn result(&mut self, transaction: f64, value: Value) {
        self.command(0, &[Value::text("_result"), Value::Number(transaction), Value::Null, value]);
    }

    fn command(&mut self, stream: u32, values: &[Value]) {
        // A refused connection has not heard of our chunks' size.
        let size = if self.stage == Stage::New { 128 } else { SIZE as usize };
        chunk::write(&mut self.out, size, 3, kind::COMMAND, stream, &amf0::write(values));
    }

    fn control(&mut self, kind: u8, payload: &[u8]) {
        chunk::write(&mut self.out, SIZE as usize, 2, kind, 0, payload);
    }
}

fn information(level: &str, code: &str, description: &str) -> Value {
    let fields = [("level", level), ("code", code), ("description", description)];
    Value::Object(fields.map(|(name, value)| (name.to_owned(), Value::text(value))).into())
}
