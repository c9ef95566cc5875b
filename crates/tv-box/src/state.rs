//! What a box keeps over restarts, in a folder of its own: `state.json` (0600), replaced whole.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decryptor::Anchor;
use nccp::{DeviceId, DomainKey, Registration, Sequence};
use serde::{Deserialize, Serialize};

use crate::{Error, Identity};

/// Octets of a state file at most.
const MAX_FILE: u64 = 64 * 1024;
/// Domain keys that are kept: of some epochs more than this and the next.
const MAX_KEYS: usize = 12;

/// A registration as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) device_id: DeviceId,
    pub(crate) ticket: String,
    /// When the ticket ends, by the server's clock.
    pub(crate) expiration: u64,
    /// When to renew it.
    pub(crate) renewal: u64,
    /// Keys of the box's domains, as they came: sealed by a key of the box file.
    #[serde(default)]
    pub(crate) domain_keys: Vec<KeptKey>,
}

/// A domain's key, sealed for this box.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptKey {
    pub(crate) domain: String,
    pub(crate) epoch: u64,
    /// base64url.
    pub(crate) key: String,
}

impl Kept {
    /// As it came, without the keys.
    pub(crate) fn registration(&self) -> Registration {
        let Self { device_id, ticket, expiration, renewal, .. } = self.clone();
        Registration { device_id, ticket, expiration, renewal, domain_keys: Vec::new() }
    }

    /// Takes over the keys of earlier epochs that the same device had.
    fn inherit(&mut self, before: Option<&Self>) {
        let Some(before) = before.filter(|before| before.device_id == self.device_id) else { return };
        let is_new = |old: &&KeptKey| {
            !self.domain_keys.iter().any(|key| (&key.domain, key.epoch) == (&old.domain, old.epoch))
        };
        let older: Vec<KeptKey> = before.domain_keys.iter().filter(is_new).cloned().collect();
        self.domain_keys.extend(older);
        self.domain_keys.sort_by_key(|key| std::cmp::Reverse(key.epoch));
        self.domain_keys.truncate(MAX_KEYS);
    }
}

