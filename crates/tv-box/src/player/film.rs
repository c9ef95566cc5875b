//! A film that plays: events in, the engine's commands out.

use std::collections::VecDeque;
use std::time::Duration;

use decryptor::SessionId;
use engine::{
    Command, Config, Engine, Event, IndexQuestion, Trouble as Hitch,
    abr::StartConditions,
    model::{Presentation, TrackKind},
};
use nccp::{ErrorCode, LogEvent, Manifest, MovieId, NewRules, RequestMessage, ResponseMessage, WireError};
use playback::{Due, LiveIndex, PictureChoice, Renewal, Terms, cmcd::Cmcd, is_same_session};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::event::{Feed, MOVED, NoIndex};
use super::outlet::{Outlet, Progress};
use super::track::TrackRun;
use super::{fit, is_protected, is_supported};
use crate::control::{Ask, Control};
use crate::drm::Granted;
use crate::fetcher::{self, Arrival};
use crate::sink::Chosen;
use crate::{Error, Notice, Screen, Trouble};

/// Seconds of playback between reports (A124).
const REPORT_EVERY: f64 = 30.0;
/// After how long a program that stands still counts as paused.
const STANDS_STILL: f64 = 1.5;
/// A program that goes back so far, or so much farther ahead than time, was sent there by its viewer, in
/// seconds.
const SOUGHT: (f64, f64) = (0.5, 2.0);
/// Time between positions on the screen.
const SHOW_EVERY: Duration = Duration::from_secs(1);
/// A key of an event that is lacking already is asked for as one that is needed in so many seconds, so that
/// not all boxes ask at once.
const ASK_SOON: f64 = 5.0;
/// The television's picture.
const VIEWPORT: (u32, u32) = (1920, 1080);

mod embedded;
mod report;
mod telemetry;

use report::Heard;
use telemetry::Telemetry;

/// What came of something that was asked.
pub(super) enum Answer {
    /// COSE octets, and what names the rules.
    License(Result<(Vec<u8>, Option<String>), Error>),
    Manifest(Result<Box<Manifest>, Error>),
    /// What is new of an event.
    Index(Result<Box<LiveIndex>, NoIndex>),
    /// And the film's new rules, where they have changed; where films of the account play now, when this one
    /// may not go on.
    Logged(LogEvent, f64, Result<Heard, Error>),
}

impl Answer {
    /// What the license server said.
    pub(super) fn license(answer: Result<ResponseMessage, Error>) -> Self {
        Self::License(match answer {
            Ok(ResponseMessage::License { license, policy_version, .. }) => Ok((license, policy_version)),
            Ok(_) => Err(Error::Protocol),
            Err(error) => Err(error),
        })
    }
}

/// A film that plays.
pub(super) struct Film<'a> {
    pub(super) control: &'a Control,
    client: &'a reqwest::Client,
    pub(super) screen: &'a mut dyn Screen,
    pub(super) movie: MovieId,
    session: SessionId,
    begun: Instant,
    pub(super) manifest: Manifest,
    pictures: PictureChoice,
    /// Of an event that goes on.
    event: Option<Feed>,
    /// Seconds; of an event as far as it goes.
    pub(super) duration: f64,
    pub(super) engine: Engine,
    events: VecDeque<Event>,
    tracks: Vec<TrackRun>,
    pub(super) outlet: Outlet,
    speed: f64,
    /// Whether it is played as fast as the engine says, to stay as near to what is live as it is to be.
    keeps_pace: bool,
    arrived: mpsc::Sender<Arrival>,
    pub(super) answer: mpsc::Sender<Answer>,
    attempts: u64,
    licensed: bool,
    /// It plays by a license that came along with its DRM metadata.
    embedded: bool,
    /// By trusted time.
    renewal: Renewal<NewRules>,
    /// What names the license's rules, to the controller.
    pub(super) policy_version: Option<String>,
    /// The engine says that everything is there.
    complete: bool,
    failure: Option<Error>,
    last_tick: Instant,
    shown: Instant,
    /// Seconds played since the last report.
    pub(super) unreported: f64,
    stood: f64,
    pub(super) first_picture: Option<Duration>,
    hitch: bool,
    /// What CDNs that ask for it are told, where one does.
    cmcd: Option<Cmcd>,
    /// What the operator is told, where one wants to be.
    telemetry: Option<Telemetry>,
}

