//! Whether there is such a key at all, and if not, what became of it.

use serde_json::json;

use super::{Finding, Step, words};
use crate::error::quoted;
use crate::key::MAX_LENGTH;
use crate::verdict::Code;

/// What a search for a key came to.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The key that was meant, if there is one.
    pub key: Option<Named<'a>>,
    /// Whether a verification finds it.
    pub whereabouts: Whereabouts<'a>,
}

/// A key and its API.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// Its name.
    pub name: Option<&'a str>,
    /// Id of its API.
    pub api_id: &'a str,
}

/// Where a key is. Times in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts<'a> {
    /// Where it is looked for.
    Here,
    /// The text can't be that of a key.
    Unfit,
    /// The text has the layout of a key with a checksum, and another checksum.
    Misspelt,
    /// No key has the text.
    UnknownText,
    /// No key has the id.
    UnknownId,
    /// It was deleted.
    Deleted(i64),
    /// It is no longer there, though the snapshot of the transaction still has it.
    Gone,
    /// Its API was deleted.
    ApiDeleted(i64),
    /// It belongs to another API than this, in which it is looked for.
    OtherApi(&'a str),
    /// This migration brought it in, and is still to see its whole text.
    Pending(&'a str),
}

pub(super) fn found(found: &Found) -> Finding {
    let message = message(found);
    let finding =
        Finding::new(Step::Found, message).refused_if(found.whereabouts != Whereabouts::Here, Code::NotFound);
    match found.key {
        Some(key) => finding.details(details(&key, found.whereabouts)),
        None => finding,
    }
}

fn message(found: &Found) -> String {
    let owner = found.key.map_or_else(String::new, |key| format!("key {} of API {}", key.key_id, key.api_id));
    match found.whereabouts {
        Whereabouts::Here => format!("It is {owner}."),
        Whereabouts::Misspelt => {
            "The text has the layout of a key with a checksum, but not the checksum: a character is wrong, or it was made up.".to_owned()
        }
        Whereabouts::Unfit => format!("The text can't be a key's, which has 1 to {MAX_LENGTH} characters."),
        Whereabouts::UnknownText => "No key has this text.".to_owned(),
        Whereabouts::UnknownId => {
            "No key has this id; of one deleted for good the audit log may tell.".to_owned()
        }
        Whereabouts::Deleted(at) => format!("It is {owner}, which was deleted at {}.", words::instant(at)),
        Whereabouts::Gone => format!("It is {owner}, which was deleted since this transaction began."),
        Whereabouts::ApiDeleted(at) => {
            format!("It is {owner}, and that API was deleted at {}.", words::instant(at))
        }
        Whereabouts::OtherApi(asked) => format!("It is {owner}, not of API {}.", quoted(asked)),
        Whereabouts::Pending(migration_id) => format!(
            "It is {owner}, whose import is not finished: the first verification of its whole text with migration_id {} does that.",
            quoted(migration_id)
        ),
    }
}

fn details(key: &Named, whereabouts: Whereabouts) -> serde_json::Value {
    let mut details = json!({"keyId": key.key_id, "name": key.name, "apiId": key.api_id});
    match whereabouts {
        Whereabouts::Deleted(at) => details["deletedAt"] = at.into(),
        Whereabouts::ApiDeleted(at) => details["apiDeletedAt"] = at.into(),
        Whereabouts::Pending(migration_id) => details["migrationId"] = migration_id.into(),
        _ => {}
    }
    details
}
