//! `keys.*`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Request, nullable, read, requests, split};
use crate::credits::{Operation, Refill};
use crate::document::{
    DayWithDaily, KeyPatch, Patch, RatelimitInput, RefillInput, RefillNames, check_credits, not_null,
};
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

impl CreateKey {
    fn check_credits(&self) -> Result<()> {
        let Some(credits) = &self.credits else { return Ok(()) };
        check_credits("credits", credits.remaining, credits.refill()?.as_ref())
    }
}

object_only! {
    Credits: "an object with remaining, refill",
    Cost: "an object with cost",
}

requests! {
    /// `keys.createKey`.
    closed CreateKey {
        /// The API it shall belong to.
        api_id: String = ID,;
        /// Prefix of its text.
        prefix: String = PREFIX,
        /// For people.
        name: String = KEY_NAME,
        /// Random bytes.
        byte_length: i64 = BYTES,
        /// Owner, made when missing.
        external_id: String = EXTERNAL_ID,
        /// Any object.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
        meta: Box<RawValue> = META,
        /// Names or ids; they must exist.
        roles: Vec<String> = ROLES,
        /// Slugs or ids; missing slugs are made.
        permissions: Vec<String> = NEW_KEY_PERMISSIONS,
        /// Milliseconds since the Unix epoch.
        expires: i64 = TIME,
        /// Balance and refill.
        credits: Credits,
        /// Limits of the key.
        ratelimits: Vec<RatelimitInput> = RATELIMITS,
        /// Default true.
        enabled: bool,
        /// Whether its text is kept, encrypted; default false.
        recoverable: bool,
        /// Networks from which it may be verified.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Network>"))]
        ip_whitelist: Vec<String> = NETWORKS,
    } => check_credits

    /// `keys.getKey`.
    closed GetKey {
        /// The key.
        key_id: String = ID,;
        /// Whether to show the text of a recoverable key; default false.
        decrypt: bool,
    }

    /// `keys.whoami`.
    closed Whoami {
        /// Text of the key.
        key: String = KEY,;
    }

    /// `keys.deleteKey`.
    closed DeleteKey {
        /// The key.
        key_id: String = ID,;
        /// Removes the row as well; default false.
        permanent: bool,
    }

    /// `keys.rerollKey`.
    open RerollKey {
        /// The key.
        key_id: String = ID,
        /// How long the old text lives on, in milliseconds.
        expiration: i64 = GRACE,;
    }

    /// `keys.addPermissions`, `removePermissions`, `setPermissions`.
    closed ChangePermissions {
        /// The key.
        key_id: String = ID,
        /// Slugs or ids.
        permissions: Vec<String> = PERMISSIONS,;
    }

    /// `keys.addRoles`, `removeRoles`, `setRoles`.
    closed ChangeRoles {
        /// The key.
        key_id: String = ID,
        /// Names or ids.
        roles: Vec<String> = ROLES,;
    }

    /// `keys.migrateKeys`.
    closed MigrateKeys {
        /// Which import this belongs to.
        migration_id: String = MIGRATION_ID,
        /// The API they shall belong to.
        api_id: String = ID,
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
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ID))]
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
        let request: Self = read(body)?;
        rule::ID.check("body.keyId", &request.key_id)?;
        request.change()?;
        Ok(request)
    }
}

impl UpdateCredits {
    /// What to do with the balance.
    pub fn change(&self) -> Result<Operation> {
        Operation::read(&self.operation, self.value.clone().change())
    }
}

/// `keys.updateKey`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateKey {
    /// The key.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ID))]
    pub key_id: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: KeyPatch,
}

impl Request for UpdateKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId", rule::ID)?;
        Ok(Self { key_id, patch: KeyPatch::read(&patch)? })
    }
}
