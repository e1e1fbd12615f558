//! The workspace, which is the database: one switch and one limit for all root keys together.

use unkey_core::document::{WorkspaceLimit, WorkspacePatch};
use unkey_core::limits::CounterKey;
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind};

use crate::clock;
use crate::error::Outcome;
use crate::store::counters;
use crate::store::statement::View;
use crate::store::workspace::{self, Workspace};

/// Enabled and without a limit, unless it was changed.
const UNCHANGED: Workspace = Workspace { enabled: true, limit: None, duration: None };

/// The workspace, at the caller's snapshot.
pub fn get() -> Outcome<Workspace> {
    Ok(workspace::get(View::Caller)?.unwrap_or(UNCHANGED))
}

/// Changes the workspace.
pub fn update(patch: &str) -> Outcome<()> {
    let patch = WorkspacePatch::read(patch)?;
    let old = workspace::lock()?;
    let (limit, duration) = match patch.ratelimit.change() {
        None => (old.limit, old.duration),
        Some(new) => new.map(|WorkspaceLimit { limit, duration }| (limit, duration)).unzip(),
    };
    workspace::update(&Workspace { enabled: patch.enabled.unwrap_or(old.enabled), limit, duration })
}

/// Lets one call of a root key in, and counts it if calls are limited.
pub fn admit() -> Outcome<()> {
    let workspace = workspace::now()?.unwrap_or(UNCHANGED);
    if !workspace.enabled {
        let error = Error::new(Kind::WorkspaceDisabled, "the workspace is disabled");
        return Err(error.hint("unkey_update_workspace('{\"enabled\": true}') enables it.").into());
    }
    let (Some(limit), Some(duration)) = (workspace.limit, workspace.duration) else { return Ok(()) };
    let counter = CounterKey { scope: "workspace".to_owned(), identifier: "calls".to_owned(), duration };
    if counters::take(&[Take { counter, limit, cost: 1 }], clock::now())?.passed {
        return Ok(());
    }
    let message = format!("all root keys together may make {limit} calls in {duration} ms");
    Err(Error::new(Kind::WorkspaceRateLimited, message).hint("Try again in the next window.").into())
}
