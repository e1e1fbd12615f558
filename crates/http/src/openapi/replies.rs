//! What comes back: success, refusals by status and content type, and headers.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use unkey_core::reply::{JSON, PROBLEM, content_type};
use unkey_core::schema::OPERATIONS;
use unkey_core::schema::operations::EVERYWHERE;

use super::object;

/// Content types that a refusal can have, and what their names end with.
const CONTENT_TYPES: [(&str, &str); 2] = [(JSON, ""), (PROBLEM, "Problem")];

/// A success with this schema.
pub fn success(schema: &str) -> Value {
    json!({
        "description": "It was done.",
        "headers": { "X-Request-Id": header("RequestId") },
        "content": { JSON: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
    })
}

/// A refusal of this operation.
pub fn refusal(status: u16, operation: &str) -> Value {
    let content_type = content_type(status, operation);
    let suffix =
        CONTENT_TYPES.iter().find(|(known, _)| *known == content_type).map_or("", |(_, suffix)| suffix);
    json!({ "$ref": format!("#/components/responses/{}{suffix}", name(status)) })
}

/// All statuses that refuse.
fn statuses() -> Vec<u16> {
    let own = OPERATIONS.iter().flat_map(|operation| operation.refusals);
    let mut statuses: Vec<u16> = EVERYWHERE.iter().chain(own).copied().collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// What HTTP calls a status: `NotFound`.
fn name(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("Error").split([' ', '-']).collect()
}

/// What Unkey calls the schema of a refusal: `NotFoundErrorResponse`.
fn schema_name(status: u16) -> String {
    format!("{}ErrorResponse", name(status).trim_end_matches("Error"))
}

/// The refusals that operations refer to.
pub fn refusals() -> Map<String, Value> {
    let of_type = |status: u16| {
        CONTENT_TYPES.map(|(content_type, suffix)| {
            (format!("{}{suffix}", name(status)), response(status, content_type))
        })
    };
    object(statuses().into_iter().flat_map(of_type))
}

fn response(status: u16, content_type: &str) -> Value {
    let mut headers = json!({ "X-Request-Id": header("RequestId") });
    if matches!(status, 429 | 503) {
        headers["Retry-After"] = header("RetryAfter");
    }
    json!({
        "description": description(status),
        "headers": headers,
        "content": { content_type: { "schema": { "$ref": format!("#/components/schemas/{}", schema_name(status)) } } },
    })
}

fn description(status: u16) -> &'static str {
    match status {
        400 => "The body is not as described, or no root key was sent.",
        401 => "There is no such root key.",
        403 => "The root key or the workspace is disabled, has expired, or lacks a permission.",
        404 => "What the body refers to does not exist.",
        408 => "The body took too long to arrive, or it can't be told whether this was done.",
        409 => "It exists already.",
        410 => "The namespace was deleted.",
        412 => "The state that this needs is not there.",
        413 => "The body is too long.",
        422 => "The query takes too long or returns too much.",
        429 => "All root keys together call too often.",
        503 => "The server or its database can't take the call now. Nothing was done.",
        _ => "Something broke on our side. Nothing was done.",
    }
}

/// Bodies of refusals: alike but for their status, and 400 says what is wrong where.
pub fn schemas() -> Map<String, Value> {
    object(statuses().into_iter().map(|status| {
        let mut error = json!({ "properties": { "status": { "const": status } } });
        if status == 400 {
            error["required"] = json!(["errors"]);
        }
        let schema = json!({
            "allOf": [{ "$ref": "#/components/schemas/ErrorResponse" }, { "properties": { "error": error } }],
        });
        (schema_name(status), schema)
    }))
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers that replies refer to.
pub fn headers() -> Map<String, Value> {
    object([
        (
            "RequestId",
            json!({
                "description": "The same as `meta.requestId`.",
                "required": true,
                "schema": { "type": "string" },
            }),
        ),
        (
            "RetryAfter",
            json!({
                "description": "Seconds after which it may go better.",
                "required": true,
                "schema": { "type": "integer", "minimum": 0 },
            }),
        ),
    ])
}