impl<'a> Film<'a> {
    #[allow(clippy::too_many_arguments)] // each once, all different
    pub(super) fn open(
        control: &'a Control,
        client: &'a reqwest::Client,
        screen: &'a mut dyn Screen,
        (movie, title): (MovieId, String),
        (session, begun): (SessionId, Instant),
        (mut manifest, event): (Manifest, Option<Feed>),
        chosen: &Chosen,
        (arrived, answer): (mpsc::Sender<Arrival>, mpsc::Sender<Answer>),
    ) -> Result<Self, Error> {
        let start =
            StartConditions { stored_estimate: control.shared.state().throughput(), viewport: VIEWPORT };
        let mut pictures = PictureChoice::default();
        pictures.narrow(&mut manifest, fit);
        let presentation = present(control, &manifest);
        let duration = presentation.duration().unwrap_or(0.0);
        let position = presentation.start.unwrap_or(0.0);
        let mut outlet = Outlet::open(chosen, position)?;
        outlet.grows = event.is_some();
        let name = manifest.cdns.iter().find_map(|cdn| cdn.cmcd.as_deref());
        let drawn = |name: &str| Cmcd::new(fastrand::u128(..).to_be_bytes(), name);
        let cmcd = name.map(drawn);
        let telemetry = manifest.reports.as_ref().map(|to| {
            // The same playback as CDNs are told of.
            let cmcd = cmcd.clone().unwrap_or_else(|| drawn(&to.content));
            Telemetry::new(client, to, cmcd, event.is_some(), telemetry::now(&control.shared, begun))
        });
        let now = Instant::now();
        let mut film = Self {
            control,
            client,
            screen,
            movie,
            session,
            begun,
            manifest,
            event,
            pictures,
            duration,
            engine: Engine::new(Config { start, seed: fastrand::u64(..), ..Config::default() }),
            events: VecDeque::new(),
            tracks: Vec::new(),
            outlet,
            speed: chosen.speed(),
            keeps_pace: chosen.takes_parts(),
            arrived,
            answer,
            attempts: 0,
            licensed: false,
            embedded: false,
            renewal: Renewal::default(),
            policy_version: None,
            complete: false,
            failure: None,
            last_tick: now,
            shown: now,
            unreported: 0.0,
            stood: 0.0,
            first_picture: None,
            hitch: false,
            cmcd,
            telemetry,
        };
        film.feed(Event::Manifest(presentation))?;
        film.screen.show(&Notice::Playing {
            movie_id: movie,
            title,
            duration,
            position,
            sink: chosen.name().to_owned(),
        });
        Ok(film)
    }

