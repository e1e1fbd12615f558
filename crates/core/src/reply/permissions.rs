//! `permissions.*`: permissions and roles.

use serde::Serialize;

/// A permission just made.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedPermission {
    /// Its id.
    pub permission_id: String,
}

/// A role just made.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedRole {
    /// Its id.
    pub role_id: String,
}

/// A permission.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Permission"))]
pub struct PermissionReply<'a> {
    /// Its id.
    pub id: &'a str,
    /// For people.
    pub name: &'a str,
    /// What keys are asked for.
    pub slug: &'a str,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

/// A role with its permissions.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Role"))]
pub struct RoleReply<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// What it grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<PermissionReply<'a>>,
}
