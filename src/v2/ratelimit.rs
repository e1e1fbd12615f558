//! `ratelimit.*`: the standalone limiter.

use std::collections::BTreeMap;

use unkey_core::document::LimitRequest;
use unkey_core::reply::{CheckReply, LimitReply, MultiLimitReply, OverrideId, OverrideReply};
use unkey_core::request::{Limit, ListOverrides, MultiLimit, OverrideName, SetOverride};
use unkey_core::root_permission::Wanted;

use super::caller::Caller;
use super::reply::Reply;
use crate::error::Outcome;
use crate::ratelimit::{self, Check, Decision};
use crate::store::ratelimit::{Namespace, ShownOverride};

fn limit_reply(decision: &Decision) -> LimitReply<'_> {
    LimitReply {
        success: decision.success,
        limit: decision.limit,
        remaining: decision.remaining,
        reset: decision.reset,
        override_id: decision.override_id.as_deref(),
    }
}

fn check_reply<'a>((request, decision): (&'a LimitRequest, &'a Decision)) -> CheckReply<'a> {
    CheckReply {
        namespace: &request.namespace,
        identifier: &request.identifier,
        passed: decision.success,
        limit: decision.limit,
        remaining: decision.remaining,
        reset: decision.reset,
        override_id: decision.override_id.as_deref(),
    }
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

pub fn limit(caller: &Caller, Limit(request): Limit) -> Outcome<Reply> {
    let namespace = counted(caller, &request.namespace)?;
    let batch = ratelimit::limit(&[Check::new(namespace, request)], caller.metrics)?;
    Reply::data(&batch.decisions.first().map(limit_reply))
}

pub fn multi_limit(caller: &Caller, MultiLimit(requests): MultiLimit) -> Outcome<Reply> {
    // Sorted, so that two callers who make the same namespaces never deadlock.
    let mut namespaces: BTreeMap<&str, Option<Namespace>> =
        requests.iter().map(|request| (request.namespace.as_str(), None)).collect();
    for (reference, namespace) in &mut namespaces {
        *namespace = Some(counted(caller, reference)?);
    }
    let namespace = |request: &LimitRequest| namespaces.get(request.namespace.as_str()).cloned().flatten();
    let check = |request: &LimitRequest| Some(Check::new(namespace(request)?, request.clone()));
    let batch = ratelimit::limit(&requests.iter().filter_map(check).collect::<Vec<_>>(), caller.metrics)?;
    let limits = requests.iter().zip(&batch.decisions).map(check_reply).collect();
    Reply::data(&MultiLimitReply { passed: batch.passed, limits })
}

fn override_reply(found: &ShownOverride) -> OverrideReply<'_> {
    OverrideReply {
        override_id: &found.rule.id,
        identifier: &found.rule.identifier,
        limit: found.rule.limit,
        duration: found.rule.duration,
    }
}

/// The namespace, which must exist, if the root key may do this with its overrides.
fn namespace(caller: &Caller, reference: &str, action: &str) -> Outcome<Namespace> {
    let namespace = ratelimit::live_namespace(reference)?;
    caller.require(&[Wanted::One("ratelimit", &namespace.id, action)])?;
    Ok(namespace)
}

pub fn set_override(caller: &Caller, request: SetOverride) -> Outcome<Reply> {
    let namespace = namespace(caller, &request.namespace, "set_override")?;
    let SetOverride { identifier, limit, duration, .. } = request;
    let override_id = ratelimit::set_override(&namespace, &identifier, limit, duration)?;
    Reply::data(&OverrideId { override_id })
}

pub fn get_override(caller: &Caller, request: OverrideName) -> Outcome<Reply> {
    let namespace = namespace(caller, &request.namespace, "read_override")?;
    Reply::data(&override_reply(&ratelimit::get_override(&namespace, &request.identifier)?))
}

pub fn list_overrides(caller: &Caller, request: ListOverrides) -> Outcome<Reply> {
    let namespace = namespace(caller, &request.namespace, "read_override")?;
    let (limit, cursor) = (request.limit.unwrap_or(50), request.cursor.as_deref());
    Reply::page(&ratelimit::list_overrides(&namespace, limit, cursor)?, override_reply)
}

pub fn delete_override(caller: &Caller, request: OverrideName) -> Outcome<Reply> {
    let namespace = namespace(caller, &request.namespace, "delete_override")?;
    ratelimit::delete_override(&namespace, &request.identifier)?;
    Reply::empty()
}
