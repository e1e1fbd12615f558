//! Verification: the path of every request.
//!
//! One look-up by hash, one decision in `unkey_core::verdict`, and at most two writes: counters, then credits.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use unkey_core::Result;
use unkey_core::credits::Refill;
use unkey_core::key::{self, Hash};
use unkey_core::limits::{LimitState, unshadowed};
use unkey_core::ratelimit::Batch;
use unkey_core::reply::IdentityReply;
use unkey_core::verdict::{self, Code, Ledger, Request, Spent, Subject, Take};

use crate::actor::{Actor, acting_as};
use crate::clock;
use crate::counters::Counters;
use crate::error::{Failure, Outcome, answered};
use crate::events::{VerificationEvent, record_refusal, record_verifications};
use crate::question::Question;
use crate::store::credits::Balances;
use crate::store::key::Key;
use crate::store::keys;
use crate::store::record::Record;
use crate::store::statement::is_read_only;

/// What a verification answers: `None` for `NOT_FOUND`, which tells nothing else.
pub type Answer = Option<Found>;

/// The verdict of an answer.
pub fn code(answer: &Answer) -> Code {
    answer.as_ref().map_or(Code::NotFound, |found| found.code)
}

/// The answer about a found key.
#[derive(Debug)]
pub struct Found {
    pub code: Code,
    pub key: Rc<Record>,
    /// Credits actually spent.
    pub spent: i64,
    pub credits: Option<i64>,
    pub ratelimits: Vec<LimitState>,
}

/// A key and what is asked about it.
#[derive(Clone)]
pub struct Asked<'a> {
    pub sought: Sought<'a>,
    pub question: &'a Question,
    /// On whose behalf; `None` for whoever acts anyway.
    pub actor: Option<Rc<Actor>>,
}

/// How a key is named. Holds its text, so it has no `Debug`.
#[derive(Clone, Copy)]
pub enum Sought<'a> {
    /// Its text; one that can't be a key is not found.
    Text(Option<&'a str>),
    /// The SHA-256 of its text.
    Hash(&'a Hash),
}

impl<'a> Asked<'a> {
    fn now(sought: Sought<'a>, question: &'a Question) -> Self {
        Self { sought, question, actor: None }
    }

    /// Decides about what was found, on behalf of whom it concerns.
    fn answer(&self, key: Option<Rc<Record>>, books: &mut Books) -> Outcome<Answer> {
        let decide = || key.map_or(Ok(None), |key| decide(key, self.question, books));
        match &self.actor {
            Some(actor) => acting_as(actor.clone(), decide),
            None => decide(),
        }
    }
}

/// Verifies a key text.
pub fn verify(text: Option<&str>, question: &Question) -> Outcome<Answer> {
    verify_one(Asked::now(Sought::Text(text), question), |event| record_verifications(&[event]))
}

/// The same for a caller that raises an ERROR unless the key is valid.
pub fn verify_or_refuse(text: &str, question: &Question) -> Outcome<Answer> {
    verify_one(Asked::now(Sought::Text(Some(text)), question), |event| match event.outcome {
        outcome if outcome == Code::Valid.as_str() => record_verifications(&[event]),
        _ => record_refusal(&event),
    })
}

/// Verifies the key with this hash.
pub fn verify_hash(hash: &Hash, question: &Question) -> Outcome<Answer> {
    verify_one(Asked::now(Sought::Hash(hash), question), |event| record_verifications(&[event]))
}

fn verify_one(asked: Asked, record: impl FnOnce(VerificationEvent)) -> Outcome<Answer> {
    let started = Instant::now();
    let hash = asked.sought.hash();
    let found = hash.as_ref().map_or(Ok(None), keys::by_hash)?;
    let found = hash.as_ref().map_or(Ok(None), |hash| asked.accept(hash, found))?;
    let mut books = Books::default();
    let answer = asked.answer(found, &mut books)?;
    books.store()?;
    if let Some(found) = &answer {
        record(found.event(&asked, milliseconds(started)));
    }
    Ok(answer)
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

/// Verifies several key texts one after the other, in the order given.
pub fn verify_all(texts: &[Option<&str>], question: &Question) -> Outcome<Vec<Answer>> {
    let asked = texts.iter().map(|text| Asked::now(Sought::Text(*text), question));
    let answers = verify_each(&asked.collect::<Vec<_>>())?;
    Ok(answers.into_iter().collect::<Result<_>>()?)
}

/// Answers one after the other, in the order given. What one asker got wrong is that one's answer.
pub fn verify_each(asked: &[Asked]) -> Outcome<Vec<Result<Answer>>> {
    let started = Instant::now();
    let keys = find_each(asked)?;
    let mut books = Books::default();
    if asked.len() > 1 && !is_read_only() {
        books.reserve(asked, &keys)?;
    }
    let answer = |(asked, key): (&Asked, Result<Option<Rc<Record>>>)| match key {
        Ok(key) => answered(asked.answer(key, &mut books)),
        Err(mistake) => Ok(Err(mistake)),
    };
    let answers = asked.iter().zip(keys).map(answer).collect::<Outcome<Vec<_>>>()?;
    books.store()?;
    record(asked, &answers, started);
    Ok(answers)
}

/// Records what was answered about keys that were found, each with its share of the time.
fn record(asked: &[Asked], answers: &[Result<Answer>], started: Instant) {
    let latency_ms = milliseconds(started) / answers.len().max(1) as f64;
    let found = answers.iter().map(|answer| answer.as_ref().ok().and_then(Option::as_ref));
    let events = asked.iter().zip(found).filter_map(|(asked, found)| Some(found?.event(asked, latency_ms)));
    record_verifications(&events.collect::<Vec<_>>());
}

impl Found {
    fn event<'a>(&'a self, asked: &'a Asked, latency_ms: f64) -> VerificationEvent<'a> {
        VerificationEvent {
            request_id: asked.actor.as_ref().map(|actor| actor.request_id.as_str()),
            key: &self.key,
            outcome: self.code.as_str(),
            tags: &asked.question.tags,
            spent_credits: self.spent,
            latency_ms,
        }
    }
}

impl Sought<'_> {
    /// `None` for what can't be a key.
    pub fn hash(&self) -> Option<Hash> {
        match *self {
            Self::Hash(hash) => Some(*hash),
            Self::Text(text) => text.filter(|text| key::may_be_one(text)).map(Hash::of),
        }
    }
}

/// The keys, each as of now and only if it is in the scope of its question.
fn find_each(asked: &[Asked]) -> Outcome<Vec<Result<Option<Rc<Record>>>>> {
    let hashes: Vec<Option<Hash>> = asked.iter().map(|asked| asked.sought.hash()).collect();
    let mut found = keys::by_hashes(&hashes.iter().flatten().copied().collect::<Vec<_>>())?.into_iter();
    let find = |(asked, hash): (&Asked, Option<Hash>)| match hash {
        Some(hash) => answered(asked.accept(&hash, found.next().flatten())),
        None => Ok(Ok(None)),
    };
    asked.iter().zip(hashes).map(find).collect()
}

impl Asked<'_> {
    /// What was found, if it is in scope; or what is found after its migration was finished.
    fn accept(&self, hash: &Hash, found: Option<Rc<Record>>) -> Outcome<Option<Rc<Record>>> {
        let scope = &self.question.scope;
        let found = found.filter(|key| scope.holds_key(key));
        match (&found, &self.question.migration_id, self.sought) {
            (None, Some(migration_id), Sought::Text(Some(text))) => {
                let may = |key: &Key| scope.holds(&key.api.id, &key.api.keyspace_id);
                crate::migrations::finish(text, migration_id, may)?;
                Ok(keys::by_hash(hash)?.filter(|key| scope.holds_key(key)))
            }
            _ => Ok(found),
        }
    }
}

