//! What keys are granted: direct permissions and roles.

use unkey_core::validate;

use crate::access::{self, Change, Missing};
use crate::error::Outcome;
use crate::store::access::{self as store, Link, Permission, Role};
use crate::{clock, keys};

/// Changes the direct permissions of a key and answers them.
pub fn change_permissions(
    key_id: &str,
    change: Change,
    references: &[String],
    missing: Missing,
) -> Outcome<Vec<Permission>> {
    validate::permissions("permissions", references)?;
    keys::locked(key_id)?;
    let ids = access::permission_ids(references, missing, clock::now())?;
    access::apply(Link::KeyPermission, key_id, change, &access::distinct(ids))?;
    store::permissions_of_key(key_id)
}

/// Changes the roles of a key and answers them.
pub fn change_roles(key_id: &str, change: Change, references: &[String]) -> Outcome<Vec<Role>> {
    validate::roles("roles", references)?;
    keys::locked(key_id)?;
    let ids = access::role_ids(references, Missing::Refused, clock::now())?;
    access::apply(Link::KeyRole, key_id, change, &access::distinct(ids))?;
    store::roles_of_key(key_id)
}
