//! `[metrics]` and `[log]`: what operators see.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// Numbers for operators.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where `/metrics` is served; default: 127.0.0.1:9464, where that is free.
    pub listen: Option<SocketAddr>,
    /// Serve none.
    pub off: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is written down of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// Its network: IPv4 /24, IPv6 /48.
    #[default]
    Network,
    /// All of it.
    Full,
    /// Nothing.
    None,
}

impl Addresses {
    /// The text that is written down.
    pub(crate) fn of(self, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 24 } else { 48 };
        match self {
            Self::Network => IpNet::new(address, prefix).ok().map(|network| network.trunc().to_string()),
            Self::Full => Some(address.to_string()),
            Self::None => None,
        }
    }
}

/// The log on standard error.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How its lines look.
    pub format: LogFormat,
    /// What is written down of clients' addresses, here and in the audit log.
    pub addresses: Addresses,
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn networks_hide_the_machine() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Addresses::Network.of(address).as_deref(), Some(network));
            assert_eq!(Addresses::None.of(address), None);
        }
        let full = Addresses::Full.of("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(full.as_deref(), Some("2001:db8:1:2:3::4"));
    }
}
