//! `ratelimit.*`: the standalone limiter.

use serde::Serialize;

/// The decision about one check.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitDecision"))]
#[serde(rename_all = "camelCase")]
pub struct LimitReply<'a> {
    /// Whether there was room.
    pub success: bool,
    /// Most cost per window.
    pub limit: i64,
    /// Cost that still fits.
    pub remaining: i64,
    /// End of the current window, in milliseconds since the Unix epoch.
    pub reset: i64,
    /// The override that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_id: Option<&'a str>,
}

/// The decisions about several checks: all are counted, or none.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitMultiLimitDecision"))]
pub struct MultiLimitReply<'a> {
    /// Whether all had room.
    pub passed: bool,
    /// One for each check, in the order given.
    pub limits: Vec<CheckReply<'a>>,
}

/// One of several decisions.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitMultiLimitCheck"))]
#[serde(rename_all = "camelCase")]
pub struct CheckReply<'a> {
    /// The namespace as it was given.
    pub namespace: &'a str,
    /// Who is limited.
    pub identifier: &'a str,
    /// Whether there was room.
    pub passed: bool,
    /// Most cost per window.
    pub limit: i64,
    /// Cost that still fits.
    pub remaining: i64,
    /// End of the current window, in milliseconds since the Unix epoch.
    pub reset: i64,
    /// The override that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_id: Option<&'a str>,
}

/// An override just set.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OverrideId {
    /// Its id, kept when it was there before.
    pub override_id: String,
}

/// An override.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RatelimitOverride"))]
#[serde(rename_all = "camelCase")]
pub struct OverrideReply<'a> {
    /// Its id.
    pub override_id: &'a str,
    /// Exact, or a pattern with `*`.
    pub identifier: &'a str,
    /// Most cost per window; 0 denies.
    pub limit: i64,
    /// Window in milliseconds.
    pub duration: i64,
}
