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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct CreateRootKey {
    /// What it may do.
    pub permissions: Vec<String>,
    /// For people.
    #[serde(default, deserialize_with = "crate::document::not_null")]
    pub name: Option<String>,
    /// Milliseconds since the Unix epoch; absent or null for never.
    #[serde(default)]
    pub expires: Option<i64>,
}

/// `rootKeys.rerollKey`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct RerollRootKey {
    /// The root key.
    pub key_id: String,
    /// How long the old text lives on, in milliseconds; null leaves its expiry as it is.
    #[serde(deserialize_with = "nullable")]
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
pub struct UpdateRootKey {
    /// The root key.
    pub key_id: String,
    /// What the operation reads as its patch.
    pub patch: String,
}

impl Request for UpdateRootKey {
    fn read(body: &str) -> Result<Self> {
        let (key_id, patch) = split(body, "keyId")?;
        Ok(Self { key_id, patch })
    }
}
