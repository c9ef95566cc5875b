//! The messages of an envelope, in one transaction and each in its own savepoint.

use super::Envelope;
use crate::Service;
use crate::secret::{CookieSecret, sha256};
use crate::store::{Ahead, Device, Transaction, Wants, Whereabouts};
use crate::use_case::activation::{self, Polled};
use crate::use_case::domain_keys::Sealing;
use crate::use_case::entitlement::Entitlements;
use crate::use_case::registration::{self, Ticketed};
use crate::use_case::speaker::Speaker;
use crate::use_case::verify::{self, CLOCK_TOLERANCE, Proof};
use crate::use_case::{
    Failure, Outcome, audit, authorization, grants, leases, library, license, metadata, networks, playback,
};
use ::license::{CheckedDevice, KeyLevel, VerifiedChallenge};
use nccp::{
    Activation, Answer, ErrorCode, Register, Request, RequestMessage, ResponseMessage, Sequence, WireError,
};
use std::collections::{BTreeMap, BTreeSet};

/// The challenges of an envelope, verified, by the place of their message in it.
pub(super) type Challenges = BTreeMap<usize, Result<VerifiedChallenge, ErrorCode>>;

/// Seconds for which registrations are remembered: longer than the clocks' difference, before and after now,
/// lets them be answered.
const MEMORY: u64 = 2 * CLOCK_TOLERANCE + 60;

/// What the first message will ask the store for.
fn wants<'a>(request: &Request, session: Option<&'a ([u8; 32], [u8; 32])>) -> Wants<'a> {
    let first = request.messages.iter().find(|message| !matches!(message, RequestMessage::Ping));
    match first {
        Some(
            RequestMessage::License { stream_id: movie, .. }
            | RequestMessage::Authorization { movie_id: movie },
        ) => Wants::Movie(movie.get()),
        Some(RequestMessage::AuthenticationRenewal { .. }) => {
            Wants::Renewal { session: session.map(|(id, secret)| (id, secret)) }
        }
        _ => Wants::Nothing,
    }
}

/// One envelope, its messages answered one after the other.
pub(super) struct Conversation<'a> {
    service: &'a Service,
    envelope: &'a Envelope<'a>,
    /// What the operator's authorizer says.
    entitlements: &'a Entitlements,
    challenges: &'a Challenges,
    now: u64,
    sequence: Sequence,
    /// The challenges whose numbers were heard for the first time.
    fresh: BTreeSet<usize>,
    /// The certificate whose key signed a registration.
    certificate: Option<&'a CheckedDevice>,
    speaker: Option<Speaker>,
    /// The speaker's ticket is over: only a renewal is answered.
    expired: bool,
    /// What messages get as long as nobody speaks: why the registration before them failed.
    refusal: ErrorCode,
    /// Domains' keys for the answer to the message that is answered now.
    sealing: Option<Sealing>,
    /// Domains' keys that are to be sealed, each for the answer of this number.
    sealings: Vec<(usize, Sealing)>,
    /// A ticket that was issued.
    pub(super) ticket: Option<String>,
    /// The browser's cookie, set by a registration.
    pub(super) browser: Option<CookieSecret>,
    /// What the player counted.
    pub(super) reports: Vec<playback::Report>,
    /// Where devices were heard from.
    pub(super) moves: Vec<(String, Whereabouts)>,
}

impl<'a> Conversation<'a> {
    /// Nothing is answered yet, and nobody has spoken.
    pub(super) fn new(
        service: &'a Service,
        envelope: &'a Envelope<'a>,
        (entitlements, challenges): (&'a Entitlements, &'a Challenges),
        now: u64,
        sequence: Sequence,
    ) -> Self {
        Self {
            service,
            envelope,
            entitlements,
            challenges,
            now,
            sequence,
            fresh: BTreeSet::new(),
            certificate: None,
            speaker: None,
            expired: false,
            refusal: ErrorCode::NotAuthentic,
            sealing: None,
            sealings: Vec::new(),
            ticket: None,
            browser: None,
            reports: Vec::new(),
            moves: Vec::new(),
        }
    }

