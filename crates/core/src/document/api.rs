//! Change of an API.

use serde::Deserialize;

use super::{Patch, not_null, read};
use crate::key_format::KeyFormat;
use crate::{Result, network, validate};

/// Change of an API: absent keeps, null clears where a field can be empty.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct ApiPatch {
    /// New name.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::API_NAME))]
    pub name: Option<String>,
    /// Prefix of keys made without one.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DEFAULT_PREFIX))]
    pub default_prefix: Patch<String>,
    /// Random bytes of keys made without a number; null sets 16.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::BYTES))]
    pub default_bytes: Patch<i64>,
    /// Networks from which keys may be verified; null or `[]` for any.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<crate::schema::Network>>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NETWORKS))]
    pub ip_whitelist: Patch<Vec<String>>,
    /// Whether keys verify at all.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub enabled: Option<bool>,
    /// Whether deletion is refused.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub delete_protection: Option<bool>,
    /// Whether keys may be recoverable.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub store_encrypted_keys: Option<bool>,
    /// What the texts of new keys look like.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::KeyFormatName>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub key_format: Option<String>,
}

impl ApiPatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let mut patch: Self = read("patch", json)?;
        if let Some(name) = &patch.name {
            validate::api_name("patch.name", name)?;
        }
        if let Patch::Set(prefix) = &patch.default_prefix {
            validate::default_prefix("patch.defaultPrefix", prefix)?;
        }
        if let Patch::Set(bytes) = patch.default_bytes {
            validate::byte_length("patch.defaultBytes", bytes)?;
        }
        if let Patch::Set(networks) = &mut patch.ip_whitelist {
            *networks = network::normalized("patch.ipWhitelist", networks)?;
        }
        patch.key_format()?;
        Ok(patch)
    }

    /// The format of new keys, if it is to change.
    pub fn key_format(&self) -> Result<Option<KeyFormat>> {
        self.key_format.as_deref().map(|name| KeyFormat::read("patch.keyFormat", name)).transpose()
    }
}

object_only! {
    ApiPatch: "an object of fields to change",
}