    /// Tells the engine, and does what it says. What comes up meanwhile waits its turn.
    fn feed(&mut self, event: Event) -> Result<(), Error> {
        self.events.push_back(event);
        while let Some(event) = self.events.pop_front() {
            self.follow(&event);
            let commands = self.engine.handle(self.begun.elapsed(), event);
            if self.tracks.is_empty() {
                let kinds = self.engine.tracks().iter().map(|track| track.kind);
                self.tracks =
                    kinds.map(|kind| TrackRun::new(kind, playback::heads(&self.manifest, kind))).collect();
            }
            for command in commands {
                self.obey(command);
            }
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn track(&mut self, kind: TrackKind) -> Option<&mut TrackRun> {
        self.tracks.iter_mut().find(|track| track.kind == kind)
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Fetch(mut spec) => {
                if let Some(cmcd) = &self.cmcd {
                    spec.url = cmcd.url(&spec);
                }
                self.tell_asked(&spec);
                self.complete &= !spec.segment;
                self.attempts += 1;
                let running = fetcher::start(self.client, &spec, self.attempts, self.arrived.clone());
                if let Some(track) = self.track(spec.track) {
                    track.fetching(spec, running);
                }
            }
            Command::Abort { fetch } => {
                self.tell_aborted(fetch);
                self.tracks.iter_mut().for_each(|track| track.abort(fetch));
            }
            Command::Reset { track } => {
                if let Some(track) = self.track(track) {
                    track.reset();
                }
            }
            Command::Remove { track, start, end } => {
                let removed = self.track(track).map(|track| track.remove(start, end));
                self.events.extend(removed);
            }
            // There is always room.
            Command::RetryAppend { .. } => {}
            Command::JumpTo { position } => {
                if !self.outlet.jump(position) && self.event.is_some() {
                    self.failure = Some(Error::Event("the player cannot be brought to what is live"));
                }
                self.events.push_back(Event::Seek { position });
            }
            Command::EndOfStream => self.complete = true,
            Command::RefreshManifest => self.refresh_manifest(),
            Command::RefreshIndex(question) => self.refresh_index(&question),
            Command::Fail(error) => self.failure = Some(error.into()),
        }
    }

    fn refresh_index(&mut self, question: &IndexQuestion) {
        // Nothing that is on demand grows.
        let Some(event) = &mut self.event else { return };
        let (asked, answer) = (event.news(self.client, question), self.answer.clone());
        tokio::spawn(async move {
            let _ = answer.send(Answer::Index(asked.await)).await;
        });
    }

    /// An event has become longer: keys of periods that no license was asked for are asked for in time.
    fn heard(&mut self, index: &LiveIndex) -> Result<(), Error> {
        let now = self.trusted_now();
        let unlicensed = self.event.as_mut().and_then(|event| event.heard(index));
        if let Some(first) = unlicensed.filter(|_| self.licensed) {
            self.renewal.keys_declared(now, index.seconds_to(first), fastrand::f64());
        }
        let in_parts = self.event.as_ref().is_some_and(Feed::in_parts);
        self.feed(Event::IndexUpdate(index.update(in_parts)))?;
        if let Some(window) = self.engine.window() {
            self.duration = window.edge;
        }
        Ok(())
    }

    fn refresh_manifest(&self) {
        let message = RequestMessage::Authorization { movie_id: self.movie };
        let (asked, answer) = (self.control.ask(Ask::Message(message)), self.answer.clone());
        tokio::spawn(async move {
            let manifest = match asked.await {
                Ok(ResponseMessage::Authorization(manifest)) => Ok(*manifest),
                Ok(_) => Err(Error::Protocol),
                Err(error) => Err(error),
            };
            let _ = answer.send(Answer::Manifest(manifest.map(Box::new))).await;
        });
    }

    /// Takes what came of a fetch.
    pub(super) fn arrived(&mut self, arrival: Arrival) -> Result<(), Error> {
        let Some(track) = self.tracks.iter_mut().find(|track| track.awaits(&arrival)) else { return Ok(()) };
        for event in track.arrived(arrival) {
            self.feed(event)?;
        }
        self.decrypt()
    }

    /// Decrypts what came, of all tracks.
    fn decrypt(&mut self) -> Result<(), Error> {
        let mut events = Vec::new();
        {
            let mut drm = self.control.shared.drm();
            let mut keys = drm.keys();
            for track in &mut self.tracks {
                events.extend(track.decrypt(&mut keys)?);
            }
        }
        // What the license has ceased to permit is about to be dropped.
        let mut lacking = self.tracks.iter().filter_map(TrackRun::lacks_key_of);
        let lacks = self.licensed && lacking.any(|representation| self.engine.permits(representation));
        let now = self.trusted_now();
        // A key of an event may be declared later than a license was asked for; a film's are all there. While
        // the license server is away, it is waited for.
        let is_away = self.renewal.is_failing();
        if self.event.as_mut().map_or(lacks, |event| event.lacks(lacks && !is_away)) {
            return Err(Error::KeyMissing);
        }
        if lacks {
            self.renewal.keys_declared(now, ASK_SOON, fastrand::f64());
        }
        events.into_iter().try_for_each(|event| self.feed(event))
    }

    /// The license's keys are there.
    fn granted(&mut self, granted: Granted, policy_version: Option<String>) -> Result<(), Error> {
        self.control.shared.keep_time()?;
        self.licensed = true;
        if let Some(event) = &mut self.event {
            event.granted();
        }
        self.policy_version = policy_version;
        self.renewal.taken(Terms {
            end: granted.ends.map(|end| end as f64),
            continuous: true,
            renew_after: granted.renew_after.map(|at| at as f64),
        });
        self.feed(Event::MaxHeight { height: granted.max_height })?;
        self.decrypt()
    }

    /// Takes what the controller answered.
    pub(super) fn answered(&mut self, answer: Answer) -> Result<(), Error> {
        // A film that plays reports each minute.
        self.control.shared.keep_time()?;
        match answer {
            Answer::License(Ok((license, policy_version))) => {
                let granted = self.control.shared.drm().update(self.session, &license);
                match granted {
                    Ok(granted) => self.granted(granted, policy_version),
                    Err(error) => self.unlicensed(error),
                }
            }
            Answer::License(Err(error)) => self.unlicensed(error),
            Answer::Manifest(Ok(manifest)) => {
                let mut manifest = match &mut self.event {
                    None => *manifest,
                    Some(_) if !is_same_session(&self.manifest, &manifest) => return Err(MOVED),
                    Some(event) => event.complete(&manifest),
                };
                self.pictures.narrow(&mut manifest, fit);
                let presentation = present(self.control, &manifest);
                self.manifest = manifest;
                self.feed(Event::Manifest(presentation))
            }
            Answer::Index(Ok(index)) => self.heard(&index),
            Answer::Index(Err(NoIndex::Later)) => self.feed(Event::IndexFailed),
            Answer::Index(Err(NoIndex::Gone)) => Err(MOVED),
            Answer::Manifest(Err(error @ (Error::Refused(_) | Error::NotActivated)))
                if !error.is_transient() =>
            {
                Err(error)
            }
            Answer::Manifest(Err(_)) => self.feed(Event::ManifestFailed),
            Answer::Logged(event, position, Ok(Heard { rules, stopped, refused })) => {
                self.logged(event, position);
                if let Some(names) = stopped {
                    let names = if names.is_empty() { "another device" } else { &names };
                    let text = format!("Playing on {names} now.");
                    return Err(Error::Refused(WireError { text, ..ErrorCode::StreamLimit.into() }));
                }
                if let Some(error) = refused {
                    return Err(Error::Refused(error));
                }
                if let Some(rules) = rules {
                    self.renewal.rules_changed(rules);
                }
                Ok(())
            }
            Answer::Logged(_, _, Err(Error::NotActivated)) => Err(Error::NotActivated),
            Answer::Logged(_, _, Err(error)) => {
                self.trouble(&error);
                Ok(())
            }
        }
    }

    /// There is no license, or none that can be used. A film without protection needs none, and one that
    /// plays may go on with what it has.
    fn unlicensed(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::NotActivated => Err(error),
            _ if !is_protected(&self.manifest) => Ok(()),
            _ if !self.licensed => Err(error),
            _ => {
                let is_transient = error.is_transient();
                if self.renewal.failed(self.trusted_now(), is_transient, fastrand::f64()) {
                    return Err(error);
                }
                self.trouble(&error);
                Ok(())
            }
        }
    }

