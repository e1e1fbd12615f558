//! Maintenance of rate-limit counters.

use pgrx::prelude::*;

use crate::counters;
use crate::error::raise;

#[pg_extern(sql = false)]
fn unkey_save_counters() -> i64 {
    raise(|| Ok(counters::save()? as i64))
}

#[pg_extern(sql = false)]
fn unkey_forget_counters() {
    raise(counters::forget);
}
