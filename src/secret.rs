//! The secret from which key ids are derived.

use unkey_core::key::{self, Hash};

use crate::error::{Failure, Outcome};
use crate::store::secrets;

/// The secret, made on first use.
pub fn of_key_ids() -> Outcome<Vec<u8>> {
    if let Some(hex) = secrets::key_id()? {
        return decode(&hex);
    }
    let mut fresh = [0; 32];
    key::fill_random(&mut fresh)?;
    secrets::insert_key_id(&fresh)?;
    decode(&secrets::key_id()?.unwrap_or_default())
}

fn decode(hex: &str) -> Outcome<Vec<u8>> {
    let hash =
        Hash::parse(hex).ok_or_else(|| Failure::Internal("unkey.secrets holds no usable key_id".into()))?;
    Ok(hash.as_bytes().to_vec())
}
