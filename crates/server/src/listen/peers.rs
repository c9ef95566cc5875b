//! How many connections one peer has.

use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Bits of an IPv6 address that one subscriber usually gets: what is right of them is theirs to choose.
const SUBSCRIBER: u32 = 64;

/// The connections of every peer that has one.
#[derive(Debug)]
pub(crate) struct Peers {
    open: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
    /// Behind them are many clients.
    exempt: Vec<IpNet>,
}

/// A peer's connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    peers: Arc<Peers>,
    /// `None` for one that is not counted.
    peer: Option<IpAddr>,
}

impl Peers {
    /// `most` connections of each peer at a time; none of those in `exempt` is counted.
    pub(crate) fn new(most: usize, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), most, exempt })
    }

    /// A place for one more connection, if the peer may have it.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return Some(Place { peers: Arc::clone(self), peer: None });
        }
        let peer = peer(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.get(&peer).copied().unwrap_or(0);
        if held >= self.most {
            return None;
        }
        open.insert(peer, held + 1);
        Some(Place { peers: Arc::clone(self), peer: Some(peer) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(peer) = self.peer else { return };
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&peer) {
            Some(held) if *held > 1 => *held -= 1,
            _ => _ = open.remove(&peer),
        }
    }
}

/// The address, or of an IPv6 address its network.
fn peer(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & (u128::MAX << (128 - SUBSCRIBER));
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_so_many_and_leaves_nothing_behind() {
        let peers = Peers::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let enter = |address: &str| peers.enter(address.parse().unwrap());
        let held = [enter("203.0.113.7").unwrap(), enter("::ffff:203.0.113.7").unwrap()];
        assert!(enter("203.0.113.7").is_none());
        let other = enter("203.0.113.8").unwrap();
        // One subscriber's network is one peer.
        let network = [enter("2001:db8:0:1::1").unwrap(), enter("2001:db8:0:1:ffff::2").unwrap()];
        assert!(enter("2001:db8:0:1::3").is_none() && enter("2001:db8:0:2::1").is_some());
        let proxied: Vec<_> = (0..5).map(|_| enter("10.0.0.1").unwrap()).collect();
        let [first, second] = held;
        drop(first);
        let again = enter("203.0.113.7").unwrap();
        assert!(enter("203.0.113.7").is_none());
        drop((second, again, other, network, proxied));
        assert!(peers.open.lock().unwrap().is_empty());
    }
}
