//! Licenses: sessions and challenges of the DRM worker, and who is asked.

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{DrmError, Reply, Request as DrmRequest, SessionId};
use gloo::net::http::Request;
use nccp::{
    MovieId, POLICY_VERSION_HEADER, ResponseMessage, TICKET_HEADER, WireError, json::ErrorBody,
    recovery::Tried,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{RequestCredentials, RequestRedirect};

use super::{
    Ask, Control, Error,
    client::{Inner, ReadyChallenge},
};
use crate::device_store::{self, Stored};

/// A license for a session.
pub enum Licensed {
    /// From a license server, for the worker to take: COSE octets, and what names its rules.
    Fresh(Vec<u8>, Option<String>),
    /// One that the worker has taken already, kept by this device or embedded in DRM metadata: what it said,
    /// and what names its rules.
    Taken(Reply, Option<String>),
}

impl Control {
    /// A license for every key of a film, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn license(
        &self,
        session: SessionId,
        movie: MovieId,
    ) -> impl Future<Output = Result<Licensed, Error>> + use<> {
        self.license_with_envelope(session, movie, Vec::new())
    }

    /// A license for the keys that signed DRM metadata names: from the license server that it names, or,
    /// where there is none or it cannot be reached, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn license_by(
        &self,
        session: SessionId,
        movie: MovieId,
        metadata: Vec<u8>,
    ) -> Result<Licensed, Error> {
        let mut tried = Tried::default();
        loop {
            match self.0.ask_license_server(session, movie, &metadata).await {
                Ok(Some(license)) => return Ok(license),
                Ok(None) => return self.license_with_envelope(session, movie, metadata).await,
                // What is not authentic names nobody.
                Err(Error::Drm(DrmError::Media { .. })) => return self.license(session, movie).await,
                Err(error) => match self.0.remedy(&mut tried, error).await {
                    Err(Error::Network) => return self.license(session, movie).await,
                    remedied => remedied?,
                },
            }
        }
    }

    fn license_with_envelope(
        &self,
        session: SessionId,
        movie: MovieId,
        metadata: Vec<u8>,
    ) -> impl Future<Output = Result<Licensed, Error>> + use<> {
        let answer = self.ask(Ask::License { session, movie, metadata });
        async move {
            match answer.await {
                Ok(ResponseMessage::License { license, policy_version, .. }) => {
                    Ok(Licensed::Fresh(license, policy_version))
                }
                Ok(_) => Err(Error::Protocol),
                Err(error) => Err(error),
            }
        }
    }
}

impl Inner {
    /// `POST` of a challenge alone, where DRM metadata names a URL for it; otherwise `None`, and the
    /// challenge lies ready.
    async fn ask_license_server(
        &self,
        session: SessionId,
        movie: MovieId,
        metadata: &[u8],
    ) -> Result<Option<Licensed>, Error> {
        let ticket = self.ensure_ticket().await?;
        // The session's challenge will not be answered.
        self.take_ready(session);
        let (challenge, url) = self.challenge(session, movie, &ticket, metadata.to_vec()).await?;
        let Some(url) = url else {
            self.ready.borrow_mut().push(ReadyChallenge { session, ticket: ticket.ticket, challenge });
            return Ok(None);
        };
        let request = Request::post(&url)
            .credentials(RequestCredentials::Omit)
            .redirect(RequestRedirect::Error)
            .header("content-type", "application/cose")
            .header(TICKET_HEADER, &ticket.ticket)
            .body(js_sys::Uint8Array::from(challenge.as_slice()))
            .map_err(|_| Error::Protocol)?;
        let answer = request.send().await.map_err(|_| Error::Network)?;
        if !answer.ok() {
            let refused = answer.json::<ErrorBody>().await.map_err(|_| Error::Network)?;
            let code = refused.code();
            return Err(Error::Wire(WireError { code, action: code.action(), text: refused.error.message }));
        }
        let version = answer.headers().get(POLICY_VERSION_HEADER);
        let license = answer.binary().await.map_err(|_| Error::Network)?;
        Ok(Some(Licensed::Fresh(license, version)))
    }

