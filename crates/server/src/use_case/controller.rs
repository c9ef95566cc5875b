//! The controller's envelope: authentic, in time, in sequence, then message by message (docs/protocol.md, section 2).

use super::activation::{self, Polled};
use super::entitlement::Entitlements;
use super::login::SessionCookies;
use super::registration::{self, Ticketed};
use super::verify::{self, Audience, CLOCK_TOLERANCE, Proof, RENEWABLE};
use super::{Failure, Outcome, authorization, library, license, metadata, playback};
use crate::Service;
use crate::region::Place;
use crate::secret::CookieSecret;
use crate::store::{Account, Device, DeviceState, Transaction, retried};
use crate::ticket::Ticket;
use ::license::{DeviceCertificate, KeyLevel};
use nccp::{
    Activation, Answer, ErrorCode, Register, Request, RequestMessage, Response, ResponseMessage, Sequence,
    WireError,
};

/// A request as it came by HTTP.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) ticket: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) session: Option<&'a SessionCookies>,
    pub(crate) browser: Option<&'a CookieSecret>,
    /// The page's origin, where the browser says.
    pub(crate) origin: Option<&'a str>,
    /// Where the request comes from.
    pub(crate) place: &'a Place,
    /// Who is answered where it came in.
    pub(crate) audience: Audience,
}

/// The answer and what goes into its headers.
#[derive(Debug)]
pub(crate) struct ControllerAnswer {
    pub(crate) status: u16,
    pub(crate) response: Response,
    /// A ticket that was issued.
    pub(crate) ticket: Option<String>,
    /// The browser's cookie, set by a registration.
    pub(crate) browser: Option<CookieSecret>,
}

impl ControllerAnswer {
    pub(crate) fn refused(status: u16, sequence: u64, time: u64, code: ErrorCode) -> Self {
        Self { status, response: Response::refused(sequence, time, code), ticket: None, browser: None }
    }
}

/// Who speaks: known after the ticket was checked, or a message gave one.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) account: Account,
    pub(crate) device: Device,
    /// SHA-256 of the ticket's text is what challenges carry.
    pub(crate) ticket: String,
    pub(crate) signing_key: [u8; 33],
    /// The ticket is over: only a renewal is answered.
    expired: bool,
}

impl Speaker {
    /// Who shows a ticket that is alive.
    pub(crate) fn of_ticket(account: Account, device: Device, ticket: &Ticket, text: String) -> Self {
        Self { account, device, signing_key: ticket.signing_key, ticket: text, expired: false }
    }
}

impl From<Ticketed> for Speaker {
    fn from(ticketed: Ticketed) -> Self {
        Self {
            account: ticketed.account,
            device: ticketed.device,
            signing_key: ticketed.ticket.signing_key,
            ticket: ticketed.text,
            expired: false,
        }
    }
}

