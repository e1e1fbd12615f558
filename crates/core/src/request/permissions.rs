//! `permissions.*`.

use super::{Request, requests, split};
use crate::document::{PermissionPatch, RolePatch};
use crate::{Result, rule};

requests! {
    /// `permissions.createPermission`.
    closed CreatePermission {
        /// For people.
        name: String = PERMISSION_NAME,
        /// What keys are asked for.
        slug: String = PERMISSION_SLUG,;
        /// For people.
        description: String = DESCRIPTION,
    }

    /// `permissions.getPermission`, `permissions.deletePermission`.
    closed PermissionName {
        /// Slug or id.
        permission: String = REFERENCE,;
    }

    /// `permissions.createRole`.
    closed CreateRole {
        /// Its name.
        name: String = ROLE_NAME,;
        /// For people.
        description: String = DESCRIPTION,
        /// Slugs it grants.
        permissions: Vec<String> = PERMISSIONS,
    }

    /// `permissions.getRole`, `permissions.deleteRole`.
    closed RoleName {
        /// Name or id.
        role: String = REFERENCE,;
    }

    /// `permissions.setRolePermissions`.
    #[cfg_attr(feature = "schema", schemars(transform = crate::schema::role_by_either_name))]
    closed SetRolePermissions {
        /// Name or id. Newer clients call it `role`.
        #[serde(alias = "role")]
        role_id: String = REFERENCE,
        /// Slugs it shall grant.
        permissions: Vec<String> = PERMISSIONS,;
    }
}

/// `permissions.updatePermission`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdatePermission {
    /// Slug or id.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::REFERENCE))]
    pub permission: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: PermissionPatch,
}

impl Request for UpdatePermission {
    fn read(body: &str) -> Result<Self> {
        let (permission, patch) = split(body, "permission", rule::REFERENCE)?;
        Ok(Self { permission, patch: PermissionPatch::read(&patch)? })
    }
}

/// `permissions.updateRole`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct UpdateRole {
    /// Name or id.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::REFERENCE))]
    pub role: String,
    /// The change.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub patch: RolePatch,
}

impl Request for UpdateRole {
    fn read(body: &str) -> Result<Self> {
        let (role, patch) = split(body, "role", rule::REFERENCE)?;
        Ok(Self { role, patch: RolePatch::read(&patch)? })
    }
}
