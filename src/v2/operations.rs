//! From operation to handler, in one screen.

use unkey_core::error::quoted;
use unkey_core::request::Request;
use unkey_core::{Error, Kind, Result};

use super::caller::Caller;
use super::reply::Reply;
use super::{analytics, apis, identities, keys, permissions, ratelimit, root_keys};
use crate::error::Outcome;
use crate::store::subtransaction::atomically;

/// A request that has been read and waits for its caller.
pub type Prepared = Box<dyn FnOnce(&Caller) -> Outcome<Reply>>;
/// Reads a body for an operation.
pub type Prepare = fn(&str) -> Result<Prepared>;

const OPERATIONS: &[(&str, Prepare)] = &[
    ("keys.verifyKey", |body| direct(body, keys::verify)),
    ("keys.createKey", |body| atomic(body, keys::create)),
    ("keys.getKey", |body| atomic(body, keys::get)),
    ("keys.whoami", |body| atomic(body, keys::whoami)),
    ("keys.updateKey", |body| atomic(body, keys::update)),
    ("keys.deleteKey", |body| atomic(body, keys::delete)),
    ("keys.rerollKey", |body| atomic(body, keys::reroll)),
    ("keys.updateCredits", |body| atomic(body, keys::update_credits)),
    ("keys.addPermissions", |body| atomic(body, keys::add_permissions)),
    ("keys.removePermissions", |body| atomic(body, keys::remove_permissions)),
    ("keys.setPermissions", |body| atomic(body, keys::set_permissions)),
    ("keys.addRoles", |body| atomic(body, keys::add_roles)),
    ("keys.removeRoles", |body| atomic(body, keys::remove_roles)),
    ("keys.setRoles", |body| atomic(body, keys::set_roles)),
    ("keys.migrateKeys", |body| atomic(body, keys::migrate)),
    ("apis.createApi", |body| atomic(body, apis::create)),
    ("apis.getApi", |body| atomic(body, apis::get)),
    ("apis.listApis", |body| atomic(body, apis::list)),
    ("apis.listKeys", |body| atomic(body, apis::list_keys)),
    ("apis.updateApi", |body| atomic(body, apis::update)),
    ("apis.deleteApi", |body| atomic(body, apis::delete)),
    ("identities.createIdentity", |body| atomic(body, identities::create)),
    ("identities.getIdentity", |body| atomic(body, identities::get)),
    ("identities.listIdentities", |body| atomic(body, identities::list)),
    ("identities.updateIdentity", |body| atomic(body, identities::update)),
    ("identities.deleteIdentity", |body| atomic(body, identities::delete)),
    ("permissions.createPermission", |body| atomic(body, permissions::create_permission)),
    ("permissions.getPermission", |body| atomic(body, permissions::get_permission)),
    ("permissions.listPermissions", |body| atomic(body, permissions::list_permissions)),
    ("permissions.updatePermission", |body| atomic(body, permissions::update_permission)),
    ("permissions.deletePermission", |body| atomic(body, permissions::delete_permission)),
    ("permissions.createRole", |body| atomic(body, permissions::create_role)),
    ("permissions.getRole", |body| atomic(body, permissions::get_role)),
    ("permissions.listRoles", |body| atomic(body, permissions::list_roles)),
    ("permissions.updateRole", |body| atomic(body, permissions::update_role)),
    ("permissions.deleteRole", |body| atomic(body, permissions::delete_role)),
    ("permissions.setRolePermissions", |body| atomic(body, permissions::set_role_permissions)),
    ("ratelimit.limit", |body| direct(body, ratelimit::limit)),
    ("ratelimit.multiLimit", |body| atomic(body, ratelimit::multi_limit)),
    ("ratelimit.setOverride", |body| atomic(body, ratelimit::set_override)),
    ("ratelimit.getOverride", |body| atomic(body, ratelimit::get_override)),
    ("ratelimit.listOverrides", |body| atomic(body, ratelimit::list_overrides)),
    ("ratelimit.deleteOverride", |body| atomic(body, ratelimit::delete_override)),
    ("analytics.getVerifications", |body| atomic(body, analytics::verifications)),
    ("analytics.getRatelimits", |body| atomic(body, analytics::ratelimits)),
    ("rootKeys.createKey", |body| atomic(body, root_keys::create)),
    ("rootKeys.listKeys", |body| atomic(body, root_keys::list)),
    ("rootKeys.updateKey", |body| atomic(body, root_keys::update)),
    ("rootKeys.rerollKey", |body| atomic(body, root_keys::reroll)),
    ("rootKeys.deleteKey", |body| atomic(body, root_keys::delete)),
];

/// Names of all operations.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, _)| *name)
}

/// How the body of an operation is read.
pub fn find(operation: &str) -> Result<Prepare> {
    let found = OPERATIONS.iter().find(|(name, _)| *name == operation);
    found.map(|(_, prepare)| *prepare).ok_or_else(|| {
        Error::new(Kind::OperationNotFound, format!("operation {} does not exist", quoted(operation)))
            .hint("SELECT * FROM unkey_api_operations() shows those there are.")
    })
}

/// For handlers that write nothing before they can still refuse: a refusal undoes nothing.
fn direct<R: Request + 'static>(body: &str, run: fn(&Caller, R) -> Outcome<Reply>) -> Result<Prepared> {
    let request = R::read(body)?;
    Ok(Box::new(move |caller| run(caller, request)))
}

/// For all others: what a refused call did before is undone, though the transaction goes on.
fn atomic<R: Request + 'static>(body: &str, run: fn(&Caller, R) -> Outcome<Reply>) -> Result<Prepared> {
    let request = R::read(body)?;
    Ok(Box::new(move |caller| atomically(|| run(caller, request))))
}
