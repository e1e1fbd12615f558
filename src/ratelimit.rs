//! The standalone limiter: limits by namespace and identifier, without keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use unkey_core::document::LimitRequest;
use unkey_core::error::quoted;
use unkey_core::limits::CounterKey;
use unkey_core::overrides::{self, Override};
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind, id, ratelimit, rule, validate};

use crate::clock;
use crate::counters;
use crate::error::{Failure, Outcome};
use crate::events::{LimitEvent, record_limits};
use crate::page::Page;
use crate::store::ratelimit::{self as store, Namespace, ShownOverride};
use crate::store::statement::{View, is_read_only};

fn namespace_not_found(reference: &str) -> Error {
    Error::new(Kind::NamespaceNotFound, format!("namespace {} was not found", quoted(reference)))
        .hint("SELECT * FROM unkey_list_namespaces() shows the namespaces there are; unkey_create_namespace makes one.")
}

fn namespace_gone(reference: &str) -> Error {
    Error::new(Kind::NamespaceGone, format!("namespace {} was deleted", quoted(reference)))
        .hint("unkey_create_namespace makes a new one of that name, without its overrides.")
}

fn override_not_found(identifier: &str) -> Error {
    Error::new(Kind::OverrideNotFound, format!("identifier {} has no override", quoted(identifier))).hint(
        "SELECT * FROM unkey_list_overrides(namespace) shows the overrides there are, by their exact text.",
    )
}

/// The live namespace with this name or else this id; `None` if there never was one.
///
/// # Errors
/// [`Kind::NamespaceGone`] if only deleted ones are called so.
pub fn namespace(reference: &str) -> Outcome<Option<Namespace>> {
    namespace_at(View::Latest, reference)
}

fn namespace_at(view: View, reference: &str) -> Outcome<Option<Namespace>> {
    match store::find(view, reference)? {
        None if store::was_deleted(view, reference)? => Err(namespace_gone(reference).into()),
        found => Ok(found),
    }
}

/// The live namespace with this name or else this id, which must exist.
pub fn get_namespace(view: View, reference: &str) -> Outcome<Namespace> {
    Ok(namespace_at(view, reference)?.ok_or_else(|| namespace_not_found(reference))?)
}

/// The live namespace with this name or else this id; a deleted one is as if it had never been.
pub fn live_namespace(reference: &str) -> Outcome<Namespace> {
    Ok(store::find(View::Latest, reference)?.ok_or_else(|| namespace_not_found(reference))?)
}

/// The live namespace of this name, made when missing. Of two who make it at once, the second waits for the first.
pub fn create_namespace(name: &str) -> Outcome<Namespace> {
    validate::namespace_name("name", name)?;
    if is_read_only() {
        let refused = Error::new(
            Kind::ReadOnly,
            format!("namespace {} can't be made in a read-only transaction", quoted(name)),
        );
        return Err(refused.hint("unkey_create_namespace makes it beforehand.").into());
    }
    let now = clock::now();
    store::insert(&id::new("rlns", now)?, name, now)?;
    get_namespace(View::Latest, name)
}

/// A page of namespaces by id.
pub fn list_namespaces(limit: i64, cursor: Option<&str>) -> Outcome<Page<Namespace>> {
    Page::load(limit, |limit| store::page(limit, cursor), |last| last.id.clone())
}

/// Deletes a namespace: calls that name it are refused from then on, until a new one of its name is made.
pub fn delete_namespace(reference: &str) -> Outcome<()> {
    let namespace = get_namespace(View::Latest, reference)?;
    store::soft_delete(&namespace.id, clock::now())?.ok_or_else(|| namespace_gone(reference))?;
    Ok(())
}

/// One limit to check and count against.
#[derive(Debug, Clone)]
pub struct Check {
    pub namespace: Namespace,
    pub identifier: String,
    /// Most cost per window, unless an override says otherwise.
    pub limit: i64,
    /// Window in milliseconds, unless an override says otherwise.
    pub duration: i64,
    /// 0 only looks.
    pub cost: i64,
}

impl Check {
    /// The check of a request in the namespace that it names.
    pub fn new(namespace: Namespace, request: LimitRequest) -> Self {
        let cost = request.cost();
        let LimitRequest { identifier, limit, duration, .. } = request;
        Self { namespace, identifier, limit, duration, cost }
    }
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub success: bool,
    /// The limit that was applied.
    pub limit: i64,
    /// Cost that still fits.
    pub remaining: i64,
    /// End of the current window, in milliseconds since the Unix epoch.
    pub reset: i64,
    /// Id of the override that was applied.
    pub override_id: Option<String>,
}

/// What became of the checks of one call, in their order. Nothing was counted unless all passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub passed: bool,
    pub decisions: Vec<Decision>,
}

