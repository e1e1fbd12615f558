//! `apis.*`.

use serde::Serialize;

use crate::key_format::KeyFormat;

/// An API just made.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedApi {
    /// Its id.
    pub api_id: String,
}

/// An API. Beyond `id` and `name`, which is all that Unkey shows, what can be set here.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Api"))]
#[serde(rename_all = "camelCase")]
pub struct ApiReply<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What `keyspaces` of a verification names.
    pub keyspace_id: &'a str,
    /// Whether its keys verify at all.
    pub enabled: bool,
    /// Prefix of keys made without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_prefix: Option<&'a str>,
    /// Random bytes of keys made without a number.
    pub default_bytes: usize,
    /// Networks from which its keys may be verified; absent for any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ip_whitelist: &'a [String],
    /// Whether deletion is refused.
    pub delete_protection: bool,
    /// Whether its keys may be recoverable.
    pub store_encrypted_keys: bool,
    /// What the texts of new keys look like.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KeyFormatName"))]
    pub key_format: KeyFormat,
}
