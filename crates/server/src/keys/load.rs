//! From the folder into memory.

use super::file::{self, KeyFile, KeyKind, KeyState};
use super::generate::{SIGNER_LIFE, generate};
use super::{KeyRing, Revoked, SealKey, domains};
use crate::Error;
use crate::media_url::MediaSecret;
use crate::ticket::{TicketKey, TicketKeys};
use cenc::CommonKey;
use license::{Signer, SignerCertificate, SiteCa, Trust, Typ};
use std::path::Path;

/// Loads the keys of a folder, making none.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn load(folder: &Path, public_url: &str, now: u64) -> Result<KeyRing, Error> {
    load_with(folder, public_url, &[], now)
}

/// As [`load`], with the public keys of factories whose CA lies elsewhere.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    folder: &Path,
    public_url: &str,
    factories: &[[u8; 32]],
    now: u64,
) -> Result<KeyRing, Error> {
    let keys = file::read_all(folder)?;
    let of = |kind| keys.iter().filter(move |key| key.kind == kind);
    let active = |kind: KeyKind| {
        of(kind).find(|key| key.state == KeyState::Active).ok_or_else(|| {
            Error::Keys(format!("no {} key is active; run `matinee keys generate`", kind.as_str()))
        })
    };
    let ca = SiteCa::from_seed(&*active(KeyKind::SiteCa)?.secret_array()?);
    let ca_keys = of(KeyKind::SiteCa)
        .map(|key| Ok(SiteCa::from_seed(&*key.secret_array()?).public_key()))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut trust =
        Trust::new(public_url, &ca_keys).map_err(|_| Error::Keys("a site-ca key is unusable".to_owned()))?;
    let signer = |typ: Typ| {
        let key = of(KeyKind::Signer)
            .find(|key| key.typ.as_deref() == Some(typ.name()) && key.state == KeyState::Active)
            .ok_or_else(|| Error::Keys(format!("no signer for {} is active", typ.name())))?;
        load_signer(key, &ca, typ, &trust, now)
    };

    let device_certificate = signer(Typ::DeviceCertificate)?;
    let [individualization, license, metadata] =
        [signer(Typ::Individualization)?, signer(Typ::License)?, signer(Typ::DrmMetadata)?];
    // In every challenge.
    trust
        .remember(device_certificate.certificate_octets())
        .map_err(|_| Error::Keys("the signer of device certificates is not certified".to_owned()))?;

    let ticket_key = |key: &KeyFile| {
        let mut id = [0; 4];
        hex::decode_to_slice(&key.id, &mut id)
            .map_err(|_| Error::Keys(format!("ticket key {}: the id must be 8 hex digits", key.id)))?;
        Ok::<_, Error>(TicketKey::new(id, *key.secret_array()?))
    };
    let active_ticket = active(KeyKind::Ticket)?;
    let other_tickets = of(KeyKind::Ticket)
        .filter(|key| key.id != active_ticket.id)
        .map(ticket_key)
        .collect::<Result<Vec<_>, Error>>()?;

    let media_secret = |key: &KeyFile| {
        MediaSecret::new(key.secret()?.to_vec())
            .ok_or_else(|| Error::Keys(format!("media key {}: needs at least 32 octets", key.id)))
    };
    let active_media = active(KeyKind::Media)?;
    let mut media = vec![media_secret(active_media)?];
    for key in of(KeyKind::Media).filter(|key| key.id != active_media.id) {
        media.push(media_secret(key)?);
    }

    let active_common = active(KeyKind::Common)?;
    let mut common = vec![(active_common.id.clone(), CommonKey::new(*active_common.secret_array()?))];
    for key in of(KeyKind::Common).filter(|key| key.id != active_common.id) {
        common.push((key.id.clone(), CommonKey::new(*key.secret_array()?)));
    }

    let factory_keys = of(KeyKind::FactoryCa)
        .map(|key| Ok(SiteCa::from_seed(&*key.secret_array()?).public_key()))
        .chain(factories.iter().copied().map(Ok))
        .collect::<Result<Vec<_>, Error>>()?;
    let factory = match factory_keys.is_empty() {
        true => None,
        false => Some(
            Trust::new(public_url, &factory_keys)
                .map_err(|_| Error::Keys("a factory-ca key is unusable".to_owned()))?,
        ),
    };

    let seal = SealKey::of(&keys)?;
    let shaping = [KeyKind::SiteCa, KeyKind::Signer, KeyKind::Common];
    let changed = keys.iter().filter(|key| shaping.contains(&key.kind)).map(|key| key.created).max();

    Ok(KeyRing {
        domains: domains::load(&keys, &seal, now)?,
        seal,
        changed: changed.unwrap_or(0),
        revoked: Revoked::read(folder)?,
        factory,
        individualization,
        device_certificate,
        license,
        metadata,
        tickets: TicketKeys::new(ticket_key(active_ticket)?, other_tickets),
        trust,
        ca_keys,
        media,
        common,
    })
}

/// A signer with its stored certificate, or a fresh one where that does not hold here: it names the public
/// URL, which an operator may change, and it ends.
fn load_signer(key: &KeyFile, ca: &SiteCa, typ: Typ, trust: &Trust, now: u64) -> Result<Signer, Error> {
    let seed = key.secret_array::<32>()?;
    if let Ok(signer) = Signer::from_parts(&seed, key.certificate()?, trust) {
        let holds = signer.certificate().not_before <= now
            && now.saturating_add(SIGNER_LIFE / 2) <= signer.certificate().not_after;
        if holds && signer.certificate().typ == typ.name() {
            return Ok(signer);
        }
    }
    let certificate = SignerCertificate {
        key: SiteCa::from_seed(&seed).public_key(),
        typ: typ.name().to_owned(),
        id: key.id.clone(),
        not_before: now.min(key.created),
        not_after: now.saturating_add(SIGNER_LIFE),
    };
    let octets = ca.certify(trust.public_url(), &certificate);
    Signer::from_parts(&seed, octets, trust)
        .map_err(|_| Error::Keys(format!("signer {} cannot be certified", key.id)))
}

/// [`load_with`]; where something is missing, [`generate`] first. A folder with every key is not written to,
/// so it may be mounted read-only.
///
/// # Errors
/// As those.
pub fn open(folder: &Path, public_url: &str, factories: &[[u8; 32]], now: u64) -> Result<KeyRing, Error> {
    let reason = match load_with(folder, public_url, factories, now) {
        Ok(ring) => return Ok(ring),
        Err(reason) => reason,
    };
    let new = match (generate(folder, public_url, now), reason) {
        // What is wrong is what is in the folder, not that nothing can be added.
        (Err(Error::Io { .. }), reason @ (Error::Keys(_) | Error::KeysExposed(_))) => return Err(reason),
        (new, _) => new?,
    };
    if !new.is_empty() {
        tracing::info!(folder = %folder.display(), keys = new.len(), "made new keys: back this folder up");
    }
    load_with(folder, public_url, factories, now)
}
