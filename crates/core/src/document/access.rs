//! Changes of permissions and roles.

use serde::Deserialize;

use super::{Patch, not_null, read};
use crate::{Result, validate};

/// Change of a permission: absent keeps.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct PermissionPatch {
    /// New slug; keys and roles that have the permission keep it.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSION_SLUG))]
    pub slug: Option<String>,
    /// New display name.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSION_NAME))]
    pub name: Option<String>,
    /// New description; null clears.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DESCRIPTION))]
    pub description: Patch<String>,
}

impl PermissionPatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let patch: Self = read("patch", json)?;
        if let Some(slug) = &patch.slug {
            validate::permission_slug("patch.slug", slug)?;
        }
        if let Some(name) = &patch.name {
            validate::permission_name("patch.name", name)?;
        }
        if let Patch::Set(description) = &patch.description {
            validate::description("patch.description", description)?;
        }
        Ok(patch)
    }
}

/// Change of a role: absent keeps.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct RolePatch {
    /// New name.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ROLE_NAME))]
    pub name: Option<String>,
    /// New description; null clears.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DESCRIPTION))]
    pub description: Patch<String>,
}

impl RolePatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let patch: Self = read("patch", json)?;
        if let Some(name) = &patch.name {
            validate::role_name("patch.name", name)?;
        }
        if let Patch::Set(description) = &patch.description {
            validate::description("patch.description", description)?;
        }
        Ok(patch)
    }
}

object_only! {
    PermissionPatch: "an object with slug, name, description",
    RolePatch: "an object with name, description",
}
