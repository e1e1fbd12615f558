//! `identities.*`, and the owner that a key shows.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::limits::StoredLimit;

/// An identity just made.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedIdentity {
    /// Its id.
    pub identity_id: String,
}

/// An identity.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Identity"))]
#[serde(rename_all = "camelCase")]
pub struct IdentityReply<'a> {
    /// Its id.
    pub id: &'a str,
    /// The caller's own id of the owner.
    pub external_id: &'a str,
    /// Any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Object>"))]
    pub meta: Option<&'a RawValue>,
    /// Limits shared by its keys; with a key, those that no limit of the key shadows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratelimits: Vec<&'a StoredLimit>,
}
