//! `unkey_*_workspace`.

use pgrx::prelude::*;
use unkey_core::validate::required;

use super::types::{Composite, Document, composite, one};
use crate::error::raise;
use crate::workspace;

#[pg_extern(sql = false)]
fn unkey_get_workspace() -> Composite {
    raise(|| one(composite!("workspace_details"), &workspace::get()?))
}

#[pg_extern(sql = false)]
fn unkey_update_workspace(patch: Option<Document>) {
    raise(|| workspace::update(required("patch", patch)?.text()))
}
