//! Where a request comes from.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::settings::Proxy;

/// The other end of a connection; `None` for a Unix socket.
pub type Peer = Option<IpAddr>;

/// The address of the client, as a request carries it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Peer);

/// The address of the client: that of the peer, or, as long as that is a trusted proxy, the one it names in
/// `X-Forwarded-For`, read from the right. `None` if it can't be told.
pub fn client_address(peer: Peer, headers: &HeaderMap, trusted: &[Proxy]) -> Peer {
    let mut client = peer.map(|address| address.to_canonical());
    if !is_trusted(client, trusted) {
        return client;
    }
    for hop in forwarded_for(headers).rev() {
        let Some(address) = hop else { return client };
        client = Some(address);
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
        .map(|hop| std::str::from_utf8(hop).ok()?.trim().parse().ok())
        .map(|hop| hop.map(|address: IpAddr| address.to_canonical()))
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
    fn what_is_no_address_ends_the_search() {
        assert_eq!(
            seen(Some("10.0.0.1"), &["203.0.113.9, unknown"], &["10.0.0.0/8"]).as_deref(),
            Some("10.0.0.1")
        );
    }
}
