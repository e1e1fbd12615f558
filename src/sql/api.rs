//! `unkey_api`: the v2 dialect over SQL.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use unkey_core::validate::required;

use super::types::{Address, Composite, columns_of, composite_of};
use crate::error::raise;
use crate::v2::{self, Call};

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
        let values = [
            i32::from(response.status).into_datum(),
            response.content_type.into_datum(),
            response.body.into_datum(),
        ];
        composite_of(&columns_of(fcinfo)?, &values)
    })
}

#[pg_extern(sql = false)]
fn unkey_api_operations() -> SetOfIterator<'static, String> {
    SetOfIterator::new(v2::names().map(str::to_owned).collect::<Vec<_>>())
}
