//! A film on a video element: its parts joined.

mod event;
mod playing;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use drm_api::cdm::Request;
use engine::{Event, IndexQuestion, abr::caps::Limit};
use gloo::utils::window;
use nccp::{Action, ErrorCode, LogEvent, Manifest, MovieId};
use playback::{PictureChoice, PictureGroup, is_same_session, pictures_to_ask_about};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DomException, HtmlElement, HtmlVideoElement};

use super::{
    captions::Captions,
    driver::{Driver, DriverHost},
    event::{Listener, PlayerEvent},
    licenses::{LicenseHost, LicenseKeeper},
    live::{self, Feed},
    quality::{Quality, SAVING, Wish},
    report::Reporter,
    speed::chosen_speed,
    statistics::Statistics,
    track::Missing,
    tracks::{Stills, Tracks},
    video::{self, Watching},
};
use crate::{
    capability,
    captions::{ActiveCues, CaptionStyle},
    clock,
    control::{Control, Error, Opened},
    device_store,
    problem::Problem,
};

/// A film on a video element, until it is dropped.
pub struct Player(Rc<Film>);

impl Player {
    /// Starts the film: everything that can go on at the same time does.
    ///
    /// `captions` is an element over the video, for captions to be drawn in ([`Layer`]); without it the
    /// browser draws them.
    ///
    /// [`Layer`]: crate::captions::Layer
    pub fn start(
        control: Control,
        movie: MovieId,
        video: HtmlVideoElement,
        captions: Option<HtmlElement>,
        on_event: Listener,
    ) -> Self {
        let style = caption_style(&control);
        let cues_of = |film: &Weak<Film>| {
            let film = film.clone();
            move |cues: ActiveCues| {
                if let Some(film) = film.upgrade() {
                    film.tell(PlayerEvent::Cues(cues));
                }
            }
        };
        let film = Rc::new_cyclic(|this: &Weak<Film>| Film {
            driver: Driver::new(this.clone(), control.clone(), video.clone()),
            licenses: LicenseKeeper::new(this.clone(), control.clone(), movie),
            reporter: Reporter::new(control.clone(), movie, video.clone()),
            control,
            movie,
            captions: Captions::new(video.clone(), captions, &style, cues_of(this)),
            feed: Feed::default(),
            of: RefCell::default(),
            told: RefCell::default(),
            pictures: Cell::default(),
            newest: Cell::default(),
            video,
            on_event,
            tracks: RefCell::default(),
            stills: RefCell::default(),
            shown: RefCell::default(),
            limit: Cell::new(None),
            retrying: Cell::new(false),
            last: RefCell::default(),
            resumes: Cell::new(false),
            paused: Cell::new(false),
            left: Cell::new(None),
            closed: Cell::new(false),
            watching: RefCell::default(),
        });
        let weak = Rc::downgrade(&film);
        clock::when_idle(move || {
            if let Some(film) = weak.upgrade() {
                film.reporter.ready();
            }
        });
        film.driver.attach();
        let weak = Rc::downgrade(&film);
        let watching = video::watch(&film.video, move |what| {
            if let Some(film) = weak.upgrade().filter(|film| !film.closed.get()) {
                film.happened(what);
            }
        });
        film.watching.replace(Some(watching));
        if !window().navigator().on_line() {
            film.driver.feed(Event::Offline);
        }
        film.begin();
        film.play();
        Self(film)
    }

    /// Plays; asks for a gesture where the browser wants one.
    pub fn play(&self) {
        self.0.play();
    }

    /// The viewer's choice of the picture, by [`Quality`]'s ids, for this film and others; `None` leaves it
    /// to the player.
    pub fn prefer(&self, representation: Option<String>) {
        let quality = self.quality();
        let chosen = representation.as_ref().and_then(|id| quality.rungs.iter().find(|rung| rung.id == *id));
        self.0.keep(chosen.map_or(Wish::Automatic, |rung| Wish::Height(rung.height)));
        self.0.driver.feed(Event::DataSaver { height: None });
        self.choose(representation);
    }

    /// The viewer wants to save data, with this film and others: the player chooses the picture, and a small
    /// one.
    pub fn save_data(&self) {
        self.0.keep(Wish::DataSaver);
        self.0.driver.feed(Event::DataSaver { height: Some(SAVING) });
        self.choose(None);
    }

    /// The numbers of the film, as they are now; those of its end, once it cannot go on.
    pub fn statistics(&self) -> Statistics {
        if self.0.closed.get() { self.0.last.borrow().clone() } else { self.0.statistics() }
    }

