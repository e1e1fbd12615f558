//! `keys.*`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Request, nullable, read, requests, split};
use crate::credits::Refill;
use crate::document::{DayWithDaily, Patch, RatelimitInput, RefillInput, RefillNames, not_null};
use crate::{Error, Result, rule};

const REFILL: RefillNames = RefillNames {
    interval: "body.credits.refill.interval",
    amount: "body.credits.refill.amount",
    day: "body.credits.refill.refillDay",
};

/// Credits of a new key.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeyCreditsRequest", transform = crate::schema::refill_needs_a_balance))]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct Credits {
    /// Balance; null for unlimited.
    #[serde(deserialize_with = "nullable")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    #[cfg_attr(feature = "schema", schemars(with = "crate::document::Patch<i64>"))]
    pub remaining: Option<i64>,
    /// How credits come back.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeysVerifyKeyCredits"))]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct Cost {
    /// Credits to spend.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COST))]
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
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PREFIX))]
        prefix: String,
        /// For people.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY_NAME))]
        name: String,
        /// Random bytes.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::BYTES))]
        byte_length: i64,
        /// Owner, made when missing.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::EXTERNAL_ID))]
        external_id: String,
        /// Any object.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::META))]
        meta: Box<RawValue>,
        /// Names or ids; they must exist.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ROLES))]
        roles: Vec<String>,
        /// Slugs or ids; missing slugs are made.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NEW_KEY_PERMISSIONS))]
        permissions: Vec<String>,
        /// Milliseconds since the Unix epoch.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TIME))]
        expires: i64,
        /// Balance and refill.
        credits: Credits,
        /// Limits of the key.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::RATELIMITS))]
        ratelimits: Vec<RatelimitInput>,
        /// Default true.
        enabled: bool,
        /// Whether its text is kept, encrypted; default false.
        recoverable: bool,
        /// Networks from which it may be verified.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Network>"))]
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NETWORKS))]
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
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY))]
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
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::GRACE))]
        expiration: i64,;
    }

    /// `keys.addPermissions`, `removePermissions`, `setPermissions`.
    closed ChangePermissions {
        /// The key.
        key_id: String,
        /// Slugs or ids.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSIONS))]
        permissions: Vec<String>,;
    }

    /// `keys.addRoles`, `removeRoles`, `setRoles`.
    closed ChangeRoles {
        /// The key.
        key_id: String,
        /// Names or ids.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ROLES))]
        roles: Vec<String>,;
    }

    /// `keys.migrateKeys`.
    closed MigrateKeys {
        /// Which import this belongs to.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::MIGRATION_ID))]
        migration_id: String,
        /// The API they shall belong to.
        api_id: String,
        /// The keys, known by their hashes.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::document::ImportedKey>"))]
        keys: Box<RawValue>,;
    }
}

/// `keys.verifyKey`.
// Holds a key, so it has no `Debug`.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct VerifyKey {
    /// Text of the key, 1 to 512 characters.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY))]
    pub key: String,
    /// For analytics.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TAGS))]
    pub tags: Option<Vec<String>>,
    /// Query of permissions.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::PermissionQuery"))]
    pub permissions: Option<String>,
    /// What it costs; default 1.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub credits: Option<Cost>,
    /// Stored limits to count, by name, and ad-hoc ones.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::document::RequestedLimit>"))]
    pub ratelimits: Option<Box<RawValue>>,
    /// Finishes a key imported with this migration.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::MIGRATION))]
    pub migration_id: Option<String>,
    /// A key of another keyspace is not found; 1 to 5.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEYSPACES))]
    pub keyspaces: Option<Vec<String>>,
}

object_only! {
    VerifyKey: "an object",
}

impl Request for VerifyKey {
    fn read(body: &str) -> Result<Self> {
        let request: Self = read(body)?;
        rule::KEY.check("body.key", &request.key)?;
        if let Some(migration_id) = &request.migration_id {
            rule::MIGRATION.check("body.migrationId", migration_id)?;
        }
        if let Some(keyspaces) = &request.keyspaces {
            if keyspaces.is_empty() {
                return Err(Error::invalid("body.keyspaces", "must have 1 to 5 entries, not 0")
                    .hint("Leave keyspaces out to accept a key of any keyspace."));
            }
            rule::KEYSPACES.check("body.keyspaces", keyspaces)?;
        }
        Ok(request)
    }
}

/// `keys.updateCredits`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = crate::schema::change_needs_a_value))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct UpdateCredits {
    /// The key.
    pub key_id: String,
    /// set, increment or decrement.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::CreditsOperation"))]
    pub operation: String,
    /// How much; absent and null differ.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateKey {
    /// The key.
    pub key_id: String,
    /// What [`crate::document::KeyPatch`] reads.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::KeyPatch"))]
    pub patch: String,
}

impl Request for UpdateKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId")?;
        Ok(Self { key_id, patch })
    }
}
