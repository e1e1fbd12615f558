//! `ratelimit.*`.

use super::{Request, requests};
use crate::Result;
use crate::document::{self, LimitRequest, strict};

requests! {
    /// `ratelimit.setOverride`.
    closed SetOverride {
        /// Name or id.
        namespace: String = NAMESPACE,
        /// Exact, or a pattern with `*`.
        identifier: String = LIMIT_IDENTIFIER,
        /// Most cost per window; 0 denies.
        limit: i64 = COUNT,
        /// Window in milliseconds.
        duration: i64 = DURATION,;
    }

    /// `ratelimit.getOverride`, `ratelimit.deleteOverride`.
    closed OverrideName {
        /// Name or id.
        namespace: String = NAMESPACE,
        /// The identifier it was set with.
        identifier: String = LIMIT_IDENTIFIER,;
    }

    /// `ratelimit.listOverrides`.
    closed ListOverrides {
        /// Name or id.
        namespace: String = NAMESPACE,;
        /// Rows, 1 to 100; default 50.
        limit: i64 = PAGE,
        /// Where the page before ended.
        cursor: String = CURSOR,
    }
}

/// `ratelimit.limit`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limit(pub LimitRequest);

impl Request for Limit {
    fn read(body: &str) -> Result<Self> {
        strict("body", body)?;
        document::limit_request("body", body).map(Self)
    }
}

/// `ratelimit.multiLimit`: a bare array of 1 to 100 checks.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MultiLimit(
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::CHECKS))] pub Vec<LimitRequest>,
);

impl Request for MultiLimit {
    fn read(body: &str) -> Result<Self> {
        strict("body", body)?;
        document::limit_requests("body", body).map(Self)
    }
}
