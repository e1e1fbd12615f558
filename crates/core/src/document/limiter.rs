//! Checks of the standalone limiter.

use serde::Deserialize;

use super::read;
use crate::{Error, Result, rule, validate};

/// One check of the standalone limiter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitCheck"))]
#[serde(deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct LimitRequest {
    /// Name or id of the namespace.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::NAMESPACE))]
    pub namespace: String,
    /// Who is limited: 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::LIMIT_IDENTIFIER))]
    pub identifier: String,
    /// Most cost per window; at least 1.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::POSITIVE))]
    pub limit: i64,
    /// Window in milliseconds; 1 second to 30 days.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::CHECK_DURATION))]
    pub duration: i64,
    /// What it costs; default 1, and 0 only looks.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    cost: Option<i64>,
}

impl LimitRequest {
    /// A check made of arguments; the cost is 1 unless given.
    pub fn new(
        namespace: String,
        identifier: String,
        limit: i64,
        duration: i64,
        cost: Option<i64>,
    ) -> Result<Self> {
        let request = Self { namespace, identifier, limit, duration, cost };
        request.check(str::to_owned)?;
        Ok(request)
    }

    /// What it costs; 0 only looks.
    pub fn cost(&self) -> i64 {
        self.cost.unwrap_or(1)
    }

    fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        validate::namespace_name(at("namespace"), &self.namespace)?;
        validate::limit_identifier(at("identifier"), &self.identifier)?;
        rule::POSITIVE.check(at("limit"), self.limit)?;
        validate::limit_duration(at("duration"), self.duration, validate::MAX_LIMIT_DURATION)?;
        rule::COUNT.check(at("cost"), self.cost())
    }
}

/// Reads a single check.
pub fn limit_request(argument: &str, json: &str) -> Result<LimitRequest> {
    let request: LimitRequest = read(argument, json)?;
    request.check(|field| format!("{argument}.{field}"))?;
    Ok(request)
}

/// Reads the checks of one call: 1 to 100.
pub fn limit_requests(argument: &str, json: &str) -> Result<Vec<LimitRequest>> {
    let requests: Vec<LimitRequest> = read(argument, json)?;
    rule::CHECKS.count(argument.to_owned(), requests.len())?;
    if requests.is_empty() {
        return Err(Error::invalid(argument.to_owned(), "must have at least one entry"));
    }
    for (index, request) in requests.iter().enumerate() {
        request.check(|field| format!("{argument}[{index}].{field}"))?;
    }
    Ok(requests)
}

object_only! {
    LimitRequest: "an object with namespace, identifier, limit, duration, cost",
}
