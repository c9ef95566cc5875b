//! The device that this profile is for one account.

use drm_api::DrmError;
use drm_api::device::Reply;
use license::DeviceCertificate;

use super::database::{Database, DeviceKeys};
use super::individualize::individualize;
use super::interop::hex;
use super::keys::{RsaPair, SigningPair};
use super::module::{Module, check_version};

/// A certificate with less than this left is asked for anew, seconds.
const RENEW_BEFORE: u64 = 14 * 86_400;

/// The identity in use.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) account: String,
    pub(super) release: Option<[u8; 32]>,
    pub(super) keys: DeviceKeys,
    /// Hex of the first half of the SHA-256 of both public keys.
    pub(super) component: String,
    pub(super) octets: Vec<u8>,
    pub(super) certificate: DeviceCertificate,
}

impl Identity {
    pub(super) fn reply(&self) -> Reply {
        Reply::Identity {
            certificate: self.octets.clone(),
            component: self.component.clone(),
            expires: self.certificate.expires as f64,
        }
    }

    /// Loads an account's identity, making what is missing. `anew`: asks for a certificate even where there
    /// is a good one.
    pub(super) async fn open(
        module: &Module,
        database: &Database,
        account: String,
        release: Option<[u8; 32]>,
        anew: bool,
    ) -> Result<Self, DrmError> {
        let keys = match database.keys(&account).await? {
            Some(keys) => keys,
            None => {
                // Made before the transaction: waiting for them inside would end it.
                let subtle = module.subtle()?;
                let rsa = RsaPair::begin(&subtle)?;
                let signing = SigningPair::generate(&subtle).await?;
                let rsa = RsaPair::finish(&subtle, rsa).await?;
                database.add_keys(&account, DeviceKeys { signing, rsa }).await?
            }
        };
        let component = component_of(&keys);
        let now = module.now();
        let stored = database.certificate(&component).await?.and_then(|octets| {
            let certificate = DeviceCertificate::verify(&octets, &module.config.trust, now).ok()?;
            let own = certificate.signing_key == keys.signing.public;
            own.then_some(Self {
                account: account.clone(),
                release,
                keys: keys.clone(),
                component: component.clone(),
                octets,
                certificate,
            })
        });
        let good = |stored: &&Self| !anew && stored.certificate.expires.saturating_sub(now) >= RENEW_BEFORE;
        if let Some(stored) = stored.as_ref().filter(good) {
            return Ok(stored.clone());
        }
        let asked = module.clocks();
        let answer = match (individualize(module, &keys).await, stored) {
            (Ok(answer), _) => answer,
            // One that is near its end is good until then.
            (Err(DrmError::Network { .. }), Some(stored)) if !anew => return Ok(stored),
            (Err(error), _) => return Err(error),
        };
        module.learn_time(answer.time, asked);
        check_version(database, Some(answer.oldest_module)).await?;
        let certificate = DeviceCertificate::verify(&answer.certificate, &module.config.trust, answer.time)
            .map_err(|_| DrmError::IndividualizationInvalid)?;
        database.set_certificate(&component, &answer.certificate).await?;
        Ok(Self { account, release, keys, component, octets: answer.certificate, certificate })
    }
}

fn component_of(keys: &DeviceKeys) -> String {
    let mut both = keys.signing.public.as_bytes().to_vec();
    both.extend_from_slice(keys.rsa.modulus.as_bytes());
    hex(&license::sha256(&both)[..16])
}
