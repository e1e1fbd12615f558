//! `apis.*`.

use super::{Request, requests, split};
use crate::document::ApiPatch;
use crate::key_format::KeyFormat;
use crate::{Result, rule};

requests! {
    /// `apis.createApi`.
    closed CreateApi {
        /// Its name.
        name: String = API_NAME,;
        /// Networks from which its keys may be verified.
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Network>"))]
        ip_whitelist: Vec<String> = NETWORKS,
        /// Prefix of keys made without one.
        default_prefix: String = DEFAULT_PREFIX,
        /// Random bytes of keys made without a number.
        default_bytes: i64 = BYTES,
        /// Whether deletion is refused; default false.
        delete_protection: bool,
        /// Whether its keys may be recoverable; default false.
        store_encrypted_keys: bool,
        /// What the texts of its keys look like; default plain.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KeyFormatName"))]
        key_format: String,
    } => check_format

    /// `apis.getApi`, `apis.deleteApi`.
    closed ApiId {
        /// The API.
        api_id: String = ID,;
    }

    /// `apis.listKeys`.
    closed ListKeys {
        /// The API.
        api_id: String = ID,;
        /// Rows, 1 to 100; default 100.
        limit: i64 = PAGE,
        /// Where the page before ended.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::KeyCursor"))]
        cursor: String,
        /// Only keys of this owner.
        external_id: String = EXTERNAL_ID,
        /// Whether to show the texts of recoverable keys; default false.
        decrypt: bool,
        /// Accepted and without effect: nothing is stale here.
        revalidate_keys_cache: bool,
    }
}

impl CreateApi {
    fn check_format(&self) -> Result<()> {
        self.key_format.as_deref().map_or(Ok(()), |name| KeyFormat::read("key_format", name).map(drop))
    }
}

/// `apis.updateApi`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateApi {
    /// The API.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ID))]
    pub api_id: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: ApiPatch,
}

impl Request for UpdateApi {
    fn read(body: &str) -> Result<Self> {
        let (api_id, patch) = split(body, "apiId", rule::ID)?;
        Ok(Self { api_id, patch: ApiPatch::read(&patch)? })
    }
}
