//! `unkey_api`: the v2 dialect over SQL.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use unkey_core::validate::required;
use unkey_core::{Error, Result};

use super::types::{Address, Composite, Elements, Rows, columns_of, composite_of};
use crate::error::raise;
use crate::v2::{self, Call, Response, Verification};

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_api(
    operation: Option<&str>,
    authorization: Option<&str>,
    body: Option<&str>,
    ip: Option<Address>,
    user_agent: Option<String>,
    request_id: Option<String>,
    metrics: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let response = v2::answer(Call {
            operation: required("operation", operation)?,
            authorization,
            body,
            ip: ip.map(Address::text),
            user_agent,
            request_id,
            metrics: metrics.unwrap_or(true),
        })?;
        // Not made by a statement: the body can hold a new key's text, and parameters can end up in a log.
        composite_of(&columns_of(fcinfo)?, &values(response))
    })
}

/// Status, content type and body.
fn values(response: Response) -> [Option<pg_sys::Datum>; 3] {
    [i32::from(response.status).into_datum(), response.content_type.into_datum(), response.body.into_datum()]
}

#[pg_extern(sql = false)]
fn unkey_api_operations() -> SetOfIterator<'static, String> {
    SetOfIterator::new(v2::names().map(str::to_owned).collect::<Vec<_>>())
}

#[pg_extern(sql = false)]
fn unkey_api_verify_keys(
    authorizations: Option<Elements<String>>,
    bodies: Option<Elements<String>>,
    ips: Option<Elements<Address>>,
    user_agents: Option<Elements<String>>,
    request_ids: Option<Elements<String>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Rows {
    raise(|| {
        let authorizations = required("authorizations", authorizations)?.each("authorizations")?;
        let count = authorizations.len();
        let bodies = as_many("bodies", Some(required("bodies", bodies)?), count)?;
        let mut ips = as_many("ips", ips, count)?.into_iter();
        let mut user_agents = as_many("user_agents", user_agents, count)?.into_iter();
        let mut request_ids = as_many("request_ids", request_ids, count)?.into_iter();
        let calls = authorizations.iter().zip(&bodies).map(|(authorization, body)| Call {
            operation: v2::VERIFY_KEY,
            authorization: authorization.as_deref(),
            body: body.as_deref(),
            ip: ips.next().flatten().map(Address::text),
            user_agent: user_agents.next().flatten(),
            request_id: request_ids.next().flatten(),
            metrics: true,
        });
        let mut rows = Rows::of(fcinfo);
        for verification in v2::verify_keys(&calls.collect::<Vec<_>>())? {
            rows.add(&row(verification))?;
        }
        Ok(rows)
    })
}

/// The elements of an array, which must be so many; none for an optional array that is not given.
fn as_many<T>(argument: &'static str, elements: Option<Elements<T>>, count: usize) -> Result<Vec<Option<T>>> {
    let Some(elements) = elements else { return Ok(Vec::new()) };
    let elements = elements.each(argument)?;
    if elements.len() == count {
        return Ok(elements);
    }
    let problem = format!("must have {count} elements like authorizations, not {}", elements.len());
    Err(Error::invalid(argument, problem).hint("Each call has one element in every array; NULL is one."))
}

/// A row of `unkey.api_verification`: its columns in their order.
fn row(verification: Option<Verification>) -> [Option<pg_sys::Datum>; 5] {
    let Some(Verification { response, outcome, durable }) = verification else { return [None; 5] };
    let [status, content_type, body] = values(response);
    [status, content_type, body, outcome.into_datum(), durable.into_datum()]
}
