//! `[devices]` and `[boxes]`: slots, and TV devices.

use super::setting;
use super::url::check_origin;
use crate::Error;
use serde::Deserialize;
use std::net::SocketAddr;

/// Devices and their slots.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// Slots an account has.
    pub limit: u32,
    /// At the limit, devices not heard of for so many days lose their slots; 0: never.
    pub idle_days: u64,
    /// Devices that a subscriber may remove within `removals_days`; 0: no limit.
    pub removals: u32,
    /// The days that `removals` counts.
    pub removals_days: u64,
    /// Networks (IPv4 /24, IPv6 /48) from which one device may get manifests and licenses within an hour; 0:
    /// any number.
    pub networks_per_hour: u32,
}

impl Default for Devices {
    fn default() -> Self {
        Self { limit: 6, idle_days: 30, removals: 12, removals_days: 30, networks_per_hour: 0 }
    }
}

impl Devices {
    pub(super) fn check(&self) -> Result<(), Error> {
        if !(1..=1000).contains(&self.limit) {
            return Err(setting("devices.limit", "must be 1 to 1000"));
        }
        if self.removals > 1000 {
            return Err(setting("devices.removals", "must be 0 to 1000"));
        }
        if !(1..=366).contains(&self.removals_days) {
            return Err(setting("devices.removals_days", "must be 1 to 366"));
        }
        // So many are remembered of a device, and some more.
        if self.networks_per_hour > 30 {
            return Err(setting("devices.networks_per_hour", "must be 0 to 30"));
        }
        Ok(())
    }
}

/// TV devices.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boxes {
    /// Where to listen for boxes alone.
    pub listen: Option<SocketAddr>,
    /// The origin by which boxes know that listener; default: `public_url`. Part of what they sign.
    pub url: Option<String>,
    /// Public keys (base64url) of factories whose CA does not lie among this server's keys.
    pub factory_keys: Vec<String>,
    /// Whether boxes may also come by `public_url` when they have a listener of their own.
    pub on_site: bool,
}

impl Boxes {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.url.as_deref().map_or(Ok(()), |url| check_origin("boxes.url", url))
    }

    pub(crate) fn factory_keys(&self) -> Result<Vec<[u8; 32]>, Error> {
        let key = |text: &String| {
            let octets = crate::secret::from_base64url(text).and_then(|octets| octets.try_into().ok());
            let reason = "each is 32 octets in base64url, as `matinee box provision` prints it";
            octets.ok_or_else(|| setting("boxes.factory_keys", reason))
        };
        self.factory_keys.iter().map(key).collect()
    }
}
