//! The site's keys: made at the first start, one file each under `{data}/keys`, loaded into a [`KeyRing`].

mod boxes;
mod domains;
mod file;
pub(crate) mod imported;
mod revoked;
mod rotate;
mod seal;

pub use boxes::{BoxOrder, ProvisionedBox, provision};
pub use domains::{DomainPair, make_domains};
pub use file::{KeyKind, KeyState};
pub use imported::keep_given;
pub use revoked::{Revoked, RevokedId, reinstate, revoke};
pub use rotate::{retire, rotate};
pub(crate) use seal::SealKey;

use crate::Error;
use crate::media_url::MediaSecret;
use crate::secret::random;
use crate::ticket::{TicketKey, TicketKeys};
use cenc::CommonKey;
use file::KeyFile;
use license::{
    Challenge, DeviceCertificate, DomainEpoch, KeyLevel, Signer, SignerCertificate, SiteCa, Trust, Typ,
    VerifiedChallenge,
};
use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use zeroize::Zeroize as _;

/// How long a signer's certificate holds.
const SIGNER_LIFE: u64 = 5 * 365 * 86_400;

/// What a listing shows of a key: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyInfo {
    /// What it is for.
    pub kind: KeyKind,
    /// Its name.
    pub id: String,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created: u64,
    /// Signers: what it signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
}

/// Every key that a server works with.
#[derive(Debug)]
pub struct KeyRing {
    /// What verifiers go by: the public URL and the CA's public keys.
    pub trust: Trust,
    /// What boxes are verified by, where a factory is known.
    factory: Option<Trust>,
    /// The CA's public keys.
    pub ca_keys: Vec<[u8; 32]>,
    /// Signs individualization answers.
    pub individualization: Signer,
    /// Signs device certificates.
    pub device_certificate: Signer,
    /// Signs licenses.
    pub license: Signer,
    /// Signs DRM metadata.
    pub metadata: Signer,
    /// Seals and opens tickets.
    pub tickets: TicketKeys,
    /// Sign media URLs: the first signs, all verify.
    pub media: Vec<MediaSecret>,
    /// Components that nobody trusts any more.
    pub revoked: Revoked,
    /// Common keys by id; the first is the one that packaging uses.
    common: Vec<(String, CommonKey)>,
    /// Seals what is kept elsewhere.
    pub(crate) seal: SealKey,
    /// Key pairs of the domains, of this epoch and later ones.
    pub domains: Vec<DomainPair>,
    /// When the latest key was made that changes what is made of a film: signers, common keys. Unix seconds.
    pub changed: u64,
}

impl KeyRing {
    /// Verifies a device certificate: a browser's by the site's CA, a box's by the factory's, and neither by
    /// the other. A revoked component's does not hold.
    ///
    /// # Errors
    /// [`license::Error`].
    pub fn verify_device(&self, octets: &[u8], now: u64) -> Result<DeviceCertificate, license::Error> {
        let certificate = self.verify_authentic(octets, now)?;
        match self.revoked.holds_certificate(&certificate) {
            true => Err(license::Error::Certificate),
            false => Ok(certificate),
        }
    }

    fn verify_authentic(&self, octets: &[u8], now: u64) -> Result<DeviceCertificate, license::Error> {
        match DeviceCertificate::verify(octets, &self.trust, now) {
            Ok(certificate) if certificate.level != KeyLevel::Box => Ok(certificate),
            Ok(_) => Err(license::Error::NotAuthentic),
            Err(error) => {
                let factory = self.factory.as_ref().ok_or(error)?;
                let certificate = DeviceCertificate::verify(octets, factory, now)?;
                if certificate.level == KeyLevel::Box {
                    Ok(certificate)
                } else {
                    Err(license::Error::NotAuthentic)
                }
            }
        }
    }

    /// Verifies a challenge, with its certificate as [`KeyRing::verify_device`] does.
    ///
    /// # Errors
    /// [`license::Error`]; `Certificate` for all that is wrong with the certificate.
    pub fn verify_challenge(&self, octets: &[u8], now: u64) -> Result<VerifiedChallenge, license::Error> {
        let verified = self.verify_authentic_challenge(octets, now)?;
        match self.revoked.holds_certificate(&verified.certificate) {
            true => Err(license::Error::Certificate),
            false => Ok(verified),
        }
    }

