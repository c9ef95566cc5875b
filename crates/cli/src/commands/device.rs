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
            let devices = accounts::devices(&store, &email).await?;
            store.close().await;
            if json.json {
                let list: Vec<_> = devices
                    .iter()
                    .map(|d| {
                        json!({"device_id": d.id, "name": d.name, "kind": d.kind, "slot": d.slot,
                            "registered_at": d.registered, "last_seen": d.last_seen})
                    })
                    .collect();
                return output::json(&list);
            }
            let row = |d: &server::store::Device| {
                let slot = d.slot.map(|slot| slot.to_string()).unwrap_or_default();
                vec![slot, d.id.clone(), d.kind.clone(), output::time(d.last_seen), d.name.clone()]
            };
            output::table(
                &["SLOT", "DEVICE", "KIND", "LAST SEEN", "NAME"],
                &devices.iter().map(row).collect::<Vec<_>>(),
            )
        }),
        Device::Remove { device, now } => block_on(async {
            let store = open(config).await?;
            accounts::remove_device(&store, device.as_str(), now).await?;
            store.close().await;
            let after = if now { "it is locked out" } else { "it plays on until its ticket ends" };
            output::line(&format!("Removed {device}: its slot is free, {after}"))
        }),
    }
}
