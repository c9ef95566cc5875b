//! Envelopes: composing, sealing, posting; tickets.

use std::pin::pin;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use drm_api::{Reply, Request as DrmRequest};
use futures_util::future::poll_immediate;
use gloo::net::http::Request;
use nccp::{
    CONTENT_TYPE, CONTROLLER_PATH, Register, Registration, RequestMessage, Response, ResponseMessage,
    SIGNATURE_HEADER, TICKET_HEADER,
};

use super::{
    Ask, Error,
    client::{Inner, answers, identity_from, open_identity},
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
        let challenge = match ready.filter(|ready| ready.ticket == ticket.ticket) {
            Some(ready) => ready.challenge,
            None => self.challenge(session, movie, ticket, metadata.clone()).await?.0,
        };
        Ok(RequestMessage::License { stream_id: movie, challenge }.to_xml())
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
