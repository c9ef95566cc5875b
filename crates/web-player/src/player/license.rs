//! Manifest and license: what the controller gives before a film can play.

use std::rc::Rc;

use drm_api::{Request, SessionId};
use engine::Event;
use nccp::{Action, Manifest, Scheme};
use wasm_bindgen_futures::spawn_local;

use super::run::{Inner, PlayerEvent};
use crate::{
    control::{Error, Licensed, Opened},
    problem::Problem,
};

impl Inner {
    /// Takes over what was asked for when the viewer chose the film, and uses every answer as soon as it can
    /// be.
    pub(super) fn begin(self: &Rc<Self>) {
        let Some(opening) = self.control.opened_film(self.movie) else { return };
        let weak = Rc::downgrade(self);
        let control = self.control.clone();
        self.metadata_at.set(opening.asked_at());
        opening.listen(move |opened| match weak.upgrade().filter(|player| !player.is_closed()) {
            Some(player) => player.opened(opened),
            // Nobody is left to close it.
            None => {
                if let Opened::Session(session) = opened {
                    control.proxy().send(&Request::CloseSession { session }, None, |_| {});
                }
            }
        });
    }

    fn opened(self: Rc<Self>, opened: Opened) {
        match opened {
            Opened::Session(session) => {
                self.session.set(Some(session));
                self.maybe_open_embedded();
            }
            Opened::LicenseComesAlong => {
                self.license_comes_along.set(true);
                self.maybe_open_embedded();
            }
            Opened::Manifest(manifest) => self.manifest_or_problem(manifest),
            Opened::License(Ok(licensed)) => {
                if let Some(session) = self.session.get() {
                    spawn_local(self.licensed(session, licensed));
                }
            }
            Opened::License(Err(error)) => self.license_failed(Problem::from(&error)),
            Opened::NoSession(error) => self.fail(Problem::from(&error)),
            Opened::Metadata(metadata) => self.tell(PlayerEvent::Metadata(metadata)),
            Opened::Resume(position) => self.tell(PlayerEvent::Resume(position)),
        }
    }

    fn manifest_or_problem(self: &Rc<Self>, manifest: Result<Manifest, Error>) {
        match manifest {
            Ok(manifest) => self.manifest_arrived(manifest),
            Err(error) => self.fail(Problem::from(&error)),
        }
    }

    /// A fresh manifest, for fresh URLs.
    pub(super) async fn refresh_manifest(self: Rc<Self>) {
        match self.control.authorize(self.movie).await {
            Ok(manifest) => {
                self.metadata_at.set(crate::clock::unix_now());
                self.manifest_arrived(manifest);
            }
            // Busy is not refused; the engine asks again, and what is buffered plays on.
            Err(Error::Wire(wire)) if wire.action != Action::Backoff => {
                self.fail(Problem::from(&Error::Wire(wire)));
            }
            Err(_) => self.feed(Event::ManifestFailed),
        }
    }

    pub(super) async fn licensed(self: Rc<Self>, session: SessionId, licensed: Licensed) {
        if let Err(problem) = self.take(session, licensed).await {
            self.license_failed(problem);
        }
    }

    /// A film without protection needs no license, so its refusal is of no account.
    pub(super) fn license_failed(&self, problem: Problem) {
        match &*self.manifest.borrow() {
            Some(manifest) if !protected(manifest) => return,
            Some(_) => {}
            None => return drop(self.license_problem.replace(Some(problem))),
        }
        self.fail(problem);
    }

    /// The worker holds fragments for lack of a key although the license is there.
    pub(super) fn key_missing(&self) {
        // What the displays do not allow now is held until they do.
        if self.has_license.get() && !self.is_restricted() {
            self.fail(Problem::from(&drm_api::DrmError::LicenseInvalid));
        }
    }

    fn manifest_arrived(self: &Rc<Self>, manifest: Manifest) {
        let is_protected = protected(&manifest);
        self.manifest.replace(Some(manifest));
        self.maybe_open_embedded();
        let refused = self.license_problem.take().filter(|_| is_protected);
        match refused {
            Some(problem) => self.fail(problem),
            None => self.maybe_present(),
        }
    }
}

pub(super) fn protected(manifest: &Manifest) -> bool {
    manifest.downloadables.iter().any(|downloadable| downloadable.scheme != Scheme::None)
}
