//! `ratelimit.*`.

use super::{Request, requests};
use crate::Result;
use crate::document::{self, LimitRequest, strict};

requests! {
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

/// `ratelimit.limit`.
#[derive(Debug)]
pub struct Limit(pub LimitRequest);

impl Request for Limit {
    fn read(body: &str) -> Result<Self> {
        strict("body", body)?;
        document::limit_request("body", body).map(Self)
    }
}

/// `ratelimit.multiLimit`: a bare array of 1 to 100 checks.
#[derive(Debug)]
pub struct MultiLimit(pub Vec<LimitRequest>);

impl Request for MultiLimit {
    fn read(body: &str) -> Result<Self> {
        strict("body", body)?;
        document::limit_requests("body", body).map(Self)
    }
}
