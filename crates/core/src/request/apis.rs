//! `apis.*`.

use super::{Request, requests, split};
use crate::Result;

requests! {
    /// `apis.createApi`.
    closed CreateApi {
        /// Its name.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::API_NAME))]
        name: String,;
        /// Networks from which its keys may be verified.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Network>"))]
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NETWORKS))]
        ip_whitelist: Vec<String>,
        /// Prefix of keys made without one.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DEFAULT_PREFIX))]
        default_prefix: String,
        /// Random bytes of keys made without a number.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::BYTES))]
        default_bytes: i64,
        /// Whether deletion is refused; default false.
        delete_protection: bool,
        /// Whether its keys may be recoverable; default false.
        store_encrypted_keys: bool,
        /// What the texts of its keys look like; default plain.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KeyFormatName"))]
        key_format: String,
    }

    /// `apis.getApi`, `apis.deleteApi`.
    closed ApiId {
        /// The API.
        api_id: String,;
    }

    /// `apis.listKeys`.
    closed ListKeys {
        /// The API.
        api_id: String,;
        /// Rows, 1 to 100; default 100.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PAGE))]
        limit: i64,
        /// Where the page before ended.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KeyCursor"))]
        cursor: String,
        /// Only keys of this owner.
        external_id: String,
        /// Whether to show the texts of recoverable keys; default false.
        decrypt: bool,
        /// Accepted and without effect: nothing is stale here.
        revalidate_keys_cache: bool,
    }
}

/// `apis.updateApi`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateApi {
    /// The API.
    pub api_id: String,
    /// What [`crate::document::ApiPatch`] reads.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::ApiPatch"))]
    pub patch: String,
}

impl Request for UpdateApi {
    fn read(body: &str) -> Result<Self> {
        let (api_id, patch) = split(body, "apiId")?;
        Ok(Self { api_id, patch })
    }
}
