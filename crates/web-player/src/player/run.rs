//! Events of the browser in, commands of the engine out.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use drm_api::{Request, SessionId, StreamId};
use engine::{
    Command, Config, Engine, Event,
    abr::StartConditions,
    model::{ByteRange, TrackKind},
};
use gloo::{events::EventListener, timers::callback::Interval};
use nccp::{Downloadable, Manifest, MediaType, MovieId, MovieMetadata, json::PlayerEventKind};
use playback::{media_type, presentation};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DomException, HtmlVideoElement};

use super::{
    quality::Quality,
    report,
    rights::Rights,
    track::{Source, TrackRun},
};
use crate::{
    capability, clock, control::Control, decryptor_proxy::DecryptorProxy, device_store,
    mse::MediaSourceHandle, problem::Problem,
};

/// What a page hears of the player. Everything else it sees on the video element.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerEvent {
    /// Title, runtime and the like.
    Metadata(Box<MovieMetadata>),
    /// Where the viewer left, in seconds.
    Resume(f64),
    /// The film's length in seconds, from the manifest.
    Duration(f64),
    /// The browser wants a click before it plays.
    WantsGesture,
    /// What may be chosen of the picture, what was, and what is shown.
    Quality(Quality),
    /// The film does not arrive, and is being asked for again and again; `false` once it does.
    Retrying(bool),
    /// The displays do not allow the film now, and it waits; `false` once they do.
    Restricted(bool),
    /// Playback cannot go on.
    Failed(Problem),
}

/// Who hears of the player.
pub type Listener = Rc<dyn Fn(PlayerEvent)>;

thread_local! {
    static NEXT_STREAM: Cell<StreamId> = const { Cell::new(1) };
}

/// A film on a video element, until it is dropped.
pub struct Player(Rc<Inner>);

pub(super) struct Inner {
    pub(super) control: Control,
    pub(super) movie: MovieId,
    pub(super) video: HtmlVideoElement,
    on_event: Listener,
    engine: RefCell<Engine>,
    events: RefCell<VecDeque<Event>>,
    draining: Cell<bool>,
    pub(super) closed: Cell<bool>,
    source: RefCell<Option<MediaSourceHandle>>,
    tracks: RefCell<Vec<Rc<TrackRun>>>,
    pub(super) manifest: RefCell<Option<Manifest>>,
    presented: Cell<bool>,
    end_wanted: Cell<bool>,
    pub(super) session: Cell<Option<SessionId>>,
    pub(super) has_license: Cell<bool>,
    pub(super) rights: RefCell<Rights>,
    pub(super) license_problem: RefCell<Option<Problem>>,
    /// No license was asked for: the manifest should bring it.
    pub(super) license_comes_along: Cell<bool>,
    /// The license that the film plays by came along.
    pub(super) is_embedded: Cell<bool>,
    /// When the DRM metadata that is there was asked for, Unix seconds.
    pub(super) metadata_at: Cell<f64>,
    pub(super) stalls: Cell<u64>,
    pub(super) played: Cell<bool>,
    pub(super) urls_end: Cell<f64>,
    /// When the film was asked for, on the monotonic clock; and how long its first picture took.
    pub(super) started: Duration,
    pub(super) start_up: Cell<Option<Duration>>,
    viewport: Cell<(u32, u32)>,
    shown: RefCell<Quality>,
    retrying: Cell<bool>,
    ready_told: Cell<bool>,
    /// Where the film was when the player closed.
    left: Cell<Option<f64>>,
    pub(super) listeners: RefCell<Vec<EventListener>>,
    pub(super) timers: RefCell<Vec<Interval>>,
}

