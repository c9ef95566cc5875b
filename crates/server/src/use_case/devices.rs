//! The device page.

use super::{Failure, Outcome, audit};
use crate::Service;
use crate::secret::CookieSecret;
use crate::store::{Account, AuditEntry, StoreError, Watched, retried};
use nccp::json::{Device, Devices, LastWatched};
use nccp::{ErrorCode, WireError};
use std::time::{Duration, UNIX_EPOCH};

/// The account's devices; the asking browser's is marked.
pub(crate) async fn list(
    service: &Service,
    account: &Account,
    browser: Option<&CookieSecret>,
) -> Outcome<Devices> {
    let hash = browser.map(CookieSecret::hash);
    let (devices, mut watched) = retried!(async {
        let mut tx = service.store.read().await?;
        let watched = tx.last_watched(account.id).await?;
        Ok::<_, StoreError>((tx.devices(account.id).await?, watched))
    })?;
    // What was known once says nothing where nobody keeps it up to date.
    let is_known = service.regions().has_data();
    let devices = devices
        .into_iter()
        .filter_map(|device| {
            let last = watched.iter().position(|watched| watched.device == device.id);
            let last = last.map(|at| watched.swap_remove(at));
            Some(Device {
                watched: last.map(|Watched { title, at, .. }| LastWatched { title, at }),
                device_id: device.id.parse().ok()?,
                this_device: hash.is_some() && device.browser_hash == hash,
                name: device.name,
                kind: device.kind,
                slot: device.slot?,
                registered_at: device.registered,
                registered_in: device.registered_in.filter(|_| is_known),
                last_seen: device.last_seen,
                last_seen_in: device.used_in.filter(|_| is_known),
            })
        })
        .collect();
    Ok(Devices { limit: service.config.devices.limit, devices })
}

/// Characters that a device's name may have.
const LONGEST_NAME: usize = 60;

/// A name as it is stored: in one line, and nothing in it that turns the text around it.
fn checked_name(name: &str) -> Outcome<&str> {
    let name = name.trim();
    let turns =
        |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if name.chars().count() > LONGEST_NAME || name.chars().any(|c| c.is_control() || turns(c)) {
        let text = format!("Give the device a name of at most {LONGEST_NAME} characters in one line.");
        return Err(WireError { text, ..ErrorCode::RequestInvalid.into() }.into());
    }
    Ok(name)
}

/// Calls a device of the account by another name; empty: by the one that it registered by.
pub(crate) async fn rename(
    service: &Service,
    account: &Account,
    id: &str,
    name: &str,
    network: Option<&str>,
) -> Outcome<()> {
    let name = checked_name(name)?;
    let entry = AuditEntry::client("rename device", service.clock.now()).of(account.id).from(network);
    let entry = entry.on(id).with("name", name);
    retried!(async {
        let mut tx = service.store.begin().await?;
        if !tx.rename_device(account.id, id, name).await? {
            return Err(ErrorCode::DeviceUnknown.into());
        }
        tx.audit(&entry).await?;
        Ok::<_, Failure>(tx.commit().await?)
    })
}

/// De-authorizes a device of the account, if its owner has not done so too often: a slot bounds who may play
/// only where it is not passed on all day.
pub(crate) async fn unregister(
    service: &Service,
    account: &Account,
    id: &str,
    network: Option<&str>,
) -> Outcome<()> {
    let config = &service.config.devices;
    let (now, span) = (service.clock.now(), config.removals_days * 86_400);
    let entry = AuditEntry::client("unregister", now).of(account.id).from(network);
    let done = retried!(async {
        let mut tx = service.store.begin().await?;
        tx.lock_account(account.id).await?;
        if !tx.free_slot(account.id, id).await? {
            return Err(ErrorCode::DeviceUnknown.into());
        }
        let others = tx.add_removal(account.id, now, now.saturating_sub(span)).await?;
        let limit = usize::try_from(config.removals).unwrap_or(usize::MAX);
        // The one that has to be forgotten before there is room.
        if let Some(oldest) = limit.checked_sub(1).and_then(|last| others.get(last)) {
            return Err(Failure::Said(too_many(config.removals, config.removals_days, oldest + span)));
        }
        tx.audit(&entry.clone().on(id)).await?;
        Ok::<_, Failure>(tx.commit().await?)
    });
    match &done {
        Err(Failure::Said(error)) => {
            audit::alone(service, entry.on(id).result(error.code.as_str())).await;
        }
        // What was typed in as its name is nobody's.
        Err(Failure::Code(code)) => audit::alone(service, entry.result(code.as_str())).await,
        _ => {}
    }
    done
}

/// `REMOVAL_LIMIT_REACHED` in words that say when the next removal is possible.
fn too_many(removals: u32, days: u64, next: u64) -> WireError {
    let plural = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let text = format!(
        "At most {} may be removed within {}. The next one can be removed from {} on.",
        plural(removals.into(), "device"),
        plural(days, "day"),
        moment(next)
    );
    WireError { text, ..ErrorCode::RemovalLimitReached.into() }
}

/// A time for people: `12 December 2026, 14:05 UTC`, rounded up to the minute.
fn moment(time: u64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let rounded = UNIX_EPOCH + Duration::from_secs(time.div_ceil(60) * 60);
    let written = humantime::format_rfc3339_seconds(rounded).to_string();
    let part = |from, to| written.get(from..to).and_then(|digits| digits.parse::<usize>().ok()).unwrap_or(0);
    let month = MONTHS.get(part(5, 7).wrapping_sub(1)).copied().unwrap_or_default();
    format!("{} {month} {}, {} UTC", part(8, 10), part(0, 4), written.get(11..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_in_one_line() {
        assert_eq!(checked_name("  Küche ").unwrap(), "Küche");
        assert_eq!(checked_name("").unwrap(), "");
        assert!(checked_name(&"ü".repeat(LONGEST_NAME)).is_ok());
        for wrong in ["x".repeat(LONGEST_NAME + 1).as_str(), "a\nb", "a\u{7}", "a\u{202E}b", "\u{2066}x"] {
            assert!(checked_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn moments_are_written_for_people() {
        assert_eq!(moment(1_790_000_000), "21 September 2026, 14:14 UTC");
        assert_eq!(moment(1_798_761_599), "1 January 2027, 00:00 UTC");
        assert_eq!(moment(1_798_761_600), "1 January 2027, 00:00 UTC");
    }
}
