//! `rootKeys.*`.

use serde::Deserialize;

use super::{Request, nullable, read, requests, split};
use crate::Result;

requests! {
    /// `rootKeys.deleteKey`.
    closed RootKeyId {
        /// The root key.
        key_id: String,;
    }
}

/// `rootKeys.createKey`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct CreateRootKey {
    /// What it may do.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::RootPermission>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::GRANTS))]
    pub permissions: Vec<String>,
    /// For people.
    #[serde(default, deserialize_with = "crate::document::not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY_NAME))]
    pub name: Option<String>,
    /// Milliseconds since the Unix epoch; absent or null for never.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TIME))]
    pub expires: Option<i64>,
}

/// `rootKeys.rerollKey`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct RerollRootKey {
    /// The root key.
    pub key_id: String,
    /// How long the old text lives on, in milliseconds; null leaves its expiry as it is.
    #[serde(deserialize_with = "nullable")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::GRACE))]
    #[cfg_attr(feature = "schema", schemars(with = "crate::document::Patch<i64>"))]
    pub expiration: Option<i64>,
}

object_only! {
    CreateRootKey: "an object",
    RerollRootKey: "an object",
}

impl Request for CreateRootKey {
    fn read(body: &str) -> Result<Self> {
        read(body)
    }
}

impl Request for RerollRootKey {
    fn read(body: &str) -> Result<Self> {
        read(body)
    }
}

/// `rootKeys.updateKey`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateRootKey {
    /// The root key.
    pub key_id: String,
    /// What the operation reads as its patch.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::RootKeyPatch"))]
    pub patch: String,
}

impl Request for UpdateRootKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId")?;
        Ok(Self { key_id, patch })
    }
}
