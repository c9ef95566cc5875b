//! A film being opened: what its start asks the controller for, asked as early as it can be (docs/protocol.md
//! §10).
//!
//! Whoever rests on a title probably wants it: the manifest is asked for then. Whoever presses on it does,
//! almost always: session and challenge are made then, which nobody else hears of. The click asks for the
//! rest, in one POST, while the page is still being made; the player takes over what has come, and what is
//! yet to come.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::{Rc, Weak},
};

use drm_api::cdm::{Request, SessionId};
use futures_util::future::{self, FutureExt};
use gloo::utils::document;
use nccp::{LicenseMode, Manifest, MovieId, MovieMetadata, RequestMessage, ResponseMessage};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlLinkElement, Url};

use super::{Control, Licensed};
use crate::{
    clock,
    control::{Ask, Error, driver::Driver},
};

/// What was asked for early is good for so long, in seconds: what it says of the resume position and the
/// viewer's rights ages.
const FRESH_SECONDS: f64 = 60.0;

/// What comes of opening a film, in no order.
pub enum Opened {
    /// The session of the license.
    Session(SessionId),
    /// The manifest.
    Manifest(Result<Box<Manifest>, Error>),
    /// No license was asked for: it lies in the manifest.
    LicenseEmbedded,
    /// The license for the session.
    License(Result<Licensed, Error>),
    /// Title and the like.
    Metadata(Box<MovieMetadata>),
    /// Where the viewer left, in seconds.
    Resume(f64),
    /// There is no session, so there will be no license.
    NoSession(Error),
}

/// What openings have in common.
#[derive(Default)]
pub(super) struct Openings {
    current: RefCell<Option<Opening>>,
    /// A license session that nobody uses yet.
    pub(super) spare_session: Cell<Option<SessionId>>,
    /// Films whose license comes along with the manifest.
    pub(super) embedded: RefCell<HashSet<MovieId>>,
}

type Listener = Rc<dyn Fn(Opened)>;
/// The session, once its challenge is there.
type Preparing = future::Shared<future::LocalBoxFuture<'static, Result<SessionId, Error>>>;

/// A film being opened. Dropped before anybody listens, it closes its session.
pub struct Opening(Rc<Shared>);

pub(super) struct Shared {
    driver: Rc<Driver>,
    /// They keep the opening, so this must not keep them.
    openings: Weak<Openings>,
    movie: MovieId,
    asked_at: f64,
    authorized: Cell<bool>,
    licensed: Cell<bool>,
    prepared: RefCell<Option<Preparing>>,
    given_up: Cell<bool>,
    come: RefCell<Vec<Opened>>,
    listener: RefCell<Option<Listener>>,
}

impl Opening {
    fn new(control: &Control, movie: MovieId) -> Self {
        Self(Rc::new(Shared {
            driver: Rc::clone(&control.driver),
            openings: Rc::downgrade(&control.openings),
            movie,
            asked_at: clock::unix_now(),
            authorized: Cell::new(false),
            licensed: Cell::new(false),
            prepared: RefCell::default(),
            given_up: Cell::new(false),
            come: RefCell::default(),
            listener: RefCell::default(),
        }))
    }

    fn serves(&self, movie: MovieId) -> bool {
        let refused = |opened: &Opened| matches!(opened, Opened::Manifest(Err(_)) | Opened::NoSession(_));
        self.0.movie == movie
            && clock::unix_now() < self.0.asked_at + FRESH_SECONDS
            && !self.0.come.borrow().iter().any(refused)
    }

    /// When the first of it was asked for, Unix seconds.
    pub fn asked_at(&self) -> f64 {
        self.0.asked_at
    }

    /// Hands over what has come, and then whatever comes.
    pub fn listen(self, listener: impl Fn(Opened) + 'static) {
        let listener: Listener = Rc::new(listener);
        self.0.listener.replace(Some(Rc::clone(&listener)));
        for opened in self.0.come.take() {
            listener(opened);
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.0.listener.borrow().is_none() {
            self.0.given_up.set(true);
            for opened in self.0.come.take() {
                self.0.forget(&opened);
            }
        }
    }
}

impl Shared {
    fn tell(&self, opened: Opened) {
        let listener = self.listener.borrow().clone();
        match listener {
            Some(listener) => listener(opened),
            None if self.given_up.get() => self.forget(&opened),
            None => self.come.borrow_mut().push(opened),
        }
    }

    fn forget(&self, opened: &Opened) {
        if let Opened::Session(session) = opened {
            close_session(&self.driver, *session);
        }
    }

    fn authorize(self: &Rc<Self>, control: &Control) {
        if self.authorized.replace(true) {
            return;
        }
        let manifest = control.authorize(self.movie);
        let opening = Rc::clone(self);
        spawn_local(async move {
            let manifest = manifest.await;
            if let Ok(manifest) = &manifest {
                preconnect(manifest);
                if let (LicenseMode::Embedded, Some(openings)) =
                    (manifest.license_mode, opening.openings.upgrade())
                {
                    openings.embedded.borrow_mut().insert(opening.movie);
                }
            }
            opening.tell(Opened::Manifest(manifest.map(Box::new)));
        });
    }

