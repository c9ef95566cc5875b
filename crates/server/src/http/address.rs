//! Whom a request is from: the peer, or whom trusted proxies say it is.

use crate::Service;
use crate::region::Place;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Proxies of one request that are followed at most.
const MAX_HOPS: usize = 16;

/// The address that throttles and regions go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClientAddress(IpAddr);

/// Finds out the address, once for each request.
pub(super) async fn resolve(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip().to_canonical());
    let address = client(peer, request.headers(), &service.config.trusted_proxies);
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// The address of a request that went through [`resolve`].
pub(super) fn of(request: &Request) -> IpAddr {
    request.extensions().get::<ClientAddress>().map_or(IpAddr::from([0, 0, 0, 0]), |address| address.0)
}

/// Where a request comes from.
pub(super) fn place(service: &Service, request: &Request) -> Place {
    service.regions().place(of(request))
}

/// Each proxy appends whom it heard, so the header is read from its end, as long as who wrote the entry is trusted. What stands
/// before is anybody's claim.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut address = peer;
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let entries = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for entry in entries.take(MAX_HOPS) {
        if !is_trusted(address) {
            break;
        }
        let Some(before) = parse(entry.trim()) else { break };
        address = before;
    }
    address
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
    use proptest::prelude::*;

    fn of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
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
