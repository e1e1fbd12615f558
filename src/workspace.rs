//! The workspace, which is the database: one switch and one limit for all root keys together.

use unkey_core::document::{WorkspaceLimit, WorkspacePatch};
use unkey_core::limits::{Applied, CounterKey};
use unkey_core::verdict::Take;
use unkey_core::{Error, Kind};

use crate::clock;
use crate::counters;
use crate::error::{Outcome, answered};
use crate::store::statement::View;
use crate::store::workspace::{self, Workspace};
use crate::web_request;

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
    match admit_first(1)? {
        (0, Some(refusal)) => Err(refusal.into()),
        _ => Ok(()),
    }
}

/// Lets the first of so many calls in and counts them if calls are limited: how many, and why no more.
pub fn admit_first(calls: usize) -> Outcome<(usize, Option<Error>)> {
    let workspace = workspace::now()?.unwrap_or(UNCHANGED);
    if !workspace.enabled {
        let error = Error::new(Kind::WorkspaceDisabled, "the workspace is disabled");
        let hint = "unkey_update_workspace('{\"enabled\": true}') enables it.";
        return Ok((0, Some(error.hint(hint))));
    }
    let (Some(limit), Some(duration)) = (workspace.limit, workspace.duration) else {
        return Ok((calls, None));
    };
    let counter = CounterKey::new("workspace".to_owned(), "calls".to_owned(), duration);
    let name = "workspace".to_owned();
    let applied = Applied { id: String::new(), name, limit, cost: 1, auto_apply: true, counter };
    let now = clock::now();
    let take = Take { counter: &applied.counter, limit, cost: applied.cost };
    let (admitted, refused) = match answered(counters::take_each(&take, calls, now))? {
        Ok(taken) => taken,
        Err(refusal) => return Ok((0, Some(refusal))),
    };
    let Some(refused) = refused else { return Ok((admitted, None)) };
    web_request::tell_refusal(&applied.state(&refused), now)?;
    let message = format!("all root keys together may make {limit} calls in {duration} ms");
    let refusal = Error::new(Kind::WorkspaceRateLimited, message).hint("Try again in the next window.");
    Ok((admitted, Some(refusal)))
}
