//! Key text with a checksum, which strangers can tell from other text without asking anybody:
//! `prefix_`, 8 random characters of base58, `unkeyv1`, 36 more, and the CRC-32C of all of that as 6 characters.
//!
//! It is the layout that Unkey calls version 1, so one scanner finds the keys of both.

use crc::{CRC_32_ISCSI, Crc};

use crate::key::{self, NewKey, Plaintext};
use crate::{Result, rule};

/// Characters of base58, in their order.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Random characters before the marker.
pub const HEAD: usize = 8;
/// What tells the layout; all of it is base58.
pub const MARKER: &str = "unkeyv1";
/// Random characters after the marker.
const TAIL: usize = 36;
/// Characters of the checksum.
const CHECKSUM: usize = 6;
/// Characters after the marker.
pub const REST: usize = TAIL + CHECKSUM;
/// Characters without the prefix.
pub const BODY: usize = HEAD + MARKER.len() + REST;
/// Random bytes that such a key is worth: 44 characters of base58 have 257 bits.
pub const BYTES: i64 = 32;

/// CRC-32C, also known by the name of Castagnoli.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Makes a key with random characters from the operating system. An empty `prefix` is none.
///
/// # Errors
/// [`Kind::NoRandomness`](crate::Kind::NoRandomness) if the operating system has no random bytes.
pub fn generate(prefix: Option<&str>) -> Result<NewKey> {
    let random = random_characters(HEAD + TAIL)?;
    let (head, tail) = random.split_at(HEAD);
    let prefix = key::joined(prefix);
    let start = format!("{prefix}{}", head.get(..key::SHOWN).unwrap_or_default());
    let covered = format!("{prefix}{head}{MARKER}{tail}");
    let plaintext = Plaintext::new(format!("{covered}{}", checksum(covered.as_bytes())));
    Ok(NewKey { hash: plaintext.hash(), plaintext, start })
}

/// Characters of base58, all equally likely: bytes beyond the last multiple of 58 are thrown away.
fn random_characters(count: usize) -> Result<String> {
    let mut characters = String::with_capacity(count);
    let mut bytes = [0; 64];
    while characters.len() < count {
        key::fill_random(&mut bytes)?;
        let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < 256 / 58 * 58);
        let drawn = fair.filter_map(|byte| ALPHABET.get(byte % 58)).map(|byte| char::from(*byte));
        characters.extend(drawn.take(count - characters.len()));
    }
    Ok(characters)
}

/// The checksum of a text, padded with the digit zero of base58.
fn checksum(covered: &[u8]) -> String {
    let digits = bs58::encode(CRC.checksum(covered).to_be_bytes()).into_string();
    format!("{digits:1>CHECKSUM$}")
}

/// Whether a text has the layout but not its checksum: no key that was ever made, and not worth a look-up.
pub fn is_refuted(text: &str) -> bool {
    (BODY..=BODY + 1 + rule::PREFIX.max).contains(&text.len())
        && covered(text).is_some_and(|(covered, digits)| checksum(covered.as_bytes()) != digits)
}

/// Whether a text has the layout and its checksum.
pub fn is_intact(text: &str) -> bool {
    covered(text).is_some_and(|(covered, digits)| checksum(covered.as_bytes()) == digits)
}

/// What the checksum of a text covers, and the checksum; `None` if the text has another layout.
fn covered(text: &str) -> Option<(&str, &str)> {
    let (prefix, body) = text.split_at_checked(text.len().checked_sub(BODY)?)?;
    let has_marker = body.get(HEAD..)?.starts_with(MARKER);
    let is_layout = has_marker && body.bytes().all(key::is_base58) && may_come_before(prefix);
    text.split_at_checked(text.len() - CHECKSUM).filter(|_| is_layout)
}

/// Nothing, or a prefix that such keys may have with what joins it.
fn may_come_before(joined: &str) -> bool {
    let is_prefix = |prefix: &str| rule::PREFIX.check("prefix", prefix).is_ok() && ends_well(prefix);
    joined.is_empty() || joined.strip_suffix('_').is_some_and(is_prefix)
}

/// Whether a prefix ends so that one sees where it does.
pub fn ends_well(prefix: &str) -> bool {
    !prefix.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Unkey itself makes of these random characters.
    const KNOWN: &str = "unkey_111thX6Lunkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B8";

    #[test]
    fn a_known_key_is_intact() {
        assert!(is_intact(KNOWN) && !is_refuted(KNOWN));
        assert_eq!(checksum(b"123456789"), bs58::encode(0xe306_9283_u32.to_be_bytes()).into_string());
        assert_eq!(checksum(b""), "111111");
    }

    #[test]
    fn any_other_character_refutes_it() {
        for at in "unkey_".len()..KNOWN.len() {
            let other = if KNOWN[at..].starts_with('2') { "3" } else { "2" };
            let text = format!("{}{other}{}", &KNOWN[..at], &KNOWN[at + 1..]);
            let in_marker = (14..21).contains(&at);
            assert_eq!((is_intact(&text), is_refuted(&text)), (false, !in_marker), "{text}");
        }
        assert!(is_refuted(&KNOWN.replacen("unkey_", "Unkey_", 1)));
        assert!(is_refuted(&KNOWN["unkey_".len()..]));
    }

    #[test]
    fn other_layouts_are_neither() {
        let body = &KNOWN["unkey_".len()..];
        for text in [
            &KNOWN[..KNOWN.len() - 1],
            &KNOWN[1..KNOWN.len() - 1],
            &format!("{KNOWN}1"),
            &format!("a__{body}"),
            &format!("_{body}"),
            &format!("a-b_{body}"),
            &format!("{}_{body}", "a".repeat(17)),
            &KNOWN.replace('8', "0"),
            &KNOWN.replace("unkeyv1", "unkeyv2"),
            &format!("é_{body}"),
            "",
        ] {
            assert!(!is_intact(text) && !is_refuted(text), "{text}");
        }
    }
}