impl From<Registration> for Kept {
    fn from(registration: Registration) -> Self {
        let Registration { device_id, ticket, expiration, renewal, domain_keys } = registration;
        let kept = |key: DomainKey| KeptKey {
            domain: key.domain,
            epoch: key.epoch,
            key: URL_SAFE_NO_PAD.encode(&key.key),
        };
        let domain_keys = domain_keys.into_iter().map(kept).collect();
        Self { device_id, ticket, expiration, renewal, domain_keys }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({}, until {}, ticket redacted)", self.device_id, self.expiration)
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    /// The box whose state it is.
    fingerprint: String,
    /// The last number that was used.
    sequence: u64,
    registration: Option<Kept>,
    /// Greatest signed time seen, and the greatest that the wall clock has said since.
    anchor: Option<(u64, f64)>,
    /// Greatest time known; earlier versions kept no more than the signed time.
    known: Option<f64>,
    /// bit/s, as measured last.
    throughput: Option<u64>,
}

/// The state, held by this process alone.
pub(crate) struct State {
    folder: PathBuf,
    content: Content,
    /// Locked as long as it is open.
    _lock: File,
}

impl State {
    /// Opens a box's state, making the folder where there is none. `true`: what was there is damaged or
    /// another box's, and this one begins anew.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Busy`].
    pub(crate) fn open(folder: &Path, identity: &Identity) -> Result<(Self, bool), Error> {
        let mut make = DirBuilder::new();
        make.recursive(true).mode(0o700).create(folder).map_err(Error::io(folder))?;
        let lock_path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&lock_path).map_err(Error::io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(Error::io(lock_path)(source)),
        }
        let path = folder.join("state.json");
        let fingerprint = identity.fingerprint();
        let found = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::io(path)(source)),
            Ok(metadata) if metadata.len() > MAX_FILE => Some(Vec::new()),
            Ok(_) => Some(std::fs::read(&path).map_err(Error::io(&path))?),
        };
        let kept = found.as_ref().and_then(|octets| serde_json::from_slice::<Content>(octets).ok());
        let kept = kept.filter(|content| content.fingerprint == fingerprint);
        let lost = found.is_some() && kept.is_none();
        let content = kept.unwrap_or(Content { fingerprint, ..Content::default() });
        Ok((Self { folder: folder.to_owned(), content, _lock: lock }, lost))
    }

    /// The next sequence number: never given out again, whatever happens to this process.
    pub(crate) fn next_sequence(&mut self) -> Result<Sequence, Error> {
        self.content.sequence += 1;
        self.save()?;
        Sequence::try_from(self.content.sequence).map_err(|_| Error::Protocol)
    }

    pub(crate) fn registration(&self) -> Option<&Kept> {
        self.content.registration.as_ref()
    }

    pub(crate) fn set_registration(&mut self, registration: Option<Kept>) -> Result<(), Error> {
        let before = self.content.registration.take();
        self.content.registration = registration.map(|mut kept| {
            kept.inherit(before.as_ref());
            kept
        });
        self.save()
    }

    pub(crate) fn anchor(&self) -> Option<Anchor> {
        let known = |signed| self.content.known.unwrap_or(signed as f64);
        self.content.anchor.map(|(signed, wall)| Anchor { signed, known: known(signed), wall })
    }

    pub(crate) fn set_anchor(&mut self, anchor: Anchor) -> Result<(), Error> {
        self.content.anchor = Some((anchor.signed, anchor.wall));
        self.content.known = Some(anchor.known);
        self.save()
    }

    pub(crate) fn throughput(&self) -> Option<u64> {
        self.content.throughput
    }

    pub(crate) fn set_throughput(&mut self, throughput: u64) -> Result<(), Error> {
        self.content.throughput = Some(throughput);
        self.save()
    }

    fn save(&self) -> Result<(), Error> {
        let (path, fresh) = (self.folder.join("state.json"), self.folder.join("state.json.new"));
        let octets = serde_json::to_vec_pretty(&self.content).map_err(|_| Error::Protocol)?;
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&octets)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(Error::io(&path))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Content { sequence, registration, .. } = &self.content;
        f.debug_struct("State").field("sequence", sequence).field("registration", registration).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::file;
    use std::os::unix::fs::PermissionsExt as _;

    fn kept() -> Kept {
        let device_id = "d-1".parse().unwrap();
        Kept {
            device_id,
            ticket: "secret-ticket".into(),
            expiration: 2,
            renewal: 1,
            domain_keys: vec![key(7)],
        }
    }

    fn key(epoch: u64) -> KeptKey {
        KeptKey { domain: "box".into(), epoch, key: "c2VhbGVk".into() }
    }

    /// A license of the last epoch's end still opens in the next; another device's keys are of no use.
    #[test]
    fn domain_keys_of_earlier_epochs_stay() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::parse(&file().to_json().unwrap()).unwrap();
        let (mut state, _) = State::open(folder.path(), &identity).unwrap();
        for epoch in 7..40 {
            state
                .set_registration(Some(Kept { domain_keys: vec![key(epoch), key(epoch + 1)], ..kept() }))
                .unwrap();
        }
        let epochs = |state: &State| {
            state.registration().unwrap().domain_keys.iter().map(|key| key.epoch).collect::<Vec<_>>()
        };
        assert_eq!(epochs(&state), (29..=40).rev().collect::<Vec<_>>());
        let other = Kept { device_id: "d-2".parse().unwrap(), ..kept() };
        state.set_registration(Some(other)).unwrap();
        assert_eq!(epochs(&state), [7]);
    }

    #[test]
    fn what_is_kept_is_found_again_by_the_same_box() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("deep/state");
        let identity = Identity::parse(&file().to_json().unwrap()).unwrap();
        let (mut state, lost) = State::open(&place, &identity).unwrap();
        assert!(!lost && state.registration().is_none());
        assert_eq!(state.next_sequence().unwrap().get(), 1);
        assert_eq!(state.next_sequence().unwrap().get(), 2);
        state.set_registration(Some(kept())).unwrap();
        state.set_anchor(Anchor { signed: 5, known: 5.5, wall: 6.5 }).unwrap();
        state.set_throughput(7).unwrap();
        assert!(!format!("{state:?}").contains("secret"));
        assert!(matches!(State::open(&place, &identity), Err(Error::Busy { .. })));
        drop(state);
        let mode = std::fs::metadata(place.join("state.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let (mut state, lost) = State::open(&place, &identity).unwrap();
        assert!(!lost);
        assert_eq!(state.next_sequence().unwrap().get(), 3, "no number twice");
        assert_eq!(state.registration(), Some(&kept()));
        assert_eq!(state.anchor(), Some(Anchor { signed: 5, known: 5.5, wall: 6.5 }));
        assert_eq!(state.throughput(), Some(7));
        drop(state);

        let other = Identity::parse(&other_box().to_json().unwrap()).unwrap();
        let (state, lost) = State::open(&place, &other).unwrap();
        assert!(lost && state.registration().is_none(), "another box's ticket is of no use");
    }

    fn other_box() -> crate::BoxFile {
        let json = String::from_utf8(file().to_json().unwrap().to_vec()).unwrap();
        serde_json::from_str(&json.replace("Y2VydGlmaWNhdGU", "b3RoZXI")).unwrap()
    }

    #[test]
    fn a_damaged_state_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::parse(&file().to_json().unwrap()).unwrap();
        for damaged in [&b"{"[..], b"", &[b' '; 100_000]] {
            std::fs::write(folder.path().join("state.json"), damaged).unwrap();
            let (mut state, lost) = State::open(folder.path(), &identity).unwrap();
            assert!(lost);
            assert_eq!(state.next_sequence().unwrap().get(), 1);
        }
    }
}
