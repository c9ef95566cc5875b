//! Manifest and license: what the controller gives before a film can play.

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{KeyStatus, Reply, Request, SessionId};
use engine::Event;
use nccp::{Manifest, RequestMessage, ResponseMessage, Scheme};
use wasm_bindgen_futures::spawn_local;

use super::run::{Inner, PlayerEvent};
use crate::{
    control::{Ask, Error},
    problem::Problem,
};

impl Inner {
    /// One POST with all that the start needs (PROTOCOL §9); every answer is used as soon as it can be.
    pub(super) async fn begin(self: Rc<Self>) {
        let movie_id = self.movie;
        // With the manifest there already, media is asked for while the license is.
        let prefetched = self.control.prefetched(movie_id);
        let has_prefetched = prefetched.is_some();
        if let Some(prefetched) = prefetched {
            spawn_local(Rc::clone(&self).authorized(prefetched));
        }
        let session = match self.proxy().ask(Request::CreateSession).await {
            Ok(Reply::Session { session }) => session,
            Ok(_) => return self.fail(Problem::from(&Error::Protocol)),
            Err(error) => return self.fail(Problem::from(&error)),
        };
        if self.is_closed() {
            return self.proxy().send(&Request::CloseSession { session }, None, |_| {});
        }
        self.session.set(Some(session));
        let control = &self.control;
        let license = control.ask(Ask::License { session, movie: movie_id });
        let user = control.ask(Ask::Message(RequestMessage::UserMovieMetadata { movie_id }));
        let metadata = control.ask(Ask::Message(RequestMessage::MovieMetadata { movie_id }));
        let manifest = (!has_prefetched).then(|| control.authorize(movie_id));

        let player = Rc::clone(&self);
        spawn_local(async move {
            match license.await {
                Ok(ResponseMessage::License { license, .. }) => player.licensed(session, &license).await,
                Ok(_) => player.license_failed(Problem::from(&Error::Protocol)),
                Err(error) => player.license_failed(Problem::from(&error)),
            }
        });
        let player = Rc::clone(&self);
        spawn_local(async move {
            if let Ok(ResponseMessage::MovieMetadata { metadata, .. }) = metadata.await {
                player.tell(PlayerEvent::Metadata(Box::new(metadata)));
            }
        });
        let player = Rc::clone(&self);
        spawn_local(async move {
            if let Ok(ResponseMessage::UserMovieMetadata(user)) = user.await {
                player.tell(PlayerEvent::Resume(user.position));
            }
        });
        if let Some(manifest) = manifest {
            self.manifest_or_problem(manifest.await);
        }
    }

    async fn authorized(self: Rc<Self>, prefetched: impl Future<Output = Option<Manifest>>) {
        match prefetched.await {
            Some(manifest) => self.manifest_arrived(manifest),
            None => {
                let manifest = self.control.authorize(self.movie).await;
                self.manifest_or_problem(manifest);
            }
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
            Ok(manifest) => self.manifest_arrived(manifest),
            Err(error @ Error::Wire(_)) => self.fail(Problem::from(&error)),
            _ => self.feed(Event::ManifestFailed),
        }
    }

    async fn licensed(self: Rc<Self>, session: SessionId, license: &[u8]) {
        let update = Request::Update { session, license: STANDARD.encode(license) };
        match self.proxy().ask(update).await {
            Ok(Reply::Keys { keys, max_height, .. }) => {
                self.has_license.set(true);
                self.feed(Event::MaxHeight { height: max_height });
                if let Some(key) = keys.iter().find(|key| key.status != KeyStatus::Usable) {
                    let error = match key.status {
                        KeyStatus::OutputRestricted => {
                            drm_api::DrmError::PolicyRefused { reason: drm_api::PolicyReason::Output }
                        }
                        _ => drm_api::DrmError::LicenseExpired,
                    };
                    self.license_failed(Problem::from(&error));
                }
            }
            Ok(_) => self.license_failed(Problem::from(&Error::Protocol)),
            Err(error) => self.license_failed(Problem::from(&error)),
        }
    }

    /// A film without protection needs no license, so its refusal is of no account.
    fn license_failed(&self, problem: Problem) {
        match &*self.manifest.borrow() {
            Some(manifest) if !protected(manifest) => return,
            Some(_) => {}
            None => return drop(self.license_problem.replace(Some(problem))),
        }
        self.fail(problem);
    }

    /// The worker holds fragments for lack of a key although the license is there.
    pub(super) fn key_missing(&self) {
        if self.has_license.get() {
            self.fail(Problem::from(&drm_api::DrmError::LicenseInvalid));
        }
    }

    fn manifest_arrived(self: &Rc<Self>, manifest: Manifest) {
        let is_protected = protected(&manifest);
        self.manifest.replace(Some(manifest));
        let refused = self.license_problem.take().filter(|_| is_protected);
        match refused {
            Some(problem) => self.fail(problem),
            None => self.maybe_present(),
        }
    }
}

fn protected(manifest: &Manifest) -> bool {
    manifest.downloadables.iter().any(|downloadable| downloadable.scheme != Scheme::None)
}
