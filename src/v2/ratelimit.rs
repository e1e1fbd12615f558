//! `ratelimit.*`: the standalone limiter.

use serde::Serialize;
use unkey_core::request::{Limit, ListOverrides, MultiLimit, OverrideName, SetOverride};
use unkey_core::root_permission::Wanted;

use super::caller::Caller;
use super::reply::Reply;
use crate::error::Outcome;
use crate::ratelimit::{self, Check, Namespace};
use crate::store::overrides::Override;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitReply<'a> {
    success: bool,
    limit: i64,
    remaining: i64,
    reset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_id: Option<&'a str>,
}

#[derive(Serialize)]
struct MultiLimitReply<'a> {
    passed: bool,
    limits: Vec<CheckReply<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckReply<'a> {
    namespace: &'a str,
    identifier: &'a str,
    passed: bool,
    limit: i64,
    remaining: i64,
    reset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_id: Option<&'a str>,
}

/// The namespace that a limit counts in. An unknown name is made, if the root key may make and use it.
fn counted(caller: &Caller, reference: &str) -> Outcome<Namespace> {
    if let Some(namespace) = ratelimit::namespace(reference)? {
        caller.require(&[Wanted::One("ratelimit", &namespace.id, "limit")])?;
        return Ok(namespace);
    }
    caller.require(&[Wanted::All("ratelimit", "create_namespace")])?;
    caller.require(&[Wanted::All("ratelimit", "limit")])?;
    ratelimit::create_namespace(reference)
}

fn check(caller: &Caller, request: &Limit) -> Outcome<Check> {
    Ok(Check {
        namespace: counted(caller, &request.namespace)?,
        identifier: request.identifier.clone(),
        limit: request.limit,
        duration: request.duration,
        cost: request.cost.unwrap_or(1),
    })
}

pub fn limit(caller: &Caller, request: Limit) -> Outcome<Reply> {
    let batch = ratelimit::limit(&[check(caller, &request)?])?;
    let decisions = batch.decisions.first().map(|decision| LimitReply {
        success: decision.success,
        limit: decision.limit,
        remaining: decision.remaining,
        reset: decision.reset,
        override_id: decision.override_id.as_deref(),
    });
    Reply::data(&decisions)
}

pub fn multi_limit(caller: &Caller, MultiLimit(requests): MultiLimit) -> Outcome<Reply> {
    let checks = requests.iter().map(|request| check(caller, request)).collect::<Outcome<Vec<_>>>()?;
    let batch = ratelimit::limit(&checks)?;
    let limits = requests.iter().zip(&batch.decisions).map(|(request, decision)| CheckReply {
        namespace: &request.namespace,
        identifier: &request.identifier,
        passed: decision.success,
        limit: decision.limit,
        remaining: decision.remaining,
        reset: decision.reset,
        override_id: decision.override_id.as_deref(),
    });
    Reply::data(&MultiLimitReply { passed: batch.passed, limits: limits.collect() })
}
