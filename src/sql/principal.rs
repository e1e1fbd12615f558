//! `unkey_authenticate`, and who is authenticated.

use std::rc::Rc;

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use unkey_core::validate::required;

use super::types::{Address, Composite, Document, List};
use super::verify::{question, row};
use crate::error::{Outcome, raise};
use crate::principal::{self, Keep, Principal};
use crate::store::value::Varlena;

#[allow(clippy::too_many_arguments, reason = "the SQL function's arguments")]
#[pg_extern(sql = false)]
fn unkey_authenticate_key(
    key: Option<&str>,
    permissions: Option<String>,
    cost: Option<i64>,
    ratelimits: Option<Document>,
    tags: Option<List>,
    api_id: Option<String>,
    ip: Option<Address>,
    migration_id: Option<String>,
    session: Option<bool>,
) -> Composite {
    raise(|| {
        let question = question(permissions, cost, ratelimits, tags, api_id, ip, migration_id)?;
        let keep = if required("session", session)? { Keep::Session } else { Keep::Transaction };
        row(&principal::authenticate(key, question, keep)?)?.composite()
    })
}

#[pg_extern(sql = false)]
fn unkey_logout() {
    principal::logout();
}

#[pg_extern(sql = false)]
fn unkey_key_id() -> Kept {
    kept(|principal| Ok(Some(principal.columns.key_id.copied())))
}

#[pg_extern(sql = false)]
fn unkey_identity_id() -> Kept {
    kept(|principal| Ok(principal.columns.identity_id.as_ref().map(Varlena::copied)))
}

#[pg_extern(sql = false)]
fn unkey_external_id() -> Kept {
    kept(|principal| Ok(principal.columns.external_id.as_ref().map(Varlena::copied)))
}

#[pg_extern(sql = false)]
fn unkey_meta() -> Kept {
    kept(|principal| principal.key().meta.as_ref().map(|meta| meta.stored().map(Varlena::copied)).transpose())
}

#[pg_extern(sql = false)]
fn unkey_can(permissions: &str) -> bool {
    raise(|| principal::current()?.map_or(Ok(false), |principal| principal.can(permissions)))
}

#[pg_extern(sql = false)]
fn unkey_has_role(role: &str) -> bool {
    raise(|| Ok(principal::current()?.is_some_and(|principal| principal.has_role(role))))
}

/// A value of the type that the function's DDL names, or NULL. Always a copy: the principal can change while a query holds it.
pub(super) struct Kept(pub(super) Option<pg_sys::Datum>);

/// What the principal has of it; NULL for nobody.
fn kept(value: impl FnOnce(Rc<Principal>) -> Outcome<Option<pg_sys::Datum>>) -> Kept {
    Kept(raise(|| principal::current()?.map_or(Ok(None), value)))
}

// SAFETY: the datum is a value in the function's own memory context.
unsafe impl BoxRet for Kept {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.0 {
            // SAFETY: as above.
            Some(value) => unsafe { fcinfo.return_raw_datum(value) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: names the SQL type; DDL is written by hand.
unsafe impl SqlTranslatable for Kept {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Kept);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("anyelement"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("anyelement")));
}
