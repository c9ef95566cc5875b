//! RTMP and RTMPS: connections of encoders that publish (docs/protocol.md, section 13).

use crate::Service;
use crate::listen::{Answers, Stream, Tie};
use crate::live::{Denied, Event as LiveEvent, Feed, FeedError, Pace, Place, admit};
use ::live::{FlvIngest, FlvInput, Name, Source};
use ::rtmp::{Event, Media, Session, SessionError, Target};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::{Zeroize as _, Zeroizing};

/// How long a connection may take until it publishes.
const BEFORE: Duration = Duration::from_secs(15);
/// How long an encoder may send neither pictures nor sound.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a refused encoder has to read why.
const AFTER: Duration = Duration::from_secs(2);
/// Octets read at a time.
const PIECE: usize = 64 << 10;
/// What the tracks of a connection are called; those of HTTP have names of files.
const NAME: &str = "rtmp";

/// What answers where encoders publish.
#[derive(Clone)]
pub(crate) struct Publish(pub(crate) Arc<Service>);

impl Answers for Publish {
    async fn answer(self, stream: impl Stream, peer: SocketAddr, mut tie: Tie) {
        let mut connection = Connection {
            service: &self.0,
            stream,
            session: Session::new(crate::secret::random()),
            from: peer.ip().to_canonical(),
            piece: Zeroizing::new(vec![0; PIECE]),
            pace: Pace::new(),
        };
        let begun = tokio::select! {
            begun = tokio::time::timeout(BEFORE, connection.begin()) => begun,
            () = tie.stopping() => return,
        };
        let ended = match begun {
            Ok(Ok(Some((event, place)))) => connection.take(&event, &place, &mut tie).await,
            Ok(Ok(None)) => Ok(()),
            Ok(Err(gone)) => Err(gone),
            Err(_) => Err(Gone::Silent),
        };
        if let Err(gone) = ended {
            tracing::debug!(%gone, "a connection of an encoder ended early");
        }
        connection.close().await;
    }
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("it was closed")]
    Closed,
    #[error("nothing came of it")]
    Silent,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Session(#[from] SessionError),
}

struct Connection<'a, S> {
    service: &'a Arc<Service>,
    stream: S,
    session: Session,
    from: IpAddr,
    /// Wiped once it was read: a stream key may be in it.
    piece: Zeroizing<Vec<u8>>,
    pace: Pace,
}

impl<S: Stream> Connection<'_, S> {
    /// What the encoder does next.
    async fn event(&mut self) -> Result<Event, Gone> {
        loop {
            let event = self.session.event();
            self.flush().await?;
            if let Some(event) = event? {
                return Ok(event);
            }
            let count = self.stream.read(&mut self.piece).await?;
            if count == 0 {
                return Err(Gone::Closed);
            }
            self.pace.wait(count).await;
            let taken = self.session.push(&self.piece[..count]);
            self.piece[..count].zeroize();
            taken?;
        }
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let out = self.session.output();
        if !out.is_empty() {
            self.stream.write_all(&out).await?;
            self.stream.flush().await?;
        }
        Ok(())
    }

    /// Until it publishes an event that it may: `None` where it may not.
    async fn begin(&mut self) -> Result<Option<(LiveEvent, Place)>, Gone> {
        loop {
            let refusal = match self.event().await? {
                Event::Connect(target) => match names(&target) {
                    Some(_) => {
                        self.session.accept();
                        continue;
                    }
                    None => "There is no such application.".to_owned(),
                },
                Event::Publish(target) => match admitted(self.service, self.from, &target).await {
                    Ok(admitted) => {
                        self.session.accept();
                        self.flush().await?;
                        return Ok(Some(admitted));
                    }
                    Err(refusal) => refusal,
                },
                Event::Media(_) => continue,
                Event::End => return Ok(None),
            };
            self.session.refuse(&refusal);
            return Ok(None);
        }
    }

    /// Takes what it sends until it is over; then the encoder is told why.
    async fn take(&mut self, event: &LiveEvent, place: &Place, tie: &mut Tie) -> Result<(), Gone> {
        tracing::info!(app = %event.app, event = %event.name, "an encoder publishes by RTMP");
        let mut sending = Sending {
            event,
            feed: Feed::new(self.service, event),
            ingest: FlvIngest::default(),
            sources: Vec::new(),
        };
        let done = loop {
            let next = tokio::select! {
                biased;
                () = tie.stopping() => {
                    self.session.end("The server stops.");
                    break Ok(());
                }
                () = place.taken() => {
                    self.session.end("Another encoder sends this event now.");
                    break Ok(());
                }
                next = tokio::time::timeout(SILENCE, self.event()) => next,
            };
            match next {
                Ok(Ok(Event::Media(media))) => {
                    place.heard(self.service.clock.millis());
                    if let Err(reason) = sending.push(&media).await {
                        tracing::warn!(event = %event.name, reason, "nothing more is taken of an encoder");
                        self.session.end(&reason);
                        break Ok(());
                    }
                }
                Ok(Ok(_)) => break Ok(()),
                Ok(Err(gone)) => break Err(gone),
                Err(_) => {
                    self.session.end("Nothing came for a minute.");
                    break Err(Gone::Silent);
                }
            }
        };
        sending.finish().await;
        tracing::info!(app = %event.app, event = %event.name, "an encoder is gone");
        done
    }

    /// Says what is still to be said, and waits until it was read: who closes at once takes it away.
    async fn close(mut self) {
        let _ = tokio::time::timeout(AFTER, async {
            let _ = self.flush().await;
            let _ = self.stream.shutdown().await;
            while matches!(self.stream.read(&mut self.piece).await, Ok(1..)) {}
        })
        .await;
    }
}

