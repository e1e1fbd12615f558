//! `ratelimit.*`.

use super::{Request, read, requests};
use crate::{Error, Result, validate};

requests! {
    /// `ratelimit.limit`.
    closed Limit {
        /// Name or id.
        namespace: String,
        /// Whose usage.
        identifier: String,
        /// Most cost per window.
        limit: i64,
        /// Window in milliseconds.
        duration: i64,;
        /// What it counts; default 1.
        cost: i64,
    }

    /// `ratelimit.setOverride`.
    closed SetOverride {
        /// Name or id.
        namespace: String,
        /// Exact, or a pattern with `*`.
        identifier: String,
        /// Most cost per window; 0 denies.
        limit: i64,
        /// Window in milliseconds.
        duration: i64,;
    }

    /// `ratelimit.getOverride`, `ratelimit.deleteOverride`.
    closed OverrideName {
        /// Name or id.
        namespace: String,
        /// The identifier it was set with.
        identifier: String,;
    }

    /// `ratelimit.listOverrides`.
    closed ListOverrides {
        /// Name or id.
        namespace: String,;
        /// Rows, 1 to 100; default 10.
        limit: i64,
        /// Where the page before ended.
        cursor: String,
    }
}

/// `ratelimit.multiLimit`: a bare array of 1 to 100 checks.
#[derive(Debug)]
pub struct MultiLimit(pub Vec<Limit>);

impl Request for MultiLimit {
    fn read(body: &str) -> Result<Self> {
        let checks: Vec<Limit> = read(body)?;
        if checks.is_empty() {
            return Err(Error::invalid("body", "must have 1 to 100 entries, not 0"));
        }
        validate::count("body", checks.len(), 100)?;
        Ok(Self(checks))
    }
}
