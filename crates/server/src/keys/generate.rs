//! Making the keys that a folder lacks.

use super::file::{self, KeyFile, KeyKind, KeyState};
use super::folder::{KeyInfo, list, lock};
use crate::Error;
use crate::secret::random;
use license::{Signer, SignerCertificate, SiteCa, Trust, Typ};
use std::path::Path;
use zeroize::Zeroize as _;

/// How long a signer's certificate holds, in seconds: 90 days. It is made anew when half of it is over.
pub(super) const SIGNER_LIFE: u64 = 90 * 86_400;
/// How far another machine's clock may be behind, in seconds: a certificate begins to hold so long before it
/// is made.
const SKEW: u64 = 3600;

/// Makes the keys that are missing, and certificates of signers anew that do not hold much longer, where the
/// CA is at hand; gives what is new.
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
    let active = keys.iter().find(|key| key.kind == KeyKind::SiteCa && key.state == KeyState::Active);
    let ca = match active {
        Some(key) if key.has_secret() => Ok(SiteCa::from_seed(&*key.secret_array()?)),
        Some(key) => Err(key),
        None if missing(KeyKind::SiteCa) => {
            let ca = SiteCa::generate().map_err(|_| Error::Internal("no random numbers"))?;
            make(KeyKind::SiteCa, "ca-1", &mut *ca.seed())?;
            Ok(ca)
        }
        None => return Err(Error::Keys("no site-ca is active".to_owned())),
    };
    for typ in Typ::OF_SIGNERS {
        if !keys.iter().any(|key| key.kind == KeyKind::Signer && key.typ.as_deref() == Some(typ.name())) {
            let id = format!("{}-1", typ.name().trim_start_matches("matinee-"));
            let ca = match &ca {
                Ok(ca) => ca,
                // In words that say what to do.
                Err(key) => return Err(key.secret().err().unwrap_or(Error::Internal("the CA is here"))),
            };
            new_signer(ca, typ, &id, public_url, now)?.write(folder)?;
        }
    }
    let mut renewed = Vec::new();
    if let Ok(ca) = &ca {
        let cas = keys.iter().filter(|key| key.kind == KeyKind::SiteCa).map(KeyFile::public_key);
        let mut cas = cas.collect::<Result<Vec<_>, Error>>()?;
        cas.push(ca.public_key());
        let trust =
            Trust::new(public_url, &cas).map_err(|_| Error::Keys("a site-ca key is unusable".to_owned()))?;
        for key in keys.iter().filter(|key| key.kind == KeyKind::Signer) {
            if !is_fresh(key, &trust, now) {
                let key = certified(key.clone(), ca, public_url, now)?;
                key.write(folder)?;
                renewed.push(KeyInfo::from(&key));
            }
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
    after.retain(|key| !before.contains(key) || renewed.contains(key));
    Ok(after)
}

/// A signer with a fresh key, certified by the CA.
pub(super) fn new_signer(
    ca: &SiteCa,
    typ: Typ,
    id: &str,
    public_url: &str,
    now: u64,
) -> Result<KeyFile, Error> {
    let seed = SiteCa::generate().map_err(|_| Error::Internal("no random numbers"))?.seed();
    let key = KeyFile::new(KeyKind::Signer, id, now, &*seed).with_certificate(typ.name(), &[]);
    certified(key, ca, public_url, now)
}

/// A signer with a certificate from now on.
pub(super) fn certified(key: KeyFile, ca: &SiteCa, public_url: &str, now: u64) -> Result<KeyFile, Error> {
    let typ = key.typ.clone().unwrap_or_default();
    let begins = now.saturating_sub(SKEW);
    let certificate = SignerCertificate {
        key: key.public_key()?,
        typ: typ.clone(),
        id: key.id.clone(),
        not_before: begins,
        not_after: begins.saturating_add(SIGNER_LIFE),
    };
    Ok(key.with_certificate(&typ, &ca.certify(public_url, &certificate)))
}

/// Whether a signer's certificate holds here, no longer than it may, and for half of its life yet.
fn is_fresh(key: &KeyFile, trust: &Trust, now: u64) -> bool {
    let signer = || Signer::from_parts(&*key.secret_array().ok()?, key.certificate().ok()?, trust).ok();
    signer().is_some_and(|signer| {
        let certificate = signer.certificate();
        key.typ.as_ref() == Some(&certificate.typ)
            && certificate.not_before <= now
            && now < renewal(certificate)
    })
}

/// From when on a certificate is to be made anew; 0 for one that holds longer than it may.
pub(super) fn renewal(certificate: &SignerCertificate) -> u64 {
    let life = certificate.not_after.saturating_sub(certificate.not_before);
    if life > SIGNER_LIFE { 0 } else { certificate.not_after.saturating_sub(SIGNER_LIFE / 2) }
}
