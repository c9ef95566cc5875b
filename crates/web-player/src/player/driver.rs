//! The engine in the browser: events in, its commands carried out on tracks, media source and video element.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    time::Duration,
};

use drm_api::cdm::StreamId;
use engine::{
    Command, Config, Engine, Event, IndexQuestion, Live, Window,
    abr::{StartConditions, caps::Limit},
    model::TrackKind,
};
use gloo::utils::document;
use nccp::{Manifest, Transport};
use playback::{
    cmcd::{
        Cmcd,
        reports::{Facts, State},
    },
    presentation,
    stream::Broken,
};
use web_sys::HtmlVideoElement;

use super::{
    quality::Quality,
    speed::Speed,
    statistics::{Form, Statistics, host},
    telemetry::Telemetry,
    track::{Missing, TrackHost, TrackRun, types},
};
use crate::{
    capability, clock,
    control::Control,
    decryptor_proxy::Decrypting,
    device_store,
    mse::{PageMediaSource, Source, SourceEvent, WorkerMediaSource},
    problem::Problem,
    stream::{Connection, Way},
};

thread_local! {
    static NEXT_STREAM: Cell<StreamId> = const { Cell::new(1) };
}

/// What the engine's driver needs of the film.
pub(super) trait DriverHost {
    /// The engine wants a fresh manifest.
    fn refresh_manifest(self: Rc<Self>);
    /// The engine wants to know what is new in an event; the answer is an event for it.
    fn refresh_index(self: Rc<Self>, question: IndexQuestion);
    /// The video element has the media source now.
    fn attached(self: Rc<Self>);
    /// The film's length in seconds is known.
    fn duration(&self, seconds: f64);
    /// The worker holds fragments for lack of a key.
    fn keys_missing(&self, missing: Missing);
    /// Playback cannot go on.
    fn fail(&self, problem: Problem);
}

/// An engine and what it commands.
pub(super) struct Driver {
    this: Weak<Self>,
    host: Weak<dyn DriverHost>,
    control: Control,
    video: HtmlVideoElement,
    engine: RefCell<Engine>,
    events: RefCell<VecDeque<Event>>,
    draining: Cell<bool>,
    closed: Cell<bool>,
    source: RefCell<Option<Rc<dyn Source>>>,
    tracks: RefCell<Vec<Rc<TrackRun>>>,
    manifest: RefCell<Option<Manifest>>,
    presented: Cell<bool>,
    /// When the manifest's URLs are due for a refresh, Unix seconds.
    urls_end: Cell<f64>,
    /// What the engine was told last.
    viewport: Cell<(u32, u32)>,
    /// What of an event may be sought, as the media source was told last.
    window: Cell<Option<Window>>,
    speed: Speed,
    /// The persistent connection, or why there is none; `None` where the manifest does not prefer it.
    stream: RefCell<Option<Result<Rc<Connection>, Broken>>>,
    /// What decrypting had taken before this film.
    decrypting_before: Decrypting,
    /// The host that was asked for media last.
    asked: RefCell<Option<String>>,
    /// What CDNs that ask for it are told, once one does.
    cmcd: RefCell<Option<Cmcd>>,
    /// What the operator is told, where one wants to be.
    telemetry: RefCell<Option<Rc<Telemetry>>>,
}

