//! From the folder into memory.

use super::file::{self, KeyFile, KeyKind, KeyState};
use super::generate::{certified, generate, renewal};
use super::met::MetDevices;
use super::{KeyRing, Revoked, SealKey, domains};
use crate::Error;
use crate::ticket::{TicketKey, TicketKeys};
use cenc::CommonKey;
use license::{Signer, SiteCa, Trust, Typ};
use std::path::Path;
use urltoken::Secret;

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
    let active_ca = active(KeyKind::SiteCa)?;
    // Its public key is enough, as long as the signers' certificates hold.
    let ca = match active_ca.has_secret() {
        true => Some(SiteCa::from_seed(&*active_ca.secret_array()?)),
        false => None,
    };
    let ca_keys = of(KeyKind::SiteCa).map(KeyFile::public_key).collect::<Result<Vec<_>, Error>>()?;
    let mut trust =
        Trust::new(public_url, &ca_keys).map_err(|_| Error::Keys("a site-ca key is unusable".to_owned()))?;
    let signer = |typ: Typ| {
        let key = of(KeyKind::Signer)
            .find(|key| key.typ.as_deref() == Some(typ.name()) && key.state == KeyState::Active)
            .ok_or_else(|| Error::Keys(format!("no signer for {} is active", typ.name())))?;
        load_signer(key, ca.as_ref(), typ, &trust, now)
    };

    let signer_keys = of(KeyKind::Signer).map(KeyFile::public_key).collect::<Result<Vec<_>, Error>>()?;
    let device_certificate = signer(Typ::DeviceCertificate)?;
    let [individualization, license, metadata] =
        [signer(Typ::Individualization)?, signer(Typ::License)?, signer(Typ::DrmMetadata)?];
    let signers = [&device_certificate, &individualization, &license, &metadata];
    let renew_at = signers.map(|signer| renewal(signer.certificate())).into_iter().min().unwrap_or(0);
    // What retired signers certified is refused here, too.
    trust.only_signers(signer_keys.clone());
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

    let media_secret = |key: &KeyFile| match key.secret()? {
        octets if octets.len() >= 32 => Ok(Secret::new(octets.to_vec())),
        _ => Err(Error::Keys(format!("media key {}: needs at least 32 octets", key.id))),
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
        .map(KeyFile::public_key)
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
        met: MetDevices::default(),
        factory,
        individualization,
        device_certificate,
        license,
        metadata,
        tickets: TicketKeys::new(ticket_key(active_ticket)?, other_tickets),
        trust,
        ca_keys,
        signer_keys,
        renew_at,
        has_ca: ca.is_some(),
        media,
        common,
    })
}

/// A signer with its stored certificate; where that ends soon, or does not hold here (it names the public
/// URL, which an operator may change), with a fresh one, if the CA is at hand.
fn load_signer(
    key: &KeyFile,
    ca: Option<&SiteCa>,
    typ: Typ,
    trust: &Trust,
    now: u64,
) -> Result<Signer, Error> {
    let seed = key.secret_array::<32>()?;
    let stored = Signer::from_parts(&seed, key.certificate()?, trust).ok();
    let stored = stored.filter(|signer| signer.certificate().typ == typ.name());
    let Some(ca) = ca else {
        let holds = |signer: &Signer| {
            (signer.certificate().not_before..=signer.certificate().not_after).contains(&now)
        };
        return stored.filter(holds).ok_or_else(|| {
            Error::Keys(format!(
                "the certificate of signer {} does not hold for {} now, and the site CA's secret is not here to make \
                 another: run `matinee keys generate` and `keys export` where it is, and copy the signers",
                key.id,
                trust.public_url()
            ))
        });
    };
    let fresh =
        |signer: &Signer| signer.certificate().not_before <= now && now < renewal(signer.certificate());
    if let Some(signer) = stored.filter(fresh) {
        return Ok(signer);
    }
    let renewed = certified(key.clone(), ca, trust.public_url(), now)?;
    Signer::from_parts(&seed, renewed.certificate()?, trust)
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
