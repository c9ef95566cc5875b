//! Licenses that come along with DRM metadata, bound to a domain.

use license::{Display, DomainEpoch, DrmMetadata, Policy, Situation, Trust, VerifiedLicense, Version};

use super::{Granted, SessionId, Sessions};
use crate::Error;

/// The license in DRM metadata: authentic, for a domain, and its rules met. Nothing in it has been decrypted yet.
pub struct Embedded {
    /// The license.
    pub license: VerifiedLicense,
    /// Whose key opens it.
    pub domain: DomainEpoch,
}

impl Embedded {
    /// Verifies metadata, the license in it, and the license's rules. Its issue time proves nothing about now, because metadata is kept
    /// in caches: the time of `situation` counts.
    ///
    /// # Errors
    /// [`Error::License`] and [`Error::Refused`]; [`Error::NoLicense`] when there is none in it.
    pub fn verify(
        metadata: &[u8],
        trust: &Trust,
        module_version: Version,
        situation: &Situation<'_>,
    ) -> Result<Self, Error> {
        let metadata = DrmMetadata::verify(metadata, trust)?;
        let octets = metadata.embedded_license.ok_or(Error::NoLicense)?;
        let (license, domain) =
            VerifiedLicense::verify_embedded(&octets, trust, &metadata.content_id, module_version)?;
        license.license().policy.check(situation).map_err(Error::Refused)?;
        Ok(Self { license, domain })
    }

    /// Its rules.
    pub fn policy(&self) -> &Policy {
        &self.license.license().policy
    }
}

impl Sessions {
    /// Takes the keys of a license that came along, replacing the session's; a challenge that is out is forgotten.
    ///
    /// # Errors
    /// [`Error::NoSession`]; [`Error::License`] if a key does not unwrap under the KEK.
    pub fn install_embedded(
        &mut self,
        id: SessionId,
        embedded: &Embedded,
        kek: &[u8],
        display: Display,
    ) -> Result<&Granted, Error> {
        let session = self.get_mut(id)?;
        let granted = Granted::new(&embedded.license, kek, display)?;
        session.challenged = None;
        Ok(session.granted.insert(granted))
    }
}
