//! What the audit log's triggers ask, in schema `unkey`.

use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys};

use super::types::{Composite, columns_of, composite_of};
use crate::actor::{self, Doing};
use crate::audit;
use crate::error::raise;

#[pg_extern(sql = false)]
fn unkey_actor(fcinfo: pg_sys::FunctionCallInfo) -> Composite {
    raise(|| {
        let who = audit::who()?;
        // Postgres' texts hold no NUL, a request's may.
        let text = |text: String| text.replace('\0', "").into_datum();
        let values = [
            who.kind.into_datum(),
            text(who.id),
            who.name.and_then(text),
            who.remote_ip.and_then(text),
            who.user_agent.and_then(text),
            text(who.correlation_id),
        ];
        composite_of(&columns_of(fcinfo)?, &values)
    })
}

#[pg_extern(sql = false)]
fn unkey_is_recorded() -> bool {
    actor::doing() != Doing::Detail
}

#[pg_extern(sql = false)]
fn unkey_is_reroll() -> bool {
    actor::doing() == Doing::Reroll
}
