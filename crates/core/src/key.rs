//! Key text: how a key is made, hashed and shown.
//!
//! `prefix_` + base58 (Bitcoin alphabet) of 16 to 255 random bytes, or another [format](crate::key_format). Only the SHA-256 of the
//! whole text is ever stored; the text itself lives in a [`Plaintext`], which can't be printed by accident.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Kind, Result, checksum};

/// Random bytes in a key when nobody asks for another number.
pub const DEFAULT_BYTES: usize = 16;
/// Longest key text that is looked up, in characters; a longer one is no key.
pub const MAX_LENGTH: usize = 512;
/// Fewest characters behind the prefix: 16 random bytes are never shorter in base58, but for one in ten million.
pub(crate) const SHORTEST_BODY: usize = 18;
/// Most characters behind the prefix: 255 random bytes in base58.
pub(crate) const LONGEST_BODY: usize = 349;
/// Longest `start`, in characters.
const MAX_START: usize = 50;
/// How many characters of the random part are shown in `start`.
pub(crate) const SHOWN: usize = 4;

/// A key in the clear. Has neither `Debug` nor `Display`, so it can't reach a log unnoticed.
pub struct Plaintext(String);

impl Plaintext {
    /// The text, for the one reply that shows it.
    pub fn reveal(self) -> String {
        self.0
    }

    /// A text just made, or decrypted.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be encrypted.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// SHA-256 of the whole text.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.0)
    }
}

/// A key just made, with what may be stored of it.
pub struct NewKey {
    /// The text, returned once.
    pub plaintext: Plaintext,
    /// What is looked up.
    pub hash: Hash,
    /// The beginning that may be shown: prefix, `_` and four characters.
    pub start: String,
}

/// Makes a key of `bytes` random bytes from the operating system. An empty `prefix` is none.
///
/// # Errors
/// [`Kind::NoRandomness`] if the operating system has no random bytes.
pub fn generate(prefix: Option<&str>, bytes: usize) -> Result<NewKey> {
    let mut random = vec![0; bytes];
    fill_random(&mut random)?;
    Ok(assemble(prefix, &random))
}

fn assemble(prefix: Option<&str>, random: &[u8]) -> NewKey {
    let body = bs58::encode(random).into_string();
    let prefix = joined(prefix);
    let start = format!("{prefix}{}", body.get(..SHOWN).unwrap_or_default());
    let plaintext = Plaintext(prefix + &body);
    NewKey { hash: plaintext.hash(), plaintext, start }
}

/// A prefix and what joins it to the rest; nothing without one.
pub(crate) fn joined(prefix: Option<&str>) -> String {
    match prefix {
        Some(prefix) if !prefix.is_empty() => format!("{prefix}_"),
        _ => String::new(),
    }
}

/// Whether a byte is a character of base58.
pub fn is_base58(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l')
}

/// The beginning that may be shown of a key that somebody else made: up to its last `_` and four characters more,
/// at most 50 and never all of it.
pub fn start_of(text: &str) -> String {
    let body = text.rfind('_').map_or(0, |at| text[..=at].chars().count());
    let shown = (body + SHOWN).min(MAX_START).min(text.chars().count().saturating_sub(1));
    text.chars().take(shown).collect()
}

/// Whether a text is worth a look-up: as long as a key can be, and with the checksum that its layout demands, if it does.
pub fn may_be_one(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_LENGTH && !checksum::is_refuted(text)
}

/// Fills `bytes` from the operating system's generator.
///
/// # Errors
/// [`Kind::NoRandomness`] if it fails.
pub fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(Kind::NoRandomness, format!("the operating system gave no random bytes: {error}"))
    })
}

/// SHA-256 of a key's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Hashes the whole text, prefix included.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// From 32 bytes; any other number is no hash.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard padded base64, 44 characters: Unkey's format.
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0)
    }

    /// Reads base64 (44 characters) or hex (64 characters); nothing else is a hash.
    pub fn parse(text: &str) -> Option<Self> {
        decode_32(text).map(|bytes| Self(*bytes))
    }
}

