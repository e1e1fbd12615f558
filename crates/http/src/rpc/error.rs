//! What a caller is told when a call fails: `{"code", "message", "details", "hint"}` and a status.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::db::failure::Failure;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// Result of anything that a caller can get wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal. What the database said of a call goes through to its caller, as the privileges of a role allow it to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// HTTP status.
    pub status: StatusCode,
    /// What clients tell apart.
    pub body: Box<Body>,
    /// Beyond the usual ones.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The JSON of a refusal; absent parts are null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Body {
    /// `PGRSTnnn`, or the SQLSTATE.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More about it.
    pub details: Option<String>,
    /// The way out.
    pub hint: Option<String>,
}

impl Error {
    /// With a status that is known to be one.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = Body { code: code.to_owned(), message: message.into(), details: None, hint: None };
        Self { status, body: Box::new(body), headers: Vec::new() }
    }

    /// 400 with this code.
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A query parameter that can't be read.
    pub fn parameter(name: &str, problem: impl Into<String>) -> Self {
        Self::bad("PGRST100", format!("the query parameter {name} can't be read")).details(problem)
    }

    /// A body that can't be read.
    pub fn request_body(problem: impl Into<String>) -> Self {
        Self::bad("PGRST102", problem)
    }

    /// A range that does not exist.
    pub fn range(details: impl Into<String>) -> Self {
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "PGRST103", "the requested range can't be satisfied")
            .details(details)
    }

    /// A token that is no good; the message tells its bearer why.
    pub fn token(code: &str, message: &str) -> Self {
        let challenge = format!(r#"Bearer error="invalid_token", error_description="{message}""#);
        let mut error = Self::new(StatusCode::UNAUTHORIZED, code, message);
        error.push(WWW_AUTHENTICATE, &challenge);
        error
    }

    /// Neither a token nor a role for those without one.
    pub fn anonymous() -> Self {
        let mut error =
            Self::new(StatusCode::UNAUTHORIZED, "PGRST302", "anonymous calls are not allowed here");
        error.push(WWW_AUTHENTICATE, "Bearer");
        error
    }

    /// A method that calls no function.
    pub fn method(method: &str, allowed: &str) -> Self {
        let mut error = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "PGRST101",
            format!("a function can't be called with {method}"),
        );
        error.push(ALLOW, allowed);
        error
    }

    /// Whether a function was not there, for us or for the database.
    pub fn is_about_a_function(&self) -> bool {
        matches!(self.body.code.as_str(), "PGRST202" | "42883")
    }

    /// Adds details.
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.body.details = Some(details.into());
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.body.hint = hint;
        self
    }

    /// Adds a header; one that can't stand in a header is left out.
    pub fn push(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
    }

    /// A call that the database did not answer. `known` says whether the caller brought a role of its own.
    pub fn of_failure(failure: &Failure, known: bool) -> Self {
        match failure {
            Failure::Refused(raised) => {
                super::sqlstate::refusal(&super::sqlstate::Raised::from(&**raised), known)
            }
            Failure::Busy => unavailable("PGRST003", "too many calls wait for the database"),
            Failure::Unavailable(_) => unavailable("PGRST001", "the database can't be reached"),
            Failure::Unknown(_) => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "PGRST001",
                "the database was lost while it committed; nothing can tell whether it did",
            ),
        }
    }
}

/// Nothing was kept, so the call may be made again.
fn unavailable(code: &str, message: &str) -> Error {
    let mut error = Error::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
    error.push(RETRY_AFTER, "1");
    error
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.body).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(super::accept::JSON));
        if let Ok(value) = HeaderValue::from_str(&format!("unkey-http; error={}", self.body.code)) {
            headers.insert(PROXY_STATUS, value);
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