/// Answers an envelope.
pub(crate) async fn handle(service: &Service, envelope: Envelope<'_>) -> ControllerAnswer {
    let now = service.clock.now();
    let request = match Request::parse(envelope.body) {
        Ok(request) => request,
        Err(refused) => {
            let status = if refused.error == nccp::Error::TooLarge { 413 } else { 400 };
            return ControllerAnswer::refused(status, refused.sequence, now, ErrorCode::RequestInvalid);
        }
    };
    let sequence = request.sequence.get();
    let refused = |status, code| ControllerAnswer::refused(status, sequence, now, code);
    let (ticket, signature) = (envelope.ticket, envelope.signature);
    let proof =
        verify::authenticate(service, &request, envelope.body, ticket, signature, envelope.audience, now);
    let Ok(proof) = proof else { return refused(401, ErrorCode::NotAuthentic) };
    // `ping` alone tells the time to whoever asks, however wrong their clock.
    if !matches!(proof, Proof::None) && request.time.abs_diff(now) > CLOCK_TOLERANCE {
        return refused(200, ErrorCode::ClockSkew);
    }
    if let Proof::Ticket { ticket, .. } = &proof
        && let Some(code) = ticket_over(&request, ticket.expires, now)
    {
        return refused(200, code);
    }
    let envelope = &envelope;
    let asked = Entitlements::of_request(service, &request, &proof, envelope.session, envelope.place).await;
    let entitlements = match &asked {
        Ok(entitlements) => entitlements,
        Err(_) => return refused(200, ErrorCode::TryLater),
    };
    let attempt = async || {
        let mut run = Run {
            service,
            envelope,
            entitlements,
            now,
            sequence: request.sequence,
            certificate: None,
            speaker: None,
            refusal: ErrorCode::NotAuthentic,
            ticket: None,
            browser: None,
            reports: Vec::new(),
        };
        let answers = run.answer(&request, &proof).await?;
        let answer = ControllerAnswer {
            status: 200,
            response: Response { sequence, time: now, outcome: nccp::Outcome::Answers(answers) },
            ticket: run.ticket,
            browser: run.browser,
        };
        Ok::<_, Failure>((answer, run.reports))
    };
    match retried!(attempt()) {
        Ok((answer, reports)) => {
            count(&answer.response);
            // Only what is committed counts, and once, however often the transaction ran.
            reports.iter().for_each(playback::Report::count);
            answer
        }
        Err(failure) => refused(200, failure.code()),
    }
}

fn count(response: &Response) {
    let nccp::Outcome::Answers(answers) = &response.outcome else { return };
    for answer in answers {
        let (message, result) = match answer {
            Answer::Done(done) => (done.name(), "done"),
            Answer::Failed { message, error } => (*message, error.code.as_str()),
        };
        let labels = [("message", message.as_str()), ("result", result)];
        metrics::counter!("matinee_messages_total", &labels).increment(1);
    }
}

/// Whether the ticket's time is over for this request.
fn ticket_over(request: &Request, expires: u64, now: u64) -> Option<ErrorCode> {
    if now < expires {
        return None;
    }
    let first = request.messages.iter().find(|message| !matches!(message, RequestMessage::Ping));
    let renewal = matches!(first, Some(RequestMessage::AuthenticationRenewal { .. }));
    if renewal && now - expires <= RENEWABLE { None } else { Some(ErrorCode::TicketExpired) }
}

/// One envelope while it is being answered.
struct Run<'a> {
    service: &'a Service,
    envelope: &'a Envelope<'a>,
    /// What the operator's authorizer says.
    entitlements: &'a Entitlements,
    now: u64,
    sequence: Sequence,
    /// The certificate whose key signed a registration.
    certificate: Option<&'a DeviceCertificate>,
    speaker: Option<Speaker>,
    /// What messages get as long as nobody speaks: why the registration before them failed.
    refusal: ErrorCode,
    ticket: Option<String>,
    browser: Option<CookieSecret>,
    /// What the player counted.
    reports: Vec<playback::Report>,
}

