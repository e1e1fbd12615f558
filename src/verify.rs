//! Verification: the path of every request.
//!
//! One look-up by hash, one decision in `unkey_core::verdict`, and at most two writes: counters, then credits.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::credits::Refill;
use unkey_core::document::{self, RequestedLimit};
use unkey_core::key::{self, Hash};
use unkey_core::limits::{CounterKey, LimitState, Owned, StoredLimit, unshadowed};
use unkey_core::ratelimit::Batch;
use unkey_core::verdict::{self, Code, Ledger, Request, Spent, Subject, Take};
use unkey_core::{network, permission, validate};

use crate::clock;
use crate::error::{Failure, Outcome};
use crate::events::{VerificationEvent, record_verifications};
use crate::store::key::Key;
use crate::store::keys;
use crate::store::statement::is_read_only;
use crate::store::{counters, credits};

/// What a caller may ask besides the key, checked.
#[derive(Debug, Default)]
pub struct Question {
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Vec<RequestedLimit>,
    scope: Scope,
    /// Sorted, each once.
    tags: Vec<String>,
    ip: Option<IpAddr>,
    migration_id: Option<String>,
}

/// Which keys may be found at all; `None` for any.
#[derive(Debug, Default)]
pub struct Scope {
    pub apis: Option<Vec<String>>,
    pub keyspaces: Option<Vec<String>>,
}

impl Scope {
    fn holds(&self, key: &Key) -> bool {
        let lists =
            |list: &Option<Vec<String>>, id: &String| list.as_ref().is_none_or(|list| list.contains(id));
        lists(&self.apis, &key.api.id) && lists(&self.keyspaces, &key.api.keyspace_id)
    }
}

/// The arguments of a question as they come.
#[derive(Debug, Default)]
pub struct Arguments {
    pub permissions: Option<String>,
    pub cost: Option<i64>,
    pub ratelimits: Option<String>,
    pub tags: Vec<String>,
    pub scope: Scope,
    pub ip: Option<String>,
    pub migration_id: Option<String>,
}

impl Arguments {
    /// Checks everything that can be wrong whatever the key.
    pub fn check(mut self) -> Outcome<Question> {
        if let Some(query) = &self.permissions {
            permission::check_length(query)?;
        }
        validate::cost("cost", self.cost.unwrap_or(1))?;
        validate::tags(&self.tags)?;
        self.tags.sort();
        self.tags.dedup();
        let ratelimits = self.ratelimits.as_deref().map(document::requested_limits).transpose()?;
        Ok(Question {
            permissions: self.permissions,
            cost: self.cost,
            ratelimits: ratelimits.unwrap_or_default(),
            scope: self.scope,
            tags: self.tags,
            ip: self.ip.as_deref().and_then(network::read).map(|network| network.addr()),
            migration_id: self.migration_id,
        })
    }
}

/// What a verification answers: `None` for `NOT_FOUND`, which tells nothing else.
pub type Answer = Option<Found>;

/// The answer about a found key.
#[derive(Debug)]
pub struct Found {
    pub code: Code,
    pub key: Key,
    /// Credits actually spent.
    pub spent: i64,
    pub credits: Option<i64>,
    pub ratelimits: Vec<LimitState>,
}

/// Verifies a key text. A text that can't be a key is not found.
pub fn verify(text: Option<&str>, question: &Question) -> Outcome<Answer> {
    let started = Instant::now();
    let answer = answer(find(text, question)?, question)?;
    record(question, std::slice::from_ref(&answer), started);
    Ok(answer)
}

/// Verifies several key texts one after the other, in the order given.
pub fn verify_all(texts: &[Option<String>], question: &Question) -> Outcome<Vec<Answer>> {
    let started = Instant::now();
    let keys = texts.iter().map(|text| find(text.as_deref(), question)).collect::<Outcome<Vec<_>>>()?;
    if keys.len() > 1 && !is_read_only() {
        reserve(&keys, question)?;
    }
    let answers = keys.into_iter().map(|key| answer(key, question)).collect::<Outcome<Vec<_>>>()?;
    record(question, &answers, started);
    Ok(answers)
}

/// Verifies the key with this hash.
pub fn verify_hash(hash: &Hash, question: &Question) -> Outcome<Answer> {
    let started = Instant::now();
    let answer = answer(by_hash(hash, question)?, question)?;
    record(question, std::slice::from_ref(&answer), started);
    Ok(answer)
}

/// Records what was answered about keys that were found, each with its share of the time.
fn record(question: &Question, answers: &[Answer], started: Instant) {
    let latency_ms = started.elapsed().as_secs_f64() * 1000.0 / answers.len().max(1) as f64;
    let events: Vec<_> = answers.iter().flatten().map(|found| found.event(question, latency_ms)).collect();
    record_verifications(&events);
}

