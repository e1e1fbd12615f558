//! `permissions.*`.

use super::{Request, requests, split};
use crate::Result;

requests! {
    /// `permissions.createPermission`.
    closed CreatePermission {
        /// For people.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSION_NAME))]
        name: String,
        /// What keys are asked for.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSION_SLUG))]
        slug: String,;
        /// For people.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DESCRIPTION))]
        description: String,
    }

    /// `permissions.getPermission`, `permissions.deletePermission`.
    closed PermissionName {
        /// Slug or id.
        permission: String,;
    }

    /// `permissions.createRole`.
    closed CreateRole {
        /// Its name.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::ROLE_NAME))]
        name: String,;
        /// For people.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DESCRIPTION))]
        description: String,
        /// Slugs it grants.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSIONS))]
        permissions: Vec<String>,
    }

    /// `permissions.getRole`, `permissions.deleteRole`.
    closed RoleName {
        /// Name or id.
        role: String,;
    }

    /// `permissions.setRolePermissions`.
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::role_by_either_name))]
    closed SetRolePermissions {
        /// Name or id. Newer clients call it `role`.
        #[serde(alias = "role")]
        role_id: String,
        /// Slugs it shall grant.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PERMISSIONS))]
        permissions: Vec<String>,;
    }
}

/// `permissions.updatePermission`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdatePermission {
    /// Slug or id.
    pub permission: String,
    /// What [`crate::document::PermissionPatch`] reads.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::PermissionPatch"))]
    pub patch: String,
}

impl Request for UpdatePermission {
    fn read(body: &str) -> Result<Self> {
        let (permission, patch) = split(body, "permission")?;
        Ok(Self { permission, patch })
    }
}

/// `permissions.updateRole`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateRole {
    /// Name or id.
    pub role: String,
    /// What [`crate::document::RolePatch`] reads.
    #[cfg_attr(feature = "schema", schemars(flatten, with = "crate::document::RolePatch"))]
    pub patch: String,
}

impl Request for UpdateRole {
    fn read(body: &str) -> Result<Self> {
        let (role, patch) = split(body, "role")?;
        Ok(Self { role, patch })
    }
}