    fn trouble(&mut self, error: &Error) {
        self.screen.show(&Notice::Trouble(Trouble::of(error, None)));
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) -> Result<Progress, Error> {
        let now = Instant::now();
        let rate = if self.keeps_pace { self.engine.rate() } else { 1.0 };
        let seconds = now.duration_since(self.last_tick).as_secs_f64() * self.speed * rate;
        self.last_tick = now;
        let there = self.engine.buffered();
        let before = self.outlet.position;
        let progress = self.outlet.tick(seconds, &mut self.tracks, &there, (self.complete, self.duration))?;
        // It says where it is when it can, and that is not at every tick.
        let elapsed = if self.outlet.paused { seconds } else { self.stood + seconds };
        let sought = progress == Progress::On
            && !self.outlet.is_ours()
            && self.first_picture.is_some()
            && is_seek(before, self.outlet.position, elapsed);
        if self.outlet.moved {
            self.first_picture.get_or_insert(self.begun.elapsed());
            self.unreported += seconds;
        }
        self.notice_pause(seconds);
        self.tell_standing(sought, &there);
        if sought {
            self.report(LogEvent::Seek);
        } else if self.unreported >= REPORT_EVERY {
            self.report(LogEvent::Interval);
        }
        match self.renewal.due(self.trusted_now()) {
            Some(Due::Renew(rules)) => self.renew(rules)?,
            Some(Due::End) => return Err(decryptor::Error::Refused(license::Refusal::Expired).into()),
            None => {}
        }
        let playing = self.outlet.is_playing(&there);
        self.feed(Event::Playhead { position: self.outlet.position, playing })?;
        self.notice_hitch();
        if now.duration_since(self.shown) >= SHOW_EVERY {
            self.shown = now;
            self.show_position(&there);
        }
        Ok(progress)
    }