/// Checks several limits at once and counts every cost, or none if one of them refuses. Decisions are final here, and
/// recorded for analytics unless the caller does not want it.
pub fn limit(checks: &[Check], recorded: bool) -> Outcome<Batch> {
    let started = Instant::now();
    let overrides = checks.iter().map(override_of).collect::<Outcome<Vec<_>>>()?;
    let applied: Vec<(CounterKey, i64)> =
        checks.iter().zip(&overrides).map(|(check, found)| applied(check, found.as_ref())).collect();
    let takes = checks.iter().zip(&applied).map(|(check, (counter, limit))| Take {
        counter,
        limit: *limit,
        cost: check.cost,
    });
    let takes: Vec<Take> = takes.collect();
    let ratelimit::Batch { passed, outcomes, .. } = counters::take(&takes, clock::now())?;
    let decision = |((outcome, take), found): ((&ratelimit::Outcome, &Take), Option<Override>)| Decision {
        success: !outcome.exceeded,
        limit: take.limit,
        remaining: outcome.remaining,
        reset: outcome.reset,
        override_id: found.map(|found| found.id),
    };
    let decisions: Vec<Decision> = outcomes.iter().zip(&takes).zip(overrides).map(decision).collect();
    if recorded {
        record(checks, &decisions, started);
    }
    Ok(Batch { passed, decisions })
}

/// Each check has its share of the time.
fn record(checks: &[Check], decisions: &[Decision], started: Instant) {
    let latency_ms = started.elapsed().as_secs_f64() * 1000.0 / checks.len().max(1) as f64;
    let events = checks.iter().zip(decisions).map(|(check, decision)| event(check, decision, latency_ms));
    record_limits(&events.collect::<Vec<_>>());
}

fn event<'a>(check: &'a Check, decision: &'a Decision, latency_ms: f64) -> LimitEvent<'a> {
    LimitEvent {
        namespace_id: &check.namespace.id,
        identifier: &check.identifier,
        passed: decision.success,
        latency_ms,
        override_id: decision.override_id.as_deref(),
        limit: decision.limit,
        remaining: decision.remaining,
        reset: decision.reset,
        tokens: check.cost,
    }
}

fn override_of(check: &Check) -> Outcome<Option<Override>> {
    if !check.namespace.overridden {
        return Ok(None);
    }
    let candidates = store::candidates(&check.namespace.id, &check.identifier)?;
    Ok(overrides::choose(&candidates, &check.identifier).cloned())
}

/// The counter and the limit of a check.
fn applied(check: &Check, found: Option<&Override>) -> (CounterKey, i64) {
    let (limit, duration) =
        found.map_or((check.limit, check.duration), |found| (found.limit, found.duration));
    let (scope, identifier) = (check.namespace.id.clone(), check.identifier.clone());
    (CounterKey::new(scope, identifier, duration), limit)
}

/// Does the same for requests that name their namespaces, and makes those that are missing.
pub fn limit_named(requests: Vec<LimitRequest>) -> Outcome<Batch> {
    // Sorted, so that two callers who make the same namespaces never deadlock.
    let names: BTreeSet<&str> = requests.iter().map(|request| request.namespace.as_str()).collect();
    let found = names.into_iter().map(|name| Ok((name.to_owned(), named(name)?)));
    let namespaces = found.collect::<Outcome<BTreeMap<String, Namespace>>>()?;
    let check = |request: LimitRequest| match namespaces.get(&request.namespace) {
        Some(namespace) => Ok(Check::new(namespace.clone(), request)),
        None => Err(Failure::Internal("a namespace just made is not there".into())),
    };
    limit(&requests.into_iter().map(check).collect::<Outcome<Vec<_>>>()?, true)
}

fn named(reference: &str) -> Outcome<Namespace> {
    namespace(reference)?.map_or_else(|| create_namespace(reference), Ok)
}

/// Makes an override or changes the one with exactly this identifier, and answers its id. `duration` in milliseconds.
pub fn set_override(namespace: &Namespace, identifier: &str, limit: i64, duration: i64) -> Outcome<String> {
    validate::limit_identifier("identifier", identifier)?;
    rule::COUNT.check("limit", limit)?;
    validate::limit_duration("duration", duration, i64::MAX)?;
    let now = clock::now();
    let new = Override { id: id::new("rlor", now)?, identifier: identifier.to_owned(), limit, duration };
    store::put_override(&namespace.id, &new, now)?
        .ok_or_else(|| Failure::Internal("an override just made is not there".into()))
}

/// The override with exactly this identifier, at the caller's snapshot.
pub fn get_override(namespace: &Namespace, identifier: &str) -> Outcome<ShownOverride> {
    Ok(store::get_override(&namespace.id, identifier)?.ok_or_else(|| override_not_found(identifier))?)
}

/// A page of a namespace's overrides by id.
pub fn list_overrides(
    namespace: &Namespace,
    limit: i64,
    cursor: Option<&str>,
) -> Outcome<Page<ShownOverride>> {
    let load = |limit| store::page_of_overrides(&namespace.id, limit, cursor);
    Page::load(limit, load, |last| last.rule.id.clone())
}

/// Removes the override with exactly this identifier.
pub fn delete_override(namespace: &Namespace, identifier: &str) -> Outcome<()> {
    store::delete_override(&namespace.id, identifier)?.ok_or_else(|| override_not_found(identifier))?;
    Ok(())
}
