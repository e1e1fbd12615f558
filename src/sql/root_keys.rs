//! `unkey_*_root_key`.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde::Serialize;
use unkey_core::document::RootKeyPatch;
use unkey_core::root_permission::Grants;
use unkey_core::validate::required;

use super::keys::new_key;
use super::types::{Composite, Document, List, composite, instant, many, milliseconds, one, strings};
use crate::clock;
use crate::error::raise;
use crate::root_keys::{self, NewRootKey, RootKey};

/// A root key as `unkey.root_key_details`.
#[derive(Serialize)]
struct Details<'a> {
    key_id: &'a str,
    name: Option<&'a str>,
    start: &'a str,
    permissions: Option<Vec<String>>,
    enabled: bool,
    expires: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

fn details(root_key: &RootKey) -> Details<'_> {
    let shown = |at: Option<i64>| at.and_then(clock::timestamp).map(|at| at.to_iso_string());
    Details {
        key_id: &root_key.id,
        name: root_key.name.as_deref(),
        start: &root_key.start,
        permissions: Some(root_key.permissions.texts()).filter(|list| !list.is_empty()),
        enabled: root_key.enabled,
        expires: shown(root_key.expires),
        created_at: shown(Some(root_key.created_at)),
        updated_at: shown(root_key.updated_at),
    }
}

#[pg_extern(sql = false)]
fn unkey_create_root_key(
    name: Option<String>,
    permissions: Option<List>,
    expires: Option<TimestampWithTimeZone>,
    enabled: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let new = NewRootKey {
            name,
            permissions: strings("permissions", permissions)?,
            expires: instant(expires),
            enabled: enabled.unwrap_or(true),
        };
        new_key(&root_keys::create(new, None)?, fcinfo)
    })
}

#[pg_extern(sql = false)]
fn unkey_get_root_key(key_id: Option<&str>) -> Composite {
    raise(|| one(composite!("root_key_details"), &details(&root_keys::get(required("key_id", key_id)?)?)))
}

#[pg_extern(sql = false)]
fn unkey_list_root_keys(limit: Option<i32>, cursor: Option<&str>) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let page = root_keys::list(i64::from(limit.unwrap_or(100)), cursor)?;
        let rows: Vec<Details> = page.rows.iter().map(details).collect();
        Ok(SetOfIterator::new(many(composite!("root_key_details"), &rows)?))
    })
}

#[pg_extern(sql = false)]
fn unkey_update_root_key(key_id: Option<&str>, patch: Option<Document>) {
    raise(|| {
        root_keys::update(
            required("key_id", key_id)?,
            RootKeyPatch::read(required("patch", patch)?.text())?,
            None,
        )
    })
}

#[pg_extern(sql = false)]
fn unkey_reroll_root_key(
    key_id: Option<&str>,
    grace: Option<Interval>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Composite {
    raise(|| {
        let grace = grace.as_ref().map_or(0, milliseconds);
        new_key(&root_keys::reroll(required("key_id", key_id)?, Some(grace), None)?, fcinfo)
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_root_key(key_id: Option<&str>) {
    raise(|| root_keys::delete(required("key_id", key_id)?, None))
}

#[pg_extern(sql = false)]
fn unkey_authenticate(authorization: Option<&str>) -> Composite {
    raise(|| {
        let root_key = root_keys::authenticate(authorization)?;
        one(composite!("root_key_details"), &details(&root_key))
    })
}

#[pg_extern(sql = false)]
fn unkey_is_root_permissions(permissions: List) -> bool {
    let list = permissions.strings("permissions").unwrap_or_else(|_| vec![String::new()]);
    Grants::try_from(list).is_ok()
}