impl Player {
    /// Starts the film: everything that can go on at the same time does.
    pub fn start(control: Control, movie: MovieId, video: HtmlVideoElement, on_event: Listener) -> Self {
        let start =
            StartConditions { stored_estimate: device_store::throughput(), viewport: device_pixels(&video) };
        let seed = (js_sys::Math::random() * 2f64.powi(53)) as u64;
        let inner = Rc::new(Inner {
            control,
            movie,
            video,
            on_event,
            engine: RefCell::new(Engine::new(Config { start, seed, ..Config::default() })),
            events: RefCell::default(),
            draining: Cell::new(false),
            closed: Cell::new(false),
            source: RefCell::default(),
            tracks: RefCell::default(),
            manifest: RefCell::default(),
            presented: Cell::new(false),
            end_wanted: Cell::new(false),
            session: Cell::new(None),
            has_license: Cell::new(false),
            rights: RefCell::default(),
            license_problem: RefCell::default(),
            license_comes_along: Cell::new(false),
            is_embedded: Cell::new(false),
            metadata_at: Cell::new(clock::unix_now()),
            stalls: Cell::new(0),
            played: Cell::new(false),
            urls_end: Cell::new(f64::INFINITY),
            started: clock::monotonic(),
            start_up: Cell::new(None),
            viewport: Cell::new(start.viewport),
            shown: RefCell::default(),
            retrying: Cell::new(false),
            ready_told: Cell::new(false),
            left: Cell::new(None),
            listeners: RefCell::default(),
            timers: RefCell::default(),
        });
        let ready = Rc::downgrade(&inner);
        clock::when_idle(move || {
            if let Some(player) = ready.upgrade() {
                player.tell_ready();
            }
        });
        let (opened, streaming) = (Rc::downgrade(&inner), Rc::downgrade(&inner));
        let attached = MediaSourceHandle::attach(
            &inner.video,
            move || {
                if let Some(player) = opened.upgrade() {
                    player.maybe_present();
                }
            },
            move |wanted| {
                if let Some(player) = streaming.upgrade() {
                    player.feed(Event::Streaming { wanted });
                }
            },
        );
        match attached {
            Ok(source) => drop(inner.source.replace(Some(source))),
            Err(_) => inner.fail(Problem::unsupported(&capability::missing_here())),
        }
        inner.listen();
        inner.begin();
        inner.play();
        Self(inner)
    }

    /// Plays; asks for a gesture where the browser wants one.
    pub fn play(&self) {
        self.0.play();
    }

    /// The viewer's choice of the picture, by [`Quality`]'s ids; `None` leaves it to the player.
    pub fn choose(&self, representation: Option<String>) {
        self.0.feed(Event::Quality { representation });
        self.0.observe();
    }