    /// The picture for now, by [`Quality`]'s ids; `None` leaves it to the player.
    pub fn choose(&self, representation: Option<String>) {
        self.0.driver.feed(Event::Quality { representation });
        self.0.observe();
    }

    /// What may be chosen of the picture, what was, and what is shown.
    pub fn quality(&self) -> Quality {
        self.0.driver.quality()
    }

    /// The viewer's choice of the sound, by its id.
    pub fn choose_sound(&self, id: &str) {
        self.0.choose(|tracks| tracks.choose_sound(id));
        self.0.driver.feed(Event::Audio { representation: id.to_owned() });
    }

    /// The viewer's choice of subtitles, by their id; `None` turns them off.
    pub fn choose_text(&self, id: Option<&str>) {
        self.0.choose(|tracks| {
            tracks.choose_text(id);
            true
        });
    }

    /// How captions look to this account on this device.
    pub fn caption_style(&self) -> CaptionStyle {
        caption_style(&self.0.control)
    }

    /// The viewer's choice of how captions look, for this film and others.
    pub fn style_captions(&self, style: CaptionStyle) {
        device_store::save_caption_style(&self.0.control.account(), &style.to_string());
        self.0.captions.style(&style);
    }

    /// Goes to what is live, in an event, and plays; at a speed by which one stays there.
    pub fn go_live(&self) {
        if let Some(live) = self.0.driver.live() {
            if chosen_speed(&self.0.video) < 1.0 {
                self.0.video.set_playback_rate(1.0);
            }
            self.0.driver.playhead();
            self.0.video.set_current_time(live.latest);
            self.0.play();
        }
    }

    /// Stops the film as if it had come to its end: what is left of it are credits, and the viewer goes on to
    /// another.
    pub fn finish(&self) {
        self.0.leave(LogEvent::End);
    }

    /// Where the film is, once it has played: seconds, 0 at its end.
    pub fn position(&self) -> Option<f64> {
        if self.0.closed.get() { self.0.left.get() } else { self.0.reporter.position() }
    }
}

fn caption_style(control: &Control) -> CaptionStyle {
    let kept = device_store::caption_style(&control.account());
    kept.and_then(|kept| CaptionStyle::parse(&kept)).unwrap_or_default()
}

impl Drop for Player {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Film {
    control: Control,
    movie: MovieId,
    video: HtmlVideoElement,
    on_event: Listener,
    driver: Rc<Driver>,
    licenses: Rc<LicenseKeeper>,
    reporter: Reporter,
    captions: Captions,
    feed: Feed,
    /// The manifest, where it is an event's: made whole with the index.
    of: RefCell<Option<Manifest>>,
    /// What the page was told last of the event.
    told: RefCell<Option<live::Event>>,
    /// Which of several codecs and dynamic ranges is shown.
    pictures: Cell<PictureChoice>,
    /// Which manifest came last, counted: an older one that still waits for an answer is not used any more.
    newest: Cell<u32>,
    /// What there is of sound and subtitles; `None` before the first manifest.
    tracks: RefCell<Option<Tracks>>,
    /// What the page was told last.
    shown: RefCell<Quality>,
    stills: RefCell<Option<Stills>>,
    limit: Cell<Option<Limit>>,
    retrying: Cell<bool>,
    /// The numbers when the player closed.
    last: RefCell<Statistics>,
    /// The film plays again once the displays allow it.
    resumes: Cell<bool>,
    /// It was paused, and not played since: an element that gets another source stands still without that.
    paused: Cell<bool>,
    /// Where the film was when the player closed.
    left: Cell<Option<f64>>,
    closed: Cell<bool>,
    watching: RefCell<Option<Watching>>,
}

impl Film {
    fn tell(&self, event: PlayerEvent) {
        if !self.closed.get() {
            (self.on_event)(event);
        }
    }

    /// Reports the problem, once, and stops.
    fn fail(&self, problem: Problem) {
        if self.closed.get() {
            return;
        }
        if problem.code == ErrorCode::EventWaiting.as_str() {
            return self.give_way(PlayerEvent::NotBegun);
        }
        let position = self.driver.is_presented().then(|| self.video.current_time());
        self.reporter.failed(problem.code.clone(), position);
        self.driver.failed(&problem.code);
        self.tell(PlayerEvent::Failed(problem));
        self.close();
    }

    /// Ends without a failure, and says why.
    fn give_way(&self, event: PlayerEvent) {
        self.tell(event);
        self.close();
    }

