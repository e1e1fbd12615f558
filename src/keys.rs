//! Keys: create, read, change, delete.

use serde_json::value::RawValue;
use unkey_core::credits::{Operation, Refill};
use unkey_core::document::{KeyPatch, Patch, RatelimitInput, check_credits, check_ratelimits};
use unkey_core::envelope::DataKey;
use unkey_core::key::{self, Hash};
use unkey_core::limits;
use unkey_core::{Error, Kind, id, network, rule, validate};

use crate::access::{self, Missing};
use crate::error::{Failure, Outcome, key_not_found};
use crate::page::Page;
use crate::store::access::Link;
use crate::store::key::Key;
use crate::store::keys::{self, Changes, NewRow};
use crate::store::statement::View;
use crate::{apis, clock, credits, identities, recovery, secret, store};

/// A key just made; its text is shown this once, so it can be neither printed nor serialized.
pub struct Created {
    pub key_id: String,
    pub key: String,
}

/// What a new key can be given. Times in milliseconds.
#[derive(Debug, Default)]
pub struct NewKey {
    pub api_id: String,
    pub prefix: Option<String>,
    pub name: Option<String>,
    pub byte_length: Option<i64>,
    pub external_id: Option<String>,
    pub meta: Option<Box<RawValue>>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub expires: Option<i64>,
    pub credits: Option<i64>,
    pub refill: Option<Refill>,
    pub ratelimits: Vec<RatelimitInput>,
    pub enabled: bool,
    pub recoverable: bool,
    pub ip_allowlist: Option<Vec<String>>,
}

/// The live key with its balance, both locked until the transaction ends.
pub fn locked_with_balance(key_id: &str) -> Outcome<Key> {
    store::credits::reserve(key_id)?;
    locked(key_id)?;
    // Once more, for a balance that was made while the key was waited for.
    store::credits::reserve(key_id)?;
    current(key_id)
}

/// The live key, locked until the transaction ends.
pub fn locked(key_id: &str) -> Outcome<Key> {
    Ok(keys::lock(key_id)?.ok_or_else(|| key_not_found(key_id))?)
}

impl NewKey {
    fn check(&mut self) -> Outcome<()> {
        if let Some(prefix) = &self.prefix {
            validate::prefix(prefix)?;
        }
        if let Some(name) = &self.name {
            validate::key_name("name", name)?;
        }
        if let Some(bytes) = self.byte_length {
            validate::byte_length("byte_length", bytes)?;
        }
        if let Some(external_id) = &self.external_id {
            validate::external_id("external_id", external_id)?;
        }
        if let Some(meta) = &self.meta {
            validate::meta("meta", meta)?;
        }
        if let Some(expires) = self.expires {
            validate::time("expires", expires)?;
        }
        check_credits("credits", self.credits, self.refill.as_ref())?;
        check_ratelimits("ratelimits", &self.ratelimits)?;
        validate::roles("roles", &self.roles)?;
        validate::new_key_permissions("permissions", &self.permissions)?;
        if let Some(networks) = &mut self.ip_allowlist {
            *networks = network::normalized("ip_allowlist", networks)?;
        }
        Ok(())
    }
}

/// Makes a key.
pub fn create(mut new: NewKey) -> Outcome<Created> {
    new.check()?;
    let api = apis::get(View::Latest, &new.api_id)?;
    let now = clock::now();
    let vault = new.recoverable.then(|| recovery::open(&api, now)).transpose()?;
    let format = api.key_format;
    format.check_prefix("prefix", new.prefix.as_deref())?;
    format.check_bytes("byte_length", new.byte_length)?;
    let prefix = new.prefix.or(api.default_prefix);
    let bytes = new.byte_length.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(api.default_bytes);
    let text = format.generate(prefix.as_deref(), bytes)?;
    let row = NewRow {
        api_id: new.api_id,
        identity_id: new.external_id.map(|external_id| identities::id(&external_id, now)).transpose()?,
        enabled: new.enabled,
        expires: new.expires,
        refill_amount: new.refill.map(|refill| refill.amount),
        refill_day: new.refill.and_then(|refill| refill.day),
        remaining: new.credits,
        name: new.name,
        meta: new.meta,
        ratelimits: limits::replace(&[], new.ratelimits, || id::new("rl", now))?,
        ip_allowlist: new.ip_allowlist,
        permission_ids: access::distinct(access::permission_ids(&new.permissions, Missing::Made, now)?),
        role_ids: access::distinct(access::role_ids(&new.roles, Missing::Refused, now)?),
        ..NewRow::default()
    };
    issue(NewRow { prefix, ..row }, text, vault.as_ref(), now)
}

