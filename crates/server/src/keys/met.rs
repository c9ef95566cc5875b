//! Devices whose certificates were verified before: those who come again need not wait for it.

use license::{CheckedDevice, Error};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Devices of one generation; two are kept. About a kilobyte each.
const GENERATION: usize = 4096;

type Generation = HashMap<[u8; 32], Arc<CheckedDevice>>;

/// The devices met last, by SHA-256 of their certificates' octets; a bounded number. Lives as long as the
/// keys that they were verified by. What may change meanwhile, whether a certificate's time is over and
/// whether it was revoked, is for the caller to ask each time.
#[derive(Default)]
pub(super) struct MetDevices(Mutex<[Generation; 2]>);

impl MetDevices {
    /// The device of these octets; `verify` says who it is when it was not met lately. What does not hold is
    /// not remembered.
    pub(super) fn device(
        &self,
        octets: &[u8],
        verify: impl FnOnce() -> Result<CheckedDevice, Error>,
    ) -> Result<Arc<CheckedDevice>, Error> {
        let name = license::sha256(octets);
        let generations = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let met = {
            let [young, old] = &mut *generations();
            match young.get(&name) {
                Some(device) => return Ok(Arc::clone(device)),
                None => old.remove(&name),
            }
        };
        let device = match met {
            Some(device) => device,
            None => Arc::new(verify()?),
        };
        let [young, old] = &mut *generations();
        if young.len() >= GENERATION {
            *old = std::mem::take(young);
        }
        young.insert(name, Arc::clone(&device));
        Ok(device)
    }
}

impl fmt::Debug for MetDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetDevices(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use license::{DeviceCertificate, KeyLevel, RsaModulus, SoftwareSigningKey, Version};
    use std::cell::Cell;

    fn device() -> CheckedDevice {
        let key = SoftwareSigningKey::generate().unwrap().public_key().unwrap();
        let certificate = DeviceCertificate {
            signer: Vec::new(),
            component: [7; 16],
            signing_key: key,
            rsa_modulus: RsaModulus::try_from([0xff; 256]).unwrap(),
            level: KeyLevel::Software,
            module_version: Version::new(0, 1, 0),
            issued: 0,
            expires: 1,
            model: None,
            serial: None,
        };
        CheckedDevice { point: key.decompress().unwrap(), certificate }
    }

    /// Whoever comes again is known, what does not hold is not, and memory is bounded: who stays away long
    /// enough is verified again.
    #[test]
    fn known_once_verified_and_forgotten_in_time() {
        let (met, device, verified) = (MetDevices::default(), device(), Cell::new(0));
        let meet = |n: usize| {
            let verify = || {
                verified.set(verified.get() + 1);
                Ok(device.clone())
            };
            met.device(&n.to_be_bytes(), verify).unwrap();
        };
        assert_eq!(met.device(b"forged", || Err(Error::NotAuthentic)), Err(Error::NotAuthentic));
        met.device(b"forged", || Err(Error::NotAuthentic)).unwrap_err();
        meet(0);
        meet(0);
        assert_eq!(verified.get(), 1);
        for n in 1..=2 * GENERATION {
            meet(n);
            meet(0);
        }
        assert_eq!(verified.get(), 1 + 2 * GENERATION, "who keeps coming is not forgotten");
        let kept: usize = met.0.lock().unwrap().iter().map(HashMap::len).sum();
        assert!(kept <= 2 * GENERATION, "{kept}");
        meet(1);
        assert_eq!(verified.get(), 2 + 2 * GENERATION, "who stayed away is");
    }
}
