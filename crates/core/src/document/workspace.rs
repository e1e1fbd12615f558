//! Change of the workspace.

use serde::Deserialize;

use super::{Patch, not_null, read};
use crate::{Result, validate};

/// How many calls of the v2 dialect all root keys may make together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct WorkspaceLimit {
    /// Most calls per window; 0 refuses all.
    pub limit: i64,
    /// Window in milliseconds; at least 1000.
    pub duration: i64,
}

/// Change of the workspace: absent keeps.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[serde(remote = "Self")]
pub struct WorkspacePatch {
    /// Whether root keys can do anything at all.
    #[serde(deserialize_with = "not_null")]
    pub enabled: Option<bool>,
    /// Limit of all root keys together; null for none.
    pub ratelimit: Patch<WorkspaceLimit>,
}

impl WorkspacePatch {
    /// Reads and checks a patch.
    pub fn read(json: &str) -> Result<Self> {
        let patch: Self = read("patch", json)?;
        if let Patch::Set(WorkspaceLimit { limit, duration }) = patch.ratelimit {
            validate::range("patch.ratelimit.limit", limit, 0, i64::MAX)?;
            validate::range("patch.ratelimit.duration", duration, validate::MIN_DURATION, i64::MAX)?;
        }
        Ok(patch)
    }
}

object_only! {
    WorkspaceLimit: "an object with limit, duration",
    WorkspacePatch: "an object with enabled, ratelimit",
}
