//! Identifiers: `<prefix>_<base58>`.
//!
//! Ids of most objects sort roughly by creation time: twelve bytes, of which four are the seconds since
//! [`EPOCH`] (big-endian) and eight are random. A key's id is derived from its hash instead, so that both a
//! verification (which has the hash) and a management call (which has the id) can find the same shard.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key::{Hash, fill_random};
use crate::{Error, Kind, Result};

/// Seconds since the Unix epoch at which the time part of ids begins: 2023-11-14 22:13:20 UTC.
pub const EPOCH: i64 = 1_700_000_000;
/// Bytes of a derived key id: 128 bits.
const KEY_ID_BYTES: usize = 16;

/// A new time-sorted id such as `api_2gZdJm7aVwTQXkqv`; `now` in milliseconds since the Unix epoch.
///
/// # Errors
/// [`Kind::NoRandomness`] if the operating system has no random bytes.
pub fn new(prefix: &str, now: i64) -> Result<String> {
    let mut random = [0; 8];
    fill_random(&mut random)?;
    Ok(with_random(prefix, now, random))
}

/// The id of a time and eight bytes that the caller made up: for ids that need be unique, and not secret.
#[must_use]
pub fn with_random(prefix: &str, now: i64, random: [u8; 8]) -> String {
    let mut bytes = [0; 12];
    let (time, rest) = bytes.split_at_mut(4);
    time.copy_from_slice(&seconds(now).to_be_bytes());
    rest.copy_from_slice(&random);
    format!("{prefix}_{}", bs58::encode(bytes).into_string())
}

fn seconds(now: i64) -> u32 {
    let since_epoch = now.div_euclid(1000).saturating_sub(EPOCH).max(0);
    u32::try_from(since_epoch).unwrap_or(u32::MAX)
}

/// The id of the key with this hash: `key_` and 128 bits of HMAC-SHA256(secret, hash).
///
/// Keyed, because ids are public and an imported key may be weak enough to guess from its bare hash.
///
/// # Errors
/// Never in practice: HMAC takes a secret of any length.
pub fn of_key(secret: &[u8], hash: &Hash) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| {
        Error::new(Kind::PreconditionFailed, format!("the key id secret is unusable: {error}"))
    })?;
    mac.update(hash.as_bytes());
    let code = mac.finalize().into_bytes();
    let short: Vec<u8> = code.into_iter().take(KEY_ID_BYTES).collect();
    Ok(format!("key_{}", bs58::encode(short).into_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_time() {
        let earlier = new("api", 1_763_000_000_000).unwrap();
        let later = new("api", 1_763_000_001_000).unwrap();
        assert!(earlier < later, "{earlier} {later}");
        assert!(earlier.starts_with("api_"));
    }

    #[test]
    fn time_outside_the_range_saturates() {
        assert_eq!(seconds(0), 0);
        assert_eq!(seconds(i64::MAX), u32::MAX);
        assert_eq!(seconds(i64::MIN), 0);
    }

    #[test]
    fn key_ids_depend_on_secret_and_hash_only() {
        let (hash, other) = (Hash::of("x"), Hash::of("y"));
        assert_eq!(of_key(b"s", &hash).unwrap(), of_key(b"s", &hash).unwrap());
        assert_ne!(of_key(b"s", &hash).unwrap(), of_key(b"t", &hash).unwrap());
        assert_ne!(of_key(b"s", &hash).unwrap(), of_key(b"s", &other).unwrap());
    }

    #[test]
    fn kf_13_thousand_ids_are_distinct() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| new("key", 0).unwrap()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