/// 32 bytes from base64 (44 characters) or hex (64 characters).
pub(crate) fn decode_32(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = if text.len() == 64 { decode_hex(text)? } else { BASE64.decode(text).ok()? };
    let bytes = Zeroizing::new(bytes);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// Bytes from an even number of hexadecimal digits.
pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Hash under which a key of `github.com/seamapi/prefixed-api-key` was imported: SHA-256 of its last part.
///
/// # Errors
/// [`Kind::InvalidInput`] if the text has fewer than three parts joined by `_`.
pub fn prefixed_api_key_hash(key: &str) -> Result<Hash> {
    match key.rsplit_once('_') {
        Some((rest, long_token)) if rest.contains('_') => Ok(Hash::of(long_token)),
        _ => Err(Error::invalid("key", "does not look like prefix_shorttoken_longtoken")
            .hint("The migration was made for keys of github.com/seamapi/prefixed-api-key.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> String {
        assemble(None, bytes).plaintext.reveal()
    }

    #[test]
    fn kf_01_default_key_is_16_to_22_base58_characters() {
        let key = generate(None, DEFAULT_BYTES).unwrap().plaintext.reveal();
        assert!((16..=22).contains(&key.len()), "{}", key.len());
        assert!(bs58::decode(&key).into_vec().is_ok());
    }

    #[test]
    fn kf_02_prefix_is_joined_by_an_underscore() {
        assert!(generate(Some("test"), 16).unwrap().plaintext.reveal().starts_with("test_"));
        assert!(generate(Some("ends_"), 16).unwrap().plaintext.reveal().starts_with("ends__"));
        assert!(!generate(Some(""), 16).unwrap().plaintext.reveal().contains('_'));
    }

    #[test]
    fn kf_04_255_bytes_come_back() {
        let key = generate(None, 255).unwrap().plaintext.reveal();
        assert_eq!(bs58::decode(key).into_vec().unwrap().len(), 255);
    }

    #[test]
    fn kf_05_zero_bytes_are_ones() {
        assert_eq!(body(&[0; 16]), "1111111111111111");
    }

    #[test]
    fn kf_07_all_bits_set() {
        assert_eq!(body(&[0xff; 16]), "YcVfxkQb6JRzqk5kF2tNLv");
    }

    #[test]
    fn kf_08_hash_vectors() {
        assert_eq!(Hash::of("x").to_base64(), "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=");
        assert_eq!(Hash::of("test_abc123").to_base64(), "FJQkoake2VfhwC3M6k+NV+aaXQu8av/rr/WnRhjP78c=");
    }

    #[test]
    fn kf_10_start_shows_prefix_and_four_characters() {
        let new = generate(Some("test"), 16).unwrap();
        let key = new.plaintext.reveal();
        assert_eq!(new.start.len(), "test_".len() + 4);
        assert!(key.starts_with(&new.start) && key.len() > new.start.len());
    }

    #[test]
    fn start_of_a_foreign_key_is_a_strict_beginning() {
        assert_eq!(start_of("seam_8aBcDeFg_longtoken"), "seam_8aBcDeFg_long");
        assert_eq!(start_of("abc"), "ab");
        assert_eq!(start_of(&"é_".repeat(100)).chars().count(), 50);
    }

    #[test]
    fn hashes_are_read_from_base64_and_hex() {
        let hash = Hash::of("x");
        let hex: String = hash.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(Hash::parse(&hash.to_base64()), Some(hash));
        assert_eq!(Hash::parse(&hex), Some(hash));
        assert_eq!(Hash::parse("AAAA"), None);
        assert_eq!(decode_hex("0aF"), None);
        assert_eq!(Hash::parse(&"z".repeat(64)), None);
    }

    #[test]
    fn mg_04_prefixed_api_key_hashes_its_last_part() {
        let hash = prefixed_api_key_hash("seam_8aBcDeFg_longtokenvalue123456").unwrap();
        let hex = "46107d71da8f63e73672e8cb7d33a89731468ec339efa5c903f0de53fb8620b5";
        assert_eq!(Some(hash), Hash::parse(hex));
    }

    #[test]
    fn mg_05_fewer_than_three_parts_is_an_error() {
        assert!(prefixed_api_key_hash("onlyone").is_err());
        assert!(prefixed_api_key_hash("only_two").is_err());
    }
}
