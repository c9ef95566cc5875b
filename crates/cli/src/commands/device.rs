//! `matinee device`.

use super::{block_on, open};
use crate::args::Device;
use crate::{Failure, output};
use serde_json::json;
use server::{Config, accounts};

pub(crate) fn run(config: &Config, command: Device) -> Result<(), Failure> {
    match command {
        Device::List { email, json } => block_on(async {
            let store = open(config).await?;
            let emails = match email {
                Some(email) => vec![email],
                None => accounts::list(&*store).await?.into_iter().map(|account| account.email).collect(),
            };
            let mut listed = Vec::new();
            for email in emails {
                let devices = accounts::devices(&*store, &email).await?;
                listed.extend(devices.into_iter().map(|device| (email.clone(), device)));
            }
            store.close().await;
            if json.json {
                let list: Vec<_> = listed
                    .iter()
                    .map(|(email, d)| {
                        json!({"email": email, "device_id": d.id, "name": d.name, "kind": d.kind, "slot": d.slot,
                            "registered_at": d.registered, "last_seen": d.last_seen})
                    })
                    .collect();
                return output::json(&list);
            }
            let row = |(email, d): &(String, server::store::Device)| {
                let slot = d.slot.map(|slot| slot.to_string()).unwrap_or_default();
                vec![
                    email.clone(),
                    slot,
                    d.id.clone(),
                    d.kind.clone(),
                    output::time(d.last_seen),
                    d.name.clone(),
                ]
            };
            output::table(
                &["EMAIL", "SLOT", "DEVICE", "KIND", "LAST SEEN", "NAME"],
                &listed.iter().map(row).collect::<Vec<_>>(),
            )
        }),
        Device::Remove { device, now, json } => block_on(async {
            let store = open(config).await?;
            accounts::remove_device(&*store, device.as_str(), now).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"device_id": device, "at_once": now}));
            }
            let after = if now { "it is locked out" } else { "it plays on until its ticket ends" };
            output::line(&format!("Removed {device}: its slot is free, {after}"))
        }),
    }
}