impl<'a> Run<'a> {
    /// Answers every message, or fails as a whole, leaving no trace.
    async fn answer(&mut self, request: &Request, proof: &'a Proof) -> Outcome<Vec<Answer>> {
        match proof {
            Proof::None => Ok(request.messages.iter().map(|_| Answer::Done(self.ping())).collect()),
            Proof::BadCertificate => {
                let code = ErrorCode::CertificateInvalid;
                let answer = |message: &RequestMessage| match message {
                    RequestMessage::Ping => Answer::Done(self.ping()),
                    other => Answer::Failed { message: other.name(), error: code.into() },
                };
                Ok(request.messages.iter().map(answer).collect())
            }
            Proof::Certificate(certificate) => {
                self.certificate = Some(certificate);
                let mut tx = self.service.store.begin().await?;
                let answers = self.messages(&mut *tx, request).await?;
                tx.commit().await?;
                Ok(answers)
            }
            Proof::Ticket { ticket, text } => {
                let mut tx = self.service.store.begin().await?;
                let mut device = tx
                    .lock_device(ticket.device.as_str())
                    .await?
                    .filter(|device| device.account == ticket.account)
                    .ok_or(ErrorCode::DeviceUnknown)?;
                let old_epoch = device.epoch != ticket.epoch;
                if old_epoch || !device.window.accept(self.sequence.get()) {
                    // The operator should see it: this is how copies of one device show themselves.
                    tracing::warn!(device = %device.id, old_epoch, "sequence number out of order");
                    metrics::counter!("matinee_sequence_refused_total").increment(1);
                    return Err(ErrorCode::SequenceOutOfOrder.into());
                }
                let state = DeviceState { window: device.window.clone(), last_seen: self.now };
                tx.set_sequence(&device.id, &state).await?;
                let account = tx.account(ticket.account).await?.ok_or(ErrorCode::DeviceUnknown)?;
                if account.disabled {
                    self.refusal = ErrorCode::LoginRequired;
                } else {
                    self.speaker = Some(Speaker {
                        account,
                        device,
                        ticket: text.clone(),
                        signing_key: ticket.signing_key,
                        expired: self.now >= ticket.expires,
                    });
                }
                let answers = self.messages(&mut *tx, request).await?;
                tx.commit().await?;
                Ok(answers)
            }
        }
    }

    /// Runs the messages in order, each in its own savepoint.
    async fn messages(&mut self, tx: &mut dyn Transaction, request: &Request) -> Outcome<Vec<Answer>> {
        let mut answers = Vec::with_capacity(request.messages.len());
        for message in &request.messages {
            tx.savepoint().await?;
            match self.message(tx, message).await {
                Ok(done) => {
                    tx.release().await?;
                    answers.push(Answer::Done(done));
                }
                Err(Failure::Code(code)) => {
                    tx.roll_back().await?;
                    if matches!(message, RequestMessage::Register(_)) {
                        self.refusal = code;
                    }
                    answers.push(Answer::Failed { message: message.name(), error: WireError::from(code) });
                }
                Err(Failure::Refused(rule)) => {
                    tx.roll_back().await?;
                    answers.push(Answer::Failed { message: message.name(), error: super::refusal(rule) });
                }
                Err(store) => return Err(store),
            }
        }
        Ok(answers)
    }

