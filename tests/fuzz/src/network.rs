//! IP allow-lists: lines of addresses and ranges, the last line the address that asks.

use std::net::IpAddr;

use unkey_core::network::{allows, normalized, read, read_all};

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let asking = lines.pop().and_then(|line| line.parse::<IpAddr>().ok());
    match read_all("ip", &lines) {
        Ok(list) => {
            let expected = lines.is_empty()
                || asking.is_some_and(|address| lines.iter().any(|line| is_within(line, address)));
            assert_eq!(allows(&list, asking), expected, "{lines:?} {asking:?}");
            let texts = normalized("ip", &lines).unwrap();
            assert_eq!(normalized("ip", &texts).as_ref(), Ok(&texts));
            assert_eq!(read_all("ip", &texts).as_ref(), Ok(&list));
        }
        Err(error) => {
            let argument = error.argument.unwrap();
            assert!(argument == "ip" || argument.starts_with("ip["));
            assert!(error.message.starts_with(&*argument) && error.message.chars().count() < 1000);
            assert!(lines.len() > 1000 || lines.iter().any(|line| read(line).is_none()));
        }
    }
}

/// Compares bit by bit, from the texts.
fn is_within(line: &str, address: IpAddr) -> bool {
    let (start, length) = line.trim().split_once('/').unwrap_or((line.trim(), ""));
    let start: IpAddr = start.parse().unwrap();
    let whole = if start.is_ipv4() { 32 } else { 128 };
    let length: usize = if length.is_empty() { whole } else { length.parse().unwrap() };
    // A range of mapped addresses is one of IPv4; one that holds others too holds no IPv4 address.
    let (start, length) = match start.to_canonical() {
        IpAddr::V4(mapped) if start.is_ipv6() && length >= 96 => (IpAddr::V4(mapped), length - 96),
        _ => (start, length),
    };
    let (start, address) = (bits(start), bits(address.to_canonical()));
    start.len() == address.len() && start[..length] == address[..length]
}

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:032b}", address.to_bits()),
        IpAddr::V6(address) => format!("{:0128b}", address.to_bits()),
    }
}