impl Driver {
    pub(super) fn new(host: Weak<dyn DriverHost>, control: Control, video: HtmlVideoElement) -> Rc<Self> {
        let start =
            StartConditions { stored_estimate: device_store::throughput(), viewport: device_pixels(&video) };
        let seed = (js_sys::Math::random() * 2f64.powi(53)) as u64;
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            host,
            decrypting_before: control.proxy().decrypting(),
            control,
            video,
            engine: RefCell::new(Engine::new(Config { start, seed, ..Config::default() })),
            events: RefCell::default(),
            draining: Cell::new(false),
            closed: Cell::new(false),
            source: RefCell::default(),
            tracks: RefCell::default(),
            manifest: RefCell::default(),
            presented: Cell::new(false),
            urls_end: Cell::new(f64::INFINITY),
            viewport: Cell::new(start.viewport),
            window: Cell::new(None),
            speed: Speed::default(),
            stream: RefCell::default(),
            asked: RefCell::default(),
            cmcd: RefCell::default(),
            telemetry: RefCell::default(),
        })
    }

    /// Puts a media source behind the video element: beside the DRM module where the browser has them there,
    /// else on the page.
    pub(super) fn attach(&self) {
        if !capability::has_media_source_in_workers(&js_sys::global()) {
            return self.attach_on_page();
        }
        let source = WorkerMediaSource::new(&self.video, self.control.proxy(), self.source_listener());
        // Before it is attached, for a worker that has failed refuses it at once.
        self.source.replace(Some(source.clone()));
        source.attach();
    }

    fn attach_on_page(&self) {
        match PageMediaSource::attach(&self.video, self.source_listener()) {
            Ok(source) => drop(self.source.replace(Some(source))),
            Err(_) => self.fail(Problem::unsupported(&capability::missing_here())),
        }
    }

    fn source_listener(&self) -> impl Fn(SourceEvent) + use<> {
        let weak = self.this.clone();
        move |event| {
            if let Some(driver) = weak.upgrade().filter(|driver| !driver.closed.get()) {
                driver.source_tells(event);
            }
        }
    }

    fn source_tells(&self, event: SourceEvent) {
        match event {
            SourceEvent::Refused => self.attach_on_page(),
            SourceEvent::Attached => self.host.upgrade().into_iter().for_each(DriverHost::attached),
            SourceEvent::Opened => self.maybe_present(),
            SourceEvent::Streaming(wanted) => self.feed(Event::Streaming { wanted }),
            // An event has a length from here on.
            SourceEvent::Ended(length) if self.window.get().is_some() && length.is_finite() => {
                self.host.upgrade().into_iter().for_each(|host| host.duration(length));
            }
            SourceEvent::Ended(_) => {}
        }
    }

    /// The media source, while there is one.
    fn with_source(&self, act: impl FnOnce(&dyn Source)) {
        let source = self.source.borrow().clone();
        if let Some(source) = source {
            act(&*source);
        }
    }

    /// The first manifest, or a refreshed one.
    pub(super) fn manifest_arrived(&self, manifest: Manifest) {
        if let Some(name) = manifest.cdns.iter().find_map(|cdn| cdn.cmcd.as_deref()) {
            self.cmcd.borrow_mut().get_or_insert_with(|| Cmcd::new(drawn(), name));
        }
        if let Some(to) = manifest.reports.as_ref().filter(|_| self.telemetry().is_none()) {
            // The same playback as CDNs are told of.
            let cmcd = self.cmcd.borrow().clone().unwrap_or_else(|| Cmcd::new(drawn(), &to.content));
            self.telemetry.replace(Some(Telemetry::new(to, cmcd, manifest.live.is_some())));
        }
        self.connect(&manifest);
        self.manifest.replace(Some(manifest));
        self.maybe_present();
    }

    /// Opens the persistent connection where the manifest prefers it, once: where it breaks, the film goes on
    /// by ranges.
    fn connect(&self, manifest: &Manifest) {
        let preferred = manifest.stream_url.as_deref().filter(|_| manifest.transport == Transport::WebSocket);
        let is_first = self.stream.borrow().is_none();
        if let Some(url) = preferred.filter(|_| is_first) {
            self.stream.replace(Some(Connection::open(url)));
        }
    }

    /// The persistent connection, while there is one.
    fn connection(&self) -> Option<Rc<Connection>> {
        self.stream.borrow().as_ref().and_then(|stream| stream.as_ref().ok()).cloned()
    }

    // ---- what the operator is told ----

    fn telemetry(&self) -> Option<Rc<Telemetry>> {
        self.telemetry.borrow().clone()
    }

    fn facts(&self) -> Facts {
        let engine = self.engine.borrow();
        let ahead = engine.buffered().ahead(self.video.current_time());
        Facts {
            ahead: Duration::try_from_secs_f64(ahead).unwrap_or_default(),
            throughput: engine.estimate(),
            is_hidden: document().hidden(),
        }
    }

    /// The player stands there from now on.
    pub(super) fn stands(&self, state: State) {
        if let Some(telemetry) = self.telemetry() {
            telemetry.tell(|reports, now| reports.state(state, self.facts(), now));
        }
    }

    /// It cannot go on.
    pub(super) fn failed(&self, code: &str) {
        if let Some(telemetry) = self.telemetry() {
            telemetry.tell(|reports, now| reports.error(code, self.facts(), now));
        }
    }

    /// Sends reports when it is time to. Wanted every few seconds.
    pub(super) fn report(&self) {
        if let Some(telemetry) = self.telemetry() {
            telemetry.tell(|reports, now| reports.pass(|| self.facts(), now));
            telemetry.send_due();
        }
    }

    /// The page goes away.
    pub(super) fn leave(&self) {
        self.stands(State::Quit);
        self.flush();
    }

    /// Sends all reports that there are: nobody knows whether the page will be able to later.
    pub(super) fn flush(&self) {
        if let Some(telemetry) = self.telemetry() {
            telemetry.send_all();
        }
    }

    /// What becomes of downloads.
    fn follow(&self, event: &Event) {
        let Some(telemetry) = self.telemetry() else { return };
        telemetry.tell(|reports, now| match event {
            Event::Progress { fetch, .. } => reports.arrived(*fetch, now),
            Event::FetchDone { fetch } => reports.done(*fetch, now),
            Event::FetchFailed { fetch, failure } => reports.failed(*fetch, failure),
            _ => {}
        });
    }

    /// Looks at the manifest, if there is one.
    pub(super) fn with_manifest(&self, look: impl FnOnce(&Manifest)) {
        if let Some(manifest) = &*self.manifest.borrow() {
            look(manifest);
        }
    }

    /// Gives the manifest to the engine, once it and the media source are there.
    fn maybe_present(&self) {
        let open = self.source.borrow().as_ref().is_some_and(|source| source.is_open());
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
            self.with_source(|source| source.set_duration(presentation.duration()));
            if let (Some(length), Some(host)) = (presentation.duration(), self.host.upgrade()) {
                host.duration(length);
            }
            if let Some(start) = presentation.start.filter(|start| *start > 0.0) {
                self.video.set_current_time(start);
            }
        }
        self.feed(Event::Manifest(presentation));
    }

    /// Whether the film has been given to the engine, so that it has positions.
    pub(super) fn is_presented(&self) -> bool {
        self.presented.get()
    }

    /// Tells the engine that URLs are over, if they are: a machine that slept did not count the time by which
    /// they are refreshed.
    pub(super) fn woke_up(&self) {
        if clock::unix_now() >= self.urls_end.get() {
            self.feed(Event::UrlsStale);
        }
    }

    /// Tells the engine where the video element is.
    pub(super) fn playhead(&self) {
        // Before the engine waits too long, and takes it for a CDN's fault.
        if let Some(connection) = self.connection() {
            connection.give_up_if_silent();
        }
        if let Some(speed) = self.speed.news(&self.video) {
            self.feed(Event::Speed { speed });
        }
        let playing = !self.video.paused() && !self.video.ended();
        self.feed(Event::Playhead { position: self.video.current_time(), playing });
    }

    /// Tells the engine of size and frames, which come without an event. Wanted a few times a second.
    pub(super) fn observe(&self) {
        let viewport = device_pixels(&self.video);
        if viewport != self.viewport.replace(viewport) {
            self.feed(Event::Viewport { width: viewport.0, height: viewport.1 });
        }
        let frames = self.video.get_video_playback_quality();
        let (decoded, dropped) = (frames.total_video_frames(), frames.dropped_video_frames());
        if self.live().is_some() {
            self.speed.keep(&self.video, self.engine.borrow().rate());
        }
        self.feed(Event::Frames { decoded: decoded.into(), dropped: dropped.into() });
    }

    /// What may be chosen of the picture, what was, and what is shown.
    pub(super) fn quality(&self) -> Quality {
        Quality::of(&self.engine.borrow())
    }

    /// What keeps the picture from being a larger one.
    pub(super) fn limit(&self) -> Option<Limit> {
        self.engine.borrow().limit()
    }

    /// What engine and element know of the film.
    pub(super) fn statistics(&self) -> Statistics {
        let (engine, manifest) = (self.engine.borrow(), self.manifest.borrow());
        let form = |kind| Form::of(manifest.as_ref()?, engine.playing(kind)?);
        let frames = self.video.get_video_playback_quality();
        let position = self.video.current_time();
        let live = engine.live();
        Statistics {
            position,
            picture: (self.video.video_width(), self.video.video_height()),
            element: self.viewport.get(),
            video: form(TrackKind::Video),
            audio: form(TrackKind::Audio),
            buffer: engine.buffered().ahead(position),
            throughput: engine.estimate(),
            decrypting: self.control.proxy().decrypting().since(self.decrypting_before),
            frames: (frames.total_video_frames(), frames.dropped_video_frames()),
            switches: engine.stats().switches,
            host: self.asked.borrow().clone(),
            way: self.stream.borrow().as_ref().map(|stream| match stream {
                Ok(connection) => connection.way(),
                Err(why) => Way::Ranges(why.clone()),
            }),
            latency: live.and_then(|live| live.latency.map(|latency| (latency, live.target))),
            ..Statistics::default()
        }
    }

    /// Whether device and license permit a representation.
    pub(super) fn permits(&self, representation: &str) -> bool {
        self.engine.borrow().permits(representation)
    }

    /// Where the viewer of an event is; `None` of a film, and before that is known.
    pub(super) fn live(&self) -> Option<Live> {
        self.engine.borrow().live()
    }

    /// Whether the film does not arrive.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.engine.borrow().trouble().is_some()
    }

    /// How often another representation was taken.
    pub(super) fn switches(&self) -> u64 {
        self.engine.borrow().stats().switches
    }

    /// Tells the engine, and does what it says. Events that come up meanwhile wait their turn.
    pub(super) fn feed(&self, event: Event) {
        self.follow(&event);
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
            // Before the playhead is set: where nothing can be sought it stays.
            self.tell_window();
            for command in commands {
                if !self.closed.get() {
                    self.obey(command);
                }
            }
        }
        self.draining.set(false);
    }

    /// Tells the media source how far an event goes.
    fn tell_window(&self) {
        let window = self.engine.borrow().live().map(|live| live.window).filter(|window| !window.finished);
        let Some(window) = window.filter(|window| self.window.replace(Some(*window)) != Some(*window)) else {
            return;
        };
        self.with_source(|source| source.set_live_range(window.begin, window.edge));
    }

    fn add_tracks(&self) {
        let chosen: Vec<_> =
            self.engine.borrow().tracks().iter().map(|track| track.representation().clone()).collect();
        for representation in chosen {
            let kind = representation.kind;
            let source = self.source.borrow().clone();
            let added = match (&*self.manifest.borrow(), source) {
                (Some(manifest), Some(source)) => {
                    let mime = types(manifest, kind).remove(&representation.id).unwrap_or_default();
                    let stream = NEXT_STREAM.replace(NEXT_STREAM.get() + 1);
                    let (host, proxy) = (self.this.clone(), Rc::clone(self.control.proxy()));
                    TrackRun::new(host, proxy, (kind, stream), manifest, (&*source, &mime))
                }
                _ => None,
            };
            match added {
                Some(track) => self.tracks.borrow_mut().push(track),
                None => return self.fail(Problem::playback("no SourceBuffer")),
            }
        }
    }

    fn track(&self, kind: TrackKind) -> Option<Rc<TrackRun>> {
        self.tracks.borrow().iter().find(|track| track.kind() == kind).cloned()
    }

    fn obey(&self, command: Command) {
        match command {
            Command::Fetch(mut spec) => {
                let connection = self.connection().filter(|connection| connection.carries(&spec));
                if let Some(cmcd) = &*self.cmcd.borrow()
                    && connection.is_none()
                {
                    spec.url = cmcd.url(&spec);
                }
                // A head brings nothing into the buffer, and the engine does not say the end again for it.
                if spec.segment {
                    self.with_source(|source| source.go_on());
                }
                let asked =
                    host(connection.as_ref().map_or(spec.url.as_str(), |connection| connection.url()));
                if self.asked.borrow().as_deref() != asked {
                    self.asked.replace(asked.map(str::to_owned));
                }
                if let Some(telemetry) = self.telemetry().filter(|_| connection.is_none()) {
                    telemetry.tell(|reports, now| reports.asked(&spec, now));
                }
                if let Some(track) = self.track(spec.track) {
                    track.fetch(spec, connection.as_ref());
                }
            }
            Command::Abort { fetch } => {
                if let Some(telemetry) = self.telemetry() {
                    telemetry.tell(|reports, _| reports.aborted(fetch));
                }
                for track in &*self.tracks.borrow() {
                    track.abort(fetch);
                }
            }
            Command::Reset { track } => self.track(track).into_iter().for_each(|track| track.reset()),
            Command::Remove { track, start, end } => {
                self.track(track).into_iter().for_each(|track| track.remove(start, end));
            }
            Command::RetryAppend { track } => {
                self.track(track).into_iter().for_each(|track| track.retry_append());
            }
            Command::JumpTo { position } => {
                let video = self.video.clone();
                self.with_source(|source| {
                    source.when_told(Box::new(move || video.set_current_time(position)));
                });
            }
            Command::EndOfStream => self.with_source(|source| source.end()),
            Command::RefreshManifest => {
                self.host.upgrade().into_iter().for_each(DriverHost::refresh_manifest)
            }
            Command::RefreshIndex(question) => {
                if let Some(host) = self.host.upgrade() {
                    host.refresh_index(question);
                }
            }
            Command::Fail(error) => self.fail(Problem::from(&error)),
        }
    }

    /// Stops everything, and keeps what the next film may use.
    pub(super) fn close(&self) {
        self.leave();
        self.closed.set(true);
        if let Some(estimate) = self.engine.borrow().estimate() {
            device_store::save_throughput(estimate);
        }
        // Nobody has to be told what is not wanted any more.
        self.stream.take();
        for track in self.tracks.take() {
            track.close();
        }
        self.source.take();
    }
}

impl TrackHost for Driver {
    fn feed(&self, event: Event) {
        Self::feed(self, event);
    }

    fn keys_missing(&self, missing: Missing) {
        if let Some(host) = self.host.upgrade() {
            host.keys_missing(missing);
        }
    }

    fn fail(&self, problem: Problem) {
        if let Some(host) = self.host.upgrade() {
            host.fail(problem);
        }
    }
}

/// Octets that name a playback. They have to be others than anybody else's, and no secret.
fn drawn() -> [u8; 16] {
    std::array::from_fn(|_| (js_sys::Math::random() * 256.0) as u8)
}

/// The element's size in device pixels.
fn device_pixels(video: &HtmlVideoElement) -> (u32, u32) {
    let ratio = gloo::utils::window().device_pixel_ratio();
    let scale = |length: i32| (f64::from(length.max(0)) * ratio) as u32;
    (scale(video.client_width()), scale(video.client_height()))
}
