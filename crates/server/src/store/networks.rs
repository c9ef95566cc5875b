//! The networks that a device speaks from: those of the last hour, a bounded number.

use std::net::IpAddr;

/// Seconds for which a network is remembered after the device was last heard from there.
const REMEMBERED: u64 = 3600;
/// Networks that are remembered of one device.
const MOST: usize = 32;
/// Octets of one network as a store keeps it.
const WIDTH: usize = 16;

/// What a client's addresses have in common as long as it stays where it is: the first 24 bits of IPv4, the
/// first 48 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(u64);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits() >> 8)),
            // No IPv4 network has that bit.
            IpAddr::V6(address) => Self(1 << 48 | (address.to_bits() >> 80) as u64),
        }
    }
}

/// A network that a device was heard from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    network: Network,
    last: u64,
}

/// The networks of a device, in the order in which it came to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Heard>);

/// Where a device is among its networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// How many networks there are, this one included.
    pub networks: usize,
    /// The number of this one, from 1, by when the device came to it.
    pub rank: usize,
    /// Whether the device came to it just now.
    pub is_new: bool,
}

impl Networks {
    /// The device is heard from a network, `now` (Unix seconds). Where there are too many, the one that was
    /// silent for longest is forgotten.
    pub fn hear(&mut self, network: Network, now: u64) -> Whereabouts {
        self.0.retain(|heard| now < heard.last.saturating_add(REMEMBERED));
        if let Some(at) = self.0.iter().position(|heard| heard.network == network) {
            self.0[at].last = self.0[at].last.max(now);
            return Whereabouts { networks: self.0.len(), rank: at + 1, is_new: false };
        }
        let silent = (0..self.0.len()).min_by_key(|&at| self.0[at].last);
        if let Some(at) = silent.filter(|_| self.0.len() >= MOST) {
            self.0.remove(at);
        }
        self.0.push(Heard { network, last: now });
        Whereabouts { networks: self.0.len(), rank: self.0.len(), is_new: true }
    }

    /// As a store keeps them.
    pub fn to_octets(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|heard| [heard.network.0, heard.last].map(u64::to_be_bytes))
            .flatten()
            .collect()
    }

    /// As a store kept them; `None` if they are no networks.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let number = |octets: &[u8]| octets.try_into().ok().map(u64::from_be_bytes);
        let heard = |octets: &[u8]| {
            let (network, last) = octets.split_at_checked(8)?;
            Some(Heard { network: Network(number(network)?), last: number(last)? })
        };
        octets.chunks(WIDTH).map(heard).collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn addresses_of_one_network() {
        assert_eq!(network("203.0.113.7"), network("203.0.113.200"));
        assert_eq!(network("203.0.113.7"), network("::ffff:203.0.113.9"));
        assert_ne!(network("203.0.113.7"), network("203.0.112.7"));
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
        assert_ne!(network("::1"), network("0.0.0.1"), "of two families");
    }

    #[test]
    fn networks_of_the_last_hour() {
        let mut networks = Networks::default();
        let mut hear = |n: u64, now| {
            let Whereabouts { networks, rank, is_new } = networks.hear(Network(n), now);
            (networks, rank, is_new)
        };
        assert_eq!(hear(1, 1000), (1, 1, true));
        assert_eq!(hear(1, 1100), (1, 1, false));
        assert_eq!(hear(2, 1200), (2, 2, true));
        assert_eq!(hear(3, 1300), (3, 3, true));
        assert_eq!(hear(1, 1400), (3, 1, false), "who was there first stays first");
        assert_eq!(hear(1, 1200 + 3599), (3, 1, false));
        assert_eq!(hear(3, 1200 + 3600), (2, 2, false), "the second is over");
        assert_eq!(hear(2, 5000), (3, 3, true));
        assert_eq!(hear(1, 20_000), (1, 1, true), "all are");
        assert_eq!(hear(1, 19_000), (1, 1, false), "another server's clock is behind");
    }

    #[test]
    fn they_are_bounded_and_kept() {
        let mut networks = Networks::default();
        for n in 0..100 {
            let heard = networks.hear(Network(n), 1000 + n);
            assert_eq!(heard.networks, (n as usize + 1).min(MOST));
        }
        let octets = networks.to_octets();
        assert!(octets.len() <= 1024);
        assert_eq!(Networks::from_octets(&octets), Some(networks));
        assert_eq!(Networks::from_octets(&[]), Some(Networks::default()));
        assert_eq!(Networks::from_octets(&octets[1..]), None);
    }
}