    /// Makes session and challenge (where one will be needed), once. Nothing leaves this browser for it.
    fn prepare(self: &Rc<Self>, control: &Control) -> Preparing {
        let mut prepared = self.prepared.borrow_mut();
        let preparing = prepared.get_or_insert_with(|| {
            let opening = Rc::downgrade(self);
            let (control, movie) = (control.clone(), self.movie);
            let prepare = async move {
                let session = match control.session().await {
                    Ok(session) => session,
                    Err(error) => {
                        // The next one to want it tries again.
                        let forget = |opening: Rc<Self>| opening.prepared.take();
                        drop(opening.upgrade().map(forget));
                        return Err(error);
                    }
                };
                if !control.has_license_along(movie) {
                    control.driver.make_ready(session, movie).await;
                }
                match opening.upgrade() {
                    Some(opening) => opening.tell(Opened::Session(session)),
                    None => close_session(&control.driver, session),
                }
                Ok(session)
            };
            let preparing = prepare.boxed_local().shared();
            spawn_local(preparing.clone().map(drop));
            preparing
        });
        preparing.clone()
    }

    /// Asks for everything that has not been asked for, in one POST.
    async fn ask_for_all(self: Rc<Self>, control: Control) {
        let movie_id = self.movie;
        let session = match self.prepare(&control).await {
            Ok(session) => session,
            Err(error) => return self.tell(Opened::NoSession(error)),
        };
        if self.given_up.get() {
            return;
        }
        let license = match control.has_license_along(movie_id) {
            true => {
                // A challenge that was made before that was known will not be answered.
                control.driver.take_ready(session);
                self.tell(Opened::LicenseEmbedded);
                None
            }
            false => match control.driver.kept_license(session, movie_id).await {
                Some(kept) => {
                    self.tell(Opened::License(Ok(kept)));
                    None
                }
                None => Some(control.license(session, movie_id)),
            },
        };
        let user = control.ask(Ask::Message(RequestMessage::UserMovieMetadata { movie_id }));
        let metadata = control.ask(Ask::Message(RequestMessage::MovieMetadata { movie_id }));
        self.authorize(&control);

        let opening = Rc::clone(&self);
        spawn_local(async move {
            if let Some(license) = license {
                opening.tell(Opened::License(license.await));
            }
        });
        let opening = Rc::clone(&self);
        spawn_local(async move {
            if let Ok(ResponseMessage::UserMovieMetadata(user)) = user.await {
                opening.tell(Opened::Resume(user.position));
            }
        });
        if let Ok(ResponseMessage::MovieMetadata { metadata, .. }) = metadata.await {
            self.tell(Opened::Metadata(Box::new(metadata)));
        }
    }
}

impl Control {
    /// Asks for a film's manifest, and connects to the CDN that it names first.
    pub fn prefetch(&self, movie: MovieId) {
        self.opening(movie).authorize(self);
    }

    /// Makes what the film's start needs of this browser alone.
    pub fn prepare_film(&self, movie: MovieId) {
        drop(self.opening(movie).prepare(self));
    }

    /// Asks for all that the film's start needs. What it gives is over when that has gone out; at once where
    /// the manifest is there or on its way, for then the page is what the film waits for.
    pub fn open_film(&self, movie: MovieId) -> impl Future<Output = ()> + use<> {
        let opening = self.opening(movie);
        let departure = (!opening.authorized.get()).then(|| self.driver.departure());
        if !opening.licensed.replace(true) {
            spawn_local(opening.ask_for_all(self.clone()));
        }
        async move {
            if let Some(departure) = departure {
                departure.await;
            }
        }
    }

    /// The film being opened, for the player.
    pub fn opened_film(&self, movie: MovieId) -> Option<Opening> {
        drop(self.open_film(movie));
        self.openings.current.take()
    }

    /// Forgets what was asked for early: the film has moved on since.
    pub fn forget_opening(&self) {
        drop(self.openings.current.take());
    }

    fn opening(&self, movie: MovieId) -> Rc<Shared> {
        let mut current = self.openings.current.borrow_mut();
        match &*current {
            Some(opening) if opening.serves(movie) => Rc::clone(&opening.0),
            _ => {
                let opening = Opening::new(self, movie);
                let shared = Rc::clone(&opening.0);
                let before = current.replace(opening);
                drop(current);
                drop(before);
                shared
            }
        }
    }

    /// Whether a film is known to bring its license along.
    fn has_license_along(&self, movie: MovieId) -> bool {
        self.openings.embedded.borrow().contains(&movie)
    }
}

fn close_session(driver: &Driver, session: SessionId) {
    driver.take_ready(session);
    driver.proxy.send(&Request::CloseSession { session }, None, |_| {});
}

/// Has the browser connect to the CDN that is first in order, as the fetches will: across origins and without
/// cookies.
fn preconnect(manifest: &Manifest) {
    let first = manifest.cdns.first().map(|cdn| &cdn.id);
    let urls = manifest.downloadables.first().into_iter().flat_map(|downloadable| &downloadable.urls);
    let url = urls.into_iter().find(|url| first == Some(&url.cdn_id));
    let origin = url.and_then(|url| Url::new(&url.url).ok()).map(|url| url.origin());
    let here = gloo::utils::window().location().origin().ok();
    let Some(origin) = origin.filter(|origin| Some(origin) != here.as_ref()) else { return };
    let known = document().query_selector(&format!("link[rel=preconnect][href=\"{origin}\"]"));
    if matches!(known, Ok(None))
        && let Ok(link) = document().create_element("link")
        && let Ok(link) = link.dyn_into::<HtmlLinkElement>()
    {
        link.set_rel("preconnect");
        link.set_href(&origin);
        link.set_cross_origin(Some("anonymous"));
        let _ = document().head().map(|head| head.append_child(&link));
    }
}
