//! Recoverable keys.

use pgrx::prelude::*;
use unkey_core::key::Plaintext;
use unkey_core::validate::required;

use crate::error::raise;
use crate::recovery;

#[pg_extern(sql = false)]
fn unkey_decrypt_key(key_id: Option<&str>) -> Option<String> {
    raise(|| Ok(recovery::decrypt(required("key_id", key_id)?)?.map(Plaintext::reveal)))
}

#[pg_extern(sql = false)]
fn unkey_reencrypt_keys(texts: Option<bool>) -> i64 {
    raise(|| recovery::reencrypt(texts.unwrap_or(false)))
}
