//! What goes into the audit log, so that a leak can be traced: logins, registrations, removals, licenses, and
//! what was refused. (Operators' commands write theirs in [`accounts`](super::accounts) and
//! [`movies`](super::movies).)
//!
//! An entry is written in the transaction of what it tells. What was refused has none: its entry stands
//! alone, or in the envelope's transaction after the message was undone.

use super::speaker::Speaker;
use super::verify::Proof;
use super::{Failure, Outcome};
use crate::Service;
use crate::region::Place;
use crate::store::{AuditEntry, Movie, Transaction, retried};
use crate::ticket::Ticket;
use cenc::Kid;
use nccp::{
    Activation, ErrorCode, LicenseMode, Manifest, MessageName, RequestMessage, ResponseMessage, WireError,
};
use serde_json::Value;
use std::collections::BTreeSet;

fn kids<'a>(kids: impl Iterator<Item = &'a [u8; 16]>) -> Value {
    kids.map(hex::encode).collect::<Vec<_>>().into()
}

fn by(speaker: &Speaker, action: &str, place: &Place, now: u64) -> AuditEntry {
    let entry = AuditEntry::client(action, now).of(speaker.account.id).on(&speaker.device.id);
    entry.from(place.network.as_deref())
}

/// A license: device, movie, keys, policy.
pub(crate) async fn license(
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    movie: &Movie,
    (keys, policy, version): (impl Iterator<Item = &Kid> + Send, &str, &str),
    place: &Place,
    now: u64,
) -> Outcome<()> {
    let keys = kids(keys.map(Kid::as_bytes));
    let entry = by(speaker, "license", place, now).movie(movie.id).with("keys", keys);
    Ok(tx.audit(&entry.with("policy", policy).with("policy_version", version)).await?)
}

/// A message of an envelope that was answered. (`license` says more by itself.)
pub(crate) async fn answered(
    tx: &mut dyn Transaction,
    speaker: Option<&Speaker>,
    answer: &ResponseMessage,
    place: &Place,
    now: u64,
) -> Outcome<()> {
    let Some(speaker) = speaker else { return Ok(()) };
    let entry = match answer {
        ResponseMessage::Register(_) | ResponseMessage::ActivationCode(Activation::Registered(_)) => {
            let device = &speaker.device;
            let entry = by(speaker, "register", place, now).with("name", device.name.as_str());
            entry.with("kind", device.kind.as_str()).with("slot", device.slot)
        }
        ResponseMessage::Authorization(manifest) if manifest.license_mode == LicenseMode::Embedded => {
            embedded(by(speaker, "license", place, now).movie(manifest.movie_id.get()), manifest)
        }
        ResponseMessage::LogBlob { movie_id, refused: Some(error), .. } => {
            let entry = by(speaker, "logblob", place, now).movie(movie_id.get());
            entry.result(error.code.as_str())
        }
        ResponseMessage::LogBlob { movie_id, rules: Some(rules), .. } if rules.policy_version.is_some() => {
            let entry = by(speaker, "license", place, now).movie(movie_id.get());
            let entry = entry.with("embedded", true).with("forced", true);
            entry.with("policy_version", rules.policy_version.clone())
        }
        ResponseMessage::Takeover { movie_id } => by(speaker, "takeover", place, now).movie(movie_id.get()),
        _ => return Ok(()),
    };
    Ok(tx.audit(&entry).await?)
}

/// The manifest brought the license along.
fn embedded(entry: AuditEntry, manifest: &Manifest) -> AuditEntry {
    let files = manifest.downloadables.iter();
    let keys: BTreeSet<_> = files.flat_map(|file| file.keys.iter().map(|period| &period.kid)).collect();
    let entry = entry.with("embedded", true).with("keys", kids(keys.into_iter()));
    entry.with("policy_version", manifest.policy_version.clone())
}

