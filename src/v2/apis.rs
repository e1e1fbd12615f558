//! `apis.*`.

use unkey_core::key::Plaintext;
use unkey_core::reply::{ApiReply, CreatedApi};
use unkey_core::request::{ApiId, CreateApi, List, ListKeys, UpdateApi};
use unkey_core::root_permission::Wanted;

use super::caller::Caller;
use super::keys::key_reply;
use super::reply::Reply;
use crate::apis::{self, NewApi};
use crate::error::Outcome;
use crate::store::apis::Api;
use crate::store::statement::View;
use crate::{keys, recovery};

fn reply(api: &Api) -> ApiReply<'_> {
    ApiReply {
        id: &api.api_id,
        name: &api.name,
        keyspace_id: &api.keyspace_id,
        enabled: api.enabled,
        default_prefix: api.default_prefix.as_deref(),
        default_bytes: api.default_bytes,
        ip_whitelist: api.ip_allowlist.as_deref().unwrap_or_default(),
        delete_protection: api.delete_protection,
        store_encrypted_keys: api.store_encrypted_keys,
        key_format: api.key_format,
    }
}

pub fn create(caller: &Caller, request: CreateApi) -> Outcome<Reply> {
    caller.require(&[Wanted::All("api", "create_api")])?;
    let api_id = apis::create(&NewApi {
        name: request.name,
        default_prefix: request.default_prefix,
        default_bytes: request.default_bytes,
        ip_allowlist: request.ip_whitelist,
        delete_protection: request.delete_protection.unwrap_or(false),
        store_encrypted_keys: request.store_encrypted_keys.unwrap_or(false),
        key_format: request.key_format,
    })?;
    Reply::data(&CreatedApi { api_id })
}

pub fn get(caller: &Caller, request: ApiId) -> Outcome<Reply> {
    caller.require_on_api(&request.api_id, "read_api")?;
    Reply::data(&reply(&apis::get(View::Caller, &request.api_id)?))
}

pub fn list(caller: &Caller, request: List) -> Outcome<Reply> {
    caller.require(&[Wanted::All("api", "read_api")])?;
    Reply::page(&apis::list(request.limit.unwrap_or(100), request.cursor.as_deref())?, reply)
}

pub fn list_keys(caller: &Caller, request: ListKeys) -> Outcome<Reply> {
    let decrypt = request.decrypt.unwrap_or(false);
    for action in ["read_key", "read_api"].into_iter().chain(decrypt.then_some("decrypt_key")) {
        caller.require_on_api(&request.api_id, action)?;
    }
    let (limit, cursor) = (request.limit.unwrap_or(100), request.cursor.as_deref());
    let page = keys::list(&request.api_id, request.external_id.as_deref(), limit, cursor)?;
    let mut plaintexts = Vec::new();
    for key in &page.rows {
        plaintexts.push(if decrypt { recovery::decrypt(&key.id)?.map(Plaintext::reveal) } else { None });
    }
    let mut plaintexts = plaintexts.into_iter();
    Reply::page(&page, |key| key_reply(key, plaintexts.next().flatten()))
}

pub fn update(caller: &Caller, request: UpdateApi) -> Outcome<Reply> {
    caller.require_on_api(&request.api_id, "update_api")?;
    apis::update(&request.api_id, request.patch)?;
    Reply::empty()
}

pub fn delete(caller: &Caller, request: ApiId) -> Outcome<Reply> {
    caller.require_on_api(&request.api_id, "delete_api")?;
    apis::delete(&request.api_id)?;
    Reply::empty()
}
