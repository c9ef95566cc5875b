//! Whom a request is from: the peer, or whom trusted proxies say it is.

use crate::Service;
use crate::region::Place;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Proxies of one request that are followed at most.
const MAX_HOPS: usize = 16;

/// The address that decides about throttles and regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClientAddress {
    address: IpAddr,
    /// Whether it is the client's; `false` where a trusted proxy says that it heard somebody, but not whom:
    /// then it is the proxy's.
    known: bool,
}

impl ClientAddress {
    /// Of a request that nobody resolved.
    const NONE: Self = Self { address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), known: false };
}

/// Finds out the address, once for each request.
pub(super) fn resolve(service: &Service, request: &mut Request) {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(ClientAddress::NONE.address, |info| info.0.ip().to_canonical());
    let address = client(peer, request.headers(), &service.config.trusted_proxies);
    request.extensions_mut().insert(address);
}

fn resolved(request: &Request) -> ClientAddress {
    request.extensions().get().copied().unwrap_or(ClientAddress::NONE)
}

/// The address of a request that went through [`resolve`].
pub(super) fn of(request: &Request) -> IpAddr {
    resolved(request).address
}

/// Where a request comes from: nowhere, if a proxy does not tell. The proxy's own place is not the client's.
pub(super) fn place(service: &Service, request: &Request) -> Place {
    let client = resolved(request);
    let regions = service.regions();
    let place = if client.known { regions.place(client.address) } else { regions.nowhere() };
    let heard_from = client.known.then(|| client.address.into());
    Place { network: network(service, request), heard_from, ..place }
}

/// What may be written down of where a request comes from.
pub(super) fn network(service: &Service, request: &Request) -> Option<String> {
    let client = resolved(request);
    client.known.then(|| service.config.log.addresses.of(client.address))?
}

/// Each proxy appends whom it heard, so the header is read from its end, as long as who wrote the entry is
/// trusted. What stands before is anybody's claim, and may be any octets.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut address = peer;
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|&octet| octet == b','));
    for entry in entries.take(MAX_HOPS) {
        if !is_trusted(address) {
            break;
        }
        match std::str::from_utf8(entry).ok().and_then(|entry| parse(entry.trim())) {
            Some(before) => address = before,
            None => return ClientAddress { address, known: false },
        }
    }
    ClientAddress { address, known: true }
}

/// An address, perhaps in brackets and with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn resolved(peer: &str, forwarded: &[&str]) -> ClientAddress {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        client(peer.parse().unwrap(), &headers, &trusted)
    }

    fn of(peer: &str, forwarded: &[&str]) -> String {
        resolved(peer, forwarded).address.to_string()
    }

    /// The place of a proxy that does not tell whom it heard is not the client's.
    #[test]
    fn an_unreadable_neighbour_of_a_proxy_is_nowhere() {
        for (peer, forwarded, known) in [
            ("10.0.0.1", &["203.0.113.7, unknown"][..], false),
            ("10.0.0.1", &["203.0.113.7, é"], false),
            ("10.0.0.1", &["é, 203.0.113.7"], true),
            ("10.0.0.1", &["unknown, 10.0.0.2"], false),
            ("10.0.0.1", &[], true),
            ("198.51.100.1", &["unknown"], true),
        ] {
            assert_eq!(resolved(peer, forwarded).known, known, "{peer} {forwarded:?}");
        }
    }

    /// A4: a forged header changes nothing.
    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, expected) in [
            ("198.51.100.1", &["203.0.113.7"][..], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            // What the client itself sent stands to the left of what the proxy saw.
            ("10.0.0.1", &["192.0.2.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["192.0.2.1", "203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["192.0.2.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            ("10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["[2400::1]:443"], "2400::1"),
            ("10.0.0.1", &["2400::1"], "2400::1"),
            ("2001:db8::1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            // What cannot be read ends the chain at who wrote it.
            ("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7, é"], "10.0.0.1"),
            // What is not text to its left does not matter.
            ("10.0.0.1", &["é, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["é", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(of(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_claimed_an_untrusted_peer_is_itself(claim in "[ -~]{0,60}") {
            prop_assert_eq!(of("198.51.100.1", &[&claim]), "198.51.100.1");
        }

        #[test]
        fn claims_left_of_an_untrusted_entry_do_not_count(claim in "[ -~]{0,60}") {
            prop_assert_eq!(of("10.0.0.1", &[&format!("{claim},203.0.113.7")]), "203.0.113.7");
        }
    }
}
