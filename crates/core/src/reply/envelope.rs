//! What stands around every answer: `{"meta", "data", "pagination"?}` and `{"meta", "error"}`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;

/// Content type of nearly all replies.
pub const JSON: &str = "application/json";
/// Content type that the official clients demand for some errors.
pub const PROBLEM: &str = "application/problem+json";

/// About the call itself.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Meta<'a> {
    /// Such as `req_2gZdJm7aVwTQXkqv`; the same in logs and in the audit log.
    pub request_id: &'a str,
}

/// The reply of a call that went well.
#[derive(Debug, Serialize)]
pub struct Success<'a> {
    /// About the call.
    pub meta: Meta<'a>,
    /// What the operation answers; left out by the one that answers nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
    /// Of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination: Option<&'a Pagination>,
}

/// Whether a list goes on, and where.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Whether there are more rows.
    pub has_more: bool,
    /// Left out on the last page, since clients go on for as long as there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The reply of a call that was refused.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ErrorResponse"))]
pub struct Refusal<'a> {
    /// About the call.
    pub meta: Meta<'a>,
    /// Why.
    pub error: Problem<'a>,
}

/// Why a call was refused.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Error"))]
pub struct Problem<'a> {
    /// Short, the same for every error of this type.
    pub title: &'a str,
    /// One sentence.
    pub detail: &'a str,
    /// HTTP status.
    pub status: u16,
    /// `https://unkey.com/docs/errors/` and a code, the same for every error of this kind.
    pub r#type: String,
    /// Required with 400, absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Place<'a>>>,
}

/// What is wrong where in the request.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ValidationError"))]
pub struct Place<'a> {
    /// Such as `body.ratelimits[0].duration`.
    pub location: &'a str,
    /// One sentence.
    pub message: &'a str,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    /// Of this mistake, whose argument is a place in the body.
    pub fn new(request_id: &'a str, error: &'a Error) -> Self {
        let facts = error.kind.facts();
        let in_body = |location: &&str| location.starts_with("body");
        let place = error.argument.as_deref().filter(in_body).map(|location| Place {
            location,
            message: &error.message,
            fix: error.hint.as_deref(),
        });
        let error = Problem {
            title: facts.title,
            detail: &error.message,
            status: facts.status,
            r#type: format!("https://unkey.com/docs/errors/{}", facts.code),
            errors: (facts.status == 400).then(|| place.into_iter().collect()),
        };
        Self { meta: Meta { request_id }, error }
    }
}

/// The content type of a refusal: what the official clients demand for their typed errors.
pub fn content_type(status: u16, operation: &str) -> &'static str {
    match operation {
        "identities.deleteIdentity" => PROBLEM,
        "permissions.updatePermission" | "permissions.updateRole" => JSON,
        _ if status == 429 => PROBLEM,
        _ => JSON,
    }
}