    fn play(self: &Rc<Self>) {
        let Ok(promise) = self.video.play() else { return };
        let film = Rc::clone(self);
        spawn_local(async move {
            let Err(refusal) = JsFuture::from(promise).await else { return };
            let name = refusal.dyn_ref::<DomException>().map(DomException::name);
            if name.as_deref() == Some("NotAllowedError") {
                film.tell(PlayerEvent::WantsGesture);
            }
        });
    }

    // ---- opening ----

    /// Takes over what was asked for when the viewer chose the film, and uses every answer as soon as it can
    /// be.
    fn begin(self: &Rc<Self>) {
        let Some(opening) = self.control.opened_film(self.movie) else { return };
        let weak = Rc::downgrade(self);
        let control = self.control.clone();
        self.licenses.manifest_asked_at(opening.asked_at());
        opening.listen(move |opened| match weak.upgrade().filter(|film| !film.closed.get()) {
            Some(film) => film.opened(opened),
            // Nobody is left to close it.
            None => {
                if let Opened::Session(session) = opened {
                    control.proxy().send(&Request::CloseSession { session }, None, |_| {});
                }
            }
        });
    }

    fn opened(self: &Rc<Self>, opened: Opened) {
        match opened {
            Opened::Session(session) => self.licenses.session_opened(session),
            Opened::LicenseEmbedded => self.licenses.expect_embedded(),
            Opened::Manifest(Ok(manifest)) => self.manifest_arrived(*manifest),
            Opened::Manifest(Err(error)) | Opened::NoSession(error) => self.fail(Problem::from(&error)),
            Opened::License(answer) => self.licenses.answered(answer),
            Opened::Metadata(metadata) => self.tell(PlayerEvent::Metadata(metadata)),
            Opened::Resume(position) => self.tell(PlayerEvent::Resume(position)),
        }
    }

    fn manifest_arrived(self: &Rc<Self>, manifest: Manifest) {
        let is_same = self.of.borrow().as_ref().map(|before| is_same_session(before, &manifest));
        if is_same == Some(false) {
            return self.give_way(PlayerEvent::BeginAnew);
        }
        match manifest.live.is_some() {
            true => spawn_local(Rc::clone(self).follow(manifest)),
            false => {
                self.tell(PlayerEvent::OnDemand);
                self.manifest_is_whole(manifest);
            }
        }
    }

    /// Chooses codec and dynamic range, once; only a film that has several waits for what the browser says of
    /// them.
    fn manifest_is_whole(self: &Rc<Self>, manifest: Manifest) {
        let turn = self.newest.get().wrapping_add(1);
        self.newest.set(turn);
        if self.pictures.get().group().is_some() || pictures_to_ask_about(&manifest.downloadables).is_empty()
        {
            return self.narrowed(manifest, &[]);
        }
        let film = Rc::clone(self);
        spawn_local(async move {
            let too_much = capability::too_much(&js_sys::global(), &manifest.downloadables).await;
            if !film.closed.get() && film.newest.get() == turn {
                film.narrowed(manifest, &too_much);
            }
        });
    }

    fn narrowed(self: &Rc<Self>, mut manifest: Manifest, too_much: &[PictureGroup]) {
        let (mut pictures, global) = (self.pictures.get(), js_sys::global());
        pictures.narrow(&mut manifest, |picture| capability::fit(&global, too_much, picture));
        self.pictures.set(pictures);
        match self.licenses.manifest_arrived(&manifest) {
            Ok(()) => {
                self.look_at_tracks(&manifest);
                self.driver.manifest_arrived(manifest);
                self.show_text();
            }
            Err(problem) => self.fail(problem),
        }
    }

    // ---- sound, subtitles and small pictures ----

    fn look_at_tracks(&self, manifest: &Manifest) {
        let stills = Stills::of(manifest);
        if *self.stills.borrow() != stills {
            self.stills.replace(stills.clone());
            stills.into_iter().for_each(|stills| self.tell(PlayerEvent::Stills(stills)));
        }
        if self.tracks.borrow().is_none() {
            let global = js_sys::global();
            let wish = self.wish().events(manifest, |mime| capability::is_type_supported(&global, mime));
            wish.into_iter().for_each(|event| self.driver.feed(event));
            let tracks = Tracks::of(manifest, |mime| capability::is_type_supported(&global, mime));
            if let Some(sound) = &tracks.sound {
                self.driver.feed(Event::Audio { representation: sound.clone() });
            }
            self.tracks.replace(Some(tracks.clone()));
            self.tell(PlayerEvent::Tracks(tracks));
        }
    }