/// The event that it wants to send, or why it may not.
async fn admitted(service: &Service, from: IpAddr, target: &Target) -> Result<(LiveEvent, Place), String> {
    let Some((app, Some(event))) = names(target) else { return Err(Denied::Unknown.in_words()) };
    let keys: Vec<&str> = target.key.iter().map(|key| key.as_str()).collect();
    let event = admit(service, from, (&app, &event), &keys).map_err(|denied| denied.in_words())?;
    match service.live.publishers.enter(&event, service.clock.millis()).await {
        Ok(place) => Ok((event, place)),
        Err(_) => Err("Another encoder is sending this event.".to_owned()),
    }
}

/// Application and event that an address names; there is nothing behind them.
fn names(target: &Target) -> Option<(Name, Option<Name>)> {
    match &target.path[..] {
        [app] => Some((app.parse().ok()?, None)),
        [app, event] => Some((app.parse().ok()?, Some(event.parse().ok()?))),
        _ => None,
    }
}

/// What a connection sends, on its way into the session.
struct Sending<'a> {
    event: &'a LiveEvent,
    feed: Feed<'a>,
    ingest: FlvIngest,
    sources: Vec<Source>,
}

impl Sending<'_> {
    /// Takes a message; fails in words for the encoder.
    async fn push(&mut self, media: &Media) -> Result<(), String> {
        metrics::counter!("matinee_ingest_bytes_total").increment(media.payload.len() as u64);
        let inputs = self.ingest.push(media).map_err(|error| error.to_string())?;
        self.feed_all(inputs).await.map_err(|error| match error {
            FeedError::Open(error) => error.to_string(),
            FeedError::Ended => Denied::Ended.in_words(),
            FeedError::Failed(error) => {
                tracing::error!(%error, "a live session cannot begin");
                "Try again later.".to_owned()
            }
        })
    }

    async fn feed_all(&mut self, inputs: Vec<FlvInput>) -> Result<(), FeedError> {
        for input in inputs {
            match input {
                FlvInput::Track(source) => {
                    match self.sources.iter_mut().find(|known| known.track_id == source.track_id) {
                        Some(known) => {
                            *known = source;
                            self.feed.leave();
                        }
                        None => self.sources.push(source),
                    }
                    self.feed.enter(NAME, &self.sources).await?;
                }
                FlvInput::Samples { track, samples } => {
                    self.feed.push(NAME, &self.sources, track, samples).await?;
                }
                FlvInput::Damaged(reason) => {
                    metrics::counter!("matinee_ingest_damaged_total").increment(1);
                    tracing::debug!(event = %self.event.name, reason, "a media message cannot be read");
                }
            }
        }
        Ok(())
    }

    /// The pictures that were kept.
    async fn finish(&mut self) {
        let inputs = self.ingest.finish();
        let _ = self.feed_all(inputs).await;
    }
}
