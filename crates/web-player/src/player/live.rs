//! An event while it goes on: its index, asked for again and again, and what the page may know of it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use engine::IndexQuestion;
use futures_util::future::{Either, select};
use gloo::{net::http::Request, timers::future::TimeoutFuture};
use nccp::{LiveManifest, Manifest};
use playback::{
    BETWEEN, EventState, Joined, Joining, LiveIndex, MAX_INDEX, PATIENCE, Run, engine_question,
    index_question, waits, wall_of,
};
use web_sys::{AbortController, RequestCredentials};

use crate::clock;

/// So often the server says of an event that nobody has begun to watch that it is another, or over, until
/// that is a failure.
pub(super) const MOST_GONE: u32 = 8;

/// What a page may know of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Where it stands.
    pub state: EventState,
    /// Where what can be seen begins and where it ends, in seconds of the event.
    pub window: (f64, f64),
    /// The position that is as live as it gets, in seconds.
    pub latest: f64,
    /// Whether the viewer sees what is live, and not something from before.
    pub follows: bool,
    /// The event is over, and can be seen from its beginning as a film.
    pub has_replay: bool,
    /// Times of day.
    pub runs: Vec<Run>,
}

impl Event {
    /// The Unix time, in seconds, at which a second of the event was.
    pub fn wall(&self, seconds: f64) -> Option<f64> {
        wall_of(&self.runs, seconds)
    }
}

/// Why there is no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoIndex {
    /// It may come later.
    Later,
    /// The session is over, or its URLs are: a fresh manifest says what there is.
    Gone,
}

/// What is known of an event's index.
#[derive(Default)]
pub(super) struct Feed {
    live: RefCell<Option<LiveManifest>>,
    joining: RefCell<Joining>,
    pub(super) state: Cell<EventState>,
    pub(super) runs: RefCell<Vec<Run>>,
    pub(super) has_replay: Cell<bool>,
    /// How often in a row nothing of the event could be had, before any of it was there.
    failures: Cell<u32>,
}

impl Feed {
    /// The manifest of an event, made whole: waits until something of it can be played, and says meanwhile
    /// where it stands. `None` when `wanted` does not hold any more.
    pub(super) async fn complete(
        &self,
        manifest: &Manifest,
        wanted: impl Fn() -> bool,
        tell: impl Fn(),
    ) -> Option<Result<Manifest, NoIndex>> {
        let live = manifest.live.clone()?;
        self.live.replace(Some(live.clone()));
        self.joining.borrow_mut().begin();
        let mut turn = 0;
        loop {
            let next = self.joining.borrow().waits_for();
            let asked = ask(&index_question(&live, turn, next)).await;
            if !wanted() {
                return None;
            }
            let pause = timeout(BETWEEN);
            match asked {
                Ok(index) => {
                    self.failures.set(0);
                    self.heard(&index);
                    tell();
                    match self.joining.borrow_mut().heard(clock::monotonic(), index, manifest, true) {
                        Joined::Ready(whole) => return Some(Ok(*whole)),
                        Joined::Over => return Some(Err(NoIndex::Gone)),
                        Joined::NotYet => {}
                    }
                }
                // Another network may have it.
                Err(_) if (turn as usize) < live.other_index_urls.len() => turn += 1,
                Err(error) => return Some(Err(error)),
            }
            pause.await;
        }
    }

    /// Whether the engine is to hear of parts of segments.
    pub(super) fn in_parts(&self) -> bool {
        self.joining.borrow().in_parts()
    }

    /// What the engine asks for. The first time it is there already, if it is not too old to say where what
    /// is live is.
    pub(super) async fn news(&self, question: &IndexQuestion) -> Result<LiveIndex, NoIndex> {
        let first = self.joining.borrow_mut().first(clock::monotonic());
        if let Some(first) = first {
            return Ok(first);
        }
        let question = self.live.borrow().as_ref().map(|live| engine_question(live, question));
        let index = ask(&question.ok_or(NoIndex::Later)?).await?;
        self.heard(&index);
        Ok(index)
    }

    /// Nothing of the event could be had: waits until it is to be tried again, longer each time. It was gone
    /// so often before: an event that is over answers, too.
    pub(super) async fn wait_again(&self, gone: u32) {
        let failures = self.failures.get().saturating_add(1).max(gone);
        self.failures.set(failures);
        wait(waits::again(failures, js_sys::Math::random())).await;
    }

    /// Whether the event does not arrive, before any of it was there.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.failures.get() > 0
    }

    fn heard(&self, index: &LiveIndex) {
        self.state.set(index.state);
        if *self.runs.borrow() != index.runs {
            self.runs.replace(index.runs.clone());
        }
    }

    /// Whether there is no event.
    pub(super) fn is_idle(&self) -> bool {
        self.live.borrow().is_none()
    }

    /// What the page may know, with what the engine knows.
    pub(super) fn event(&self, live: Option<engine::Live>) -> Event {
        let window = live.map_or((0.0, 0.0), |live| (live.window.begin, live.window.edge));
        Event {
            state: self.state.get(),
            window,
            latest: live.map_or(0.0, |live| live.latest),
            follows: live.is_some_and(|live| live.follows),
            has_replay: self.has_replay.get(),
            runs: self.runs.borrow().clone(),
        }
    }
}

fn timeout(time: Duration) -> TimeoutFuture {
    TimeoutFuture::new(time.as_millis() as u32)
}

/// Waits for so many seconds.
pub(super) async fn wait(seconds: f64) {
    TimeoutFuture::new((seconds * 1000.0) as u32).await;
}

/// Gets an index. No cookies and no header, as with media.
async fn ask(url: &str) -> Result<LiveIndex, NoIndex> {
    let controller = AbortController::new().ok();
    let signal = controller.as_ref().map(AbortController::signal);
    let request = Request::get(url).credentials(RequestCredentials::Omit).abort_signal(signal.as_ref());
    let answer = async move {
        let answer = request.send().await.map_err(|_| NoIndex::Later)?;
        match answer.status() {
            200 => answer.binary().await.map_err(|_| NoIndex::Later),
            400 | 403 | 404 | 410 => Err(NoIndex::Gone),
            _ => Err(NoIndex::Later),
        }
    };
    match select(Box::pin(answer), timeout(PATIENCE)).await {
        Either::Left((Ok(bytes), _)) if bytes.len() <= MAX_INDEX => {
            LiveIndex::parse(&bytes).ok_or(NoIndex::Later)
        }
        Either::Left((answer, _)) => Err(answer.err().unwrap_or(NoIndex::Later)),
        Either::Right(_) => {
            controller.iter().for_each(AbortController::abort);
            Err(NoIndex::Later)
        }
    }
}
