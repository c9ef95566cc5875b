//! `[limits]`: how often one may ask, and how many at a time.

use super::setting;
use crate::Error;
use serde::Deserialize;

/// How often one may ask.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Logins per minute of one address for one account; a browser with a device of that account has its own.
    pub logins_per_account: u32,
    /// Logins per minute of one address.
    pub logins_per_address: u32,
    /// Logins per hour for one account, of all browsers together that have no device of it.
    pub logins_of_unknown_browsers: u32,
    /// Requests for the site per minute of one address.
    pub site_requests: u32,
    /// Requests for the site per minute of one account.
    pub site_requests_per_account: u32,
    /// Individualizations per minute of one address.
    pub individualizations: u32,
    /// Controller and license requests per minute of one address.
    pub requests: u32,
    /// Wrong activation codes per hour of one account.
    pub codes_per_account: u32,
    /// Wrong activation codes per hour of one address.
    pub codes_per_address: u32,
    /// Wrong stream keys of encoders per hour of one address.
    pub stream_keys_per_address: u32,
    /// Requests per minute of one API key.
    pub api_requests: u32,
    /// Wrong API keys per hour of one address.
    pub api_keys_per_address: u32,
    /// Posts of players' reports per minute of one address.
    pub reports: u32,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// Connections of one address (IPv6: one /64) at a time; further ones are closed. Trusted proxies have no
    /// such limit.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            logins_per_account: 10,
            logins_per_address: 60,
            logins_of_unknown_browsers: 100,
            site_requests: 3000,
            site_requests_per_account: 300,
            individualizations: 60,
            requests: 3000,
            codes_per_account: 10,
            codes_per_address: 30,
            stream_keys_per_address: 60,
            api_requests: 6000,
            api_keys_per_address: 60,
            reports: 120,
            connections: 10_000,
            connections_per_address: 100,
        }
    }
}

impl Limits {
    /// `listeners`: how many there are, each of which holds a place while it waits for a connection.
    pub(super) fn check(&self, listeners: usize) -> Result<(), Error> {
        if self.connections == 0 {
            return Err(setting("limits.connections", "must be at least 1"));
        }
        if self.connections < listeners {
            return Err(setting(
                "limits.connections",
                "must be at least as many as there are listeners (boxes.listen, live.rtmp)",
            ));
        }
        if self.connections_per_address == 0 {
            return Err(setting("limits.connections_per_address", "must be at least 1"));
        }
        Ok(())
    }
}