    fn verify_authentic_challenge(
        &self,
        octets: &[u8],
        now: u64,
    ) -> Result<VerifiedChallenge, license::Error> {
        match Challenge::verify(octets, &self.trust, now) {
            Ok(verified) if verified.certificate.level != KeyLevel::Box => Ok(verified),
            Ok(_) => Err(license::Error::Certificate),
            Err(license::Error::Certificate) => {
                let factory = self.factory.as_ref().ok_or(license::Error::Certificate)?;
                let verified = Challenge::verify(octets, factory, now)?;
                let is_box = verified.certificate.level == KeyLevel::Box;
                if is_box { Ok(verified) } else { Err(license::Error::Certificate) }
            }
            Err(error) => Err(error),
        }
    }

    /// A domain's key pair in an epoch.
    pub fn domain(&self, of: DomainEpoch) -> Option<&DomainPair> {
        self.domains.iter().find(|pair| pair.of == of)
    }

    /// The common key of that id.
    pub fn common_key(&self, id: &str) -> Option<&CommonKey> {
        self.common.iter().find(|(name, _)| name == id).map(|(_, key)| key)
    }

    /// The common key that new films are packaged with, and its id.
    pub fn active_common_key(&self) -> (&str, &CommonKey) {
        // `load` refuses a ring without one.
        let (id, key) = &self.common[0];
        (id, key)
    }
}

/// Lists the keys of a folder.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn list(folder: &Path) -> Result<Vec<KeyInfo>, Error> {
    Ok(file::read_all(folder)?.into_iter().map(info).collect())
}

fn info(key: KeyFile) -> KeyInfo {
    KeyInfo { kind: key.kind, id: key.id, state: key.state, created: key.created, typ: key.typ }
}

/// Makes the keys that are missing; gives the new ones.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn generate(folder: &Path, public_url: &str, now: u64) -> Result<Vec<KeyInfo>, Error> {
    let _guard = lock(folder)?;
    let before = list(folder)?;
    let keys = file::read_all(folder)?;
    let missing = |kind| !keys.iter().any(|key| key.kind == kind);
    let make = |kind, id: &str, secret: &mut [u8]| {
        let done = KeyFile::new(kind, id, now, secret).write(folder);
        secret.zeroize();
        done
    };
    let ca = match keys.iter().find(|key| key.kind == KeyKind::SiteCa && key.state == KeyState::Active) {
        Some(key) => SiteCa::from_seed(&*key.secret_array()?),
        None if missing(KeyKind::SiteCa) => {
            let ca = SiteCa::generate().map_err(|_| Error::Internal("no random numbers"))?;
            make(KeyKind::SiteCa, "ca-1", &mut *ca.seed())?;
            ca
        }
        None => return Err(Error::Keys("no site-ca is active".to_owned())),
    };
    for typ in Typ::OF_SIGNERS {
        if !keys.iter().any(|key| key.kind == KeyKind::Signer && key.typ.as_deref() == Some(typ.name())) {
            let id = format!("{}-1", typ.name().trim_start_matches("matinee-"));
            new_signer(&ca, typ, &id, public_url, now)?.write(folder)?;
        }
    }
    if missing(KeyKind::Ticket) {
        make(KeyKind::Ticket, &hex::encode(random::<4>()), &mut random::<32>())?;
    }
    if missing(KeyKind::Common) {
        make(KeyKind::Common, "ck-1", &mut random::<16>())?;
    }
    if missing(KeyKind::Media) {
        make(KeyKind::Media, "mv-1", &mut random::<32>())?;
    }
    if missing(KeyKind::Seal) {
        make(KeyKind::Seal, "seal-1", &mut random::<32>())?;
    }
    let mut after = list(folder)?;
    after.retain(|key| !before.contains(key));
    Ok(after)
}

/// Makes the folder and holds it until the file is closed: two processes that start at once make one set.
fn lock(folder: &Path) -> Result<fs::File, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::io(folder))?;
    let lock = folder.join(".lock");
    let guard = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock)
        .map_err(Error::io(&lock))?;
    guard.lock().map_err(Error::io(&lock))?;
    Ok(guard)
}

fn new_signer(ca: &SiteCa, typ: Typ, id: &str, public_url: &str, now: u64) -> Result<KeyFile, Error> {
    let signer = ca
        .new_signer(public_url, typ, id, now, now.saturating_add(SIGNER_LIFE))
        .map_err(|_| Error::Internal("no random numbers"))?;
    let key = KeyFile::new(KeyKind::Signer, id, now, &*signer.seed());
    Ok(key.with_certificate(typ.name(), signer.certificate_octets()))
}

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

/// Whether a folder has keys already.
///
/// # Errors
/// [`Error::Io`].
pub fn exist(folder: &Path) -> Result<bool, Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "toml"))))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io(folder)(e)),
    }
}

#[cfg(test)]
mod tests;
