//! `keys.*`.

use unkey_core::credits::Refill;
use unkey_core::key::Plaintext;
use unkey_core::reply::{
    CreatedKey, CreditsReply, FoundReply, KeyReply, PermissionReply, RefillReply, RoleReply,
    VerificationReply,
};
use unkey_core::request::{
    ChangePermissions, ChangeRoles, CreateKey, DeleteKey, GetKey, MigrateKeys, Request, RerollKey,
    UpdateCredits, UpdateKey, VerifyKey, Whoami,
};
use unkey_core::root_permission::{Ids, Wanted};
use unkey_core::verdict::Code;
use unkey_core::{Error, Result};

use super::caller::Caller;
use super::reply::Reply;
use crate::access::{Change, Missing};
use crate::error::Outcome;
use crate::keys::{Created, NewKey};
use crate::question::{Arguments, Question, Scope, address};
use crate::store::access::{Permission, Role};
use crate::store::key::Key;
use crate::store::subtransaction::atomically;
use crate::store::value::Json;
use crate::verify::{Answer, Found, code, identity_reply};
use crate::{clock, grants, keys, migrations, recovery, reroll, verify as verification};

impl Created {
    pub(super) fn reply(&self) -> CreatedKey<'_> {
        CreatedKey { key_id: &self.key_id, key: &self.key }
    }
}

pub fn create(caller: &Caller, request: CreateKey) -> Outcome<Reply> {
    caller.require_on_api(&request.api_id, "create_key")?;
    let recoverable = request.recoverable.unwrap_or(false);
    if recoverable {
        caller.require_on_api(&request.api_id, "encrypt_key")?;
    }
    let refill = request.credits.as_ref().map(|credits| credits.refill()).transpose()?;
    let created = keys::create(NewKey {
        api_id: request.api_id,
        prefix: request.prefix,
        name: request.name,
        byte_length: request.byte_length,
        external_id: request.external_id,
        meta: request.meta,
        roles: request.roles.unwrap_or_default(),
        permissions: request.permissions.unwrap_or_default(),
        expires: request.expires,
        credits: request.credits.and_then(|credits| credits.remaining),
        refill: refill.flatten(),
        ratelimits: request.ratelimits.unwrap_or_default(),
        enabled: request.enabled.unwrap_or(true),
        recoverable,
        ip_allowlist: request.ip_whitelist,
    })?;
    Reply::data(&created.reply())
}

fn found(found: &Found) -> Outcome<FoundReply<'_>> {
    let key = &found.key;
    Ok(FoundReply {
        key_id: &key.id,
        keyspace_id: &key.api.keyspace_id,
        enabled: key.enabled,
        name: key.name.as_deref(),
        meta: key.meta.as_ref().map(Json::text).transpose()?,
        expires: key.expires.filter(|&expires| expires != 0),
        credits: found.credits,
        permissions: &key.permissions,
        roles: &key.roles,
        identity: key.identity_reply()?,
        ratelimits: &found.ratelimits,
    })
}

/// The text of a key, and what is asked about it. Holds the text, so it has no `Debug`.
pub struct Verify {
    pub key: String,
    pub question: Question,
}

impl Request for Verify {
    fn read(body: &str) -> Result<Self> {
        let request = VerifyKey::read(body)?;
        let arguments = Arguments {
            permissions: request.permissions,
            cost: request.credits.map(|credits| credits.cost),
            ratelimits: request.ratelimits.map(|limits| limits.get().to_owned()),
            tags: request.tags.unwrap_or_default(),
            scope: Scope { apis: None, keyspaces: request.keyspaces },
            ip: None,
            migration_id: request.migration_id,
        };
        Ok(Self { key: request.key, question: arguments.check()? })
    }
}

impl Verify {
    /// Asked by a root key, which finds keys of the APIs that it may verify.
    pub fn by(mut self, caller: &Caller) -> Result<Self> {
        let permissions = &caller.root_key.permissions;
        permissions.require(&[Wanted::Some("api", "verify_key")])?;
        self.question.scope.apis = match permissions.ids("api", "verify_key") {
            Ids::All => None,
            Ids::These(ids) => Some(ids.into_iter().map(str::to_owned).collect()),
        };
        self.question.ip = address(caller.ip.as_deref());
        Ok(self)
    }
}

/// Writes nothing before it can still refuse, unless it finishes a migration.
pub fn verify(caller: &Caller, request: Verify) -> Outcome<Reply> {
    match request.question.migration_id {
        None => verify_now(caller, request),
        Some(_) => atomically(|| verify_now(caller, request)),
    }
}

fn verify_now(caller: &Caller, request: Verify) -> Outcome<Reply> {
    let Verify { key, question } = request.by(caller)?;
    verified(&verification::verify(Some(&key), &question)?)
}

/// The reply of a verification.
pub fn verified(answer: &Answer) -> Outcome<Reply> {
    let code = code(answer);
    Reply::data(&VerificationReply {
        valid: code == Code::Valid,
        code: code.as_str(),
        found: answer.as_ref().map(found).transpose()?,
    })
}

fn refill_reply(refill: Refill) -> RefillReply {
    RefillReply { interval: refill.interval(), amount: refill.amount, refill_day: refill.day }
}

fn credits_reply(key: &Key) -> CreditsReply {
    let remaining = key.balance(clock::now()).map(|balance| balance.remaining);
    CreditsReply { remaining, refill: key.refill().map(refill_reply) }
}

