//! A box from being switched on to being switched off: activated, the list, films.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nccp::{AccountInfo, LicenseMode, MovieId, QueueMovie, RequestMessage, ResponseMessage};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::activation::{Backoff, activate};
use crate::control::{Ask, Control, Shared};
use crate::player::play;
use crate::sink::{Chosen, choose};
use crate::state::State;
use crate::wish::{Wish, stopped};
use crate::{Error, Identity, Listed, Notice, Reason, Screen, Sink, Trouble};

/// Seconds between looks at a list without films to play.
const REFRESH_SECONDS: f64 = 30.0;
/// Times that a film is tried again before the next one has its turn.
const MOST_TRIES: u32 = 5;
/// To connect to a server.
const CONNECT: Duration = Duration::from_secs(10);
/// Without an octet. The engine gives downloads up sooner.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the end of a box waits for the operator's receiver of reports.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a box is run with.
#[derive(Debug)]
pub struct Options {
    /// Who it is.
    pub identity: Identity,
    /// The folder for what it keeps; made where there is none.
    pub state: PathBuf,
    /// Who takes the films.
    pub sink: Sink,
    /// The film to play first, whether or not it is in the list.
    pub play: Option<MovieId>,
    /// End after one film, and on errors that the box would otherwise wait out.
    pub once: bool,
    /// What the viewer, or who runs the box, wants.
    pub wishes: mpsc::Receiver<Wish>,
}

/// Why a box ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody wanted it.
    Stopped,
    /// The one film is over.
    Done,
}

/// Runs a box until it is told to stop; with `once` to the end of one film.
///
/// # Errors
/// What the box cannot wait out.
pub async fn run(options: Options, screen: &mut dyn Screen) -> Result<Ended, Error> {
    let Options { identity, state, sink, play, once, mut wishes } = options;
    let chosen = choose(&sink).map_err(|program| Error::Player {
        program: program.to_owned(),
        reason: "it is not installed".to_owned(),
    })?;
    let (state, lost) = State::open(&state, &identity)?;
    let site = identity.trust.public_url().to_owned();
    screen.show(&Notice::Starting { name: identity.name(), site });
    if lost {
        screen.show(&Notice::StateLost);
    }
    // One provider of cryptography for the process; a second call finds the first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|_| Error::Unreachable)?;
    let (control, queue) = Control::start(Shared::new(Arc::new(identity), state), client.clone());
    let mut life = Life {
        control,
        client,
        chosen,
        once,
        wanted: play,
        seen: HashSet::new(),
        account: None,
        queue: None,
        backoff: Backoff::default(),
        retries: Retries::default(),
        leaving: JoinSet::new(),
    };
    let ended = life.live(screen, &mut wishes).await;
    let told = async { while life.leaving.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_WORDS, told).await;
    drop(life);
    // Another process may hold the state as soon as this one says that it has ended.
    queue.abort();
    let _ = queue.await;
    if matches!(ended, Ok(Ended::Stopped)) {
        screen.show(&Notice::Stopping);
    }
    ended
}

/// A box that is switched on: its account, its list, and what it plays next.
struct Life {
    control: Control,
    client: reqwest::Client,
    chosen: Chosen,
    once: bool,
    /// To be played first.
    wanted: Option<MovieId>,
    /// Films of the list that were played, or cannot be, since they are in it.
    seen: HashSet<MovieId>,
    /// As last shown.
    account: Option<AccountInfo>,
    queue: Option<Vec<QueueMovie>>,
    backoff: Backoff,
    retries: Retries,
    /// Reports of films that are over, on their way to the operator's receiver.
    leaving: JoinSet<()>,
}

/// Tries of a film that could not be played for a passing reason.
#[derive(Default)]
struct Retries {
    movie: Option<MovieId>,
    tries: u32,
    backoff: Backoff,
}

impl Retries {
    /// How long to wait before the film is tried again; `None` when it has been often enough.
    fn wait(&mut self, movie: MovieId, random: f64) -> Option<Duration> {
        if self.movie != Some(movie) {
            *self = Self { movie: Some(movie), ..Self::default() };
        }
        self.tries += 1;
        if self.tries > MOST_TRIES {
            *self = Self::default();
            return None;
        }
        Some(self.backoff.next(random))
    }
}

/// What to do next.
enum Next {
    Play(MovieId),
    Wait(Duration),
    /// The box no longer belongs to an account.
    Activate,
}

