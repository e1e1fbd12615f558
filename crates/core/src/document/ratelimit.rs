//! Rate limits: those to store, and those a verification names.

use serde::Deserialize;

use super::read;
use crate::limits::StoredLimit;
use crate::{Result, rule, validate};

/// A limit to store with a key or an identity. Unknown members are tolerated, so that a stored limit can be sent back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitRequest"))]
#[serde(rename_all = "camelCase")]
#[serde(remote = "Self")]
pub struct RatelimitInput {
    /// 1 to 128 characters, unique in its list.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::LIMIT_NAME))]
    pub name: String,
    /// Most cost per window; at least 1.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::POSITIVE))]
    pub limit: i64,
    /// Window in milliseconds; at least 1000.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DURATION))]
    pub duration: i64,
    /// Counted on every verification; default false.
    #[serde(default)]
    pub auto_apply: bool,
}

/// Reads a list of limits to store.
pub fn ratelimits(argument: &str, json: &str) -> Result<Vec<RatelimitInput>> {
    let limits: Vec<RatelimitInput> = read(argument, json)?;
    check_ratelimits(argument, &limits)?;
    Ok(limits)
}

/// The rules of limits to store.
pub fn check_ratelimits(argument: &str, limits: &[RatelimitInput]) -> Result<()> {
    rule::RATELIMITS.count(argument.to_owned(), limits.len())?;
    for (index, limit) in limits.iter().enumerate() {
        rule::LIMIT_NAME.check(format!("{argument}[{index}].name"), &limit.name)?;
        rule::POSITIVE.check(format!("{argument}[{index}].limit"), limit.limit)?;
        rule::DURATION.check(format!("{argument}[{index}].duration"), limit.duration)?;
    }
    validate::unique(argument, limits.iter().map(|limit| limit.name.as_str()))
}

impl rule::Rule<Vec<RatelimitInput>> for rule::List<rule::Anything> {
    fn admit(&self, argument: &'static str, list: &Vec<RatelimitInput>) -> Result<()> {
        check_ratelimits(argument, list)
    }
}

/// Whether `json` may stand in a `ratelimits` column: a list of limits with ids, each name once.
pub fn are_stored_limits(json: &str) -> bool {
    let stored = read::<Vec<StoredLimit>>("ratelimits", json);
    stored.is_ok_and(|limits| limits.iter().all(|limit| !limit.id.is_empty()))
        && ratelimits("ratelimits", json).is_ok()
}

/// A limit named by a verification: a stored one, or with `limit` and `duration` an ad-hoc one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "KeysVerifyKeyRatelimit", transform = crate::schema::limit_needs_a_window))]
#[serde(remote = "Self")]
pub struct RequestedLimit {
    /// Name of the limit: 1 to 255 characters.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::REQUESTED_LIMIT_NAME))]
    pub name: String,
    /// What this verification costs; default 1.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    pub cost: Option<i64>,
    /// Most cost per window of an ad-hoc limit; 0 denies.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    pub limit: Option<i64>,
    /// Window of an ad-hoc limit in milliseconds; at least 1000 if there is a limit.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::COUNT))]
    pub duration: Option<i64>,
}

/// Reads the limits that a verification names.
pub fn requested_limits(json: &str) -> Result<Vec<RequestedLimit>> {
    let limits: Vec<RequestedLimit> = read("ratelimits", json)?;
    for (index, limit) in limits.iter().enumerate() {
        let at = |field| format!("ratelimits[{index}].{field}");
        rule::REQUESTED_LIMIT_NAME.check(at("name"), &limit.name)?;
        rule::COUNT.check(at("cost"), limit.cost.unwrap_or(1))?;
        rule::COUNT.check(at("limit"), limit.limit.unwrap_or(1))?;
        // By itself it is without effect, so clients may send 0 for none.
        let duration = if limit.limit.is_some() { rule::DURATION } else { rule::COUNT };
        duration.check(at("duration"), limit.duration.unwrap_or(rule::DURATION.min))?;
    }
    Ok(limits)
}

object_only! {
    RatelimitInput: "an object with name, limit, duration, autoApply",
    RequestedLimit: "an object with name, cost, limit, duration",
}
