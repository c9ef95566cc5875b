//! Licenses: sessions and challenges of the DRM worker, those that are made ahead, those that are kept.

use control_client::Challenge;
use drm_api::{
    DrmError, PolicyReason,
    cdm::{Reply, Request, SessionId},
};
use nccp::{MovieId, Registration};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::{
    control::{
        Error,
        driver::{Driver, ReadyChallenge, misunderstood},
    },
    device_store,
};

/// A license for a session.
pub enum Licensed {
    /// From a license server, for the worker to take: COSE octets, and what names its rules.
    Fresh(Vec<u8>, Option<String>),
    /// One that the worker has taken already, kept by this device or embedded in DRM metadata: what it said,
    /// and what names its rules.
    Taken(Reply, Option<String>),
}

impl Control {
    /// A license session: the spare one, and then another is made.
    pub(super) async fn session(&self) -> Result<SessionId, Error> {
        let session = match self.openings.spare_session.take() {
            Some(session) => session,
            None => self.create_session().await?,
        };
        self.make_spare_session();
        Ok(session)
    }

    /// Has a session made that the next film need not wait for. Should it fail, that film will say why.
    pub(super) fn make_spare_session(&self) {
        let this = self.clone();
        spawn_local(async move {
            if let Ok(session) = this.create_session().await
                && let Some(second) = this.openings.spare_session.replace(Some(session))
            {
                this.proxy().send(&Request::CloseSession { session: second }, None, |_| {});
            }
        });
    }

    async fn create_session(&self) -> Result<SessionId, Error> {
        match self.proxy().ask(Request::CreateSession).await.map_err(Error::Device)? {
            Reply::Session { session } => Ok(session),
            _ => Err(Error::Protocol),
        }
    }
}

impl Driver {
    /// A challenge for a film's keys, and where DRM metadata in `init_data` says that it is to be sent.
    pub(in crate::control) async fn challenge(
        &self,
        session: SessionId,
        movie: MovieId,
        registration: &Registration,
        init_data: Vec<u8>,
    ) -> Result<Challenge, DrmError> {
        let display = self.proxy.displays().claim();
        let request = Request::GenerateRequest {
            session,
            stream_id: movie.get() as f64,
            device: registration.device_id.to_string(),
            ticket: registration.ticket.clone(),
            init_data,
            display,
            clock_offset: self.clock_offset(),
        };
        let answer = self.proxy.ask(request).await;
        // Whatever it was: one that comes too late counts for the worker all the same.
        self.proxy.displays().claimed(display);
        match answer? {
            Reply::Challenge { challenge, license_url } => Ok(Challenge { challenge, license_url }),
            _ => Err(misunderstood()),
        }
    }

    /// Makes a session's challenge ahead of its envelope, where there is a ticket already. Should it fail,
    /// the envelope will say why.
    pub(in crate::control) async fn make_ready(&self, session: SessionId, movie: MovieId) {
        let Some(registration) = self.registration() else { return };
        if let Ok(made) = self.challenge(session, movie, &registration, Vec::new()).await {
            let ready = ReadyChallenge { session, ticket: registration.ticket, challenge: made.challenge };
            self.ready.borrow_mut().push(ready);
        }
    }

    /// The challenge that lies ready for a session.
    pub(in crate::control) fn take_ready(&self, session: SessionId) -> Option<ReadyChallenge> {
        let mut ready = self.ready.borrow_mut();
        let at = ready.iter().position(|ready| ready.session == session)?;
        Some(ready.swap_remove(at))
    }

    /// Has the worker take the license that it keeps for a film, where it is thought to keep one. What it
    /// said of it.
    pub(in crate::control) async fn kept_license(
        &self,
        session: SessionId,
        movie: MovieId,
    ) -> Option<Licensed> {
        let account = self.account();
        let policy_version = device_store::kept_license(&account, movie.get())?;
        let device = self.registration()?.device_id.to_string();
        // The session's challenge will not be answered.
        self.take_ready(session);
        let display = self.proxy.displays().claim();
        let load = Request::Load { session, stream_id: movie.get() as f64, device, display };
        let answer = self.proxy.ask(load).await;
        self.proxy.displays().claimed(display);
        match answer {
            Ok(keys) => Some(Licensed::Taken(keys, policy_version)),
            // It is good again when the clock is right.
            Err(DrmError::PolicyRefused { reason: PolicyReason::Clock }) => None,
            Err(_) => {
                device_store::keep_license(&account, movie.get(), None);
                None
            }
        }
    }

    /// This device is not the one any more that licenses were given to.
    pub(in crate::control) fn forget_licenses(&self) {
        device_store::forget_licenses(&self.account());
        self.proxy.send(&Request::Forget { stream_id: None }, None, |_| {});
    }
}
