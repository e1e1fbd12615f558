//! `unkey_*_identity`.

use pgrx::prelude::*;
use unkey_core::document::{self, IdentityPatch};
use unkey_core::validate::required;

use super::types::{Composite, Document, composite, many, one};
use crate::error::raise;
use crate::identities::{self, NewIdentity};

#[pg_extern(sql = false)]
fn unkey_create_identity(
    external_id: Option<String>,
    meta: Option<Document>,
    ratelimits: Option<Document>,
) -> String {
    raise(|| {
        let ratelimits =
            ratelimits.map(|limits| document::ratelimits("ratelimits", limits.text())).transpose()?;
        identities::create(NewIdentity {
            external_id: required("external_id", external_id)?,
            meta: meta.map(Document::raw).transpose()?,
            ratelimits: ratelimits.unwrap_or_default(),
        })
    })
}

#[pg_extern(sql = false)]
fn unkey_get_identity(identity: Option<&str>) -> Composite {
    raise(|| one(composite!("identity_details"), &identities::get(required("identity", identity)?)?))
}

#[pg_extern(sql = false)]
fn unkey_list_identities(
    limit: Option<i32>,
    cursor: Option<&str>,
    search: Option<&str>,
) -> SetOfIterator<'static, Composite> {
    raise(|| {
        let page = identities::list(i64::from(limit.unwrap_or(100)), cursor, search)?;
        Ok(SetOfIterator::new(many(composite!("identity_details"), &page.rows)?))
    })
}

#[pg_extern(sql = false)]
fn unkey_update_identity(identity: Option<&str>, patch: Option<Document>) {
    raise(|| {
        identities::update(
            required("identity", identity)?,
            IdentityPatch::read(required("patch", patch)?.text())?,
        )
        .map(drop)
    })
}

#[pg_extern(sql = false)]
fn unkey_delete_identity(identity: Option<&str>) {
    raise(|| identities::delete(required("identity", identity)?))
}
