//! `identities.*`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Request, requests, split};
use crate::Result;
use crate::document::{self, RatelimitInput, not_null};

requests! {
    /// `identities.createIdentity`.
    open CreateIdentity {
        /// The caller's own id of the owner.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::EXTERNAL_ID))]
        external_id: String,;
        /// Any object.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::META))]
        meta: Box<RawValue>,
        /// Limits shared by its keys.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::RATELIMITS))]
        ratelimits: Vec<RatelimitInput>,
    }

    /// `identities.getIdentity`, `identities.deleteIdentity`.
    closed IdentityName {
        /// External id or id.
        identity: String,;
    }
}

/// `identities.updateIdentity`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateIdentity {
    /// External id or id.
    pub identity: String,
    /// What the operation reads as its patch.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::IdentityPatch"))]
    pub patch: String,
}

/// What Unkey does not let a patch clear.
#[derive(Deserialize)]
struct Kept {
    #[serde(default, rename = "meta", deserialize_with = "not_null")]
    _meta: Option<BTreeMap<String, IgnoredAny>>,
}

impl Request for UpdateIdentity {
    fn read(body: &str) -> Result<Self> {
        let (identity, patch) = split(body, "identity")?;
        document::read::<Kept>("body", &patch)?;
        Ok(Self { identity, patch })
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
