//! IP allow-lists: addresses and CIDR ranges, IPv4 and IPv6.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{Error, Result, rule};

/// Reads an address (`10.0.0.1`) or a range (`10.0.0.0/8`). IPv4 mapped into IPv6 becomes IPv4. A part such as `010`, which
/// others read as octal, makes neither.
pub fn read(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let address: IpAddr = text.split('/').next()?.parse().ok()?;
    let network = if text.contains('/') { text.parse().ok()? } else { IpNet::from(address) };
    Some(canonical(network))
}

fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(network) => network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    mapped.and_then(|(address, prefix)| IpNet::new(address.into(), prefix).ok()).unwrap_or(network)
}

/// Reads a list of addresses and ranges: at most 1000.
///
/// # Errors
/// [`Kind::InvalidInput`](crate::Kind::InvalidInput) naming the first entry that is neither.
pub fn read_all(argument: &str, texts: &[String]) -> Result<Vec<IpNet>> {
    rule::NETWORKS.count(argument.to_owned(), texts.len())?;
    let entry = |(index, text): (usize, &String)| {
        read(text).map(|network| network.trunc()).ok_or_else(|| {
            Error::invalid(
                format!("{argument}[{index}]"),
                format_args!("must be an IP address or CIDR range, not {text:?}"),
            )
        })
    };
    texts.iter().enumerate().map(entry).collect()
}

/// The same list as Postgres' `cidr` takes it: trimmed, and without bits beyond the range.
///
/// # Errors
/// As [`read_all`].
pub fn normalized(argument: &str, texts: &[String]) -> Result<Vec<String>> {
    Ok(read_all(argument, texts)?.iter().map(IpNet::to_string).collect())
}

/// Whether a list lets an address through. An empty list lets everything through, any other list nothing unknown.
/// An IPv4 address mapped into IPv6 counts as the IPv4 address.
pub fn allows(list: &[IpNet], address: Option<IpAddr>) -> bool {
    list.is_empty() || address.is_some_and(|address| entry(list, address).is_some())
}

/// The first network of a list that contains an address.
pub fn entry(list: &[IpNet], address: IpAddr) -> Option<&IpNet> {
    list.iter().find(|network| network.contains(&address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &[&str], address: &str) -> bool {
        let list: Vec<String> = list.iter().map(|&text| text.to_owned()).collect();
        allows(&read_all("ip", &list).unwrap(), address.parse().ok())
    }

    #[test]
    fn vk_17_addresses_are_trimmed_and_matched() {
        assert!(allowed(&[" 1.2.3.4 ", " 5.6.7.8 "], "5.6.7.8"));
        assert!(!allowed(&["1.2.3.4"], "5.6.7.8"));
    }

    #[test]
    fn ranges_of_both_families() {
        assert!(allowed(&["10.0.0.0/8"], "10.255.1.1"));
        assert!(allowed(&["10.1.2.3/8"], "10.255.1.1"));
        assert!(!allowed(&["10.0.0.0/8"], "11.0.0.0"));
        assert!(allowed(&["2001:db8::/32"], "2001:db8:1::1"));
        assert!(allowed(&["10.0.0.0/8"], "::ffff:10.0.0.1"));
        assert!(allowed(&["::ffff:10.0.0.0/104"], "10.1.1.1"));
        assert!(!allowed(&["::/0"], "10.1.1.1"));
    }

    #[test]
    fn lists_are_normalized_for_postgres() {
        let list = [" 1.2.3.4 ".to_owned(), "10.1.2.3/16".to_owned()];
        assert_eq!(normalized("ip", &list).unwrap(), ["1.2.3.4/32", "10.1.0.0/16"]);
    }

    #[test]
    fn an_empty_list_allows_all_and_any_other_no_unknown_address() {
        assert!(allows(&[], None));
        assert!(!allowed(&["1.2.3.4"], "unknown"));
    }

    #[test]
    fn what_may_be_octal_is_neither_address_nor_range() {
        for text in ["010.0.0.1", "010.0.0.0/8", "0x0a.0.0.0/8", "10.0/8", "10.0.0.0/+8", "10.0.0.0/", "/8"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_name_the_entry() {
        let error = read_all("ip", &["1.2.3.4".into(), "1.2.3".into()]).unwrap_err();
        assert_eq!(error.message, "ip[1] must be an IP address or CIDR range, not \"1.2.3\"");
    }
}
