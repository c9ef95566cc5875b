//! The keys in memory, and what they verify.

use super::met::MetDevices;
use super::{DomainPair, Revoked, SealKey};
use crate::ticket::TicketKeys;
use cenc::CommonKey;
use license::{Challenge, CheckedDevice, DomainEpoch, KeyLevel, Signer, Trust, VerifiedChallenge};
use std::sync::Arc;
use urltoken::Secret;

/// Every key that a server works with.
#[derive(Debug)]
pub struct KeyRing {
    /// What verifiers go by: the public URL and the CA's public keys.
    pub trust: Trust,
    /// What boxes are verified by, where a factory is known.
    pub(super) factory: Option<Trust>,
    /// The CA's public keys.
    pub ca_keys: Vec<[u8; 32]>,
    /// Public keys of the signers that are trusted: those in the folder, whatever their state.
    pub signer_keys: Vec<[u8; 32]>,
    /// When the first signer's certificate is to be made anew, Unix seconds.
    pub renew_at: u64,
    /// Whether the CA's secret is here to do that.
    pub has_ca: bool,
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
    /// Sign media URLs: the first signs, all verify. At least 32 octets each.
    pub media: Vec<Secret>,
    /// Components that nobody trusts any more.
    pub revoked: Revoked,
    /// Devices whose certificates were verified by these keys.
    pub(super) met: MetDevices,
    /// Common keys by id; the first is the one that packaging uses.
    pub(super) common: Vec<(String, CommonKey)>,
    /// Seals what is kept elsewhere.
    pub(crate) seal: SealKey,
    /// Key pairs of the domains, of this epoch and later ones.
    pub domains: Vec<DomainPair>,
    /// When the latest key was made that changes what is made of a film: signers, common keys. Unix seconds.
    pub changed: u64,
}

impl KeyRing {
    /// Whether the certificates of all signers hold at a time: what they sign is believed then.
    pub fn signs_at(&self, now: u64) -> bool {
        let signers = [&self.individualization, &self.device_certificate, &self.license, &self.metadata];
        signers
            .iter()
            .all(|signer| (signer.certificate().not_before..=signer.certificate().not_after).contains(&now))
    }

    /// Whether signers' certificates are to be made anew: they are over half their life, or begin later,
    /// which a clock that was ahead made.
    pub fn is_due(&self, now: u64) -> bool {
        now >= self.renew_at || !self.signs_at(now)
    }

    /// Verifies a device certificate: a browser's by the site's CA, a box's by the factory's, and neither by
    /// the other. A revoked component's does not hold. What was verified before is not verified again.
    ///
    /// # Errors
    /// [`license::Error`].
    pub fn verify_device(&self, octets: &[u8], now: u64) -> Result<Arc<CheckedDevice>, license::Error> {
        let device = self.met.device(octets, || self.verify_authentic(octets, now))?;
        device.check_time(now)?;
        match self.revoked.holds_certificate(&device.certificate) {
            true => Err(license::Error::Certificate),
            false => Ok(device),
        }
    }

    fn verify_authentic(&self, octets: &[u8], now: u64) -> Result<CheckedDevice, license::Error> {
        match CheckedDevice::verify(octets, &self.trust, now) {
            Ok(device) if device.certificate.level != KeyLevel::Box => Ok(device),
            Ok(_) => Err(license::Error::NotAuthentic),
            Err(error) => {
                let factory = self.factory.as_ref().ok_or(error)?;
                let device = CheckedDevice::verify(octets, factory, now)?;
                if device.certificate.level == KeyLevel::Box {
                    Ok(device)
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
        let device = |certificate: &[u8]| self.verify_device(certificate, now);
        Challenge::verify_by(octets, self.trust.public_url(), device)
    }

    /// A domain's key pair in an epoch.
    pub fn domain(&self, of: DomainEpoch) -> Option<&DomainPair> {
        self.domains.iter().find(|pair| pair.of == of)
    }

    /// The common key of that id.
    pub fn common_key(&self, id: &str) -> Option<&CommonKey> {
        self.common.iter().find(|(name, _)| name == id).map(|(_, key)| key)
    }

    /// The ids of all common keys that are not retired, the one that new films are packaged with first.
    pub fn common_keys(&self) -> impl Iterator<Item = &str> {
        self.common.iter().map(|(id, _)| &id[..])
    }

    /// The common key that new films are packaged with, and its id.
    pub fn active_common_key(&self) -> (&str, &CommonKey) {
        // `load` refuses a ring without one.
        let (id, key) = &self.common[0];
        (id, key)
    }
}
