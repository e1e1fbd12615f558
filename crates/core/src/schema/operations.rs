//! Every operation of the v2 dialect: what it does, takes, answers, and by which statuses it refuses.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{Describe, Object, inline, referred};
use crate::reply::{
    ApiReply, CreatedApi, CreatedIdentity, CreatedKey, CreatedPermission, CreatedRole, CreditsReply, Empty,
    IdentityReply, KeyReply, LimitReply, MigratedReply, MultiLimitReply, OverrideId, OverrideReply,
    PermissionReply, RoleReply, RootKeyReply, VerificationReply,
};
use crate::request::{
    ApiId, ChangePermissions, ChangeRoles, CreateApi, CreateIdentity, CreateKey, CreatePermission,
    CreateRole, CreateRootKey, DeleteKey, GetKey, IdentityName, Limit, List, ListKeys, ListOverrides,
    MigrateKeys, MultiLimit, OverrideName, PermissionName, Query, RerollKey, RerollRootKey, RoleName,
    RootKeyId, Search, SetOverride, SetRolePermissions, UpdateApi, UpdateCredits, UpdateIdentity, UpdateKey,
    UpdatePermission, UpdateRole, UpdateRootKey, VerifyKey, Whoami,
};

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Such as `keys.verifyKey`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its body.
    pub request: Describe,
    /// Its answer.
    pub answer: Answer,
    /// Statuses of refusals, beside those of [`EVERYWHERE`].
    pub refusals: &'static [u16],
}

/// What stands in a reply beside `meta`.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// `data`.
    Data(Describe),
    /// `data`, an array of these, and `pagination`.
    Page(Describe),
    /// Nothing.
    Nothing,
}

/// Statuses by which any operation can refuse.
pub const EVERYWHERE: [u16; 8] = [400, 401, 403, 408, 413, 429, 500, 503];

