//! Boxes: codes that they show, that people type in on the site, and that become a slot when the box asks
//! again.

use super::registration::{self, Ticketed};
use super::{Failure, Outcome};
use crate::Service;
use crate::region::Place;
use crate::secret::random;
use crate::store::{Account, ActivationCode, AuditEntry, StoreError, Transaction, retried};
use crate::throttle::Throttled;
use license::{CheckedDevice, DeviceCertificate};
use nccp::json::{Activate, ActivateState, Activated};
use nccp::{Activation, BoxCode, ErrorCode, single_line};
use std::net::IpAddr;

/// Seconds that a code lives.
const LIFE: u64 = 600;
/// Seconds for which a box may ask again after its code served.
const REPEAT: u64 = 60;
/// Seconds between a box's polls.
const INTERVAL: u64 = 5;
/// Codes drawn before giving up: live ones are few among 2^30.
const DRAWS: usize = 8;

fn draw() -> String {
    BoxCode::from_random(random()).as_str().to_owned()
}

/// What came of a box's question.
pub(crate) enum Polled {
    /// A code, new or still waiting.
    Waiting(Activation),
    /// Somebody typed it in, and there was a slot.
    Registered(Box<Ticketed>),
}

/// `activationcode`: A111 to A115. The certificate is verified, and the request's signature is by its key.
/// `country` is where the box is, if region data tells.
pub(crate) async fn poll(
    service: &Service,
    tx: &mut dyn Transaction,
    checked: &CheckedDevice,
    country: Option<&str>,
    sequence: u64,
    now: u64,
) -> Outcome<Polled> {
    let certificate = &checked.certificate;
    let key = certificate.signing_key.as_bytes();
    let name = name_of(certificate);
    // The account goes before its codes and devices.
    let account = match tx.account_of_code(key).await? {
        Some(account) => tx.lock_account(account).await?,
        None => None,
    };
    match tx.code_by_key(key).await?.filter(|code| now < code.expires) {
        Some(ActivationCode { code, expires, account: Some(owner), .. }) => {
            // Somebody confirmed it in this very moment.
            let account = account.filter(|account| account.id == owner).ok_or(StoreError::Contended)?;
            if account.disabled {
                return Err(ErrorCode::CodeExpired.into());
            }
            let of = (&*name, country);
            let registered =
                registration::register_box(service, tx, account, checked, of, sequence, now).await?;
            // If the answer is lost the box asks again, and gets the same slot.
            tx.end_code(&code, expires.min(now + REPEAT)).await?;
            Ok(Polled::Registered(Box::new(registered)))
        }
        Some(ActivationCode { code, expires, .. }) => Ok(Polled::Waiting(Activation::Code {
            code,
            interval: INTERVAL,
            expiration: expires,
            pending: true,
        })),
        None => {
            let code = new_code(tx, now).await?;
            let expires = now + LIFE;
            let row = ActivationCode {
                code: code.clone(),
                signing_key: key.to_vec(),
                name,
                expires,
                account: None,
            };
            tx.add_code(&row).await?;
            let code = Activation::Code { code, interval: INTERVAL, expiration: expires, pending: false };
            Ok(Polled::Waiting(code))
        }
    }
}

/// A code that no box shows at the moment.
async fn new_code(tx: &mut dyn Transaction, now: u64) -> Outcome<String> {
    for _ in 0..DRAWS {
        let code = draw();
        match tx.code(&code).await? {
            None => return Ok(code),
            Some(old) if old.expires <= now => {
                tx.remove_code(&code).await?;
                return Ok(code);
            }
            Some(_) => {}
        }
    }
    Err(ErrorCode::TryLater.into())
}

fn name_of(certificate: &DeviceCertificate) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = format!("{} {}", part(&certificate.model), part(&certificate.serial));
    single_line(&name).chars().take(80).collect()
}

/// Why a code was not taken.
#[derive(Debug)]
pub(crate) enum ActivateFailure {
    Throttled(Throttled),
    Other(Failure),
}

/// `POST /activate`: first the box's name, then, confirmed, the code is the account's. The slot is taken when
/// the box asks again. A wrong code costs the account and the address one of few tries.
pub(crate) async fn activate(
    service: &Service,
    account: &Account,
    (address, place): (IpAddr, &Place),
    activate: &Activate,
) -> Result<Activated, ActivateFailure> {
    let reserved = service.throttle.code(address, account.id).map_err(ActivateFailure::Throttled)?;
    let result = retried!(once(service, account, activate, place));
    // Only what is wrong counts, but it is counted beforehand, so that many at once are no way around.
    if !matches!(result, Err(Failure::Code(ErrorCode::CodeUnknown))) {
        service.throttle.code_was_right(reserved);
    }
    result.map_err(ActivateFailure::Other)
}

async fn once(
    service: &Service,
    account: &Account,
    activate: &Activate,
    place: &Place,
) -> Outcome<Activated> {
    let now = service.clock.now();
    let code: BoxCode = activate.code.parse().map_err(|_| ErrorCode::CodeUnknown)?;
    let code = code.as_str().to_owned();
    let mut tx = service.store.begin().await?;
    let found = tx.code(&code).await?.ok_or(ErrorCode::CodeUnknown)?;
    if now >= found.expires {
        return Err(ErrorCode::CodeExpired.into());
    }
    match found.account {
        None => {}
        Some(owner) if owner == account.id => {}
        // Another account's is nobody else's business.
        Some(_) => return Err(ErrorCode::CodeUnknown.into()),
    }
    if activate.confirm && found.account.is_none() {
        if !tx.confirm_code(&code, account.id).await? {
            return Err(ErrorCode::CodeUnknown.into());
        }
        let entry = AuditEntry::client("activate", now).of(account.id).from(place.network.as_deref());
        tx.audit(&entry.with("name", found.name.as_str())).await?;
    }
    let known = tx.device_by_key(account.id, &found.signing_key).await?.is_some_and(|d| d.slot.is_some());
    let devices = u32::try_from(tx.devices(account.id).await?.len()).unwrap_or(u32::MAX);
    let limit = service.config.devices.limit;
    tx.commit().await?;
    Ok(Activated {
        state: if activate.confirm { ActivateState::Confirmed } else { ActivateState::Confirm },
        code,
        name: found.name,
        expires: found.expires,
        devices,
        limit,
        limit_reached: !known && devices >= limit,
    })
}

impl From<StoreError> for ActivateFailure {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// A111: 4 to 6 symbols of the alphabet, practically never twice the same.
    #[test]
    fn ten_thousand_codes() {
        let codes: HashSet<String> = (0..10_000).map(|_| draw()).collect();
        assert!(codes.len() > 9_990, "{}", codes.len());
        let symbols: HashSet<char> = codes.iter().flat_map(|code| code.chars()).collect();
        assert_eq!(symbols.len(), 32);
    }
}