    /// Answers every message, or fails as a whole, leaving no trace.
    pub(super) async fn answer(&mut self, request: &Request, proof: &'a Proof) -> Outcome<Vec<Answer>> {
        match proof {
            Proof::None => Ok(request.messages.iter().map(|_| Answer::Done(self.ping())).collect()),
            Proof::BadCertificate | Proof::Revoked(_) => {
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
                if !tx.first_seen(&self.name_of_request(certificate), self.now + MEMORY).await? {
                    tracing::warn!("a registration was sent twice");
                    metrics::counter!("matinee_sequence_refused_total").increment(1);
                    return Err(ErrorCode::SequenceOutOfOrder.into());
                }
                let answers = self.messages(&mut *tx, request).await?;
                tx.commit().await?;
                Ok(self.sealed(answers))
            }
            Proof::Ticket { ticket, text } => {
                let hashes = self.envelope.session.map(|session| (session.id.hash(), session.secret.hash()));
                let ahead = Ahead {
                    account: ticket.account,
                    device: ticket.device.as_str(),
                    wants: wants(request, hashes.as_ref()),
                    now: self.now,
                };
                let (mut tx, speaker) = self.service.store.begin_for(&ahead).await?;
                let (account, mut device) = speaker.ok_or(ErrorCode::DeviceUnknown)?;
                let old_epoch = device.epoch != ticket.epoch;
                if old_epoch || !device.window.accept(self.sequence.get()) {
                    verify::out_of_order(&device.id, if old_epoch { "old epoch" } else { "envelope" });
                    return Err(ErrorCode::SequenceOutOfOrder.into());
                }
                for (at, challenge) in self.challenges {
                    if let Ok(verified) = challenge
                        && device.window.accept(verified.challenge.sequence)
                    {
                        self.fresh.insert(*at);
                    }
                }
                let whereabouts = self.hear(&mut device);
                tx.set_sequence(&device.id, &device.state(self.now)).await?;
                if account.disabled {
                    self.refusal = ErrorCode::LoginRequired;
                    tx.audit(&audit::envelope(ticket, self.refusal, self.envelope.place, self.now)).await?;
                } else {
                    self.speaker = Some(Speaker {
                        account,
                        device,
                        ticket: text.clone(),
                        point: ticket.point,
                        whereabouts,
                        visit: ticket.visit.clone(),
                    });
                    self.expired = self.now >= ticket.expires;
                }
                let answers = self.messages(&mut *tx, request).await?;
                tx.commit().await?;
                Ok(self.sealed(answers))
            }
        }
    }

    /// Runs the messages in order, each in its own savepoint.
    async fn messages(&mut self, tx: &mut dyn Transaction, request: &Request) -> Outcome<Vec<Answer>> {
        let mut answers = Vec::with_capacity(request.messages.len());
        for (at, message) in request.messages.iter().enumerate() {
            tx.savepoint().await?;
            match self.message(tx, at, message).await {
                Ok(done) => {
                    let (place, speaker) = (self.envelope.place, self.speaker.as_ref());
                    audit::answered(tx, speaker, &done, place, self.now).await?;
                    tx.release().await?;
                    self.sealings.extend(self.sealing.take().map(|sealing| (answers.len(), sealing)));
                    answers.push(Answer::Done(done));
                }
                // Nothing can be said to the other messages either.
                Err(failure @ (Failure::Store(_) | Failure::Unread(_))) => return Err(failure),
                Err(failure) => {
                    tx.roll_back().await?;
                    let error = failure.told();
                    if matches!(message, RequestMessage::Register(_)) {
                        self.refusal = error.code;
                    }
                    self.was_refused(tx, message, &error).await?;
                    answers.push(Answer::Failed { message: message.name(), error });
                }
            }
        }
        Ok(answers)
    }

    /// Puts domains' keys into the answers that are to bring them.
    fn sealed(&self, mut answers: Vec<Answer>) -> Vec<Answer> {
        use ResponseMessage as Message;
        for (number, sealing) in &self.sealings {
            if let Some(Answer::Done(
                Message::Register(registration)
                | Message::AuthenticationRenewal(registration)
                | Message::ActivationCode(Activation::Registered(registration)),
            )) = answers.get_mut(*number)
            {
                registration.domain_keys = sealing.seal(self.service);
            }
        }
        answers
    }

    /// Writes down that a message was refused.
    async fn was_refused(
        &self,
        tx: &mut dyn Transaction,
        message: &RequestMessage,
        error: &WireError,
    ) -> Outcome<()> {
        let account = match (message, self.envelope.session) {
            (RequestMessage::Register(Register { grant: Some(grant), .. }), _) => {
                grants::account_of(self.service, grant)
            }
            (RequestMessage::Register(_), Some(session)) => {
                registration::account_of(tx, session, self.now).await?
            }
            _ => None,
        };
        let place = self.envelope.place;
        audit::refused(tx, self.speaker.as_ref(), account, (message, error), place, self.now).await
    }

    /// Names a registration by what is signed, since another signature of the same is easily made of an ECDSA
    /// signature.
    fn name_of_request(&self, device: &CheckedDevice) -> [u8; 32] {
        let key = device.certificate.signing_key.as_bytes();
        sha256(&[&key[..], &sha256(self.envelope.body)].concat())
    }

