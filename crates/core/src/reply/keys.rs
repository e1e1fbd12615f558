//! `keys.*`, and the keys of `apis.listKeys`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::IdentityReply;
use crate::limits::{LimitState, StoredLimit};

/// A key or root key just made.
// Holds its text, so it has no `Debug`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey<'a> {
    /// Its id.
    pub key_id: &'a str,
    /// Its text, shown this once.
    pub key: &'a str,
}

/// The answer of a verification.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Verification"))]
#[serde(rename_all = "camelCase")]
pub struct VerificationReply<'a> {
    /// Whether the key may do what was asked.
    pub valid: bool,
    /// Why, or why not.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::VerdictCode"))]
    pub code: &'static str,
    /// About the key; absent for `NOT_FOUND`.
    #[serde(flatten)]
    pub found: Option<FoundReply<'a>>,
}

/// What a verification tells about a key that exists.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "VerifiedKey"))]
#[serde(rename_all = "camelCase")]
pub struct FoundReply<'a> {
    /// Id of the key.
    pub key_id: &'a str,
    /// Keyspace of its API.
    pub keyspace_id: &'a str,
    /// Whether the key is enabled.
    pub enabled: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Object>"))]
    pub meta: Option<&'a RawValue>,
    /// Milliseconds since the Unix epoch; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Balance afterwards; absent for unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<i64>,
    /// Slugs that it holds, by itself and through roles.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub permissions: &'a [String],
    /// Names of its roles.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub roles: &'a [String],
    /// Its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityReply<'a>>,
    /// State of the limits that were looked at.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ratelimits: &'a [LimitState],
}

/// A key as `getKey`, `whoami` and `listKeys` show it.
// May hold its text, so it has no `Debug`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeyResponseData"))]
#[serde(rename_all = "camelCase")]
pub struct KeyReply<'a> {
    /// Its id.
    pub key_id: &'a str,
    /// Visible beginning of its text.
    pub start: &'a str,
    /// Whether it verifies at all.
    pub enabled: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Object>"))]
    pub meta: Option<&'a RawValue>,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
    /// Milliseconds since the Unix epoch; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Slugs that it holds, by itself and through roles.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub permissions: &'a [String],
    /// Names of its roles.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub roles: &'a [String],
    /// Balance and refill; absent for unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<CreditsReply>,
    /// Its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityReply<'a>>,
    /// Its own limits.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ratelimits: &'a [StoredLimit],
    /// Networks from which it may be verified; absent for any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ip_whitelist: &'a [String],
    /// Its text, if it is recoverable and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<String>,
}

/// Balance and refill.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeyCreditsData"))]
pub struct CreditsReply {
    /// Balance; null for unlimited.
    pub remaining: Option<i64>,
    /// How credits come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill: Option<RefillReply>,
}

/// How credits come back.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeyCreditsRefill"))]
#[serde(rename_all = "camelCase")]
pub struct RefillReply {
    /// How often.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Interval"))]
    pub interval: &'static str,
    /// What a lower balance is set to.
    pub amount: i64,
    /// Day of the month, of a monthly refill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill_day: Option<u8>,
}

/// What became of an import.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Migrated"))]
pub struct MigratedReply {
    /// Keys imported, in the order given.
    pub migrated: Vec<ImportedReply>,
    /// Hashes that existed already, as they were written.
    pub failed: Vec<String>,
}

/// One imported key.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MigratedKey"))]
#[serde(rename_all = "camelCase")]
pub struct ImportedReply {
    /// Its hash as it was written.
    pub hash: String,
    /// Its id.
    pub key_id: String,
}