    /// What the viewer wants of the picture; who has not said so may have told the browser.
    fn wish(&self) -> Wish {
        let kept = device_store::picture(&self.control.account());
        kept.and_then(|kept| Wish::parse(&kept)).unwrap_or_else(|| match capability::wants_little_data() {
            true => Wish::DataSaver,
            false => Wish::Automatic,
        })
    }

    fn keep(&self, wish: Wish) {
        device_store::save_picture(&self.control.account(), &wish.to_text());
    }

    fn statistics(&self) -> Statistics {
        Statistics {
            stalls: self.reporter.stalls(),
            license: self.licenses.lease(),
            ..self.driver.statistics()
        }
    }

    /// Changes the choice, and tells the page of it.
    fn choose(self: &Rc<Self>, change: impl FnOnce(&mut Tracks) -> bool) {
        let changed = match &mut *self.tracks.borrow_mut() {
            Some(tracks) => change(tracks).then(|| tracks.clone()),
            None => None,
        };
        if let Some(tracks) = changed {
            self.show_text();
            self.tell(PlayerEvent::Tracks(tracks));
        }
    }

    fn show_text(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let failed = move || {
            let Some(film) = weak.upgrade() else { return };
            film.choose(|tracks| std::mem::take(&mut tracks.text).is_some());
            film.tell(PlayerEvent::TextFailed);
        };
        let tracks = self.tracks.borrow();
        let Some(tracks) = &*tracks else { return };
        self.driver.with_manifest(|manifest| self.captions.show(tracks.shown(manifest), failed));
    }

    async fn fresh_manifest(self: Rc<Self>) {
        match self.control.authorize(self.movie).await {
            Ok(manifest) => {
                self.licenses.manifest_asked_at(clock::unix_now());
                self.manifest_arrived(manifest);
            }
            // Busy is not refused; the engine asks again, and what is buffered plays on.
            Err(Error::Refused(wire)) if wire.action != Action::Backoff => {
                self.fail(Problem::from(&Error::Refused(wire)));
            }
            Err(_) => self.driver.feed(Event::ManifestFailed),
        }
    }

    fn close(&self) {
        self.leave(LogEvent::Hide);
    }

    /// Stops, and has this logged, unless the film came to its end by itself.
    fn leave(&self, event: LogEvent) {
        if self.closed.replace(true) {
            return;
        }
        self.last.replace(self.statistics());
        self.reporter.ready();
        // Without its media source the element forgets.
        let position = self.reporter.position();
        self.left.set(position.map(|position| if event == LogEvent::End { 0.0 } else { position }));
        if !self.video.ended() {
            // What the controller says to it is of no use any more.
            drop(self.reporter.log(event, self.driver.switches(), self.licenses.policy_version()));
        }
        self.control.forget_opening();
        self.watching.take();
        self.captions.show(None, || {});
        self.driver.close();
        self.licenses.close();
    }
}

impl DriverHost for Film {
    fn refresh_manifest(self: Rc<Self>) {
        spawn_local(self.fresh_manifest());
    }

    fn refresh_index(self: Rc<Self>, question: IndexQuestion) {
        spawn_local(self.news(question));
    }

    fn attached(self: Rc<Self>) {
        // A film that the element had until now took what was said to it along; who paused meanwhile meant
        // it.
        if self.video.paused() && !self.paused.get() {
            self.play();
        }
    }

    fn duration(&self, seconds: f64) {
        self.tell(PlayerEvent::Duration(seconds));
    }

    fn keys_missing(&self, missing: Missing) {
        self.licenses.keys_missing(missing);
    }

    fn fail(&self, problem: Problem) {
        Self::fail(self, problem);
    }
}

impl LicenseHost for Film {
    fn max_height(&self, height: Option<u32>) {
        self.driver.feed(Event::MaxHeight { height });
    }

    fn permits(&self, representation: &str) -> bool {
        self.driver.permits(representation)
    }

    fn has_played(&self) -> bool {
        self.reporter.has_played()
    }

    fn restricted(self: Rc<Self>, is_restricted: bool) {
        if is_restricted {
            self.resumes.set(!self.video.paused());
            let _ = self.video.pause();
        } else if self.resumes.take() {
            self.play();
        }
        self.tell(PlayerEvent::Restricted(is_restricted));
    }

    fn fail(&self, problem: Problem) {
        Self::fail(self, problem);
    }
}
