//! One persistent connection, from the handshake to its end.

use super::Admitted;
use crate::Service;
use crate::config::STREAM_POLICY;
use crate::listen::Tie;
use crate::stream::{Film, Mistake, Playback, Rep, Segment, Step};
use crate::use_case::{Failure, streaming};
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use nccp::ErrorCode;
use nccp::stream::{Ask, Piece, Told, TrackKind, to_base64};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use storage::Key;
use tokio::time::Instant;

/// How long a client that was told why has to hang up.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why a connection ends.
enum End {
    /// The client is gone, or hangs up.
    Gone,
    /// Nothing was heard of it, and it took nothing.
    Idle,
    /// The server stops.
    Stopping,
    /// It is told an error.
    Told(ErrorCode, String),
}

impl From<axum::Error> for End {
    fn from(_: axum::Error) -> Self {
        Self::Gone
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        let told = failure.told();
        Self::Told(told.code, told.text)
    }
}

impl From<storage::Error> for End {
    fn from(error: storage::Error) -> Self {
        tracing::error!(%error, "a film cannot be streamed");
        ErrorCode::TryLater.into()
    }
}

impl From<ErrorCode> for End {
    fn from(code: ErrorCode) -> Self {
        Self::Told(code, code.text().to_owned())
    }
}

fn invalid(what: impl Into<String>) -> End {
    End::Told(ErrorCode::RequestInvalid, what.into())
}

/// The octets of the segment that is being sent.
struct Source {
    stream: BoxStream<'static, Result<bytes::Bytes, storage::Error>>,
    rest: bytes::Bytes,
}

impl Source {
    /// The next octets, up to so many, one at least. May be dropped while it waits.
    async fn next(&mut self, most: u64) -> Result<bytes::Bytes, End> {
        while self.rest.is_empty() {
            self.rest = self.stream.try_next().await?.ok_or(ErrorCode::TryLater)?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(most))
    }
}

struct Connection {
    service: Arc<Service>,
    admitted: Admitted,
    film: Arc<Film>,
    playback: Playback,
    socket: WebSocket,
    /// Of each track, by its number.
    sources: [Option<(Piece, Source)>; 2],
    /// When it was made; when it was last heard of, or last took something.
    made: Instant,
    alive: Instant,
    pinged: bool,
    sent: u64,
}

