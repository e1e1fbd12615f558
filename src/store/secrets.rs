//! The secret from which key ids are derived: made with the first key, carried along by dumps.

use super::statement::{View, arg, row, run};
use crate::error::Outcome;

/// The secret as hexadecimal text, if it has been made.
pub fn key_id() -> Outcome<Option<String>> {
    row(View::Latest, "SELECT to_json(encode(value, 'hex')) FROM unkey.secrets WHERE name = 'key_id'", &[])
}

/// Stores the secret unless another transaction did so first.
pub fn insert_key_id(secret: &[u8]) -> Outcome<()> {
    run(
        "INSERT INTO unkey.secrets (name, value) VALUES ('key_id', $1) ON CONFLICT (name) DO NOTHING",
        &[arg(secret)],
    )
}