impl Found {
    fn event<'a>(&'a self, question: &'a Question, latency_ms: f64) -> VerificationEvent<'a> {
        let identity = self.key.identity.as_ref();
        VerificationEvent {
            key_space_id: &self.key.api.keyspace_id,
            api_id: &self.key.api.id,
            key_id: &self.key.id,
            identity_id: identity.map(|identity| identity.id.as_str()),
            external_id: identity.map(|identity| identity.external_id.as_str()),
            outcome: self.code.as_str(),
            tags: &question.tags,
            spent_credits: self.spent,
            latency_ms,
        }
    }
}

fn answer(key: Option<Key>, question: &Question) -> Outcome<Answer> {
    key.map_or(Ok(None), |key| decide(key, question))
}

fn find(text: Option<&str>, question: &Question) -> Outcome<Option<Key>> {
    let Some(text) = text.filter(|text| !text.is_empty() && text.chars().count() <= key::MAX_LENGTH) else {
        return Ok(None);
    };
    let hash = Hash::of(text);
    let found = by_hash(&hash, question)?;
    match (&found, &question.migration_id) {
        (None, Some(migration_id)) => {
            crate::migrations::finish(text, migration_id, |key| question.scope.holds(key))?;
            by_hash(&hash, question)
        }
        _ => Ok(found),
    }
}

fn by_hash(hash: &Hash, question: &Question) -> Outcome<Option<Key>> {
    let found = keys::by_hash(hash)?;
    Ok(found.filter(|key| question.scope.holds(key)))
}

/// Locks whatever a batch may count or spend, counters before credits and each in one order, so that two batches
/// with the same keys in different orders wait for each other and never deadlock.
fn reserve(keys: &[Option<Key>], question: &Question) -> Outcome<()> {
    let usable = || keys.iter().flatten().filter(|key| key.enabled && key.api.enabled);
    let counters: BTreeSet<CounterKey> = usable()
        .flat_map(|key| owned(key).applied(&question.ratelimits).unwrap_or_default())
        .map(|limit| limit.counter)
        .collect();
    let spends = question.cost != Some(0);
    let metered: BTreeSet<&str> =
        usable().filter(|key| spends && key.balance.is_some()).map(|key| key.id.as_str()).collect();
    counters::reserve(&counters, clock::now())?;
    credits::reserve(&metered.into_iter().collect::<Vec<_>>())
}

fn decide(key: Key, question: &Question) -> Outcome<Answer> {
    let now = clock::now();
    let allowlist =
        |list: &Option<Vec<String>>| network::read_all("ip_allowlist", list.as_deref().unwrap_or_default());
    let (of_api, of_key) = (allowlist(&key.api.allowlist)?, allowlist(&key.allowlist)?);
    let subject = Subject {
        api_enabled: key.api.enabled,
        enabled: key.enabled,
        expires: key.expires,
        allowlists: [&of_api, &of_key],
        permissions: &key.permissions,
        limits: owned(&key),
        metered: key.balance.is_some(),
    };
    let request = Request {
        permissions: question.permissions.as_deref(),
        cost: question.cost,
        ratelimits: &question.ratelimits,
        ip: question.ip,
        now,
    };
    let mut ledger = Tables { key_id: &key.id, refill: key.refill_due(now), now, gone: false };
    let verdict = verdict::decide(&subject, &request, &mut ledger)?;
    let gone = ledger.gone;
    let found = Found {
        code: verdict.code,
        spent: verdict.spent,
        credits: verdict.credits,
        ratelimits: verdict.ratelimits,
        key,
    };
    Ok((!gone).then_some(found))
}

fn owned(key: &Key) -> Owned<'_> {
    let identity = key.identity.as_ref();
    Owned {
        key_id: &key.id,
        key: &key.ratelimits,
        identity_id: identity.map_or("", |identity| &identity.id),
        identity: identity.map_or(&[], |identity| &identity.ratelimits),
    }
}

/// The state of one key in tables.
struct Tables<'a> {
    key_id: &'a str,
    refill: Option<Refill>,
    now: i64,
    /// The key was removed while its balance was waited for.
    gone: bool,
}

impl Ledger for Tables<'_> {
    type Error = Failure;

    fn take(&mut self, takes: &[Take]) -> Outcome<Batch> {
        counters::take(takes, self.now)
    }

    fn spend(&mut self, cost: i64) -> Outcome<Option<Spent>> {
        let spent = credits::spend(self.key_id, self.refill.as_ref(), cost, self.now)?;
        self.gone = spent.is_none() && keys::by_id(self.key_id)?.is_none();
        Ok(spent)
    }
}

/// The identity of a key as replies show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityReply<'a> {
    id: &'a str,
    external_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ratelimits: Vec<&'a StoredLimit>,
}

/// The identity of a key, with the limits that no limit of the key shadows.
pub fn identity_reply(key: &Key) -> Option<IdentityReply<'_>> {
    key.identity.as_ref().map(|identity| IdentityReply {
        id: &identity.id,
        external_id: &identity.external_id,
        meta: identity.meta.as_deref(),
        ratelimits: unshadowed(&key.ratelimits, &identity.ratelimits).collect(),
    })
}
