//! `identities.*`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Request, requests, split};
use crate::document::{self, IdentityPatch, RatelimitInput, not_null};
use crate::{Result, rule, validate};

requests! {
    /// `identities.createIdentity`.
    open CreateIdentity {
        /// The caller's own id of the owner.
        external_id: String = EXTERNAL_ID,;
        /// Any object.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
        meta: Box<RawValue> = META,
        /// Limits shared by its keys.
        ratelimits: Vec<RatelimitInput> = RATELIMITS,
    } => check_size

    /// `identities.getIdentity`, `identities.deleteIdentity`.
    closed IdentityName {
        /// External id or id.
        identity: String = EXTERNAL_ID,;
    }
}

impl CreateIdentity {
    fn check_size(&self) -> Result<()> {
        self.meta.as_ref().map_or(Ok(()), |meta| validate::identity_meta("meta", meta))
    }
}

/// `identities.updateIdentity`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateIdentity {
    /// External id or id.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::EXTERNAL_ID))]
    pub identity: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: IdentityPatch,
}

/// What Unkey does not let a patch clear.
#[derive(Deserialize)]
struct Kept {
    #[serde(default, rename = "meta", deserialize_with = "not_null")]
    _meta: Option<BTreeMap<String, IgnoredAny>>,
}

impl Request for UpdateIdentity {
    fn read(body: &str) -> Result<Self> {
        let (identity, patch) = split(body, "identity", rule::EXTERNAL_ID)?;
        document::read::<Kept>("body", &patch)?;
        Ok(Self { identity, patch: IdentityPatch::read(&patch)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_is_replaced_or_kept_but_not_cleared() {
        assert!(UpdateIdentity::read(r#"{"identity": "u1", "meta": {}}"#).is_ok());
        assert!(UpdateIdentity::read(r#"{"identity": "u1"}"#).is_ok());
        assert!(UpdateIdentity::read(r#"{"identity": "u1", "meta": null}"#).is_err());
    }
}
