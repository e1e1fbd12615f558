//! `rootKeys.*`: a root key manages those that may do no more than itself.

use unkey_core::reply::RootKeyReply;
use unkey_core::request::{CreateRootKey, List, RerollRootKey, RootKeyId, UpdateRootKey};

use super::caller::Caller;
use super::reply::Reply;
use crate::error::Outcome;
use crate::root_keys::{self, NewRootKey, RootKey};

fn reply(root_key: &RootKey) -> RootKeyReply<'_> {
    RootKeyReply {
        key_id: &root_key.id,
        name: root_key.name.as_deref(),
        start: &root_key.start,
        end: "",
        enabled: root_key.enabled,
        created_at: root_key.created_at,
        last_used_at: 0,
        expires: root_key.expires,
        permissions: &root_key.permissions,
    }
}

pub fn create(caller: &Caller, request: CreateRootKey) -> Outcome<Reply> {
    let new = NewRootKey {
        name: request.name,
        permissions: request.permissions,
        expires: request.expires,
        enabled: true,
    };
    Reply::data(&root_keys::create(new, Some(&caller.root_key))?.reply())
}

/// Those that the root key could manage.
pub fn list(caller: &Caller, request: List) -> Outcome<Reply> {
    let (limit, cursor) = (request.limit.unwrap_or(100), request.cursor.as_deref());
    Reply::page(&root_keys::list_reach(&caller.root_key, limit, cursor)?, reply)
}

pub fn update(caller: &Caller, request: UpdateRootKey) -> Outcome<Reply> {
    root_keys::update(&request.key_id, request.patch, Some(&caller.root_key))?;
    Reply::empty()
}

pub fn reroll(caller: &Caller, request: RerollRootKey) -> Outcome<Reply> {
    let created = root_keys::reroll(&request.key_id, request.expiration, Some(&caller.root_key))?;
    Reply::data(&created.reply())
}

pub fn delete(caller: &Caller, request: RootKeyId) -> Outcome<Reply> {
    root_keys::delete(&request.key_id, Some(&caller.root_key))?;
    Reply::empty()
}