/// All operations, in the order in which a reader meets them.
pub const OPERATIONS: [Operation; 50] = [
    one::<VerifyKey, VerificationReply>(
        "keys.verifyKey",
        "Verify a key; an invalid one is an answer too",
        &[412],
    ),
    one::<CreateKey, CreatedKey>("keys.createKey", "Make a key; its text is shown this once", &[404, 412]),
    one::<GetKey, KeyReply>("keys.getKey", "Show a key", &[404, 412]),
    one::<Whoami, KeyReply>("keys.whoami", "Show a key by its text", &[404]),
    one::<UpdateKey, Empty>("keys.updateKey", "Change a key: absent keeps, null clears", &[404]),
    one::<DeleteKey, Empty>("keys.deleteKey", "Delete a key", &[404]),
    one::<RerollKey, CreatedKey>("keys.rerollKey", "Make a key like this one, which then ends", &[404, 412]),
    one::<UpdateCredits, CreditsReply>("keys.updateCredits", "Change the balance of a key", &[404]),
    some::<ChangePermissions, Vec<PermissionReply>>("keys.addPermissions", "Give a key permissions", &[404]),
    some::<ChangePermissions, Vec<PermissionReply>>(
        "keys.removePermissions",
        "Take permissions from a key",
        &[404],
    ),
    one::<ChangePermissions, Vec<PermissionReply>>(
        "keys.setPermissions",
        "Give a key exactly these permissions",
        &[404],
    ),
    some::<ChangeRoles, Vec<RoleReply>>("keys.addRoles", "Give a key roles", &[404]),
    some::<ChangeRoles, Vec<RoleReply>>("keys.removeRoles", "Take roles from a key", &[404]),
    one::<ChangeRoles, Vec<RoleReply>>("keys.setRoles", "Give a key exactly these roles", &[404]),
    one::<MigrateKeys, MigratedReply>("keys.migrateKeys", "Import keys by their hashes", &[404]),
    one::<CreateApi, CreatedApi>("apis.createApi", "Make an API", &[]),
    one::<ApiId, ApiReply>("apis.getApi", "Show an API", &[404]),
    page::<List, ApiReply>("apis.listApis", "List APIs", &[]),
    page::<ListKeys, KeyReply>("apis.listKeys", "List the keys of an API", &[404, 412]),
    one::<UpdateApi, Empty>("apis.updateApi", "Change an API: absent keeps, null clears", &[404]),
    one::<ApiId, Empty>("apis.deleteApi", "Delete an API; its keys are not found any more", &[404, 412]),
    one::<CreateIdentity, CreatedIdentity>("identities.createIdentity", "Make an identity", &[409]),
    one::<IdentityName, IdentityReply>("identities.getIdentity", "Show an identity", &[404]),
    page::<Search, IdentityReply>("identities.listIdentities", "List identities", &[]),
    one::<UpdateIdentity, IdentityReply>(
        "identities.updateIdentity",
        "Change an identity: absent keeps",
        &[404],
    ),
    nothing::<IdentityName>(
        "identities.deleteIdentity",
        "Delete an identity; its keys go on without",
        &[404],
    ),
    one::<CreatePermission, CreatedPermission>("permissions.createPermission", "Make a permission", &[409]),
    one::<PermissionName, PermissionReply>("permissions.getPermission", "Show a permission", &[404]),
    page::<Search, PermissionReply>("permissions.listPermissions", "List permissions", &[]),
    one::<UpdatePermission, PermissionReply>(
        "permissions.updatePermission",
        "Change a permission",
        &[404, 409],
    ),
    one::<PermissionName, Empty>("permissions.deletePermission", "Delete a permission everywhere", &[404]),
    one::<CreateRole, CreatedRole>("permissions.createRole", "Make a role", &[409]),
    one::<RoleName, RoleReply>("permissions.getRole", "Show a role", &[404]),
    page::<Search, RoleReply>("permissions.listRoles", "List roles", &[]),
    one::<UpdateRole, RoleReply>("permissions.updateRole", "Change a role", &[404, 409]),
    one::<RoleName, Empty>("permissions.deleteRole", "Delete a role everywhere", &[404]),
    one::<SetRolePermissions, Vec<PermissionReply>>(
        "permissions.setRolePermissions",
        "Let a role grant exactly these permissions",
        &[404],
    ),
    one::<Limit, LimitReply>("ratelimit.limit", "Check and count one limit", &[410]),
    one::<MultiLimit, MultiLimitReply>(
        "ratelimit.multiLimit",
        "Check several limits and count all or none",
        &[410],
    ),
    one::<SetOverride, OverrideId>(
        "ratelimit.setOverride",
        "Give an identifier or pattern another limit",
        &[404],
    ),
    one::<OverrideName, OverrideReply>("ratelimit.getOverride", "Show an override", &[404]),
    page::<ListOverrides, OverrideReply>(
        "ratelimit.listOverrides",
        "List the overrides of a namespace",
        &[404],
    ),
    one::<OverrideName, Empty>("ratelimit.deleteOverride", "Remove an override", &[404]),
    one::<Query, Vec<Object>>("analytics.getVerifications", "Query the verifications", &[404, 422]),
    one::<Query, Vec<Object>>("analytics.getRatelimits", "Query the decisions of the limiter", &[404, 422]),
    one::<CreateRootKey, CreatedKey>(
        "rootKeys.createKey",
        "Make a root key; its text is shown this once",
        &[],
    ),
    page::<List, RootKeyReply>("rootKeys.listKeys", "List root keys that hold no more than this one", &[]),
    one::<UpdateRootKey, Empty>("rootKeys.updateKey", "Change a root key: absent keeps, null clears", &[404]),
    one::<RerollRootKey, CreatedKey>(
        "rootKeys.rerollKey",
        "Make a root key like this one, which then ends",
        &[404],
    ),
    one::<RootKeyId, Empty>("rootKeys.deleteKey", "Delete a root key", &[404]),
];

const fn operation<Q: JsonSchema>(
    name: &'static str,
    summary: &'static str,
    answer: Answer,
    refusals: &'static [u16],
) -> Operation {
    Operation { name, summary, request: inline::<Q>, answer, refusals }
}

const fn one<Q: JsonSchema, A: JsonSchema>(
    name: &'static str,
    summary: &'static str,
    refusals: &'static [u16],
) -> Operation {
    operation::<Q>(name, summary, Answer::Data(referred::<A>), refusals)
}

const fn page<Q: JsonSchema, A: JsonSchema>(
    name: &'static str,
    summary: &'static str,
    refusals: &'static [u16],
) -> Operation {
    operation::<Q>(name, summary, Answer::Page(referred::<A>), refusals)
}

const fn nothing<Q: JsonSchema>(
    name: &'static str,
    summary: &'static str,
    refusals: &'static [u16],
) -> Operation {
    operation::<Q>(name, summary, Answer::Nothing, refusals)
}

/// As [`one`], and a list of the request is not empty.
const fn some<Q: JsonSchema, A: JsonSchema>(
    name: &'static str,
    summary: &'static str,
    refusals: &'static [u16],
) -> Operation {
    Operation { request: with_entries::<Q>, ..one::<Q, A>(name, summary, refusals) }
}

fn with_entries<Q: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = inline::<Q>(generator);
    if let Some(Value::Object(members)) = schema.get_mut("properties") {
        for list in members.values_mut().filter(|member| member["type"] == "array") {
            list["minItems"] = json!(1);
        }
    }
    schema
}
