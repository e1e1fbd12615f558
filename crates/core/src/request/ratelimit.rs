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
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::LIMIT_IDENTIFIER))]
        identifier: String,
        /// Most cost per window; 0 denies.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
        limit: i64,
        /// Window in milliseconds.
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DURATION))]
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
        #[cfg_attr(feature = "schema", schemars(transform = crate::rule::PAGE))]
        limit: i64,
        /// Where the page before ended.
        cursor: String,
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
