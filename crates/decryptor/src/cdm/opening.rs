//! Licenses: those that answer a challenge, those that were kept, and those that come along with DRM
//! metadata.

use license::{Display, DomainEpoch, DrmMetadata, Expected, VerifiedLicense, Version};

use super::{Cdm, Challenged, Device, Granted, SessionId};
use crate::{Clocks, Error, module_version};

/// A license that is kept for later starts.
#[derive(Clone)]
pub struct KeptLicense<K> {
    /// Its COSE octets.
    pub license: Vec<u8>,
    /// SHA-256 of the challenge that it answered.
    pub challenge_sha256: [u8; 32],
    /// The key that opens it.
    pub key: K,
}

/// The private key that opens a license.
#[derive(Debug, Clone, Copy)]
pub enum Opener<'a, K> {
    /// This one, which was made for its challenge.
    Challenge(&'a K),
    /// The domain's, which the device was given when it registered.
    Domain(DomainEpoch),
}

enum Source<K> {
    Fresh { stream_id: u64, license: KeptLicense<K>, asked: Clocks },
    Kept { key: K },
    Embedded { domain: DomainEpoch },
}

/// A license that is authentic, meant for this session, and whose rules are met. Nothing in it has been
/// decrypted yet.
pub struct PendingLicense<K> {
    session: SessionId,
    license: VerifiedLicense,
    source: Source<K>,
}

impl<K: Clone> PendingLicense<K> {
    /// The key that is to decrypt [`kek_ciphertext`](Self::kek_ciphertext).
    pub fn opener(&self) -> Opener<'_, K> {
        match &self.source {
            Source::Fresh { license, .. } => Opener::Challenge(&license.key),
            Source::Kept { key } => Opener::Challenge(key),
            Source::Embedded { domain } => Opener::Domain(*domain),
        }
    }

    /// RSAES-OAEP (SHA-256) of the KEK.
    pub fn kek_ciphertext(&self) -> &[u8; 256] {
        self.license.kek_ciphertext()
    }

    /// Oldest module version that may use it; this one may.
    pub fn oldest_module(&self) -> Version {
        self.license.license().oldest_module
    }

    /// A license to be kept for later starts, with its movie: a fresh one whose policy is persistent.
    pub fn to_keep(&self) -> Option<(u64, &KeptLicense<K>)> {
        match &self.source {
            Source::Fresh { stream_id, license, .. } if self.license.license().policy.persistent => {
                Some((*stream_id, license))
            }
            _ => None,
        }
    }
}

impl<K: Clone> Cdm<K> {
    /// Verifies a license for the challenge that the session has out. It was issued after that was made, so
    /// that a wall clock which had run ahead does not end a fresh one, and one that was held back gains
    /// nothing.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::NoChallenge`], [`Error::License`]; [`Error::Refused`] by its rules.
    pub fn begin_update(
        &mut self,
        session: SessionId,
        license: &[u8],
        device: &Device<'_>,
        clocks: Clocks,
    ) -> Result<PendingLicense<K>, Error> {
        let verified = self.verify(session, license, device, self.time.greatest())?;
        let challenged = self.session(session)?.challenged.as_ref().ok_or(Error::NoChallenge)?;
        let source = Source::Fresh {
            stream_id: challenged.stream_id,
            license: KeptLicense {
                license: license.to_vec(),
                challenge_sha256: challenged.sha256,
                key: challenged.key.clone(),
            },
            asked: challenged.asked,
        };
        self.pending(session, verified, source, device, clocks)
    }

    /// Verifies a license that was kept, whatever has been signed since: it was issued in the past. The
    /// device id is the registration's now.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::License`]; [`Error::ClockSetBack`]; [`Error::Refused`] by its rules.
    pub fn begin_load(
        &mut self,
        session: SessionId,
        kept: KeptLicense<K>,
        (device_id, display): (&str, Display),
        device: &Device<'_>,
        clocks: Clocks,
    ) -> Result<PendingLicense<K>, Error> {
        let KeptLicense { license, challenge_sha256: sha256, key } = kept;
        let waiting = self.session(session)?;
        let device_id = device_id.to_owned();
        waiting.display = display;
        // The movie matters to what is to be kept, and this is kept already.
        waiting.challenged =
            Some(Challenged { sha256, device_id, stream_id: 0, key: key.clone(), asked: clocks });
        let verified = self.verify(session, &license, device, 0)?;
        self.pending(session, verified, Source::Kept { key }, device, clocks)
    }

    /// Verifies DRM metadata and the license in it, which is bound to a domain. Its issue time proves nothing
    /// about now, because metadata is kept in caches.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::License`]; [`Error::NoLicense`] when there is none in it;
    /// [`Error::ClockSetBack`], unless it was issued later than all that is known of the time;
    /// [`Error::Refused`] by its rules.
    pub fn begin_embedded(
        &mut self,
        session: SessionId,
        metadata: &[u8],
        display: Display,
        device: &Device<'_>,
        clocks: Clocks,
    ) -> Result<PendingLicense<K>, Error> {
        self.session(session)?.display = display;
        let metadata = DrmMetadata::verify(metadata, device.trust)?;
        let octets = metadata.embedded_license.ok_or(Error::NoLicense)?;
        let (verified, domain) =
            VerifiedLicense::verify_embedded(&octets, device.trust, &metadata.content_id, module_version())?;
        self.pending(session, verified, Source::Embedded { domain }, device, clocks)
    }

    /// Takes the keys of a license, replacing the session's. The challenge is used up.
    ///
    /// # Errors
    /// [`Error::NoSession`]; [`Error::NoChallenge`] if the session has another challenge out by now;
    /// [`Error::License`] if a key does not unwrap under the KEK.
    pub fn finish_license(&mut self, pending: &PendingLicense<K>, kek: &[u8]) -> Result<&Granted, Error> {
        let session = self.session(pending.session)?;
        let granted = Granted::new(&pending.license, kek, session.display)?;
        let answered =
            session.challenged.take_if(|challenged| match pending.license.license().challenge_sha256 {
                Some(sha256) => challenged.sha256 == sha256,
                None => true,
            });
        if answered.is_none() && !matches!(pending.source, Source::Embedded { .. }) {
            return Err(Error::NoChallenge);
        }
        Ok(session.granted.insert(granted))
    }

    fn verify(
        &mut self,
        session: SessionId,
        license: &[u8],
        device: &Device<'_>,
        anchor: u64,
    ) -> Result<VerifiedLicense, Error> {
        let challenged = self.session(session)?.challenged.as_ref().ok_or(Error::NoChallenge)?;
        let expected = Expected {
            device_id: &challenged.device_id,
            challenge_sha256: challenged.sha256,
            anchor,
            module_version: module_version(),
        };
        Ok(VerifiedLicense::verify(license, device.trust, &expected)?)
    }

    /// Checks the rules of a verified license, and learns its time.
    fn pending(
        &mut self,
        session: SessionId,
        license: VerifiedLicense,
        source: Source<K>,
        device: &Device<'_>,
        clocks: Clocks,
    ) -> Result<PendingLicense<K>, Error> {
        let issued = license.license().issued;
        // Others may be long past.
        if let Source::Fresh { asked, .. } = source {
            self.time.learn(issued, asked, clocks);
        } else {
            self.time.learn_at_least(issued, clocks);
            if self.time.is_set_back(clocks) {
                return Err(Error::ClockSetBack);
            }
        }
        self.time.opened();
        let situation = device.situation(self.time.now(clocks), self.session(session)?.display);
        license.license().policy.check(&situation).map_err(Error::Refused)?;
        Ok(PendingLicense { session, license, source })
    }
}