    /// Where the film is, once it has played: seconds, 0 at its end.
    pub fn position(&self) -> Option<f64> {
        if self.0.is_closed() { self.0.left.get() } else { self.0.here() }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Inner {
    pub(super) fn proxy(&self) -> &Rc<DecryptorProxy> {
        self.control.proxy()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(super) fn tell(&self, event: PlayerEvent) {
        if !self.closed.get() {
            (self.on_event)(event);
        }
    }

    /// Tells the site that the player was there, once, and before anything else is told: when the start has time for it.
    pub(super) fn tell_ready(&self) {
        if !self.ready_told.replace(true) {
            report::event(self.movie, PlayerEventKind::Ready, None, None);
        }
    }

    /// Reports the problem, once, and stops.
    pub(super) fn fail(&self, problem: Problem) {
        if self.closed.get() {
            return;
        }
        let position = self.presented.get().then(|| self.video.current_time());
        self.tell_ready();
        report::event(self.movie, PlayerEventKind::Error, Some(problem.code.clone()), position);
        self.tell(PlayerEvent::Failed(problem));
        self.close();
    }

    pub(super) fn play(self: &Rc<Self>) {
        let Ok(promise) = self.video.play() else { return };
        let player = Rc::clone(self);
        spawn_local(async move {
            let Err(refusal) = JsFuture::from(promise).await else { return };
            let name = refusal.dyn_ref::<DomException>().map(DomException::name);
            if name.as_deref() == Some("NotAllowedError") {
                player.tell(PlayerEvent::WantsGesture);
            }
        });
    }

    /// Gives the manifest to the engine, once it and the media source are there.
    pub(super) fn maybe_present(self: &Rc<Self>) {
        let open = self.source.borrow().as_ref().is_some_and(MediaSourceHandle::is_open);
        if self.closed.get() || !(open || self.presented.get()) {
            return;
        }
        let global = js_sys::global();
        let presentation = match &*self.manifest.borrow() {
            Some(manifest) => {
                let now = self.control.server_now();
                let life = (manifest.expiration as f64 - now) * 0.8;
                self.urls_end.set(clock::unix_now() + life);
                presentation(manifest, now, |mime| capability::is_type_supported(&global, mime))
            }
            None => return,
        };
        if !self.presented.replace(true) {
            let duration = presentation.duration().unwrap_or(0.0);
            if let Some(source) = &*self.source.borrow() {
                source.set_duration(duration);
            }
            self.tell(PlayerEvent::Duration(duration));
            if let Some(start) = presentation.start.filter(|start| *start > 0.0) {
                self.video.set_current_time(start);
            }
        }
        self.feed(Event::Manifest(presentation));
    }

    /// Tells the engine, and does what it says. Events that come up meanwhile wait their turn.
    pub(super) fn feed(self: &Rc<Self>, event: Event) {
        self.events.borrow_mut().push_back(event);
        if self.draining.replace(true) {
            return;
        }
        loop {
            let next = self.events.borrow_mut().pop_front();
            let Some(event) = next.filter(|_| !self.closed.get()) else { break };
            let commands = self.engine.borrow_mut().handle(clock::monotonic(), event);
            if self.tracks.borrow().is_empty() && !self.engine.borrow().tracks().is_empty() {
                self.add_tracks();
            }
            for command in commands {
                if !self.closed.get() {
                    self.obey(command);
                }
            }
        }
        self.draining.set(false);
    }

    fn add_tracks(self: &Rc<Self>) {
        let chosen: Vec<_> =
            self.engine.borrow().tracks().iter().map(|track| track.representation().clone()).collect();
        for representation in chosen {
            let sources: HashMap<String, Source> = match &*self.manifest.borrow() {
                Some(manifest) => {
                    let video = representation.kind == TrackKind::Video;
                    let same = |d: &&Downloadable| (d.media_type == MediaType::Video) == video;
                    manifest.downloadables.iter().filter(same).filter_map(source).collect()
                }
                None => HashMap::new(),
            };
            let mime = sources.get(&representation.id).map(|source| source.mime.clone()).unwrap_or_default();
            let added = self.source.borrow().as_ref().and_then(|source| source.add_source_buffer(&mime).ok());
            let Some(buffer) = added else {
                return self.fail(Problem::playback("no SourceBuffer"));
            };
            let stream = NEXT_STREAM.replace(NEXT_STREAM.get() + 1);
            let track = TrackRun::new(self, representation.kind, sources, stream, (buffer, mime));
            self.tracks.borrow_mut().push(track);
        }
    }

    /// Tells the engine what it cannot see, and the page what has changed. Wanted a few times a second.
    pub(super) fn observe(self: &Rc<Self>) {
        let viewport = device_pixels(&self.video);
        if viewport != self.viewport.replace(viewport) {
            self.feed(Event::Viewport { width: viewport.0, height: viewport.1 });
        }
        let frames = self.video.get_video_playback_quality();
        let (decoded, dropped) = (frames.total_video_frames(), frames.dropped_video_frames());
        self.feed(Event::Frames { decoded: decoded.into(), dropped: dropped.into() });
        if self.closed.get() {
            return;
        }
        let (quality, retrying) = {
            let engine = self.engine.borrow();
            (Quality::of(&engine), engine.trouble().is_some())
        };
        if *self.shown.borrow() != quality {
            self.shown.replace(quality.clone());
            self.tell(PlayerEvent::Quality(quality));
        }
        if self.retrying.replace(retrying) != retrying {
            self.tell(PlayerEvent::Retrying(retrying));
        }
    }

    /// Counters for the log, since the film was asked for.
    pub(super) fn counters(&self) -> Vec<(String, u64)> {
        let quality = self.video.get_video_playback_quality();
        let mut counters = vec![
            ("stalls", self.stalls.get()),
            ("switches", self.engine.borrow().stats().switches),
            ("dropped_frames", quality.dropped_video_frames().into()),
            ("frames", quality.total_video_frames().into()),
        ];
        if let Some(time) = self.start_up.get() {
            counters.push(("startup_ms", u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        }
        counters.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }

    fn track(&self, kind: TrackKind) -> Option<Rc<TrackRun>> {
        self.tracks.borrow().iter().find(|track| track.kind() == kind).cloned()
    }

    fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::Fetch(spec) => {
                // A head brings nothing into the buffer, and the engine does not say the end again for it.
                if spec.segment {
                    self.end_wanted.set(false);
                }
                if let Some(track) = self.track(spec.track) {
                    track.fetch(spec);
                }
            }
            Command::Abort { fetch } => {
                for track in &*self.tracks.borrow() {
                    track.abort(fetch);
                }
            }
            Command::Reset { track } => self.track(track).into_iter().for_each(|track| track.reset()),
            Command::Remove { track, start, end } => {
                if let Some(track) = self.track(track) {
                    track.queue.remove(start, end);
                }
            }
            Command::RetryAppend { track } => {
                self.track(track).into_iter().for_each(|track| track.queue.retry());
            }
            Command::JumpTo { position } => self.video.set_current_time(position),
            Command::EndOfStream => {
                self.end_wanted.set(true);
                self.maybe_end();
            }
            Command::RefreshManifest => spawn_local(Rc::clone(self).refresh_manifest()),
            // Nothing that is on demand grows.
            Command::RefreshIndex { .. } => {}
            Command::Fail(error) => self.fail(Problem::from(&error)),
        }
    }

    /// Ends the stream once no source buffer has anything left to do.
    pub(super) fn maybe_end(&self) {
        if self.end_wanted.get() && self.tracks.borrow().iter().all(|track| track.queue.is_idle()) {
            self.end_wanted.set(false);
            if let Some(source) = &*self.source.borrow() {
                source.end_of_stream();
            }
        }
    }

    /// Where the film is, once it has played; 0 at its end.
    fn here(&self) -> Option<f64> {
        self.played.get().then(|| if self.video.ended() { 0.0 } else { self.video.current_time() })
    }

    fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        self.tell_ready();
        // Without its media source the element forgets.
        self.left.set(self.here());
        if self.played.get() && !self.video.ended() {
            self.last_log();
        }
        self.control.forget_opening();
        self.listeners.take();
        self.timers.take();
        if let Some(estimate) = self.engine.borrow().estimate() {
            device_store::save_throughput(estimate);
        }
        for track in self.tracks.take() {
            track.close(self.proxy());
        }
        self.source.take();
        if let Some(session) = self.session.take() {
            self.proxy().unlisten_keys(session);
            self.proxy().send(&Request::CloseSession { session }, None, |_| {});
        }
    }
}

pub(super) fn source(downloadable: &Downloadable) -> Option<(String, Source)> {
    let range = |range: nccp::ByteRange| ByteRange::new(range.first(), range.last());
    let source = Source {
        init: downloadable.init_range.and_then(range)?,
        index: downloadable.index_range.and_then(range)?,
        mime: media_type(downloadable),
    };
    Some((downloadable.id.clone(), source))
}

/// The element's size in device pixels.
fn device_pixels(video: &HtmlVideoElement) -> (u32, u32) {
    let ratio = gloo::utils::window().device_pixel_ratio();
    let scale = |length: i32| (f64::from(length.max(0)) * ratio) as u32;
    (scale(video.client_width()), scale(video.client_height()))
}
