//! Domains' keys for a device that registers or renews: whether it gets them is decided in the transaction,
//! and they are sealed after it, so that nobody waits for that.

use super::{Outcome, playable};
use crate::Service;
use crate::store::{Account, Device, Transaction};
use license::{Domain, DomainEpoch, Recipient, RsaModulus};
use nccp::DomainKey;

/// What a device is to get.
#[derive(Debug, Clone)]
pub(crate) struct Sealing {
    device_id: String,
    modulus: RsaModulus,
    epochs: Vec<DomainEpoch>,
}

/// The keys of the device's domains, of this epoch and the next. None for an account whose plan plays
/// nothing.
pub(crate) async fn granted(
    tx: &mut dyn Transaction,
    (account, device): (&Account, &Device),
    now: u64,
) -> Outcome<Option<Sealing>> {
    let domains = Domain::of_level(device.level);
    let modulus = match domains {
        [] => None,
        _ => tx.rsa_modulus(&device.id).await?.and_then(|modulus| RsaModulus::try_from(modulus).ok()),
    };
    let Some(modulus) = modulus else { return Ok(None) };
    if !playable::plays_anything(tx, account).await? {
        return Ok(None);
    }
    let epochs = domains.iter().map(|domain| DomainEpoch::at(*domain, now)).flat_map(|of| [of, of.next()]);
    Ok(Some(Sealing { device_id: device.id.clone(), modulus, epochs: epochs.collect() }))
}

impl Sealing {
    /// The keys, as far as they have been made; sealed, so that nobody else can use them (B50). One that
    /// cannot be sealed is missing, and films of its domain are played with licenses that are asked for.
    pub(crate) fn seal(&self, service: &Service) -> Vec<DomainKey> {
        let ring = service.keys();
        let recipient = match Recipient::new(&self.modulus) {
            Ok(recipient) => recipient,
            Err(error) => {
                tracing::error!(device = self.device_id, %error, "no domain's key was sealed");
                return Vec::new();
            }
        };
        let pairs = self.epochs.iter().filter_map(|of| ring.domain(*of));
        let sealed = pairs.filter_map(|pair| {
            let domain = pair.of.domain.name().to_owned();
            match pair.of.seal_for(&pair.pkcs8, &self.device_id, &recipient) {
                Ok(key) => Some(DomainKey { domain, epoch: pair.of.epoch, key }),
                Err(error) => {
                    tracing::error!(device = self.device_id, domain, %error, "a domain's key was not sealed");
                    None
                }
            }
        });
        sealed.collect()
    }
}
