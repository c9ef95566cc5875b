//! Envelopes: composing, sealing, posting; tickets.

use std::{pin::pin, rc::Rc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{Display, Reply, Request as DrmRequest, SessionId};
use futures_util::future::poll_immediate;
use gloo::net::http::Request;
use js_sys::Reflect;
use nccp::{
    CONTENT_TYPE, CONTROLLER_PATH, MovieId, Register, Registration, RequestMessage, Response,
    ResponseMessage, SIGNATURE_HEADER, TICKET_HEADER,
};
use wasm_bindgen_futures::spawn_local;

use super::{
    Ask, Error, Licensed,
    client::{Inner, ReadyChallenge, answers, identity_from, open_identity},
};
use crate::{
    api, clock,
    device_store::{self, Stored},
};

impl Inner {
    /// The message as XML. A license's challenge is made here, with the ticket that it goes with.
    pub(super) async fn compose(&self, ask: &Ask, ticket: &Stored) -> Result<String, Error> {
        let (session, movie, metadata) = match ask {
            Ask::Message(message) => return Ok(message.to_xml()),
            Ask::License { session, movie, metadata } => (*session, *movie, metadata),
        };
        let ready = self.take_ready(session);
        let ready = ready.filter(|ready| ready.ticket == ticket.ticket && metadata.is_empty());
        let challenge = match ready {
            Some(ready) => ready.challenge,
            None => self.challenge(session, movie, ticket, metadata.clone()).await?,
        };
        Ok(RequestMessage::License { stream_id: movie, challenge }.to_xml())
    }

    async fn challenge(
        &self,
        session: SessionId,
        movie: MovieId,
        ticket: &Stored,
        init_data: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let request = DrmRequest::GenerateRequest {
            session,
            stream_id: movie.get() as f64,
            device: ticket.device.clone(),
            ticket: ticket.ticket.clone(),
            init_data,
            display: display(),
            clock_offset: self.offset.get(),
        };
        match self.proxy.ask(request).await? {
            Reply::Challenge { challenge } => STANDARD.decode(challenge).map_err(|_| Error::Protocol),
            _ => Err(Error::Protocol),
        }
    }

    /// Makes a session's challenge ahead of its envelope, where there is a ticket already. Should it fail, the envelope will say why.
    pub(super) async fn make_ready(&self, session: SessionId, movie: MovieId) {
        let Some(ticket) = self.stored.borrow().clone() else { return };
        if let Ok(challenge) = self.challenge(session, movie, &ticket, Vec::new()).await {
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

    /// Has the worker take the license that it keeps for a film, where it is thought to keep one. What it said of it.
    pub(super) async fn kept_license(&self, session: SessionId, movie: MovieId) -> Option<Licensed> {
        let account = self.identity.borrow().account.clone();
        let policy_version = device_store::kept_license(&account, movie.get())?;
        let device = self.stored.borrow().as_ref()?.device.clone();
        // The session's challenge will not be answered.
        self.take_ready(session);
        let load = DrmRequest::Load { session, stream_id: movie.get() as f64, device, display: display() };
        match self.proxy.ask(load).await {
            Ok(keys) => Some(Licensed::Taken(keys, policy_version)),
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

    /// Has the worker seal the messages, posts them, reads the answer and adopts its time.
    pub(super) async fn post(&self, messages: String, ticket: Option<&Stored>) -> Result<Response, Error> {
        let seal = DrmRequest::Seal {
            device: ticket.map(|ticket| ticket.device.clone()),
            ticket: ticket.map(|ticket| ticket.ticket.clone()),
            messages,
            clock_offset: self.offset.get(),
        };
        let Reply::Sealed { body, signature, .. } = self.proxy.ask(seal).await? else {
            return Err(Error::Protocol);
        };
        let mut request = Request::post(CONTROLLER_PATH)
            .header("content-type", CONTENT_TYPE)
            .header(SIGNATURE_HEADER, &signature);
        if let Some(ticket) = ticket {
            request = request.header(TICKET_HEADER, &ticket.ticket);
        }
        let request = request.body(body).map_err(|_| Error::Network)?;
        let mut sending = pin!(request.send());
        // The first poll hands it to the browser.
        let early = poll_immediate(&mut sending).await;
        self.departures.take();
        let answer = match early {
            Some(answer) => answer,
            None => sending.await,
        };
        let answer = answer.map_err(|_| Error::Network)?;
        let bytes = answer.binary().await.map_err(|_| Error::Network)?;
        // Whatever the status, a controller answers in its own form; what does not is something in between.
        let response = Response::parse(&bytes).map_err(|_| Error::Network)?;
        let offset = response.time as f64 - clock::unix_now();
        // Whole seconds and the way here are no skew.
        self.offset.set(if offset.abs() > 2.0 { offset } else { 0.0 });
        Ok(response)
    }

    /// A ticket that is still good, renewed or registered for where needed.
    pub(super) async fn ensure_ticket(&self) -> Result<Stored, Error> {
        let now = clock::unix_now() + self.offset.get();
        let over = self.stored.borrow().as_ref().map(|stored| stored.expiration as f64 <= now);
        match over {
            Some(false) => {}
            Some(true) => self.renew_or_register().await?,
            None => self.register().await?,
        }
        self.stored.borrow().clone().ok_or(Error::Protocol)
    }

    async fn renew_or_register(&self) -> Result<(), Error> {
        use nccp::ErrorCode::{DeviceUnknown, TicketExpired};
        match self.renew().await {
            Err(error) if matches!(error.code(), Some(DeviceUnknown | TicketExpired)) => {
                self.register().await
            }
            other => other,
        }
    }

    /// `register`, with a `ping` beside it.
    pub(super) async fn register(&self) -> Result<(), Error> {
        let certificate = self.identity.borrow().certificate.clone();
        let certificate = STANDARD.decode(certificate).map_err(|_| Error::Protocol)?;
        let agent = user_agent();
        let register =
            Register { certificate, name: machine_name(&agent), machine: agent.chars().take(400).collect() };
        let messages = RequestMessage::Register(register).to_xml() + &RequestMessage::Ping.to_xml();
        match answers(self.post(messages, None).await?)?.into_iter().next() {
            Some(Ok(ResponseMessage::Register(registration))) => {
                self.keep(registration);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            _ => Err(Error::Protocol),
        }
    }

    /// `authenticationrenewal`, alone.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        let stored = self.stored.borrow().clone();
        let Some((stored, device_id)) = stored.and_then(|stored| stored.device_id().map(|id| (stored, id)))
        else {
            return self.register().await;
        };
        let message = RequestMessage::AuthenticationRenewal { device_id }.to_xml();
        match answers(self.post(message, Some(&stored)).await?)?.into_iter().next() {
            Some(Ok(ResponseMessage::AuthenticationRenewal(registration))) => {
                self.keep(registration);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            _ => Err(Error::Protocol),
        }
    }

    pub(super) fn keep(&self, registration: Registration) {
        let identity = self.identity.borrow();
        for key in &registration.domain_keys {
            let request = DrmRequest::KeepDomainKey {
                device: registration.device_id.to_string(),
                domain: key.domain.clone(),
                epoch: key.epoch as f64,
                key: STANDARD.encode(&key.key),
            };
            // Without it, films that need it ask for a license.
            self.proxy.send(&request, None, |_| {});
        }
        let stored = Stored::new(registration, &identity.component);
        device_store::save(&identity.account, &stored);
        self.stored.replace(Some(stored));
    }

    /// The cookies belong to another account than the ticket: becomes that account's device.
    pub(super) async fn reidentify(&self) -> Result<(), Error> {
        let account = match api::library().await {
            Ok(library) => library.account,
            Err(error) if error.wants_login() => {
                return Err(Error::Wire(nccp::ErrorCode::LoginRequired.into()));
            }
            Err(_) => return Err(Error::Network),
        };
        let identity = open_identity(&self.proxy, &account, &self.release).await?;
        self.stored.replace(device_store::load(&account, &identity.component));
        self.identity.replace(identity);
        if self.stored.borrow().is_some() {
            return Ok(());
        }
        self.register().await
    }

    /// Gets a fresh certificate for the same keys; the registration stays.
    pub(super) async fn individualize(&self) -> Result<(), Error> {
        let account = self.identity.borrow().account.clone();
        let identity = identity_from(self.proxy.ask(DrmRequest::Individualize).await?, &account)?;
        let same = identity.component == self.identity.borrow().component;
        self.identity.replace(identity);
        if !same {
            self.stored.replace(None);
        }
        Ok(())
    }
}

fn user_agent() -> String {
    gloo::utils::window().navigator().user_agent().unwrap_or_default()
}

/// What people would call the device: `Firefox on Linux`.
pub fn machine_name(agent: &str) -> String {
    let first = |table: &[(&str, &'static str)], otherwise| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map_or(otherwise, |(_, name)| *name)
    };
    // Each browser also names those that it descends from, so the order counts.
    let browser = first(
        &[
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "Browser",
    );
    let system = first(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("CrOS", "ChromeOS"),
            ("Linux", "Linux"),
        ],
        "an unknown system",
    );
    format!("{browser} on {system}")
}

/// What the page can see of the displays: the worker has no `screen`.
pub(crate) fn display() -> Display {
    let screen = Reflect::get(&js_sys::global(), &"screen".into());
    match screen.and_then(|screen| Reflect::get(&screen, &"isExtended".into())).map(|value| value.as_bool()) {
        Ok(Some(true)) => Display::Extended,
        Ok(Some(false)) => Display::Single,
        _ => Display::Unknown,
    }
}
