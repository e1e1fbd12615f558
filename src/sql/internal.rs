//! Functions that defaults, constraints and other nodes call, in schema `unkey`.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use pgrx::{Internal, IntoDatum, pg_sys};
use unkey_core::{document, id};

use super::scan;
use super::types::{Composite, Document, Rows};
use crate::error::{Failure, raise};
use crate::shared::stats::Stat;
use crate::store::{buffered, keys, lock, trigger};
use crate::{clock, events};

#[pg_extern(sql = false)]
fn unkey_new_id(prefix: &str) -> String {
    raise(|| id::new(prefix, clock::now()).map_err(Failure::from))
}

#[pg_extern(sql = false)]
fn unkey_now() -> Option<TimestampWithTimeZone> {
    clock::timestamp(clock::now())
}

#[pg_extern(sql = false)]
fn unkey_lock(name: &str, wait: bool) -> bool {
    lock::take(name, wait)
}

#[pg_extern(sql = false)]
fn unkey_is_ratelimits(ratelimits: Document) -> bool {
    document::are_stored_limits(ratelimits.text())
}

#[pg_extern(sql = false)]
fn unkey_drain_memory() -> i64 {
    raise(|| Ok(if buffered::lock() { events::drain()? as i64 } else { 0 }))
}

#[pg_extern(sql = false)]
fn unkey_figures(fcinfo: pg_sys::FunctionCallInfo) -> Rows {
    raise(|| {
        keys::flush_figures();
        let mut rows = Rows::of(fcinfo);
        for stat in Stat::ALL {
            let kind = if stat.is_gauge() { "gauge" } else { "counter" };
            let value = i64::try_from(stat.value()).unwrap_or(i64::MAX);
            let help = stat.help().trim();
            rows.add(&[stat.name().into_datum(), kind.into_datum(), value.into_datum(), help.into_datum()])?;
        }
        Ok(rows)
    })
}

#[pg_extern(sql = false)]
fn unkey_support(request: Internal) -> Composite {
    Composite(request.unwrap().map_or(pg_sys::Datum::null(), |request| scan::support(request.cast_mut_ptr())))
}

/// A trigger's own answer counts for nothing after a row.
const IGNORED: Composite = Composite(pg_sys::Datum::null());

#[pg_extern(sql = false)]
fn unkey_key_was_changed(fcinfo: pg_sys::FunctionCallInfo) -> Composite {
    raise(|| {
        keys::announce_change(&trigger::changed_row(fcinfo)?.whose()?)?;
        Ok(IGNORED)
    })
}

#[pg_extern(sql = false)]
fn unkey_key_was_linked(fcinfo: pg_sys::FunctionCallInfo) -> Composite {
    raise(|| {
        keys::announce_link(&trigger::changed_row(fcinfo)?.whose()?)?;
        Ok(IGNORED)
    })
}

// What 0.1.0 calls. The others have names of their own, so that a session with the library of 0.1.0, which says less than is listened
// to now, can't change keys after the update.

#[pg_extern(sql = false)]
fn unkey_key_changed(fcinfo: pg_sys::FunctionCallInfo) -> Composite {
    unkey_key_was_changed(fcinfo)
}

#[pg_extern(sql = false)]
fn unkey_key_linked(fcinfo: pg_sys::FunctionCallInfo) -> Composite {
    unkey_key_was_linked(fcinfo)
}