/// Whether it is worth an entry that this was refused, by whom it was asked.
fn is_kept(message: MessageName, code: ErrorCode) -> bool {
    use MessageName as Name;
    let kept = [
        Name::Register,
        Name::ActivationCode,
        Name::AuthenticationRenewal,
        Name::Authorization,
        Name::License,
        Name::Takeover,
        Name::LogBlob,
    ];
    kept.contains(&message) && !matches!(code, ErrorCode::TryLater | ErrorCode::NotAuthentic)
}

/// A message of an envelope that was refused, of somebody who is known: by a ticket, or for a registration by
/// a session (the account's number).
pub(crate) async fn refused(
    tx: &mut dyn Transaction,
    speaker: Option<&Speaker>,
    account: Option<i64>,
    (message, error): (&RequestMessage, &WireError),
    place: &Place,
    now: u64,
) -> Outcome<()> {
    let name = message.name();
    if !is_kept(name, error.code) {
        return Ok(());
    }
    let entry = match (speaker, account) {
        (Some(speaker), _) => by(speaker, name.as_str(), place, now),
        (None, Some(account)) => {
            AuditEntry::client(name.as_str(), now).of(account).from(place.network.as_deref())
        }
        (None, None) => return Ok(()),
    };
    let entry = match message {
        RequestMessage::Authorization { movie_id: movie }
        | RequestMessage::License { stream_id: movie, .. }
        | RequestMessage::Takeover { movie_id: movie, .. } => entry.movie(movie.get()),
        RequestMessage::LogBlob(log) => entry.movie(log.movie_id.get()),
        _ => entry,
    };
    Ok(tx.audit(&entry.result(error.code.as_str())).await?)
}

/// Writes an entry that stands alone. That it could not be written changes no answer, but is logged.
pub(crate) async fn alone(service: &Service, entry: AuditEntry) {
    let written = retried!(async {
        let mut tx = service.store.begin().await?;
        tx.audit(&entry).await?;
        tx.commit().await
    });
    if let Err(error) = written {
        tracing::error!(%error, action = entry.action, "could not write to the audit log");
    }
}

/// A whole envelope was refused: copies of a device show themselves so.
pub(crate) async fn envelope_refused(service: &Service, proof: &Proof, failure: &Failure, place: &Place) {
    let (Proof::Ticket { ticket, .. }, Failure::Code(code)) = (proof, failure) else { return };
    if matches!(code, ErrorCode::SequenceOutOfOrder | ErrorCode::DeviceUnknown) {
        alone(service, envelope(ticket, *code, place, service.clock.now())).await;
    }
}

/// All messages of a ticket's envelope are refused, for this reason.
pub(crate) fn envelope(ticket: &Ticket, code: ErrorCode, place: &Place, now: u64) -> AuditEntry {
    let entry = AuditEntry::client("envelope", now).of(ticket.account).on(ticket.device.as_str());
    entry.from(place.network.as_deref()).result(code.as_str())
}

/// A registration was refused for its certificate, in a session of this account.
pub(crate) async fn certificate_refused(service: &Service, account: i64, place: &Place) {
    let entry = AuditEntry::client("register", service.clock.now()).of(account);
    let entry = entry.from(place.network.as_deref());
    alone(service, entry.result(ErrorCode::CertificateInvalid.as_str())).await;
}

/// `POST /license` was refused; the movie, if it is known.
pub(crate) async fn raw_license_refused(
    service: &Service,
    (account, device): (i64, &str),
    movie: Option<u64>,
    failure: &Failure,
    place: &Place,
) {
    let code = match failure {
        Failure::Code(ErrorCode::TryLater)
        | Failure::Store(_)
        | Failure::Signing { .. }
        | Failure::Unread(_) => return,
        Failure::Code(code) => *code,
        Failure::Said(error) => error.code,
    };
    let entry = AuditEntry::client("license", service.clock.now()).of(account).on(device);
    let entry = AuditEntry { movie, ..entry };
    alone(service, entry.from(place.network.as_deref()).result(code.as_str())).await;
}