/// What the verifications of one call count and spend.
#[derive(Default)]
struct Books {
    counters: Counters,
    balances: Balances,
}

impl Books {
    /// Locks whatever a batch may count or spend, counters before credits and each in one order, so that two batches
    /// with the same keys in different orders wait for each other and never deadlock.
    fn reserve(&mut self, asked: &[Asked], keys: &[Result<Option<Rc<Record>>>]) -> Outcome<()> {
        let mut counted = BTreeSet::new();
        let mut metered = BTreeMap::new();
        for (Asked { question, .. }, key) in asked.iter().zip(keys) {
            let Ok(Some(key)) = key else { continue };
            if !key.enabled || !key.api.enabled {
                continue;
            }
            let applied = key.limits().applied(&question.ratelimits).unwrap_or_default();
            if applied.iter().any(|limit| limit.cost > 0) {
                counted.extend(applied.into_iter().map(|limit| limit.counter));
            }
            if question.cost != Some(0) && key.metered {
                metered.insert(key.id.as_str(), key.refill());
            }
        }
        self.counters.lock(counted.iter(), clock::now())?;
        self.balances.lock(&metered)
    }

    /// Writes what was counted and spent.
    fn store(&self) -> Outcome<()> {
        self.counters.store()?;
        self.balances.store()
    }
}

/// Whether a key still passes the checks of a question that count and spend nothing.
pub fn stands(key: &Record, question: &Question) -> Outcome<bool> {
    let code = verdict::standing(&subject(key), &request(question, clock::now()))?;
    Ok(question.admits(key) && code == Code::Valid)
}

/// What a verdict needs to know of a key.
#[inline]
pub fn subject(key: &Record) -> Subject<'_> {
    Subject {
        api_enabled: key.api.enabled,
        enabled: key.enabled,
        expires: key.expires,
        allowlists: [&key.api.allowlist, &key.allowlist],
        permissions: &key.permissions,
        limits: key.limits(),
        automatic: key.automatic(),
        metered: key.metered,
    }
}

/// What a verdict needs to know of a question.
#[inline]
pub fn request(question: &Question, now: i64) -> Request<'_> {
    Request {
        permissions: question.permissions.as_deref(),
        cost: question.cost,
        ratelimits: &question.ratelimits,
        ip: question.ip,
        now,
    }
}

fn decide(key: Rc<Record>, question: &Question, books: &mut Books) -> Outcome<Answer> {
    let now = clock::now();
    let mut ledger = Tables { key_id: &key.id, books, refill: key.refill_due(now), now, gone: false };
    let verdict = verdict::decide(&subject(&key), &request(question, now), &mut ledger)?;
    if ledger.gone {
        return Ok(None);
    }
    Ok(Some(Found {
        code: verdict.code,
        spent: verdict.spent,
        credits: verdict.credits,
        ratelimits: verdict.ratelimits,
        key,
    }))
}

/// The state of one key in tables.
struct Tables<'a> {
    key_id: &'a str,
    books: &'a mut Books,
    refill: Option<Refill>,
    now: i64,
    /// The key was removed while its balance was waited for.
    gone: bool,
}

impl Ledger for Tables<'_> {
    type Error = Failure;

    fn take(&mut self, takes: &[Take]) -> Outcome<Batch> {
        self.books.counters.take(takes, self.now)
    }

    fn spend(&mut self, cost: i64) -> Outcome<Option<Spent>> {
        let spent = self.books.balances.spend(self.key_id, self.refill.as_ref(), cost, self.now)?;
        self.gone = spent.is_none() && keys::by_id(self.key_id)?.is_none();
        Ok(spent)
    }
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
