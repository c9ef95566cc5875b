//! Envelopes: composing, sealing, signing, posting; the ticket.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use license::{SoftwareRsaKey, sha256};
use nccp::{
    Activation, Answer, CONTENT_TYPE, ErrorCode, Outcome, Registration, RequestMessage, Response,
    ResponseMessage, SIGNATURE_HEADER, TICKET_HEADER, seal_envelope, signing_input,
};
use tokio::task::JoinHandle;

use super::queue::{Answered, Item};
use super::{Ask, Shared};
use crate::Error;
use crate::drm::wall;
use crate::state::Kept;

/// Octets of an answer at most: as many as the reader takes.
const MAX_ANSWER: usize = 4 << 20;
/// The software, as envelopes name it.
const CLIENT: &str = concat!("matinee-box/", env!("CARGO_PKG_VERSION"));
/// Seconds that the way here may take and whole seconds hide.
const NO_SKEW: f64 = 2.0;

type MadeKey = Result<SoftwareRsaKey, license::Error>;

/// Talks to the controller.
pub(super) struct Exchange {
    shared: Arc<Shared>,
    client: reqwest::Client,
    /// The key for the next challenge: making one takes longer than anybody wants to wait.
    spare: Option<JoinHandle<MadeKey>>,
}

impl Exchange {
    pub(super) fn new(shared: Arc<Shared>, client: reqwest::Client) -> Self {
        Self { shared, client, spare: Some(make_key()) }
    }

    /// One envelope there and back. An error of the whole of it gives the messages back.
    pub(super) async fn envelope(&mut self, batch: Vec<Item>) -> Result<Answered, (Vec<Item>, Error)> {
        if batch.iter().any(|item| matches!(item.ask, Ask::Activation)) {
            return match self.activation().await {
                Ok(activation) => {
                    let answer = |item| (item, Ok(ResponseMessage::ActivationCode(activation.clone())));
                    Ok(batch.into_iter().map(answer).collect())
                }
                Err(error) => Err((batch, error)),
            };
        }
        let ticket = match self.ticket().await {
            Ok(ticket) => ticket,
            Err(error) => return Err((batch, error)),
        };
        let renewing = ticket.renewal as f64 <= self.shared.server_now();
        let mut xml = String::new();
        let mut sent = Vec::new();
        for item in batch {
            match self.compose(&item.ask, &ticket).await {
                Ok(message) => {
                    xml.push_str(&message);
                    sent.push(item);
                }
                Err(error) => item.answer(Err(error)),
            }
        }
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        if renewing {
            let device_id = ticket.device_id.clone();
            xml.push_str(&RequestMessage::AuthenticationRenewal { device_id }.to_xml());
        }
        let answers = match self.post(&xml, Some(&ticket)).await.and_then(answers) {
            Ok(answers) => answers,
            Err(error) => return Err((sent, error)),
        };
        let mut answers = answers.into_iter();
        let answered = sent.into_iter().map(|item| {
            let answer = answers.next().unwrap_or(Err(Error::Protocol));
            (item, answer)
        });
        let answered = answered.collect();
        if let Some(Ok(ResponseMessage::AuthenticationRenewal(registration))) = answers.next()
            && let Err(error) = self.keep(registration)
        {
            // The old ticket is good for a while, and the next envelope renews again.
            drop(error);
        }
        Ok(answered)
    }

    /// A ticket that is still good, renewed where that is needed.
    async fn ticket(&mut self) -> Result<Kept, Error> {
        let over = self
            .kept()
            .map(|kept| kept.expiration as f64 <= self.shared.server_now())
            .ok_or(Error::NotActivated)?;
        if over {
            self.renew().await?;
        }
        self.kept().ok_or(Error::NotActivated)
    }

    fn kept(&self) -> Option<Kept> {
        self.shared.state().registration().cloned()
    }

    fn keep(&self, registration: Registration) -> Result<(), Error> {
        self.shared.state().set_registration(Some(registration.into()))
    }

    /// Forgets the registration: the box needs a code.
    pub(super) fn deactivate(&mut self) -> Error {
        match self.shared.state().set_registration(None) {
            Ok(()) => Error::NotActivated,
            Err(error) => error,
        }
    }

