//! `unkey_scan` and `unkey_scanner_rules`.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};
use unkey_core::validate::required;

use super::types::Rows;
use crate::error::raise;
use crate::{clock, leaks};

#[pg_extern(sql = false)]
fn unkey_scan(content: &str, fcinfo: pg_sys::FunctionCallInfo) -> Rows {
    raise(|| {
        let mut rows = Rows::of(fcinfo);
        leaks::scan(content, &mut |leak| {
            rows.add(&[
                leak.key.id.as_str().into_datum(),
                leak.key.api_id.as_deref().into_datum(),
                leak.key.start.as_str().into_datum(),
                leak.key.enabled.into_datum(),
                leak.key.expires.and_then(clock::timestamp).into_datum(),
                integer(leak.position).into_datum(),
                integer(leak.length).into_datum(),
            ])
        })?;
        Ok(rows)
    })
}

/// No text of Postgres has more characters than that.
fn integer(count: usize) -> Option<i32> {
    i32::try_from(count).ok()
}

#[pg_extern(sql = false)]
fn unkey_scanner_rules(tool: Option<&str>, verify_url: Option<&str>) -> String {
    raise(|| leaks::rules(required("tool", tool)?, verify_url))
}
