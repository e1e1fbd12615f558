//! Recoverable keys: their texts, encrypted. A file that only the server's configuration names holds the master keys;
//! the tables hold data keys wrapped by them, and texts encrypted by data keys. Neither is of use without the other.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use unkey_core::envelope::{DataKey, MasterKey, MasterKeys, file_error};
use unkey_core::error::quoted;
use unkey_core::key::Plaintext;
use unkey_core::{Error, Kind, id};
use zeroize::Zeroizing;

use crate::error::{Outcome, key_not_found};
use crate::store::apis::Api;
use crate::store::recovery::{self, NewText, StoredDataKey};
use crate::store::statement::is_read_only;
use crate::{audit, clock, settings, store};

/// Largest key file, in bytes.
const MAX_FILE: u64 = 64 * 1024;
/// Texts that one statement re-encrypts.
const BATCH: i64 = 500;

/// The master keys, read from the file whenever they are needed.
pub fn master_keys() -> Outcome<MasterKeys> {
    let path = settings::master_key_file().ok_or_else(|| {
        Error::new(Kind::PreconditionFailed, "recoverable keys need a master key, and none is set up")
            .hint("unkey.master_key_file in the server's configuration names a file with one; docs/operations.md shows how.")
    })?;
    let cannot = |error: io::Error| file_error(error);
    let path = OsStr::from_bytes(path.as_bytes());
    // Looked at before it is opened: opening a pipe would block.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(file_error("it is not a regular file").into());
    }
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(file_error("its mode lets everybody have it; take that away with chmod 600").into());
    }
    let size = metadata.len();
    if size > MAX_FILE {
        return Err(file_error("it is larger than 64 KiB").into());
    }
    // With room for all of it, so that nothing is moved and left behind unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    file.take(size).read_to_end(&mut bytes).map_err(cannot)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| file_error("it is not text"))?;
    Ok(MasterKeys::read(text)?)
}

/// The data key for new texts of an API's keys, made with the first.
pub fn open(api: &Api, now: i64) -> Outcome<DataKey> {
    let masters = master_keys()?;
    if !api.store_encrypted_keys {
        let message = format!("api_id {} does not store encrypted keys", quoted(&api.api_id));
        return Err(Error::new(Kind::PreconditionFailed, message)
            .hint("Turn it on first: SELECT unkey_update_api(api_id, '{\"storeEncryptedKeys\": true}').")
            .into());
    }
    let current = masters.current();
    match recovery::data_key_of(current.id())?.and_then(|stored| current.unwrap(&stored.id, &stored.wrapped))
    {
        Some(data_key) => Ok(data_key),
        None => new_data_key(current, now),
    }
}

fn new_data_key(master: &MasterKey, now: i64) -> Outcome<DataKey> {
    let data_key = DataKey::random(id::new("kek", now)?)?;
    recovery::insert_data_key(data_key.id(), master.id(), &master.wrap(&data_key)?, now)?;
    Ok(data_key)
}

fn unwrap(masters: &MasterKeys, stored: &StoredDataKey) -> Option<DataKey> {
    masters.by_id(&stored.master_id)?.unwrap(&stored.id, &stored.wrapped)
}

/// The text of a key; `None` if the key is not recoverable, or nothing in the key file opens it. Every text that is
/// ever decrypted for a caller comes from here, and is recorded.
pub fn decrypt(key_id: &str) -> Outcome<Option<Plaintext>> {
    store::keys::by_id(key_id)?.ok_or_else(|| key_not_found(key_id))?;
    let Some(text) = recovery::text_of(key_id)? else { return Ok(None) };
    if is_read_only() {
        let refused = Error::new(Kind::ReadOnly, "a key can't be decrypted in a read-only transaction");
        return Err(refused.hint("Every decryption is recorded in the audit log.").into());
    }
    let data_key = unwrap(&master_keys()?, &text.data_key);
    let plaintext = data_key.and_then(|data_key| data_key.open(key_id, &text.ciphertext));
    if plaintext.is_some() {
        audit::record("key.decrypt", "key", key_id)?;
    }
    Ok(plaintext)
}

/// After a change of the master key: wraps every data key under the current one, and with `texts` also encrypts every
/// text under a fresh data key. What no master key opens stays as it is. Answers how many rows changed.
pub fn reencrypt(texts: bool) -> Outcome<i64> {
    recovery::one_at_a_time()?;
    let masters = master_keys()?;
    let changed = if texts { reencrypt_texts(&masters)? } else { 0 };
    Ok(changed + rewrap(&masters)?)
}

fn rewrap(masters: &MasterKeys) -> Outcome<i64> {
    let current = masters.current();
    let mut changed = 0;
    for stored in recovery::lock_data_keys_not_of(current.id())? {
        if let Some(data_key) = unwrap(masters, &stored) {
            recovery::rewrap(data_key.id(), current.id(), &current.wrap(&data_key)?)?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn reencrypt_texts(masters: &MasterKeys) -> Outcome<i64> {
    let fresh = new_data_key(masters.current(), clock::now())?;
    let mut data_keys: HashMap<String, Option<DataKey>> = HashMap::new();
    let (mut after, mut changed) = (String::new(), 0);
    loop {
        let batch = recovery::lock_texts_not_of(fresh.id(), &after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after.clone_from(&last.key_id);
        let mut renewed = Vec::new();
        for text in batch {
            let stored = &text.data_key;
            let old = data_keys.entry(stored.id.clone()).or_insert_with(|| unwrap(masters, stored));
            if let Some(plain) = old.as_ref().and_then(|old| old.open(&text.key_id, &text.ciphertext)) {
                let ciphertext = fresh.seal(&text.key_id, &plain)?.to_hex();
                renewed.push(NewText { key_id: text.key_id, ciphertext });
            }
        }
        changed += renewed.len() as i64;
        recovery::replace(fresh.id(), &renewed)?;
    }
    recovery::delete_unused_data_keys(fresh.id())?;
    Ok(changed)
}
