//! `unkey_*_api`.

use pgrx::prelude::*;
use unkey_core::document::ApiPatch;
use unkey_core::validate::required;

use super::types::{Composite, Document, List, composite, many, one};
use crate::apis::{self, NewApi};
use crate::error::raise;
use crate::store::statement::View;

/// As 0.1.0 declares it.
#[pg_extern(sql = false)]
fn unkey_create_api(
    name: Option<String>,
    default_prefix: Option<String>,
    default_bytes: Option<i32>,
    ip_allowlist: Option<List>,
    delete_protection: Option<bool>,
    store_encrypted_keys: Option<bool>,
) -> String {
    unkey_create_api_of_format(
        name,
        default_prefix,
        default_bytes,
        ip_allowlist,
        delete_protection,
        store_encrypted_keys,
        None,
    )
}

#[pg_extern(sql = false)]
fn unkey_create_api_of_format(
    name: Option<String>,
    default_prefix: Option<String>,
    default_bytes: Option<i32>,
    ip_allowlist: Option<List>,
    delete_protection: Option<bool>,
    store_encrypted_keys: Option<bool>,
    key_format: Option<String>,
) -> String {
    raise(|| {
        apis::create(&NewApi {
            name: required("name", name)?,
            default_prefix,
            default_bytes: default_bytes.map(i64::from),
            ip_allowlist: ip_allowlist.map(|list| list.strings("ip_allowlist")).transpose()?,
            delete_protection: delete_protection.unwrap_or(false),
            store_encrypted_keys: store_encrypted_keys.unwrap_or(false),
            key_format,
        })
    })
}

#[pg_extern(sql = false)]
fn unkey_get_api(api_id: Option<&str>) -> Composite {
    raise(|| one(composite!("api_details"), &apis::get(View::Caller, required("api_id", api_id)?)?))
}

#[pg_extern(sql = false)]
fn unkey_list_apis(limit: Option<i32>, cursor: Option<&str>) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let page: Vec<Composite> =
            many(composite!("api_details"), &apis::list(i64::from(limit.unwrap_or(100)), cursor)?.rows)?;
        Ok(SetOfIterator::new(page))
    })
}

#[pg_extern(sql = false)]
fn unkey_update_api(api_id: Option<&str>, patch: Option<Document>) {
    raise(|| apis::update(required("api_id", api_id)?, ApiPatch::read(required("patch", patch)?.text())?))
}

#[pg_extern(sql = false)]
fn unkey_delete_api(api_id: Option<&str>) {
    raise(|| apis::delete(required("api_id", api_id)?))
}
