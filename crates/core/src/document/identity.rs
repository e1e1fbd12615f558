//! Change of an identity.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Patch, RatelimitInput, check_ratelimits, not_null, read};
use crate::{Result, validate};

/// Change of an identity: absent keeps.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct IdentityPatch {
    /// Object that replaces the old one entirely; null clears.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::META))]
    pub meta: Patch<Box<RawValue>>,
    /// All limits of the identity; a name that was there keeps its id.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::RATELIMITS))]
    pub ratelimits: Option<Vec<RatelimitInput>>,
}

impl IdentityPatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let patch: Self = read("patch", json)?;
        if let Patch::Set(meta) = &patch.meta {
            validate::identity_meta("patch.meta", meta)?;
        }
        check_ratelimits("patch.ratelimits", patch.ratelimits.as_deref().unwrap_or_default())?;
        Ok(patch)
    }
}

object_only! {
    IdentityPatch: "an object with meta, ratelimits",
}
