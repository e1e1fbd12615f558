//! The workspace: at most one row, made by its first change, so that a restored dump brings its own.

use serde::{Deserialize, Serialize};

use super::probe::{Table, under_latest};
use super::row::Row;
use super::statement::{View, arg, row, run};
use super::{cache, relations};
use crate::error::{Failure, Outcome};

/// The workspace. Duration in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Workspace {
    pub enabled: bool,
    pub limit: Option<i64>,
    pub duration: Option<i64>,
}

const WORKSPACE: Table = Table { name: c"workspace", index: c"workspace_pkey" };

/// The workspace as it is now, if it was ever changed.
pub fn now() -> Outcome<Option<Workspace>> {
    if let Some(known) = cache::workspace()? {
        return Ok(known);
    }
    let generation = relations::generation()?;
    let found = under_latest(|latest| {
        let found = latest.by_boolean(WORKSPACE, true, read)?.into_iter().next();
        if latest.may_be_kept() {
            cache::put_workspace(generation, found);
        }
        Ok(found)
    })?;
    found.map_or_else(|| get(View::Latest), Ok)
}

fn read(row: &Row) -> Outcome<Workspace> {
    let mut workspace = Workspace { enabled: false, limit: None, duration: None };
    for (name, column) in row.columns() {
        match name {
            "enabled" => workspace.enabled = column.boolean(),
            "limit" => workspace.limit = Some(column.integer()),
            "duration" => workspace.duration = Some(column.integer()),
            _ => {}
        }
    }
    Ok(workspace)
}

/// The workspace, if it was ever changed.
pub fn get(view: View) -> Outcome<Option<Workspace>> {
    row(
        view,
        "SELECT json_build_object('enabled', enabled, 'limit', \"limit\", 'duration', duration) FROM unkey.workspace",
        &[],
    )
}

/// The workspace, locked until the transaction ends.
pub fn lock() -> Outcome<Workspace> {
    let locked = row(
        View::Latest,
        "INSERT INTO unkey.workspace AS workspace DEFAULT VALUES
        ON CONFLICT (singleton) DO UPDATE SET enabled = workspace.enabled
        RETURNING json_build_object('enabled', enabled, 'limit', \"limit\", 'duration', duration)",
        &[],
    )?;
    locked.ok_or_else(|| Failure::Internal("the workspace did not come back".into()))
}

/// Changes the workspace.
pub fn update(new: &Workspace) -> Outcome<()> {
    run(
        "UPDATE unkey.workspace SET enabled = $1, \"limit\" = $2, duration = $3",
        &[arg(new.enabled), arg(new.limit), arg(new.duration)],
    )
}
