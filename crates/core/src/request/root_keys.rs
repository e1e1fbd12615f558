//! `rootKeys.*`.

use serde::Deserialize;

use super::{Request, nullable, read, requests, split};
use crate::document::RootKeyPatch;
use crate::root_permission::Grants;
use crate::{Result, rule, validate};

requests! {
    /// `rootKeys.deleteKey`.
    closed RootKeyId {
        /// The root key.
        key_id: String = ID,;
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
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ID))]
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
        let request: Self = read(body)?;
        Grants::read("permissions", &request.permissions)?;
        request.name.as_deref().map_or(Ok(()), |name| validate::key_name("name", name))?;
        request.expires.map_or(Ok(()), |expires| validate::time("expires", expires))?;
        Ok(request)
    }
}

impl Request for RerollRootKey {
    fn read(body: &str) -> Result<Self> {
        let request: Self = read(body)?;
        rule::ID.check("body.keyId", &request.key_id)?;
        request.expiration.map_or(Ok(()), |expiration| rule::GRACE.check("body.expiration", expiration))?;
        Ok(request)
    }
}

/// `rootKeys.updateKey`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateRootKey {
    /// The root key.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ID))]
    pub key_id: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: RootKeyPatch,
}

impl Request for UpdateRootKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId", rule::ID)?;
        Ok(Self { key_id, patch: RootKeyPatch::read(&patch)? })
    }
}
