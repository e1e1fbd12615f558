//! Change of a root key.

use serde::Deserialize;

use super::{Patch, not_null, read};
use crate::root_permission::Grants;
use crate::{Result, validate};

/// Change of a root key: absent keeps, null clears where a field can be empty.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct RootKeyPatch {
    /// Display name.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::KEY_NAME))]
    pub name: Patch<String>,
    /// All permissions from now on.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::RootPermission>"))]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::GRANTS))]
    permissions: Option<Vec<String>>,
    /// Milliseconds since the Unix epoch.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::TIME))]
    pub expires: Patch<i64>,
    /// Whether the root key authenticates at all.
    #[serde(deserialize_with = "not_null")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::never_null))]
    pub enabled: Option<bool>,
}

impl RootKeyPatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let patch: Self = read("patch", json)?;
        if let Patch::Set(name) = &patch.name {
            validate::key_name("patch.name", name)?;
        }
        if let Patch::Set(expires) = patch.expires {
            validate::time("patch.expires", expires)?;
        }
        patch.permissions()?;
        Ok(patch)
    }

    /// All permissions from now on; `None` to keep.
    pub fn permissions(&self) -> Result<Option<Grants>> {
        self.permissions.as_deref().map(|list| Grants::read("patch.permissions", list)).transpose()
    }
}

object_only! {
    RootKeyPatch: "an object with name, permissions, expires, enabled",
}