/// A key in the shape of replies.
pub fn key_reply(key: &Key, plaintext: Option<String>) -> KeyReply<'_> {
    let shown = key.shown.as_ref();
    let credits = credits_reply(key);
    KeyReply {
        key_id: &key.id,
        start: &key.start,
        enabled: key.enabled,
        name: key.name.as_deref(),
        meta: key.meta.as_deref(),
        created_at: shown.map_or(0, |shown| shown.created_ms),
        updated_at: shown.and_then(|shown| shown.updated_ms),
        last_used_at: shown.and_then(|shown| shown.last_used_ms),
        expires: key.expires,
        permissions: &key.permissions,
        roles: &key.roles,
        credits: (credits.remaining.is_some() || credits.refill.is_some()).then_some(credits),
        identity: identity_reply(key),
        ratelimits: &key.ratelimits,
        ip_whitelist: key.allowlist.as_deref().unwrap_or_default(),
        plaintext,
    }
}

pub fn get(caller: &Caller, request: GetKey) -> Outcome<Reply> {
    let key = caller.key(&request.key_id, "read_key")?;
    let mut plaintext = None;
    if request.decrypt.unwrap_or(false) {
        caller.require_on_api(&key.api.id, "decrypt_key")?;
        plaintext = recovery::decrypt(&key.id)?.map(Plaintext::reveal);
    }
    Reply::data(&key_reply(&key, plaintext))
}

/// A key that the root key may not read is as good as absent.
pub fn whoami(caller: &Caller, request: Whoami) -> Outcome<Reply> {
    let key = keys::whoami(&request.key)?;
    if caller.require_on_api(&key.api.id, "read_key").is_err() {
        return Err(keys::unknown_text().into());
    }
    Reply::data(&key_reply(&key, None))
}

pub fn update(caller: &Caller, request: UpdateKey) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    keys::update(&request.key_id, request.patch)?;
    Reply::empty()
}

pub fn delete(caller: &Caller, request: DeleteKey) -> Outcome<Reply> {
    caller.key(&request.key_id, "delete_key")?;
    keys::delete(&request.key_id, request.permanent.unwrap_or(false))?;
    Reply::empty()
}

pub fn reroll(caller: &Caller, request: RerollKey) -> Outcome<Reply> {
    let key = caller.key(&request.key_id, "create_key")?;
    if key.shown.as_ref().is_some_and(|shown| shown.recoverable) {
        caller.require_on_api(&key.api.id, "encrypt_key")?;
    }
    Reply::data(&reroll::reroll(&request.key_id, request.expiration)?.reply())
}

pub fn update_credits(caller: &Caller, request: UpdateCredits) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    keys::update_credits(&request.key_id, request.change()?)?;
    Reply::data(&credits_reply(&keys::current(&request.key_id)?))
}

fn permissions(list: &[Permission]) -> Outcome<Reply> {
    Reply::data(&list.iter().map(PermissionReply::from).collect::<Vec<_>>())
}

/// Only an exact set can be empty.
fn require_some(argument: &'static str, list: &[String], change: Change) -> Outcome<()> {
    if list.is_empty() && change != Change::Set {
        return Err(Error::invalid(argument, "must have at least one entry").into());
    }
    Ok(())
}

fn change_permissions(caller: &Caller, request: &ChangePermissions, change: Change) -> Outcome<Reply> {
    require_some("permissions", &request.permissions, change)?;
    let missing = match change {
        Change::Remove => Missing::Refused,
        Change::Add | Change::Set => super::permissions::missing(caller),
    };
    permissions(&grants::change_permissions(&request.key_id, change, &request.permissions, missing)?)
}

pub fn add_permissions(caller: &Caller, request: ChangePermissions) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    caller.require(&[Wanted::All("rbac", "add_permission_to_key")])?;
    change_permissions(caller, &request, Change::Add)
}

pub fn remove_permissions(caller: &Caller, request: ChangePermissions) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    caller.require(&[Wanted::All("rbac", "remove_permission_from_key")])?;
    change_permissions(caller, &request, Change::Remove)
}

pub fn set_permissions(caller: &Caller, request: ChangePermissions) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    change_permissions(caller, &request, Change::Set)
}

fn change_roles(request: &ChangeRoles, change: Change) -> Outcome<Reply> {
    require_some("roles", &request.roles, change)?;
    let roles: Vec<Role> = grants::change_roles(&request.key_id, change, &request.roles)?;
    Reply::data(&roles.iter().map(RoleReply::from).collect::<Vec<_>>())
}

pub fn add_roles(caller: &Caller, request: ChangeRoles) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    caller.require(&[Wanted::All("rbac", "add_role_to_key")])?;
    change_roles(&request, Change::Add)
}

pub fn remove_roles(caller: &Caller, request: ChangeRoles) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    change_roles(&request, Change::Remove)
}

pub fn set_roles(caller: &Caller, request: ChangeRoles) -> Outcome<Reply> {
    caller.key(&request.key_id, "update_key")?;
    change_roles(&request, Change::Set)
}

pub fn migrate(caller: &Caller, request: MigrateKeys) -> Outcome<Reply> {
    caller.require_on_api(&request.api_id, "create_key")?;
    let migration_id = Some(request.migration_id.as_str());
    Reply::data(&migrations::import(&request.api_id, request.keys.get(), migration_id, None)?)
}