    /// A challenge for a film's keys, and where DRM metadata in `init_data` says that it is to be sent.
    pub(super) async fn challenge(
        &self,
        session: SessionId,
        movie: MovieId,
        ticket: &Stored,
        init_data: Vec<u8>,
    ) -> Result<(Vec<u8>, Option<String>), Error> {
        let display = self.proxy.displays().claim();
        let request = DrmRequest::GenerateRequest {
            session,
            stream_id: movie.get() as f64,
            device: ticket.device.clone(),
            ticket: ticket.ticket.clone(),
            init_data,
            display,
            clock_offset: self.offset.get(),
        };
        match self.proxy.ask(request).await? {
            Reply::Challenge { challenge, license_url } => {
                self.proxy.displays().claimed(display);
                Ok((STANDARD.decode(challenge).map_err(|_| Error::Protocol)?, license_url))
            }
            _ => Err(Error::Protocol),
        }
    }

    /// Makes a session's challenge ahead of its envelope, where there is a ticket already. Should it fail,
    /// the envelope will say why.
    pub(super) async fn make_ready(&self, session: SessionId, movie: MovieId) {
        let Some(ticket) = self.stored.borrow().clone() else { return };
        if let Ok((challenge, _)) = self.challenge(session, movie, &ticket, Vec::new()).await {
            let ready = ReadyChallenge { session, ticket: ticket.ticket, challenge };
            self.ready.borrow_mut().push(ready);
        }
    }

    /// A license session: the spare one, and then another is made.
    pub(super) async fn session(self: &Rc<Self>) -> Result<SessionId, Error> {
        let session = match self.spare_session.take() {
            Some(session) => session,
            None => self.create_session().await?,
        };
        self.make_spare_session();
        Ok(session)
    }

    /// Has a session made that the next film need not wait for. Should it fail, that film will say why.
    pub(super) fn make_spare_session(self: &Rc<Self>) {
        let this = Rc::clone(self);
        spawn_local(async move {
            if let Ok(session) = this.create_session().await
                && let Some(second) = this.spare_session.replace(Some(session))
            {
                this.proxy.send(&DrmRequest::CloseSession { session: second }, None, |_| {});
            }
        });
    }

    async fn create_session(&self) -> Result<SessionId, Error> {
        match self.proxy.ask(DrmRequest::CreateSession).await? {
            Reply::Session { session } => Ok(session),
            _ => Err(Error::Protocol),
        }
    }

    /// The challenge that lies ready for a session.
    pub(super) fn take_ready(&self, session: SessionId) -> Option<ReadyChallenge> {
        let mut ready = self.ready.borrow_mut();
        let at = ready.iter().position(|ready| ready.session == session)?;
        Some(ready.swap_remove(at))
    }

    /// Has the worker take the license that it keeps for a film, where it is thought to keep one. What it
    /// said of it.
    pub(super) async fn kept_license(&self, session: SessionId, movie: MovieId) -> Option<Licensed> {
        let account = self.identity.borrow().account.clone();
        let policy_version = device_store::kept_license(&account, movie.get())?;
        let device = self.stored.borrow().as_ref()?.device.clone();
        // The session's challenge will not be answered.
        self.take_ready(session);
        let display = self.proxy.displays().claim();
        let load = DrmRequest::Load { session, stream_id: movie.get() as f64, device, display };
        match self.proxy.ask(load).await {
            Ok(keys) => {
                self.proxy.displays().claimed(display);
                Some(Licensed::Taken(keys, policy_version))
            }
            Err(_) => {
                device_store::keep_license(&account, movie.get(), None);
                None
            }
        }
    }

    /// This device is not the one any more that licenses were given to.
    pub(super) fn forget_licenses(&self) {
        device_store::forget_licenses(&self.identity.borrow().account);
        self.proxy.send(&DrmRequest::Forget { stream_id: None }, None, |_| {});
    }
}
