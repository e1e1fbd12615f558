//! `apis.*`.

use super::{Request, requests, split};
use crate::Result;

requests! {
    /// `apis.createApi`.
    closed CreateApi {
        /// Its name.
        name: String,;
        /// Networks from which its keys may be verified.
        ip_whitelist: Vec<String>,
        /// Prefix of keys made without one.
        default_prefix: String,
        /// Random bytes of keys made without a number.
        default_bytes: i64,
        /// Whether deletion is refused; default false.
        delete_protection: bool,
        /// Whether its keys may be recoverable; default false.
        store_encrypted_keys: bool,
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
        limit: i64,
        /// Where the page before ended.
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
pub struct UpdateApi {
    /// The API.
    pub api_id: String,
    /// What [`crate::document::ApiPatch`] reads.
    pub patch: String,
}

impl Request for UpdateApi {
    fn read(body: &str) -> Result<Self> {
        let (api_id, patch) = split(body, "apiId")?;
        Ok(Self { api_id, patch })
    }
}