    fn ping(&self) -> ResponseMessage {
        ResponseMessage::Ping { time: self.now, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    async fn message(
        &mut self,
        tx: &mut dyn Transaction,
        message: &RequestMessage,
    ) -> Outcome<ResponseMessage> {
        let (service, now) = (self.service, self.now);
        match message {
            RequestMessage::Ping => return Ok(self.ping()),
            RequestMessage::Register(register) => return self.register(tx, register).await,
            RequestMessage::ActivationCode { certificate } => return self.activate(tx, certificate).await,
            RequestMessage::AuthenticationRenewal { device_id } => {
                let speaker = self.speaker.as_ref().ok_or(self.refusal)?;
                let session = self.envelope.session;
                let (account, device) = (&speaker.account, &speaker.device);
                let renewed =
                    registration::renew(service, tx, device_id, account, device, session, now).await?;
                let answer = renewed.registration();
                self.ticket = Some(renewed.text.clone());
                self.speaker = Some(renewed.into());
                return Ok(ResponseMessage::AuthenticationRenewal(answer));
            }
            _ => {}
        }
        let speaker = self.speaker.as_ref().ok_or(self.refusal)?;
        if speaker.expired {
            return Err(ErrorCode::TicketExpired.into());
        }
        let account = &speaker.account;
        match message {
            RequestMessage::AccountInfo => library::account_info(service, tx, speaker).await,
            RequestMessage::Queue => library::queue(service, tx, speaker, now).await,
            RequestMessage::MovieMetadata { movie_id } => metadata::movie(service, tx, *movie_id).await,
            RequestMessage::UserMovieMetadata { movie_id } => {
                metadata::user_movie(tx, account, *movie_id).await
            }
            RequestMessage::Authorization { movie_id } => {
                self.entitlements.check(account, *movie_id)?;
                let who = (account, registration::key_level(speaker.device.level));
                authorization::authorize(service, tx, who, *movie_id, self.envelope.place, now).await
            }
            RequestMessage::License { stream_id, challenge } => {
                self.entitlements.check(account, *stream_id)?;
                let asking = license::Asking {
                    speaker,
                    stream_id: Some(*stream_id),
                    challenge,
                    origin: self.envelope.origin,
                    place: self.envelope.place,
                };
                let license = license::issue(service, tx, &asking, now).await?;
                let (license, policy_version) = license;
                let policy_version = Some(policy_version);
                Ok(ResponseMessage::License { stream_id: *stream_id, license, policy_version })
            }
            RequestMessage::LogBlob(log) => {
                let (report, rules) = playback::log_blob(service, tx, speaker, log, now).await?;
                self.reports.push(report);
                Ok(ResponseMessage::LogBlob { movie_id: log.movie_id, accepted: now, rules })
            }
            // Answered above, or refused before anything ran.
            _ => Err(ErrorCode::RequestInvalid.into()),
        }
    }

    /// The certificate must be the one whose key signed the request; `authenticate` saw to it that it is a box's.
    async fn activate(&mut self, tx: &mut dyn Transaction, octets: &[u8]) -> Outcome<ResponseMessage> {
        let certificate = self.certificate.ok_or(self.refusal)?;
        let same =
            self.service.keys().verify_device(octets, self.now).is_ok_and(|named| {
                named.level == KeyLevel::Box && named.signing_key == certificate.signing_key
            });
        if !same {
            return Err(ErrorCode::CertificateInvalid.into());
        }
        if !self.envelope.place.allowed {
            return Err(ErrorCode::RegionNotAllowed.into());
        }
        match activation::poll(self.service, tx, certificate, self.sequence.get(), self.now).await? {
            Polled::Waiting(code) => Ok(ResponseMessage::ActivationCode(code)),
            Polled::Registered(registered) => {
                let answer = registered.registration();
                self.ticket = Some(registered.text.clone());
                self.speaker = Some((*registered).into());
                Ok(ResponseMessage::ActivationCode(Activation::Registered(answer)))
            }
        }
    }

    async fn register(&mut self, tx: &mut dyn Transaction, message: &Register) -> Outcome<ResponseMessage> {
        if !self.envelope.place.allowed {
            return Err(ErrorCode::RegionNotAllowed.into());
        }
        // The certificate must be the one whose key signed the request.
        let signed_by = match (&self.certificate, &self.speaker) {
            (Some(certificate), _) => *certificate.signing_key.as_bytes(),
            (None, Some(speaker)) => speaker.signing_key,
            (None, None) => return Err(self.refusal.into()),
        };
        let keys = self.service.keys();
        let certificate = keys.verify_device(&message.certificate, self.now);
        let certificate = certificate.map_err(|_| ErrorCode::CertificateInvalid)?;
        let is_box = certificate.level == KeyLevel::Box;
        if is_box || *certificate.signing_key.as_bytes() != signed_by {
            return Err(ErrorCode::CertificateInvalid.into());
        }
        let browser = self.envelope.browser.cloned().unwrap_or_else(CookieSecret::generate::<16>);
        let registration = registration::Registering {
            message,
            certificate: &certificate,
            session: self.envelope.session,
            browser: &browser,
            sequence: self.sequence.get(),
            now: self.now,
        };
        let registered = registration::register(self.service, tx, &registration).await?;
        let answer = registered.registration();
        self.ticket = Some(registered.text.clone());
        self.browser = Some(browser);
        self.speaker = Some(registered.into());
        Ok(ResponseMessage::Register(answer))
    }
}
