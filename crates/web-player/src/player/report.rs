//! What is reported of a film: `playerevent` to the site, `logblob` to the controller. Neither holds playback
//! up.

use std::{cell::Cell, time::Duration};

use nccp::{
    LogBlob, LogEvent, MovieId, NewRules, RequestMessage, ResponseMessage, WireError,
    json::{PlayerEvent as Report, PlayerEventKind},
};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlVideoElement;

use crate::{
    api, clock,
    control::{Ask, Control},
};

/// What the controller says to a report.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The film's rules have changed.
    pub(super) rules: Option<NewRules>,
    /// It may not play on: by name, where films of the account play now.
    pub(super) stopped: Option<String>,
    /// The account may not play it on.
    pub(super) refused: Option<WireError>,
}

/// Reports one film, and counts what the log counts.
pub(super) struct Reporter {
    control: Control,
    movie: MovieId,
    video: HtmlVideoElement,
    /// When the film was asked for, on the monotonic clock.
    asked_at: Duration,
    /// How long its first picture took; none has been seen before.
    start_up: Cell<Option<Duration>>,
    stalls: Cell<u64>,
    told_ready: Cell<bool>,
    /// It is an event that goes on, in which nobody goes on later where they left.
    is_event: Cell<bool>,
}

impl Reporter {
    pub(super) fn new(control: Control, movie: MovieId, video: HtmlVideoElement) -> Self {
        Self {
            control,
            movie,
            video,
            asked_at: clock::monotonic(),
            start_up: Cell::new(None),
            stalls: Cell::new(0),
            told_ready: Cell::new(false),
            is_event: Cell::new(false),
        }
    }

    /// It is an event that goes on: its positions are not told.
    pub(super) fn set_event(&self) {
        self.is_event.set(true);
    }

    /// Where the film is.
    fn place(&self) -> f64 {
        if self.is_event.get() { 0.0 } else { self.video.current_time() }
    }

    /// Whether anything of the film has been seen.
    pub(super) fn has_played(&self) -> bool {
        self.start_up.get().is_some()
    }

    /// Where the film is, once it has played; 0 at its end.
    pub(super) fn position(&self) -> Option<f64> {
        self.has_played().then(|| if self.video.ended() { 0.0 } else { self.place() })
    }

    // ---- to the site ----

    /// The player is there. It is told once, and before anything else is told: when the start has time for
    /// it.
    pub(super) fn ready(&self) {
        if !self.told_ready.replace(true) {
            self.tell_site(PlayerEventKind::Ready, None, None);
        }
    }

    /// The film plays, for the first time or again.
    pub(super) fn playing(&self) {
        if !self.has_played() {
            self.start_up.set(Some(clock::monotonic().saturating_sub(self.asked_at)));
            let position = Some(self.place());
            self.ready();
            self.tell_site(PlayerEventKind::Playing, None, position);
        }
    }

    /// The film is at its end.
    pub(super) fn ended(&self) {
        self.tell_site(PlayerEventKind::Ended, None, Some(self.place()));
    }

    /// Playback cannot go on; `code` says why.
    pub(super) fn failed(&self, code: String, position: Option<f64>) {
        self.ready();
        self.tell_site(PlayerEventKind::Error, Some(code), position);
    }

    /// The last position, from a page that goes away.
    pub(super) fn farewell(&self) {
        self.ready();
        if self.has_played() {
            let position = Some(self.place());
            let (movie_id, event) = (self.movie, PlayerEventKind::Hide);
            let ticket = self.control.page_ticket();
            api::player_event_beacon(&Report { movie_id, event, code: None, position, ticket });
        }
    }

    fn tell_site(&self, event: PlayerEventKind, code: Option<String>, position: Option<f64>) {
        let ticket = self.control.page_ticket();
        let report = Report { movie_id: self.movie, event, code, position, ticket };
        spawn_local(async move {
            let _ = api::player_event(&report).await;
        });
    }

    // ---- to the controller ----

    /// The film waits for media.
    pub(super) fn waiting(&self) {
        if self.has_played() && !self.video.seeking() {
            self.stalls.set(self.stalls.get() + 1);
        }
    }

    /// How often the film has waited for media.
    pub(super) fn stalls(&self) -> u64 {
        self.stalls.get()
    }

    /// Logs where the film is, and counters, with the next envelope; nothing before it has played. What comes
    /// of it is what the controller says. `switches` counts other representations taken;
    /// `policy_version` names the rules of the license.
    pub(super) fn log(
        &self,
        event: LogEvent,
        switches: u64,
        policy_version: Option<String>,
    ) -> Option<impl Future<Output = Heard> + use<>> {
        let blob = LogBlob {
            movie_id: self.movie,
            position: self.place().max(0.0),
            event,
            counters: self.counters(switches)?,
            policy_version,
        };
        let answer = self.control.ask(Ask::Message(RequestMessage::LogBlob(blob)));
        Some(async move {
            match answer.await {
                Ok(ResponseMessage::LogBlob { rules, stopped, refused, .. }) => {
                    Heard { rules, stopped, refused }
                }
                _ => Heard::default(),
            }
        })
    }

    /// Counters since the film was asked for, once it has played.
    fn counters(&self, switches: u64) -> Option<Vec<(String, u64)>> {
        let start_up = self.start_up.get()?;
        let quality = self.video.get_video_playback_quality();
        let counters = [
            ("stalls", self.stalls.get()),
            ("switches", switches),
            ("dropped_frames", quality.dropped_video_frames().into()),
            ("frames", quality.total_video_frames().into()),
            ("startup_ms", u64::try_from(start_up.as_millis()).unwrap_or(u64::MAX)),
        ];
        Some(counters.map(|(name, count)| (name.to_owned(), count)).into())
    }
}