impl Life {
    async fn live(
        &mut self,
        screen: &mut dyn Screen,
        wishes: &mut mpsc::Receiver<Wish>,
    ) -> Result<Ended, Error> {
        loop {
            let next = tokio::select! {
                next = self.next(screen) => next?,
                () = stopped(wishes) => return Ok(Ended::Stopped),
            };
            match next {
                Next::Activate => screen.show(&Notice::Deactivated),
                Next::Wait(time) => tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = stopped(wishes) => return Ok(Ended::Stopped),
                },
                Next::Play(movie) => {
                    if let Some(ended) = self.play(movie, screen, wishes).await? {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    /// Sees to it that the box is somebody's, and finds a film.
    async fn next(&mut self, screen: &mut dyn Screen) -> Result<Next, Error> {
        if self.control.shared.state().registration().is_none() {
            (self.account, self.queue) = (None, None);
            activate(&self.control, screen, self.once).await?;
        }
        match self.refresh(screen).await {
            Ok(queue) => {
                self.backoff.reset();
                let listed: HashSet<MovieId> = queue.iter().map(|movie| movie.movie_id).collect();
                // What was taken off the list may be put on it again.
                self.seen.retain(|movie| listed.contains(movie));
                let unseen = || queue.iter().map(|movie| movie.movie_id).find(|id| !self.seen.contains(id));
                Ok(match self.wanted.take().or_else(unseen) {
                    Some(movie) => Next::Play(movie),
                    None => {
                        Next::Wait(Duration::from_secs_f64(REFRESH_SECONDS * (1.0 + fastrand::f64() / 5.0)))
                    }
                })
            }
            Err(Error::NotActivated) => Ok(Next::Activate),
            Err(error) if self.once || !error.may_pass() => Err(error),
            Err(error) => {
                let wait = self.backoff.next(fastrand::f64());
                screen.show(&Notice::Trouble(Trouble::of(&error, Some(wait))));
                Ok(Next::Wait(wait))
            }
        }
    }

    /// Account and list, in one envelope (A119, A120).
    async fn refresh(&mut self, screen: &mut dyn Screen) -> Result<Vec<QueueMovie>, Error> {
        let asks = [RequestMessage::AccountInfo, RequestMessage::Queue].map(Ask::Message);
        let [account, queue] = self.control.ask_all(asks);
        let (ResponseMessage::AccountInfo(account), ResponseMessage::Queue(queue)) =
            (account.await?, queue.await?)
        else {
            return Err(Error::Protocol);
        };
        if self.account.as_ref() != Some(&account) {
            let AccountInfo { name, plan, device_name: device, devices, device_limit: limit } =
                account.clone();
            screen.show(&Notice::Account { name, plan, device, devices, limit });
            self.account = Some(account);
        }
        if self.queue.as_ref() != Some(&queue) {
            let site = self.control.shared.identity.trust.public_url();
            let movies = queue.iter().map(|movie| listed(movie, site)).collect();
            screen.show(&Notice::Queue { movies });
            self.queue = Some(queue.clone());
        }
        Ok(queue)
    }

    /// Plays a film; gives the end of the box when it comes with the film's.
    async fn play(
        &mut self,
        movie: MovieId,
        screen: &mut dyn Screen,
        wishes: &mut mpsc::Receiver<Wish>,
    ) -> Result<Option<Ended>, Error> {
        let mut listed = self.queue.iter().flatten().filter(|listed| listed.movie_id == movie);
        let listed = listed.next();
        let title = listed.map(|listed| listed.metadata.title.clone());
        let embedded = listed.is_some_and(|listed| listed.license_mode == LicenseMode::Embedded);
        let film = (movie, title, embedded);
        while self.leaving.try_join_next().is_some() {}
        let leaving = &mut self.leaving;
        match play(&self.control, &self.client, screen, film, &self.chosen, wishes, leaving).await {
            Ok(end) if end.stop => Ok(Some(Ended::Stopped)),
            Ok(end) => {
                self.retries = Retries::default();
                self.seen.insert(movie);
                let over = self.once.then_some(match end.reason {
                    Reason::Finished => Ended::Done,
                    _ => Ended::Stopped,
                });
                Ok(over)
            }
            Err(Error::NotActivated) => {
                screen.show(&Notice::Deactivated);
                // Whoever activates the box next may want it.
                self.wanted = Some(movie).filter(|_| self.once);
                Ok(None)
            }
            Err(error) if self.once => Err(error),
            Err(error) => {
                let transient = error.is_transient();
                let wait = if transient { self.retries.wait(movie, fastrand::f64()) } else { None };
                screen.show(&Notice::Trouble(Trouble::of(&error, wait)));
                let Some(wait) = wait else {
                    self.seen.insert(movie);
                    return Ok(None);
                };
                self.wanted = Some(movie);
                tokio::select! {
                    () = tokio::time::sleep(wait) => Ok(None),
                    () = stopped(wishes) => Ok(Some(Ended::Stopped)),
                }
            }
        }
    }
}

/// A film of the list, with its widest picture (A121).
fn listed(movie: &QueueMovie, site: &str) -> Listed {
    let metadata = &movie.metadata;
    let art = metadata.art.iter().max_by_key(|art| art.width).map(|art| match art.url.starts_with('/') {
        true => format!("{site}{}", art.url),
        false => art.url.clone(),
    });
    Listed {
        movie_id: movie.movie_id,
        title: metadata.title.clone(),
        year: metadata.year,
        runtime: metadata.runtime,
        position: movie.position,
        art,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nccp::ErrorCode;

    #[test]
    fn a_film_is_tried_again_a_few_times() {
        let film = |id: u64| MovieId::try_from(id).unwrap();
        let mut retries = Retries::default();
        let waits: Vec<_> = (0..=MOST_TRIES).map(|_| retries.wait(film(1), 0.5)).collect();
        assert!(waits[..MOST_TRIES as usize].is_sorted_by(|a, b| a.is_some() && a < b), "{waits:?}");
        assert_eq!(waits.last(), Some(&None), "then it is the next one's turn");
        assert!(retries.wait(film(1), 0.5).is_some(), "put on the list again it begins anew");
        assert!(retries.wait(film(2), 0.5) < waits[1], "each for itself");
    }

    #[test]
    fn what_passes_by_itself() {
        let refused = |code: ErrorCode| Error::Refused(code.into());
        for error in
            [Error::Unreachable, Error::Engine(engine::Error::Unreachable), refused(ErrorCode::TryLater)]
        {
            assert!(error.is_transient(), "{error}");
        }
        for error in
            [Error::Engine(engine::Error::Damaged), refused(ErrorCode::MovieUnknown), Error::KeyMissing]
        {
            assert!(!error.is_transient(), "{error}");
        }
    }
}