/// Streams until there is a reason to end.
pub(super) async fn serve(service: Arc<Service>, admitted: Admitted, socket: WebSocket, tie: Option<Tie>) {
    let (film, now) = (Arc::new(Film::of(&admitted.pack)), Instant::now());
    let playback = Playback::new(Arc::clone(&film));
    let (movie, application) = (admitted.movie.id, admitted.application.name.clone());
    let mut this = Connection {
        service,
        admitted,
        film,
        playback,
        socket,
        sources: [None, None],
        made: now,
        alive: now,
        pinged: false,
        sent: 0,
    };
    metrics::counter!("matinee_stream_connections_total").increment(1);
    let mut tie = tie;
    let stopping = async {
        match &mut tie {
            Some(tie) => tie.stopping().await,
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        () = stopping => End::Stopping,
        end = this.run() => match end {
            Ok(never) => match never {},
            Err(end) => end,
        },
    };
    let (reason, code, told) = match end {
        End::Gone => ("gone", None, None),
        End::Idle => (
            "idle",
            Some(close_code::POLICY),
            Some((ErrorCode::TryLater, "Nothing was heard of you.".to_owned())),
        ),
        End::Stopping => ("stopping", Some(close_code::AWAY), None),
        End::Told(code, text) => ("error", Some(close_code::POLICY), Some((code, text))),
    };
    let octets = this.sent;
    metrics::counter!("matinee_stream_octets_total").increment(octets);
    metrics::counter!("matinee_stream_ends_total", "reason" => reason).increment(1);
    tracing::info!(movie, application, octets, reason, "a persistent connection ended");
    if let Some(code) = code {
        let _ = tokio::time::timeout(GOODBYE, this.say_goodbye(code, told)).await;
    }
}

impl Connection {
    async fn run(&mut self) -> Result<Infallible, End> {
        loop {
            match self.playback.next() {
                Step::Metadata => self.begin_playback().await?,
                Step::Begin(segment) => self.begin(segment).await?,
                Step::End => self.tell(&Told::End { turn: self.playback.turn() }).await?,
                Step::Send(track, most) => {
                    let Some((piece, source)) = &mut self.sources[track.number() as usize] else {
                        return Err(invalid("there is nothing to send"));
                    };
                    let piece = *piece;
                    let octets = tokio::select! {
                        biased;
                        message = self.socket.recv() => Err(message),
                        octets = source.next(most) => Ok(octets?),
                    };
                    match octets {
                        Ok(octets) => self.send(track, piece, &octets).await?,
                        Err(message) => self.hear(message).await?,
                    }
                }
                Step::Wait => self.wait().await?,
            }
        }
    }

    async fn wait(&mut self) -> Result<(), End> {
        let idle = Duration::from_secs(self.service.config.stream.idle);
        // One that plays nothing is not kept by answers to pings.
        let from = if self.playback.is_idle() { self.made } else { self.alive };
        let until = if self.pinged { from + idle } else { from + idle / 2 };
        tokio::select! {
            biased;
            message = self.socket.recv() => self.hear(message).await,
            () = tokio::time::sleep_until(until) => {
                if Instant::now() >= from + idle {
                    return Err(End::Idle);
                }
                self.pinged = true;
                Ok(self.socket.send(Message::Ping(bytes::Bytes::new())).await?)
            }
        }
    }

    /// What the client says.
    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.alive = Instant::now();
        self.pinged = false;
        match message {
            Some(Ok(Message::Text(text))) => {
                let ask: Ask = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
                self.check_time()?;
                match &ask {
                    Ask::Head { rep } => return self.tell_head(rep).await,
                    Ask::Play { at: Some(_), .. } | Ask::Seek { track: None, .. } => {
                        self.sources = [None, None];
                    }
                    Ask::Seek { track: Some(track), .. } => self.sources[track.number() as usize] = None,
                    _ => {}
                }
                self.playback.ask(&ask).map_err(|mistake| match mistake {
                    Mistake::Unknown(kind) => {
                        invalid(format!("there is no such representation of track {}", kind.number()))
                    }
                    Mistake::NotBegun => invalid("nothing is played yet"),
                })
            }
            Some(Ok(Message::Binary(_))) => Err(invalid("clients send text")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(_)) => Err(invalid("that is no message, or a long one")),
        }
    }

    /// The URL gives nothing any more when its time is over, as of a file.
    fn check_time(&self) -> Result<(), End> {
        match self.service.clock.now() < self.admitted.expires {
            true => Ok(()),
            false => {
                Err(End::Told(ErrorCode::TryLater, "This URL has expired; ask for a manifest.".to_owned()))
            }
        }
    }

    /// DRM metadata of what begins now; what begins later may have other.
    async fn begin_playback(&mut self) -> Result<(), End> {
        let admitted = &self.admitted;
        let found = streaming::find(&self.service, &admitted.application, &admitted.content).await?;
        let Some((movie, pack)) = found else { return Err(ErrorCode::MovieNotAvailable.into()) };
        if pack.id != admitted.pack.id {
            return Err(End::Told(
                ErrorCode::TryLater,
                "The title was packaged anew; connect again.".to_owned(),
            ));
        }
        streaming::check_policy(&movie)?;
        let metadata = streaming::metadata(&self.service, &admitted.application, &movie, &pack)?;
        match metadata {
            None => Ok(()),
            Some(octets) => {
                self.tell(&Told::Metadata { data: to_base64(&octets), policy: STREAM_POLICY.to_owned() })
                    .await
            }
        }
    }

    async fn begin(&mut self, segment: Segment) -> Result<(), End> {
        self.check_time()?;
        let film = Arc::clone(&self.film);
        let rep = &film.reps[segment.rep];
        let (start, range) = rep.segments[segment.number];
        let init = match segment.with_init {
            true => Some(self.beginning(rep, rep.init.last() + 1).await?),
            false => None,
        };
        let key = self.key(rep)?;
        let library = Arc::clone(&self.service.files);
        let body = library.get(&key, Some(range.first()..range.last() + 1)).await?.body;
        let number = u32::try_from(segment.number).unwrap_or(u32::MAX);
        let source = Source { stream: body, rest: bytes::Bytes::new() };
        let track = rep.kind.number();
        self.sources[track as usize] = Some((Piece { track, number }, source));
        let told = Told::Segment {
            track: rep.kind,
            rep: rep.id.clone(),
            file: rep.downloadable.clone(),
            number,
            place: range.first(),
            start: start as f64 / f64::from(rep.timescale),
            bytes: range.length(),
            turn: self.playback.turn(),
            init,
        };
        self.tell(&told).await
    }

    fn key(&self, rep: &Rep) -> Result<Key, End> {
        let key: Key =
            format!("{}/{}", self.admitted.pack.id, rep.file).parse().map_err(storage::Error::from)?;
        Ok(key)
    }

    /// So many octets of a file, from its first on, in base64.
    async fn beginning(&mut self, rep: &Rep, octets: u64) -> Result<String, End> {
        let key = self.key(rep)?;
        let library = Arc::clone(&self.service.files);
        Ok(to_base64(&library.get(&key, Some(0..octets)).await?.bytes().await?))
    }

    async fn tell_head(&mut self, name: &str) -> Result<(), End> {
        // One that plays nothing is not kept by what it asks, either.
        let idle = Duration::from_secs(self.service.config.stream.idle);
        if self.playback.is_idle() && self.made.elapsed() >= idle {
            return Err(End::Idle);
        }
        let film = Arc::clone(&self.film);
        let number = film.find_any(name).ok_or_else(|| invalid("there is no such representation"))?;
        let rep = &film.reps[number];
        let data = self.beginning(rep, rep.head()).await?;
        self.sent += rep.head();
        self.playback.has_head(number);
        self.tell(&Told::Head { file: rep.downloadable.clone(), data }).await
    }

    async fn tell(&mut self, told: &Told) -> Result<(), End> {
        let text = serde_json::to_string(told).map_err(|_| ErrorCode::TryLater)?;
        self.socket.send(Message::Text(text.into())).await?;
        self.alive = Instant::now();
        Ok(())
    }

    async fn send(&mut self, track: TrackKind, piece: Piece, octets: &[u8]) -> Result<(), End> {
        let message = [&piece.to_octets()[..], octets].concat();
        self.socket.send(Message::Binary(message.into())).await?;
        let octets = octets.len() as u64;
        self.playback.sent(track, octets);
        (self.alive, self.sent) = (Instant::now(), self.sent + octets);
        Ok(())
    }

    /// The last words; then waits for the client's, so that it hears ours.
    async fn say_goodbye(&mut self, code: u16, told: Option<(ErrorCode, String)>) {
        if let Some((code, message)) = told {
            let _ = self.tell(&Told::Error { code: code.as_str().to_owned(), message }).await;
        }
        let _ = self.socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
        while let Some(Ok(_)) = self.socket.recv().await {}
    }
}
