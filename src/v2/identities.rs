//! `identities.*`.

use unkey_core::reply::{CreatedIdentity, IdentityReply};
use unkey_core::request::{CreateIdentity, IdentityName, Search, UpdateIdentity};
use unkey_core::root_permission::Wanted;

use super::caller::Caller;
use super::reply::Reply;
use crate::error::Outcome;
use crate::identities::{self, NewIdentity};
use crate::store::identities::Identity;

fn reply(identity: &Identity) -> IdentityReply<'_> {
    IdentityReply {
        id: &identity.identity_id,
        external_id: &identity.external_id,
        meta: identity.meta.as_deref().filter(|meta| meta.get() != "{}"),
        ratelimits: identity.ratelimits.iter().collect(),
    }
}

fn require(caller: &Caller, action: &str) -> Outcome<()> {
    caller.require(&[Wanted::All("identity", action)])
}

pub fn create(caller: &Caller, request: CreateIdentity) -> Outcome<Reply> {
    require(caller, "create_identity")?;
    let identity_id = identities::create(NewIdentity {
        external_id: request.external_id,
        meta: request.meta,
        ratelimits: request.ratelimits.unwrap_or_default(),
    })?;
    Reply::data(&CreatedIdentity { identity_id })
}

pub fn get(caller: &Caller, request: IdentityName) -> Outcome<Reply> {
    require(caller, "read_identity")?;
    Reply::data(&reply(&identities::get(&request.identity)?))
}

pub fn list(caller: &Caller, request: Search) -> Outcome<Reply> {
    require(caller, "read_identity")?;
    let (limit, cursor) = (request.limit.unwrap_or(100), request.cursor.as_deref());
    Reply::page(&identities::list(limit, cursor, request.search.as_deref())?, reply)
}

pub fn update(caller: &Caller, request: UpdateIdentity) -> Outcome<Reply> {
    require(caller, "update_identity")?;
    Reply::data(&reply(&identities::update(&request.identity, request.patch)?))
}

pub fn delete(caller: &Caller, request: IdentityName) -> Outcome<Reply> {
    require(caller, "delete_identity")?;
    identities::delete(&request.identity)?;
    Ok(Reply::nothing())
}
