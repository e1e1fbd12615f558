//! Replies of handlers, and what a transport sends back.

use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::reply::{Empty, JSON, Meta, Pagination, Refusal, Success, content_type};
use unkey_core::{Error, request};

use crate::error::Outcome;
use crate::page::Page;

/// What a handler answers.
pub struct Reply {
    data: Option<Box<RawValue>>,
    pagination: Option<Pagination>,
}

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
    pub fn error(request_id: &str, operation: &str, error: Error) -> Outcome<Self> {
        let status = error.kind.facts().status;
        let error = error.renamed(request::name_in_body);
        let body = serde_json::to_string(&Refusal::new(request_id, &error))?;
        Ok(Self { status, content_type: content_type(status, operation), body })
    }
}
