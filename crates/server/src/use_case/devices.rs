//! The device page.

use super::Outcome;
use crate::Service;
use crate::secret::CookieSecret;
use crate::store::{Account, AuditEntry, retried};
use nccp::ErrorCode;
use nccp::json::{Device, Devices};

/// The account's devices; the asking browser's is marked.
pub(crate) async fn list(
    service: &Service,
    account: &Account,
    browser: Option<&CookieSecret>,
) -> Outcome<Devices> {
    let hash = browser.map(CookieSecret::hash);
    let devices = retried!(async { service.store.read().await?.devices(account.id).await })?;
    let devices = devices
        .into_iter()
        .filter_map(|device| {
            Some(Device {
                device_id: device.id.parse().ok()?,
                this_device: hash.is_some() && device.browser_hash == hash,
                name: device.name,
                kind: device.kind,
                slot: device.slot?,
                registered_at: device.registered,
                last_seen: device.last_seen,
            })
        })
        .collect();
    Ok(Devices { limit: service.config.devices.limit, devices })
}

/// De-authorizes a device of the account.
pub(crate) async fn unregister(
    service: &Service,
    account: &Account,
    id: &str,
    network: Option<&str>,
) -> Outcome<()> {
    retried!(async {
        let mut tx = service.store.begin().await?;
        if !tx.free_slot(account.id, id).await? {
            return Err(ErrorCode::DeviceUnknown.into());
        }
        let entry = AuditEntry::client("unregister", service.clock.now()).of(account.id).on(id);
        tx.audit(&entry.from(network)).await?;
        Ok(tx.commit().await?)
    })
}
