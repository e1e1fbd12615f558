//! Recoverable keys: wrapped data keys and encrypted texts.

use serde::{Deserialize, Serialize};
use unkey_core::envelope::Sealed;

use super::statement::{View, arg, row, rows, run};
use crate::actor::{Doing, while_doing};
use crate::error::Outcome;

/// A data key as a master key wrapped it.
#[derive(Debug, Deserialize)]
pub struct StoredDataKey {
    pub id: String,
    pub master_id: String,
    pub wrapped: Sealed,
}

/// The text of a key as a data key encrypted it.
#[derive(Debug, Deserialize)]
pub struct Text {
    pub key_id: String,
    pub ciphertext: Sealed,
    pub data_key: StoredDataKey,
}

macro_rules! data_key {
    () => {
        "json_build_object('id', data_key.id, 'master_id', data_key.master_id,
            'wrapped', encode(data_key.wrapped, 'hex'))"
    };
}

macro_rules! select_data_key {
    ($rest:literal) => {
        concat!("SELECT ", data_key!(), " FROM unkey.encryption_keys AS data_key ", $rest)
    };
}

macro_rules! select_text {
    ($rest:literal) => {
        concat!(
            "SELECT json_build_object('key_id', text.key_id, 'ciphertext', encode(text.ciphertext, 'hex'),
                'data_key', ",
            data_key!(),
            ") FROM unkey.encrypted_keys AS text
            JOIN unkey.encryption_keys AS data_key ON data_key.id = text.encryption_key_id ",
            $rest
        )
    };
}

/// The newest data key that this master key wrapped, kept from being deleted until the transaction ends.
pub fn data_key_of(master_id: &str) -> Outcome<Option<StoredDataKey>> {
    row(
        View::Latest,
        select_data_key!(
            "WHERE data_key.master_id = $1 ORDER BY data_key.created_at DESC, data_key.id DESC LIMIT 1 FOR KEY SHARE"
        ),
        &[arg(master_id)],
    )
}

/// Stores a data key.
pub fn insert_data_key(id: &str, master_id: &str, wrapped: &Sealed, now: i64) -> Outcome<()> {
    run(
        "INSERT INTO unkey.encryption_keys (id, master_id, wrapped, created_at)
        VALUES ($1, $2, $3, unkey.from_ms($4))",
        &[arg(id), arg(master_id), arg(wrapped.as_bytes()), arg(now)],
    )
}

/// Lets other re-encryptions wait until this transaction ends; making and deleting keys goes on.
pub fn one_at_a_time() -> Outcome<()> {
    run("LOCK TABLE unkey.encryption_keys IN SHARE UPDATE EXCLUSIVE MODE", &[])
}

/// All data keys that another master key wrapped, locked.
pub fn lock_data_keys_not_of(master_id: &str) -> Outcome<Vec<StoredDataKey>> {
    rows(
        View::Latest,
        select_data_key!("WHERE data_key.master_id <> $1 ORDER BY data_key.id FOR NO KEY UPDATE"),
        &[arg(master_id)],
    )
}

/// Wraps a data key anew.
pub fn rewrap(id: &str, master_id: &str, wrapped: &Sealed) -> Outcome<()> {
    run(
        "UPDATE unkey.encryption_keys SET master_id = $2, wrapped = $3 WHERE id = $1",
        &[arg(id), arg(master_id), arg(wrapped.as_bytes())],
    )
}

/// Deletes the data keys that nothing is encrypted with any more, except for one and those that a key being made uses.
pub fn delete_unused_data_keys(except: &str) -> Outcome<()> {
    let candidates: Vec<String> = rows(
        View::Latest,
        "SELECT to_json(data_key.id) FROM unkey.encryption_keys AS data_key WHERE data_key.id <> $1
        ORDER BY data_key.id FOR UPDATE SKIP LOCKED",
        &[arg(except)],
    )?;
    // A statement of its own: texts that came until the locks were there are seen by it, and more can't come.
    run(
        "DELETE FROM unkey.encryption_keys AS data_key WHERE data_key.id = ANY($1)
            AND NOT EXISTS (SELECT FROM unkey.encrypted_keys AS text WHERE text.encryption_key_id = data_key.id)",
        &[arg(candidates)],
    )
}

/// Stores the encrypted text of a new key. The audit log tells of it with its key.
pub fn insert(key_id: &str, encryption_key_id: &str, ciphertext: &Sealed) -> Outcome<()> {
    while_doing(Doing::Detail, || {
        run(
            "INSERT INTO unkey.encrypted_keys (key_id, encryption_key_id, ciphertext) VALUES ($1, $2, $3)",
            &[arg(key_id), arg(encryption_key_id), arg(ciphertext.as_bytes())],
        )
    })
}

/// Whether the text of a key is stored.
pub fn is_stored(key_id: &str) -> Outcome<bool> {
    let stored: Option<i64> =
        row(View::Latest, "SELECT 1 FROM unkey.encrypted_keys WHERE key_id = $1", &[arg(key_id)])?;
    Ok(stored.is_some())
}

/// The encrypted text of a key.
pub fn text_of(key_id: &str) -> Outcome<Option<Text>> {
    row(View::Latest, select_text!("WHERE text.key_id = $1"), &[arg(key_id)])
}

/// Some texts that another data key encrypted, after a key id, locked.
pub fn lock_texts_not_of(encryption_key_id: &str, after: &str, limit: i64) -> Outcome<Vec<Text>> {
    rows(
        View::Latest,
        select_text!(
            "WHERE text.encryption_key_id <> $1 AND text.key_id > $2 ORDER BY text.key_id LIMIT $3
            FOR NO KEY UPDATE OF text"
        ),
        &[arg(encryption_key_id), arg(after), arg(limit)],
    )
}

/// The text of a key, encrypted anew; hexadecimal.
#[derive(Debug, Serialize)]
pub struct NewText {
    pub key_id: String,
    pub ciphertext: String,
}

/// Replaces encrypted texts by what this data key encrypted.
pub fn replace(encryption_key_id: &str, texts: &[NewText]) -> Outcome<()> {
    run(
        "UPDATE unkey.encrypted_keys AS text SET encryption_key_id = $1, ciphertext = decode(new.ciphertext, 'hex')
        FROM json_to_recordset($2::json) AS new(key_id text, ciphertext text) WHERE text.key_id = new.key_id",
        &[arg(encryption_key_id), arg(serde_json::to_string(texts)?)],
    )
}
