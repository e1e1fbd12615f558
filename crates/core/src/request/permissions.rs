//! `permissions.*`.

use super::{Request, requests, split};
use crate::Result;

requests! {
    /// `permissions.createPermission`.
    closed CreatePermission {
        /// For people.
        name: String,
        /// What keys are asked for.
        slug: String,;
        /// For people.
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
        name: String,;
        /// For people.
        description: String,
        /// Slugs it grants.
        permissions: Vec<String>,
    }

    /// `permissions.getRole`, `permissions.deleteRole`.
    closed RoleName {
        /// Name or id.
        role: String,;
    }

    /// `permissions.setRolePermissions`.
    closed SetRolePermissions {
        /// Name or id. Newer clients call it `role`.
        #[serde(alias = "role")]
        role_id: String,
        /// Slugs it shall grant.
        permissions: Vec<String>,;
    }
}

/// `permissions.updatePermission`.
#[derive(Debug)]
pub struct UpdatePermission {
    /// Slug or id.
    pub permission: String,
    /// What [`crate::document::PermissionPatch`] reads.
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
pub struct UpdateRole {
    /// Name or id.
    pub role: String,
    /// What [`crate::document::RolePatch`] reads.
    pub patch: String,
}

impl Request for UpdateRole {
    fn read(body: &str) -> Result<Self> {
        let (role, patch) = split(body, "role")?;
        Ok(Self { role, patch })
    }
}