/// Inserts a row for a key text just made; with a data key, the encrypted text as well.
pub fn issue(row: NewRow, new: key::NewKey, vault: Option<&DataKey>, now: i64) -> Outcome<Created> {
    let key_id = id::of_key(&secret::of_key_ids()?, &new.hash)?;
    let row = NewRow { id: key_id.clone(), hash: new.hash.to_base64(), start: new.start, ..row };
    if keys::insert(&[row], now)?.is_empty() {
        return Err(Failure::Internal("a new key has the hash of an old one".into()));
    }
    if let Some(vault) = vault {
        store::recovery::insert(&key_id, vault.id(), &vault.seal(&key_id, &new.plaintext)?)?;
    }
    Ok(Created { key_id, key: new.plaintext.reveal() })
}

/// A key by id, at the caller's snapshot.
pub fn get(key_id: &str) -> Outcome<Key> {
    Ok(keys::show(key_id)?.ok_or_else(|| key_not_found(key_id))?)
}

/// A key by id as it is now, after what this call did.
pub fn current(key_id: &str) -> Outcome<Key> {
    Ok(keys::by_id(key_id)?.ok_or_else(|| key_not_found(key_id))?)
}

/// A key by its text, at the caller's snapshot.
pub fn whoami(text: &str) -> Outcome<Key> {
    rule::KEY.check("key", text)?;
    let found = key::may_be_one(text).then(|| keys::show_by_hash(&Hash::of(text))).transpose()?;
    Ok(found.flatten().ok_or_else(unknown_text)?)
}

/// The mistake of asking for a text that no key has.
pub fn unknown_text() -> Error {
    Error::new(Kind::KeyNotFound, "key was not found").hint("No live key has this text.")
}

/// A page of an API's keys by creation, of one identity if given.
pub fn list(api_id: &str, external_id: Option<&str>, limit: i64, cursor: Option<&str>) -> Outcome<Page<Key>> {
    validate::page(limit)?;
    apis::get(View::Caller, api_id)?;
    let after = cursor.map(position).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    Page::load(limit, |limit| keys::page(api_id, external_id, limit, after), Key::cursor)
}

/// Microseconds of the last day that is stored, at the end of the year 9999.
const LAST_CURSOR: i64 = 253_402_300_800_000_000;

/// A cursor is `<microseconds>:<key id>`; the bare id of a key that still exists works too.
fn position(cursor: &str) -> Outcome<(i64, String)> {
    let read = |cursor: &str| {
        let (at, id) = cursor.split_once(':')?;
        let at = at.parse().ok().filter(|at| (0..=LAST_CURSOR).contains(at))?;
        Some((at, id.to_owned()))
    };
    let invalid = || {
        Error::invalid("cursor", "is not one that this list gave")
            .hint("Pass the cursor column of the last row you read.")
    };
    match read(cursor) {
        Some(position) => Ok(position),
        None => Ok(keys::show(cursor)?.and_then(|key| read(&key.shown?.cursor)).ok_or_else(invalid)?),
    }
}

/// Changes a key.
pub fn update(key_id: &str, patch: KeyPatch) -> Outcome<()> {
    // Without need of the balance, a change never waits for verifications: a revocation must not.
    let lock = if matches!(patch.credits, Patch::Keep) { locked } else { locked_with_balance };
    let key = lock(key_id)?;
    let now = clock::now();
    let mut changes = Changes {
        name: patch.name.change(),
        identity_id: match patch.external_id {
            Patch::Keep => None,
            Patch::Clear => Some(None),
            Patch::Set(external_id) => Some(Some(identities::id(&external_id, now)?)),
        },
        meta: patch.meta.change(),
        expires_ms: patch.expires.change(),
        ip_allowlist: patch.ip_whitelist.change(),
        enabled: patch.enabled,
        ratelimits: patch
            .ratelimits
            .map(|new| limits::replace(&key.ratelimits, new, || id::new("rl", now)))
            .transpose()?,
        ..Changes::default()
    };
    credits::change(&key, &patch.credits, &mut changes, now)?;
    if let Some(permissions) = &patch.permissions {
        let ids = access::permission_ids(permissions, Missing::Made, now)?;
        access::set(Link::KeyPermission, key_id, &access::distinct(ids))?;
    }
    if let Some(roles) = &patch.roles {
        let ids = access::role_ids(roles, Missing::Refused, now)?;
        access::set(Link::KeyRole, key_id, &access::distinct(ids))?;
    }
    keys::update(key_id, &changes, now)
}

/// Changes the balance of a key and answers it; `None` for unlimited.
pub fn update_credits(key_id: &str, operation: Operation) -> Outcome<Option<i64>> {
    credits::update(&locked_with_balance(key_id)?, operation)
}

/// Deletes a key: marked only, or with its row and links.
pub fn delete(key_id: &str, permanent: bool) -> Outcome<()> {
    if permanent {
        locked_with_balance(key_id)?;
        keys::delete(key_id)
    } else {
        locked(key_id)?;
        keys::soft_delete(key_id, clock::now())
    }
}
