//! What the server itself answers in the v2 dialect: refusals that need no database, and failures of it.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use unkey_core::reply::{Refusal, content_type};
use unkey_core::{Error, Kind};

use crate::db::call::Reply;
use crate::db::failure::Failure;
use crate::headers;

/// The header that names the call.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of a call that the database answered.
pub fn answered(request_id: &str, reply: Reply) -> Response {
    let mut response = reply.body.into_response();
    *response.status_mut() = headers::status(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some(wanted) = &reply.headers
        && headers::set(response.headers_mut(), wanted).is_none()
    {
        tracing::warn!(
            request_id,
            "response.headers was set to what is no array of objects with one header each, or to a header of the server's own"
        );
    }
    with_headers(request_id, response)
}

/// Of a call that was refused here.
pub fn refused(request_id: &str, operation: &str, error: &Error) -> Response {
    let status = error.kind.facts().status;
    let body = serde_json::to_string(&Refusal::new(request_id, error)).unwrap_or_default();
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type(status, operation)));
    with_headers(request_id, response)
}

/// Of a call that the database did not answer. What it said is for the log and never for the client.
pub fn failed(request_id: &str, operation: &str, failure: &Failure) -> Response {
    let error = mistake(failure);
    if error.kind.facts().status >= 500 {
        tracing::warn!(request_id, operation, %failure, "a call failed");
    }
    refused(request_id, operation, &error)
}

fn mistake(failure: &Failure) -> Error {
    let unavailable = |message: &str| Error::new(Kind::Unavailable, message);
    match failure {
        Failure::Busy => unavailable("too many calls wait for the database; nothing was done"),
        Failure::Unavailable(_) => unavailable("the database can't be reached; nothing was done"),
        Failure::Unknown(_) => Error::new(
            Kind::RequestTimeout,
            "the database went away while it committed; look whether this was done before doing it again",
        ),
        Failure::Refused(raised) => match raised.code().code() {
            "25006" => unavailable("the database takes no writes at present; nothing was done"),
            code if ["40", "53", "57"].contains(&&code[..2]) || code == "55P03" => {
                unavailable("the database is too busy; nothing was done")
            }
            code if code.starts_with("22") => Error::invalid("body", "holds what can't be stored"),
            _ => Error::new(Kind::Unexpected, "something broke on our side; nothing was done"),
        },
    }
}

/// Adds what every reply has.
fn with_headers(request_id: &str, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    response
}