    fn ping(&self) -> ResponseMessage {
        ResponseMessage::Ping { time: self.now, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    async fn message(
        &mut self,
        tx: &mut dyn Transaction,
        at: usize,
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
                let renewed = registration::renew(service, tx, device_id, speaker, session, now).await?;
                let answer = renewed.registration();
                self.speaks(tx, renewed).await?;
                return Ok(ResponseMessage::AuthenticationRenewal(answer));
            }
            _ => {}
        }
        let speaker = self.speaker.as_ref().ok_or(self.refusal)?;
        if self.expired {
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
                authorization::authorize(service, tx, speaker, *movie_id, self.envelope.place, now).await
            }
            RequestMessage::License { stream_id, .. } => {
                self.entitlements.check(account, *stream_id)?;
                let verified = self.challenges.get(&at).ok_or(ErrorCode::ChallengeInvalid)?;
                let asking = license::Asking {
                    speaker,
                    stream_id: Some(*stream_id),
                    challenge: verified.as_ref().map_err(|code| *code)?,
                    is_fresh: self.fresh.contains(&at),
                    origin: self.envelope.origin,
                    place: self.envelope.place,
                };
                let license::Issued { license, policy_version, lease } =
                    license::issue(service, tx, &asking, now).await?;
                let policy_version = Some(policy_version);
                Ok(ResponseMessage::License { stream_id: *stream_id, license, policy_version, lease })
            }
            RequestMessage::Takeover { movie_id, device_id } => {
                leases::take_over(service, tx, speaker, *movie_id, device_id, now).await?;
                Ok(ResponseMessage::Takeover { movie_id: *movie_id })
            }
            RequestMessage::LogBlob(log) => {
                let rights = (self.entitlements, self.envelope.place);
                let playback::Logged { report, rules, lease, stopped, refused } =
                    playback::log_blob(service, tx, speaker, log, rights, now).await?;
                self.reports.push(report);
                let movie_id = log.movie_id;
                Ok(ResponseMessage::LogBlob { movie_id, accepted: now, rules, lease, stopped, refused })
            }
            // Answered above, or refused before anything ran.
            _ => Err(ErrorCode::RequestInvalid.into()),
        }
    }

    /// The messages that follow are this device's.
    async fn speaks(&mut self, tx: &mut dyn Transaction, ticketed: Ticketed) -> Outcome<()> {
        self.ticket = Some(ticketed.text.clone());
        self.sealing.clone_from(&ticketed.sealing);
        let mut speaker = Speaker::from(ticketed);
        let country = speaker.device.used_in.clone();
        speaker.whereabouts = self.hear(&mut speaker.device);
        let has_moved = speaker.whereabouts.is_some_and(|whereabouts| whereabouts.is_new);
        if has_moved || speaker.device.used_in != country {
            tx.set_sequence(&speaker.device.id, &speaker.device.state(self.now)).await?;
        }
        self.speaker = Some(speaker);
        self.expired = false;
        Ok(())
    }

    /// Notes where a device is heard from.
    fn hear(&mut self, device: &mut Device) -> Option<Whereabouts> {
        let whereabouts = networks::hear(device, self.envelope.place, self.now);
        self.moves.extend(whereabouts.map(|whereabouts| (device.id.clone(), whereabouts)));
        whereabouts
    }

    /// The certificate must be the one whose key signed the request; `authenticate` saw to it that it is a
    /// box's.
    async fn activate(&mut self, tx: &mut dyn Transaction, octets: &[u8]) -> Outcome<ResponseMessage> {
        let certificate = self.certificate.ok_or(self.refusal)?;
        let same =
            self.service.keys().verify_device(octets, self.now).is_ok_and(|named| {
                named.certificate.level == KeyLevel::Box && named.point == certificate.point
            });
        if !same {
            return Err(ErrorCode::CertificateInvalid.into());
        }
        if !self.envelope.place.allowed {
            return Err(ErrorCode::RegionNotAllowed.into());
        }
        let country = self.envelope.place.country.as_deref();
        let sequence = self.sequence.get();
        match activation::poll(self.service, tx, certificate, country, sequence, self.now).await? {
            Polled::Waiting(code) => Ok(ResponseMessage::ActivationCode(code)),
            Polled::Registered(registered) => {
                let answer = registered.registration();
                self.speaks(tx, *registered).await?;
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
            (Some(device), _) => device.point,
            (None, Some(speaker)) => speaker.point,
            (None, None) => return Err(self.refusal.into()),
        };
        let keys = self.service.keys();
        let certificate = keys.verify_device(&message.certificate, self.now);
        let device = certificate.map_err(|_| ErrorCode::CertificateInvalid)?;
        let is_box = device.certificate.level == KeyLevel::Box;
        if is_box || device.point != signed_by {
            return Err(ErrorCode::CertificateInvalid.into());
        }
        let browser = self.envelope.browser.cloned().unwrap_or_else(CookieSecret::generate::<16>);
        let registration = registration::Registering {
            message,
            checked: &device,
            session: self.envelope.session,
            browser: &browser,
            origin: self.envelope.origin,
            country: self.envelope.place.country.as_deref(),
            sequence: self.sequence.get(),
            now: self.now,
        };
        let registered = registration::register(self.service, tx, &registration).await?;
        let answer = registered.registration();
        self.browser = Some(browser);
        self.speaks(tx, registered).await?;
        Ok(ResponseMessage::Register(answer))
    }
}
