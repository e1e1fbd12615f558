//! `keys.*`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Request, nullable, read, requests, split};
use crate::credits::Refill;
use crate::document::{DayWithDaily, Patch, RatelimitInput, RefillInput, RefillNames, not_null};
use crate::{Error, Result, validate};

const REFILL: RefillNames = RefillNames {
    interval: "body.credits.refill.interval",
    amount: "body.credits.refill.amount",
    day: "body.credits.refill.refillDay",
};

/// Credits of a new key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct Credits {
    /// Balance; null for unlimited.
    #[serde(deserialize_with = "nullable")]
    pub remaining: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    refill: Option<RefillInput>,
}

impl Credits {
    /// The refill, checked.
    pub fn refill(&self) -> Result<Option<Refill>> {
        self.refill.as_ref().map(|refill| refill.checked(&REFILL, DayWithDaily::Ignored)).transpose()
    }
}

/// Price of a verification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct Cost {
    /// Credits to spend.
    pub cost: i64,
}

object_only! {
    Credits: "an object with remaining, refill",
    Cost: "an object with cost",
}

requests! {
    /// `keys.createKey`.
    closed CreateKey {
        /// The API it shall belong to.
        api_id: String,;
        /// Prefix of its text.
        prefix: String,
        /// For people.
        name: String,
        /// Random bytes.
        byte_length: i64,
        /// Owner, made when missing.
        external_id: String,
        /// Any object.
        meta: Box<RawValue>,
        /// Names or ids; they must exist.
        roles: Vec<String>,
        /// Slugs or ids; missing slugs are made.
        permissions: Vec<String>,
        /// Milliseconds since the Unix epoch.
        expires: i64,
        /// Balance and refill.
        credits: Credits,
        /// Limits of the key.
        ratelimits: Vec<RatelimitInput>,
        /// Default true.
        enabled: bool,
        /// Whether its text is kept, encrypted; default false.
        recoverable: bool,
        /// Networks from which it may be verified.
        ip_whitelist: Vec<String>,
    }

    /// `keys.getKey`.
    closed GetKey {
        /// The key.
        key_id: String,;
        /// Whether to show the text of a recoverable key; default false.
        decrypt: bool,
    }

    /// `keys.whoami`.
    closed Whoami {
        /// Text of the key.
        key: String,;
    }

    /// `keys.deleteKey`.
    closed DeleteKey {
        /// The key.
        key_id: String,;
        /// Removes the row as well; default false.
        permanent: bool,
    }

    /// `keys.rerollKey`.
    open RerollKey {
        /// The key.
        key_id: String,
        /// How long the old text lives on, in milliseconds.
        expiration: i64,;
    }

    /// `keys.addPermissions`, `removePermissions`, `setPermissions`.
    closed ChangePermissions {
        /// The key.
        key_id: String,
        /// Slugs or ids.
        permissions: Vec<String>,;
    }

    /// `keys.addRoles`, `removeRoles`, `setRoles`.
    closed ChangeRoles {
        /// The key.
        key_id: String,
        /// Names or ids.
        roles: Vec<String>,;
    }

    /// `keys.migrateKeys`.
    closed MigrateKeys {
        /// Which import this belongs to.
        migration_id: String,
        /// The API they shall belong to.
        api_id: String,
        /// What [`crate::document::imported_keys`] reads.
        keys: Box<RawValue>,;
    }
}

/// `keys.verifyKey`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct VerifyKey {
    /// Text of the key, 1 to 512 characters.
    pub key: String,
    /// For analytics.
    #[serde(default, deserialize_with = "not_null")]
    pub tags: Option<Vec<String>>,
    /// Query of permissions.
    #[serde(default, deserialize_with = "not_null")]
    pub permissions: Option<String>,
    /// What it costs; default 1.
    #[serde(default, deserialize_with = "not_null")]
    pub credits: Option<Cost>,
    /// What [`crate::document::requested_limits`] reads.
    #[serde(default, deserialize_with = "not_null")]
    pub ratelimits: Option<Box<RawValue>>,
    /// Finishes a key imported with this migration.
    #[serde(default, deserialize_with = "not_null")]
    pub migration_id: Option<String>,
    /// A key of another keyspace is not found; 1 to 5.
    #[serde(default, deserialize_with = "not_null")]
    pub keyspaces: Option<Vec<String>>,
}

object_only! {
    VerifyKey: "an object",
}

impl Request for VerifyKey {
    fn read(body: &str) -> Result<Self> {
        let request: Self = read(body)?;
        validate::length("body.key", &request.key, 1, crate::key::MAX_LENGTH)?;
        if let Some(migration_id) = &request.migration_id {
            validate::length("body.migrationId", migration_id, 0, 256)?;
        }
        if let Some(keyspaces) = &request.keyspaces {
            if keyspaces.is_empty() {
                return Err(Error::invalid("body.keyspaces", "must have 1 to 5 entries, not 0")
                    .hint("Leave keyspaces out to accept a key of any keyspace."));
            }
            validate::count("body.keyspaces", keyspaces.len(), 5)?;
            for (at, keyspace) in keyspaces.iter().enumerate() {
                validate::length(format!("body.keyspaces[{at}]"), keyspace, 1, 100)?;
            }
        }
        Ok(request)
    }
}

/// `keys.updateCredits`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct UpdateCredits {
    /// The key.
    pub key_id: String,
    /// set, increment or decrement.
    pub operation: String,
    /// How much; absent and null differ.
    #[serde(default)]
    pub value: Patch<i64>,
}

object_only! {
    UpdateCredits: "an object",
}

impl Request for UpdateCredits {
    fn read(body: &str) -> Result<Self> {
        read(body)
    }
}

/// `keys.updateKey`.
#[derive(Debug)]
pub struct UpdateKey {
    /// The key.
    pub key_id: String,
    /// What [`crate::document::KeyPatch`] reads.
    pub patch: String,
}

impl Request for UpdateKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId")?;
        Ok(Self { key_id, patch })
    }
}
