//! `rootKeys.*`.

use serde::Serialize;

use crate::root_permission::Grants;

/// A root key as Unkey shows it: here alone, name and expiry are null and not left out when there is none.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RootKey"))]
#[serde(rename_all = "camelCase")]
pub struct RootKeyReply<'a> {
    /// Its id.
    pub key_id: &'a str,
    /// For people.
    pub name: Option<&'a str>,
    /// Visible beginning of its text.
    pub start: &'a str,
    /// Visible end of its text: never kept, so always empty.
    pub end: &'static str,
    /// Whether it authenticates at all.
    pub enabled: bool,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Never recorded: always 0.
    pub last_used_at: i64,
    /// Milliseconds since the Unix epoch; null for never.
    pub expires: Option<i64>,
    /// What it may do.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub permissions: &'a Grants,
}
