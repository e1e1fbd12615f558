//! Replies: `{"meta", "data", "pagination"?}` and `{"meta", "error"}`.

use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::Error;

use crate::error::{Failure, Outcome};
use crate::page::Page;

/// What a handler answers.
pub struct Reply {
    data: Option<Box<RawValue>>,
    pagination: Option<Pagination>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    has_more: bool,
    /// Left out on the last page, since clients go on for as long as there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// An object without members.
#[derive(Serialize)]
struct Empty {}

impl Reply {
    /// One object or array.
    pub fn data<T: Serialize>(data: &T) -> Outcome<Self> {
        Ok(Self { data: Some(serde_json::value::to_raw_value(data)?), pagination: None })
    }

    /// `{}`.
    pub fn empty() -> Outcome<Self> {
        Self::data(&Empty {})
    }

    /// Nothing but `meta`.
    pub fn nothing() -> Self {
        Self { data: None, pagination: None }
    }

    /// A page of a list, each row in the shape that `show` gives it.
    pub fn page<'a, T, S: Serialize>(page: &'a Page<T>, show: impl FnMut(&'a T) -> S) -> Outcome<Self> {
        let rows: Vec<S> = page.rows.iter().map(show).collect();
        let pagination = Pagination { has_more: page.next.is_some(), cursor: page.next.clone() };
        Ok(Self { pagination: Some(pagination), ..Self::data(&rows)? })
    }
}

/// What a transport sends back.
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    request_id: &'a str,
}

#[derive(Serialize)]
struct Success<'a> {
    meta: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<&'a Pagination>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    meta: Meta<'a>,
    error: Problem<'a>,
}

#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    detail: &'a str,
    status: u16,
    r#type: String,
    /// Required with 400, absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<Place<'a>>>,
}

#[derive(Serialize)]
struct Place<'a> {
    location: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

impl Response {
    /// The reply of a call that went well.
    pub fn success(request_id: &str, reply: &Reply) -> Outcome<Self> {
        let body = Success {
            meta: Meta { request_id },
            data: reply.data.as_deref(),
            pagination: reply.pagination.as_ref(),
        };
        Ok(Self { status: 200, content_type: JSON, body: serde_json::to_string(&body)? })
    }

    /// The reply to a caller's mistake.
    pub fn error(request_id: &str, operation: &str, error: &Error) -> Outcome<Self> {
        let facts = error.kind.facts();
        let in_body = |location: &&str| location.starts_with("body");
        let place = error.argument.as_deref().filter(in_body).map(|location| Place {
            location,
            message: &error.message,
            fix: error.hint.as_deref(),
        });
        let body = Refusal {
            meta: Meta { request_id },
            error: Problem {
                title: facts.title,
                detail: &error.message,
                status: facts.status,
                r#type: format!("https://unkey.com/docs/errors/{}", facts.code),
                errors: (facts.status == 400).then(|| place.into_iter().collect()),
            },
        };
        let body = serde_json::to_string(&body).map_err(Failure::from)?;
        Ok(Self { status: facts.status, content_type: content_type(facts.status, operation), body })
    }
}

/// The type that the official clients demand for their typed errors.
fn content_type(status: u16, operation: &str) -> &'static str {
    match operation {
        "identities.deleteIdentity" => PROBLEM,
        "permissions.updatePermission" | "permissions.updateRole" => JSON,
        _ if status == 429 => PROBLEM,
        _ => JSON,
    }
}
