//! Who is believed about where a request comes from. Lines: the peer (nothing for a Unix socket), the trusted networks, and
//! every X-Forwarded-For there is.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use unkey_core::network;
use unkey_http::client_address::client_address;
use unkey_http::settings::Proxy;

pub fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut line = || lines.next().and_then(crate::text).unwrap_or_default();
    let peer: Option<IpAddr> = line().parse().ok();
    let trusted: Vec<Proxy> = line().split(',').filter_map(proxy).collect();
    let name = HeaderName::from_static("x-forwarded-for");
    let headers: HeaderMap =
        lines.filter_map(|line| Some((name.clone(), HeaderValue::from_bytes(line).ok()?))).collect();
    let found = client_address(peer, &headers, &trusted);
    assert_eq!(found, expected(peer, &headers, &trusted));
    assert_eq!(client_address(peer, &headers, &[]), peer.map(|peer| peer.to_canonical()));
    assert_eq!(client_address(peer, &HeaderMap::new(), &trusted), peer.map(|peer| peer.to_canonical()));
}

fn proxy(text: &str) -> Option<Proxy> {
    if text == "unix" { Some(Proxy::Unix) } else { network::read(text).map(Proxy::Network) }
}

/// The first of peer and hops, from the nearest on, that is not trusted, or the last; unknown as soon as one that counts is no address.
fn expected(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Proxy]) -> Option<IpAddr> {
    let joined =
        headers.values().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",");
    let hops: Vec<&str> = if headers.is_empty() { Vec::new() } else { joined.rsplit(',').collect() };
    let mut client = peer.map(|peer| peer.to_canonical());
    for hop in hops {
        if !is_trusted(client, trusted) {
            break;
        }
        client = Some(address(hop.trim())?);
    }
    client
}

fn address(hop: &str) -> Option<IpAddr> {
    let found = match (hop.parse::<IpAddr>(), hop.parse::<SocketAddr>()) {
        (Ok(address), _) => address,
        (_, Ok(with_port)) => with_port.ip(),
        _ => IpAddr::V6(hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?),
    };
    Some(found.to_canonical())
}

fn is_trusted(address: Option<IpAddr>, trusted: &[Proxy]) -> bool {
    let within = |network: &IpNet, address: IpAddr| network::allows(&[network.trunc()], Some(address));
    trusted.iter().any(|proxy| match proxy {
        Proxy::Unix => address.is_none(),
        Proxy::Network(network) => address.is_some_and(|address| within(network, address)),
    })
}
