use isobmff::{Boxes, Pssh};
use license::{DrmMetadata, KeyName, PSSH_SYSTEM_ID, PsshData, Trust};

use crate::Error;

/// What initialization data says of the license to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitData {
    /// The keys; none: every key that the policy grants.
    pub keys: Vec<KeyName>,
    /// Where the license comes from, which only what is signed can say; `None`: the controller.
    pub license_url: Option<String>,
}

impl InitData {
    /// Reads signed DRM metadata, or `pssh` boxes one after the other, of which those of other systems are
    /// skipped. Empty data names no keys.
    ///
    /// # Errors
    /// [`Error::InitData`].
    pub fn read(octets: &[u8], trust: &Trust) -> Result<Self, Error> {
        // A COSE_Sign1 is an array of four; a box of that many bytes would not begin with 0x84.
        if octets.first() == Some(&0x84) {
            let metadata = DrmMetadata::verify(octets, trust).map_err(|_| Error::InitData)?;
            return Ok(Self { keys: metadata.keys, license_url: metadata.license_url });
        }
        let mut keys = Vec::new();
        for found in Boxes::new(octets) {
            let found = found.map_err(|_| Error::InitData)?;
            let Ok(pssh) = Pssh::parse(&found) else { continue };
            if pssh.system_id == PSSH_SYSTEM_ID {
                keys.extend(PsshData::decode(&pssh.data).map_err(|_| Error::InitData)?.key_names());
            }
        }
        Ok(Self { keys, license_url: None })
    }
}
