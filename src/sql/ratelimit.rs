//! The standalone limiter: `unkey_limit`, namespaces and overrides.

use pgrx::datum::Interval;
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use serde::Serialize;
use unkey_core::document::{self, LimitRequest};
use unkey_core::validate::required;

use super::types::{Composite, Document, columns_of, composite, composite_of, many, milliseconds, one};
use crate::clock;
use crate::error::{Failure, Outcome, raise};
use crate::ratelimit::{self, Decision};
use crate::store::ratelimit::ShownOverride;
use crate::store::statement::View;

#[pg_extern(sql = false)]
fn unkey_limit(
    namespace: Option<String>,
    identifier: Option<String>,
    limit: Option<i64>,
    duration: Option<Interval>,
    cost: Option<i64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let request = LimitRequest::new(
            required("namespace", namespace)?,
            required("identifier", identifier)?,
            required("limit", limit)?,
            milliseconds(&required("duration", duration)?),
            cost,
        )?;
        let decision = ratelimit::limit_named(vec![request])?.decisions.pop();
        let decision = decision.ok_or_else(|| Failure::Internal("a check was not decided".into()))?;
        composite_of(&columns_of(fcinfo)?, &columns(&decision))
    })
}

#[pg_extern(sql = false)]
fn unkey_multi_limit(
    checks: Option<Document>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let requests = document::limit_requests("checks", required("checks", checks)?.text())?;
        let batch = ratelimit::limit_named(requests.clone())?;
        let types = columns_of(fcinfo)?;
        let row = |(request, decision): (LimitRequest, Decision)| {
            let named = [request.namespace.into_datum(), request.identifier.into_datum()];
            composite_of(&types, &[&named[..], &columns(&decision)].concat())
        };
        let rows = requests.into_iter().zip(batch.decisions).map(row).collect::<Outcome<Vec<_>>>()?;
        Ok(SetOfIterator::new(rows))
    })
}

/// The columns that `unkey.limit_result` and `unkey.multi_limit_result` share.
fn columns(decision: &Decision) -> [Option<pg_sys::Datum>; 5] {
    [
        decision.success.into_datum(),
        decision.limit.into_datum(),
        decision.remaining.into_datum(),
        clock::timestamp(decision.reset).into_datum(),
        decision.override_id.as_deref().into_datum(),
    ]
}

#[pg_extern(sql = false)]
fn unkey_create_namespace(name: Option<&str>) -> String {
    raise(|| Ok(ratelimit::create_namespace(required("name", name)?)?.id))
}

#[pg_extern(sql = false)]
fn unkey_get_namespace(namespace: Option<&str>) -> Composite {
    raise(|| {
        let found = ratelimit::get_namespace(View::Caller, required("namespace", namespace)?)?;
        one(composite!("namespace_details"), &found)
    })
}

#[pg_extern(sql = false)]
fn unkey_list_namespaces(limit: Option<i32>, cursor: Option<&str>) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let page = ratelimit::list_namespaces(i64::from(limit.unwrap_or(100)), cursor)?;
        Ok(SetOfIterator::new(many(composite!("namespace_details"), &page.rows)?))
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_namespace(namespace: Option<&str>) {
    raise(|| ratelimit::delete_namespace(required("namespace", namespace)?))
}

#[pg_extern(sql = false)]
fn unkey_set_override(
    namespace: Option<&str>,
    identifier: Option<&str>,
    limit: Option<i64>,
    duration: Option<Interval>,
) -> String {
    raise(|| {
        let namespace = required("namespace", namespace)?;
        let identifier = required("identifier", identifier)?;
        let limit = required("limit", limit)?;
        let duration = milliseconds(&required("duration", duration)?);
        let namespace = ratelimit::get_namespace(View::Latest, namespace)?;
        ratelimit::set_override(&namespace, identifier, limit, duration)
    })
}

/// An override as `unkey.override_details`.
#[derive(Serialize)]
struct Details<'a> {
    override_id: &'a str,
    identifier: &'a str,
    limit: i64,
    duration: String,
    created_at: &'a str,
    updated_at: Option<&'a str>,
}

/// Longest interval that Postgres reads, in milliseconds.
const LONGEST_INTERVAL: i64 = i64::MAX / 1000;

impl<'a> From<&'a ShownOverride> for Details<'a> {
    fn from(shown: &'a ShownOverride) -> Self {
        Self {
            override_id: &shown.rule.id,
            identifier: &shown.rule.identifier,
            limit: shown.rule.limit,
            duration: format!("{} milliseconds", shown.rule.duration.min(LONGEST_INTERVAL)),
            created_at: &shown.created_at,
            updated_at: shown.updated_at.as_deref(),
        }
    }
}

#[pg_extern(sql = false)]
fn unkey_get_override(namespace: Option<&str>, identifier: Option<&str>) -> Composite {
    raise(|| {
        let namespace = required("namespace", namespace)?;
        let identifier = required("identifier", identifier)?;
        let namespace = ratelimit::get_namespace(View::Caller, namespace)?;
        let found = ratelimit::get_override(&namespace, identifier)?;
        one(composite!("override_details"), &Details::from(&found))
    })
}

#[pg_extern(sql = false)]
fn unkey_list_overrides(
    namespace: Option<&str>,
    limit: Option<i32>,
    cursor: Option<&str>,
) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let namespace = ratelimit::get_namespace(View::Caller, required("namespace", namespace)?)?;
        let page = ratelimit::list_overrides(&namespace, i64::from(limit.unwrap_or(100)), cursor)?;
        let details: Vec<Details> = page.rows.iter().map(Details::from).collect();
        Ok(SetOfIterator::new(many(composite!("override_details"), &details)?))
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_override(namespace: Option<&str>, identifier: Option<&str>) {
    raise(|| {
        let namespace = required("namespace", namespace)?;
        let identifier = required("identifier", identifier)?;
        let namespace = ratelimit::get_namespace(View::Latest, namespace)?;
        ratelimit::delete_override(&namespace, identifier)
    })
}