    /// `authenticationrenewal`, alone: a box's keys are enough. A registration that is no more is forgotten.
    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        let kept = self.kept().ok_or(Error::NotActivated)?;
        let message = RequestMessage::AuthenticationRenewal { device_id: kept.device_id.clone() }.to_xml();
        let answer = match self.post(&message, Some(&kept)).await.and_then(answers) {
            Ok(answers) => answers.into_iter().next().unwrap_or(Err(Error::Protocol)),
            Err(error) => Err(error),
        };
        match answer {
            Ok(ResponseMessage::AuthenticationRenewal(registration)) => self.keep(registration),
            Ok(_) => Err(Error::Protocol),
            Err(error) => match error.code() {
                Some(
                    ErrorCode::DeviceUnknown
                    | ErrorCode::TicketExpired
                    | ErrorCode::DeviceLimitReached
                    | ErrorCode::LoginRequired,
                ) => Err(self.deactivate()),
                _ => Err(error),
            },
        }
    }

    async fn activation(&mut self) -> Result<Activation, Error> {
        let certificate = self.shared.identity.certificate.clone();
        let message = RequestMessage::ActivationCode { certificate }.to_xml();
        match answers(self.post(&message, None).await?)?.into_iter().next() {
            Some(Ok(ResponseMessage::ActivationCode(activation))) => {
                if let Activation::Registered(registration) = &activation {
                    self.keep(registration.clone())?;
                }
                Ok(activation)
            }
            Some(Err(error)) => Err(error),
            _ => Err(Error::Protocol),
        }
    }

    /// The message as XML.
    async fn compose(&mut self, ask: &Ask, ticket: &Kept) -> Result<String, Error> {
        let (session, movie) = match ask {
            Ask::Message(message) => return Ok(message.to_xml()),
            Ask::License { session, movie } => (*session, *movie),
            Ask::Activation => return Err(Error::Protocol),
        };
        let key = self.spare.take().unwrap_or_else(make_key).await;
        self.spare = Some(make_key());
        let key = key.map_err(|_| Error::Random)?.map_err(|_| Error::Random)?;
        let now = self.shared.server_now().max(0.0) as u64;
        let names = (ticket.device_id.as_str(), ticket.ticket.as_str());
        let challenge = self.shared.drm().challenge(session, movie, names, key, now)?;
        Ok(RequestMessage::License { stream_id: movie, challenge }.to_xml())
    }

    /// Seals and signs the messages, posts them, reads the answer and adopts its time.
    async fn post(&self, messages: &str, ticket: Option<&Kept>) -> Result<Response, Error> {
        let identity = &self.shared.identity;
        let sequence = self.shared.state().next_sequence()?;
        let time = self.shared.server_now().max(0.0) as u64;
        let device = ticket.map(|ticket| &ticket.device_id);
        let body = seal_envelope(device, sequence, time, CLIENT, messages);
        let text = ticket.map_or("", |ticket| ticket.ticket.as_str());
        let input =
            signing_input(&identity.controller_url, &sha256(body.as_bytes()), &sha256(text.as_bytes()));
        let signature = URL_SAFE_NO_PAD.encode(identity.signing.sign(input.as_bytes()));
        let mut request = self
            .client
            .post(identity.url.clone())
            .header("content-type", CONTENT_TYPE)
            .header(SIGNATURE_HEADER, signature);
        if let Some(ticket) = ticket {
            request = request.header(TICKET_HEADER, ticket.ticket.as_str());
        }
        let mut answer = request.body(body).send().await.map_err(|_| Error::Unreachable)?;
        let mut octets = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| Error::Unreachable)? {
            if octets.len() + chunk.len() > MAX_ANSWER {
                return Err(Error::Protocol);
            }
            octets.extend_from_slice(&chunk);
        }
        // Whatever the status, a controller answers in its own form; what does not is something in between.
        let response = Response::parse(&octets).map_err(|_| Error::Unreachable)?;
        let offset = response.time as f64 - wall();
        self.shared.set_offset(if offset.abs() > NO_SKEW { offset } else { 0.0 });
        Ok(response)
    }
}

fn make_key() -> JoinHandle<MadeKey> {
    tokio::task::spawn_blocking(SoftwareRsaKey::generate)
}

/// The answers to the messages, or the envelope's error.
fn answers(response: Response) -> Result<Vec<Result<ResponseMessage, Error>>, Error> {
    match response.outcome {
        Outcome::Refused(error) => Err(Error::Refused(error)),
        Outcome::Answers(answers) => Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Done(message) => Ok(message),
                Answer::Failed { error, .. } => Err(Error::Refused(error)),
            })
            .collect()),
    }
}
