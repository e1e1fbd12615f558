//! Functions that defaults, constraints and other nodes call, in schema `unkey`.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use unkey_core::{document, id};

use super::types::Document;
use crate::clock;
use crate::error::{Failure, raise};

#[pg_extern(sql = false)]
fn unkey_new_id(prefix: &str) -> String {
    raise(|| id::new(prefix, clock::now()).map_err(Failure::from))
}

#[pg_extern(sql = false)]
fn unkey_now() -> Option<TimestampWithTimeZone> {
    clock::timestamp(clock::now())
}

#[pg_extern(sql = false)]
fn unkey_is_ratelimits(ratelimits: Document) -> bool {
    document::are_stored_limits(ratelimits.text())
}
