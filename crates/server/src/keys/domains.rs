//! The key pairs of domains, for which embedded licenses are made: one for each domain and epoch of 30
//! days, made ahead.
//!
//! A private key lies in a file of its own like every other key, and in there sealed by the site's `seal` key
//! (AES-256-GCM), so that what the server writes by itself is of no use without that one file.

use super::file::{self, KeyFile, KeyKind};
use super::folder::{KeyInfo, lock};
use super::seal::SealKey;
use crate::Error;
use license::{Domain, DomainEpoch, RsaModulus, SoftwareRsaKey};
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// A domain's key pair in one epoch.
pub struct DomainPair {
    /// Which domain, when.
    pub of: DomainEpoch,
    /// The public half; licenses are made for it.
    pub modulus: RsaModulus,
    /// The private half (PKCS#8), for the domain's devices.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for DomainPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainPair({} {}, [redacted])", self.of.domain, self.of.epoch)
    }
}

/// What there should be at a time: each domain in its epoch and the next.
fn wanted(now: u64) -> impl Iterator<Item = DomainEpoch> {
    Domain::ALL.into_iter().map(move |domain| DomainEpoch::at(domain, now)).flat_map(|of| [of, of.next()])
}

fn id(of: DomainEpoch) -> String {
    format!("{}-{}", of.domain, of.epoch)
}

fn parse_id(id: &str) -> Option<DomainEpoch> {
    let (domain, epoch) = id.split_once('-')?;
    Some(DomainEpoch { domain: domain.parse().ok()?, epoch: epoch.parse().ok()? })
}

/// Makes key pairs of this epoch and the next that are not there yet, `most` of them; gives the new ones.
/// Takes about a second for each.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn make_domains(folder: &Path, now: u64, most: usize) -> Result<Vec<KeyInfo>, Error> {
    let missing = |keys: &[KeyFile]| {
        let there = |of: DomainEpoch| keys.iter().any(|key| key.kind == KeyKind::Domain && key.id == id(of));
        wanted(now).filter(|of| !there(*of)).collect::<Vec<_>>()
    };
    // A folder that has them may be mounted read-only.
    if missing(&file::read_all(folder)?).is_empty() {
        return Ok(Vec::new());
    }
    let _guard = lock(folder)?;
    let keys = file::read_all(folder)?;
    let seal = SealKey::of(&keys)?;
    let mut made = Vec::new();
    for of in missing(&keys).into_iter().take(most) {
        let random_failed = |_| Error::Internal("no random numbers");
        let pkcs8 = SoftwareRsaKey::generate().and_then(|key| key.to_pkcs8()).map_err(random_failed)?;
        let id = id(of);
        let key = KeyFile::new(KeyKind::Domain, &id, now, &seal.seal(&pkcs8, id.as_bytes())?);
        key.write(folder)?;
        made.push(KeyInfo::from(&key));
    }
    Ok(made)
}

/// The key pairs that are of use at a time or after it.
pub(super) fn load(keys: &[KeyFile], seal: &SealKey, now: u64) -> Result<Vec<DomainPair>, Error> {
    let of_domains = keys.iter().filter(|key| key.kind == KeyKind::Domain);
    let mut pairs = Vec::new();
    for key in of_domains {
        let damaged =
            || Error::Keys(format!("domain {} is damaged, or was sealed by another seal key", key.id));
        let of = parse_id(&key.id).ok_or_else(damaged)?;
        if of.epoch < DomainEpoch::at(of.domain, now).epoch {
            continue;
        }
        let secret = key.secret()?;
        let pkcs8 = seal.open(&secret, key.id.as_bytes()).ok_or_else(damaged)?;
        let modulus = SoftwareRsaKey::from_pkcs8(&pkcs8).and_then(|key| key.modulus());
        pairs.push(DomainPair { of, modulus: modulus.map_err(|_| damaged())?, pkcs8 });
    }
    Ok(pairs)
}

/// Domain keys are nobody's to change: devices hold them for as long as licenses of theirs live (B52).
pub(super) fn refuse_change(kind: KeyKind) -> Result<(), Error> {
    let reason = match kind {
        KeyKind::Domain => {
            "the domains' keys are made by themselves, for each 30 days, and cannot be changed"
        }
        KeyKind::Seal => {
            "the seal key cannot be changed: domains' keys and given content keys are sealed by it"
        }
        _ => return Ok(()),
    };
    Err(Error::Setting { name: "key", reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{generate, list, load_with, retire, rotate};
    use license::EPOCH_SECONDS;

    const URL: &str = "http://localhost:8080";

    /// B48, B52, B53: three domains, sealed in their files, refused to operators who would change them.
    #[test]
    fn b48_b52_b53_domains_come_by_themselves_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let now = 690 * EPOCH_SECONDS + 5;
        generate(folder.path(), URL, now).unwrap();
        assert!(load_with(folder.path(), URL, &[], now).unwrap().domains.is_empty());
        let ids = |keys: &[KeyInfo]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
        let made = make_domains(folder.path(), now, 6).unwrap();
        assert_eq!(ids(&made), ["browser-690", "browser-691", "box-690", "box-691", "all-690", "all-691"]);
        assert!(make_domains(folder.path(), now, 6).unwrap().is_empty());
        let listed = list(folder.path()).unwrap();
        assert_eq!(listed.iter().filter(|key| key.kind == KeyKind::Domain).count(), 6);
        let ring = load_with(folder.path(), URL, &[], now).unwrap();
        assert_eq!(ring.domains.len(), 6);
        let pair = ring.domain(DomainEpoch { domain: Domain::Box, epoch: 691 }).unwrap();
        // Nothing of the private key lies in the file.
        let text = std::fs::read_to_string(folder.path().join("domain-box-691.toml")).unwrap();
        let secret = text.split("secret = \"").nth(1).unwrap().split('"').next().unwrap();
        let octets = crate::secret::from_base64url(secret).unwrap();
        assert!(octets.len() > pair.pkcs8.len());
        assert!(!octets.windows(16).any(|window| window == &pair.pkcs8[40..56]));
        for kind in [KeyKind::Domain, KeyKind::Seal] {
            let refused = rotate(folder.path(), URL, kind, None, true, now).unwrap_err();
            assert!(refused.to_string().contains("cannot be changed"), "{refused}");
            assert!(retire(folder.path(), kind, "box-691").is_err());
        }
        // The next epoch: what was next is there, and the one after it is made.
        let later = now + EPOCH_SECONDS;
        assert_eq!(load_with(folder.path(), URL, &[], later).unwrap().domains.len(), 3);
        assert_eq!(
            ids(&make_domains(folder.path(), later, 6).unwrap()),
            ["browser-692", "box-692", "all-692"]
        );
        // Another seal key opens none.
        let seal = folder.path().join("seal-seal-1.toml");
        std::fs::remove_file(&seal).unwrap();
        generate(folder.path(), URL, later).unwrap();
        let refused = load_with(folder.path(), URL, &[], later).unwrap_err();
        assert!(refused.to_string().contains("seal"), "{refused}");
    }
}
