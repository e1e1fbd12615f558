//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::settings::Proxy;

/// The other end of a connection; `None` for a Unix socket.
pub type Peer = Option<IpAddr>;

/// The address of the client, as a request carries it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Peer);

/// The address of the client: that of the peer, or, as long as that is a trusted proxy, the one it names in
/// `X-Forwarded-For`, read from the right. `None` if it can't be told: what a proxy names and is no address never stands for
/// the proxy, which an allow-list may have.
pub fn client_address(peer: Peer, headers: &HeaderMap, trusted: &[Proxy]) -> Peer {
    let mut client = peer.map(|address| address.to_canonical());
    if !is_trusted(client, trusted) {
        return client;
    }
    for hop in forwarded_for(headers).rev() {
        client = Some(hop?);
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

fn is_trusted(peer: Peer, trusted: &[Proxy]) -> bool {
    trusted.iter().any(|proxy| match (proxy, peer) {
        (Proxy::Unix, None) => true,
        (Proxy::Network(network), Some(address)) => network.contains(&address),
        _ => false,
    })
}

/// All hops named, the nearest last; `None` for one that is no address. Whatever a client wrote before the hops that proxies
/// added, those are read.
fn forwarded_for(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b',').collect::<Vec<_>>())
        .map(|hop| address(std::str::from_utf8(hop).ok()?.trim()))
}

/// The address of a hop, without the port and the brackets that some proxies add.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|socket: SocketAddr| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let address: IpAddr = hop.parse().ok().or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: Option<&str>, forwarded: &[&str], trusted: &[&str]) -> Option<String> {
        let value = |value: &&str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let headers = forwarded.iter().map(|hops| ("x-forwarded-for".parse().unwrap(), value(hops)));
        let trusted: Vec<_> = trusted
            .iter()
            .map(|text| match *text {
                "unix" => Proxy::Unix,
                network => Proxy::Network(network.parse().unwrap()),
            })
            .collect();
        let peer = peer.map(|text| text.parse().unwrap());
        client_address(peer, &headers.collect(), &trusted).map(|address| address.to_string())
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(seen(Some("192.0.2.1"), &["203.0.113.9"], &[]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(None, &["203.0.113.9"], &[]), None);
    }

    #[test]
    fn the_last_hop_that_is_no_trusted_proxy_is_the_client() {
        let trusted = ["10.0.0.0/8"];
        let hops = ["198.51.100.1, 203.0.113.9", "10.1.1.1"];
        assert_eq!(seen(Some("10.0.0.1"), &hops, &trusted).as_deref(), Some("203.0.113.9"));
        assert_eq!(seen(Some("192.0.2.1"), &hops, &trusted).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(Some("10.0.0.1"), &[], &trusted).as_deref(), Some("10.0.0.1"));
        assert_eq!(seen(Some("::ffff:10.0.0.1"), &hops, &trusted).as_deref(), Some("203.0.113.9"));
        assert_eq!(seen(None, &["2001:db8::1"], &["unix"]).as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn nobody_hides_behind_the_proxy_by_what_it_passes_on() {
        let trusted = ["10.0.0.0/8"];
        for sent in ["é", "\t", "", "x;y", ",,"] {
            let hops = format!("{sent}, 203.0.113.9");
            assert_eq!(seen(Some("10.0.0.1"), &[&hops], &trusted).as_deref(), Some("203.0.113.9"), "{sent}");
        }
    }

    #[test]
    fn a_hop_may_have_a_port_and_brackets() {
        for (hop, expected) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9:1, 10.1.1.1:2", "203.0.113.9"),
        ] {
            assert_eq!(seen(Some("10.0.0.1"), &[hop], &["10.0.0.0/8"]).as_deref(), Some(expected), "{hop}");
        }
    }

    #[test]
    fn what_is_no_address_is_unknown_and_never_the_proxy() {
        for hop in [
            "unknown",
            "",
            "203.0.113.9,",
            "\"203.0.113.9\"",
            "_hidden",
            "[203.0.113.9]",
            "203.0.113.9:port",
            "203.0.113.9:99999",
            "fe80::1%eth0",
            "2001:db8::1]",
            "é",
            "unknown, 10.1.1.1",
        ] {
            assert_eq!(seen(Some("10.0.0.1"), &[hop], &["10.0.0.0/8"]), None, "{hop}");
            assert_eq!(seen(None, &[hop], &["unix", "10.0.0.0/8"]), None, "{hop}");
        }
    }
}
