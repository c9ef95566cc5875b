//! `matinee device`.

use super::audit::{audited, entry};
use super::{block_on, data_is_there, open_existing};
use crate::args::Device;
use crate::{Failure, output};
use license::KeyLevel;
use serde_json::json;
use server::keys::{self, Revoked, RevokedId};
use server::store::AuditEntry;
use server::{Config, Error, accounts};

pub(crate) fn run(config: &Config, command: Device) -> Result<(), Failure> {
    match command {
        Device::List { email, json } => block_on(async {
            let store = open_existing(config).await?;
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
                // Without region data what was kept before is not shown, as on the site.
                let shown =
                    |country: &Option<String>| country.clone().filter(|_| config.regions.file.is_some());
                let list: Vec<_> = listed
                    .iter()
                    .map(|(email, d)| {
                        json!({"email": email, "device_id": d.id, "name": d.name, "kind": d.kind, "slot": d.slot, "key_level": key_level(d.level),
                            "registered_at": d.registered, "registered_in": shown(&d.registered_in), "last_seen": d.last_seen,
                            "last_seen_in": shown(&d.used_in)})
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
            let store = open_existing(config).await?;
            accounts::remove_device(&*store, device.as_str(), now).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"device_id": device, "at_once": now}));
            }
            let after = if now { "it is locked out" } else { "it plays on until its ticket ends" };
            output::line(&format!("Removed {device}: its slot is free, {after}"))
        }),
        Device::Revoke { device, note, json } => {
            let id = revoked_id(config, &device)?;
            let note = if note.is_empty() { device.clone() } else { format!("{device} {note}") };
            let (is_new, removed) = audited(config, of_component("device revoke", &device, id), || {
                let is_new = keys::revoke(&config.keys(), id, &note)?;
                let removed = block_on(async {
                    let store = open_existing(config).await?;
                    let removed = accounts::remove_revoked(&*store, id).await;
                    store.close().await;
                    Ok(removed?)
                })?;
                Ok((is_new, removed))
            })?;
            if json.json {
                return output::json(
                    &json!({"component": id.to_string(), "new": is_new, "removed": removed}),
                );
            }
            let of = if removed.len() == 1 { "account" } else { "accounts" };
            output::line(&format!(
                "Revoked {device} ({id}): removed from {} {of}, running servers refuse its keys within half a minute",
                removed.len()
            ))
        }
        Device::Reinstate { device, json } => {
            let id = revoked_id(config, &device)?;
            let was_there = audited(config, of_component("device reinstate", &device, id), || {
                Ok(keys::reinstate(&config.keys(), id)?)
            })?;
            if json.json {
                return output::json(&json!({"component": id.to_string(), "was_revoked": was_there}));
            }
            output::line(&match was_there {
                true => format!("{device} ({id}) is trusted again"),
                false => format!("{device} ({id}) was not revoked"),
            })
        }
        Device::Revoked(json) => {
            data_is_there(config)?;
            let list = Revoked::read(&config.keys())?;
            if json.json {
                let list: Vec<_> = list
                    .iter()
                    .map(|(id, note)| json!({"component": id.to_string(), "note": note}))
                    .collect();
                return output::json(&list);
            }
            let rows: Vec<_> = list.iter().map(|(id, note)| vec![id.to_string(), note.to_owned()]).collect();
            output::table(&["COMPONENT", "NOTE"], &rows)
        }
    }
}

/// What is written down of a change to a component's trust.
fn of_component(command: &str, device: &str, id: RevokedId) -> AuditEntry {
    let entry = entry(command, [("component", id.to_string().into())]);
    if device.starts_with("d-") { entry.on(device) } else { entry }
}

/// The name of a key level.
fn key_level(level: KeyLevel) -> &'static str {
    match level {
        KeyLevel::Webcrypto => "webcrypto",
        KeyLevel::Box => "box",
        KeyLevel::Software => "software",
    }
}

/// The component of that id, or the keys of the device of that id: one that is there, or one that was
/// revoked, which the list's note names.
fn revoked_id(config: &Config, device: &str) -> Result<RevokedId, Failure> {
    if !device.starts_with("d-") {
        return Ok(device.parse()?);
    }
    let list = Revoked::read(&config.keys())?;
    if let Some((id, _)) = list.iter().find(|(_, note)| note.split(' ').next() == Some(device)) {
        return Ok(*id);
    }
    block_on(async {
        let store = open_existing(config).await?;
        let found = accounts::device(&*store, device).await;
        store.close().await;
        let found = found?.ok_or_else(|| Error::Setting {
            name: "device",
            reason: format!("there is no device \"{device}\""),
        })?;
        Ok(RevokedId::of_key(&found.signing_key))
    })
}