    /// A program that stands still although it has something to play was paused by its viewer.
    fn notice_pause(&mut self, seconds: f64) {
        if self.outlet.is_ours() || self.first_picture.is_none() {
            return;
        }
        if self.outlet.moved {
            (self.stood, self.outlet.paused) = (0.0, false);
            return;
        }
        self.stood += seconds;
        if !self.outlet.paused && self.stood >= STANDS_STILL && self.outlet.has_ahead() {
            self.outlet.paused = true;
            self.report(LogEvent::Pause);
        }
    }

    /// Pauses, or goes on. A program has its own keys for that.
    pub(super) fn toggle_pause(&mut self) {
        if self.outlet.is_ours() {
            self.outlet.paused = !self.outlet.paused;
            if self.outlet.paused {
                self.report(LogEvent::Pause);
            }
            let there = self.engine.buffered();
            self.show_position(&there);
        }
    }

    /// Unix seconds, as the licenses go by them.
    fn trusted_now(&self) -> f64 {
        self.control.shared.drm().now() as f64
    }

    fn notice_hitch(&mut self) {
        let hitch = self.engine.trouble();
        if hitch.is_some() && !self.hitch {
            let message = match hitch {
                Some(Hitch::NoUrls) => "the film's addresses were refused; asking for new ones",
                _ => "the film isn't loading; trying again",
            };
            let trouble = Trouble { message: message.to_owned(), code: None, retry: None };
            self.screen.show(&Notice::Trouble(trouble));
        }
        self.hitch = hitch.is_some();
    }
}

/// Whether no film goes from one position to the other in so many seconds.
fn is_seek(before: f64, after: f64, elapsed: f64) -> bool {
    after < before - SOUGHT.0 || after > before + elapsed + SOUGHT.1
}

fn present(control: &Control, manifest: &Manifest) -> Presentation {
    playback::presentation(manifest, control.shared.server_now(), is_supported)
}

#[cfg(test)]
mod tests {
    use super::is_seek;

    #[test]
    fn a_seek_is_what_time_does_not_do() {
        for (before, after, elapsed) in [(60.0, 50.0, 0.1), (60.0, 70.0, 0.1), (60.0, 59.0, 5.0)] {
            assert!(is_seek(before, after, elapsed), "{before} {after}");
        }
        for (before, after, elapsed) in
            [(60.0, 60.1, 0.1), (60.0, 59.96, 0.1), (60.0, 61.5, 0.1), (60.0, 66.0, 6.0)]
        {
            assert!(!is_seek(before, after, elapsed), "{before} {after}");
        }
    }
}
