//! `POST /v2/<operation>` under any prefix, `GET /v2/liveness`, and whatever has no route.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use unkey_core::reply::JSON;
use unkey_core::{Error, Kind};

use crate::App;
use crate::access::Arrival;
use crate::client_address::client_address;
use crate::db::call::{Call, Reply};
use crate::db::failure::Failure;
use crate::reply::{answered, failed, refused};

const METRICS: HeaderName = HeaderName::from_static("x-unkey-metrics");
/// Beyond the time of a statement, for finding out what became of a commit.
const SETTLING: Duration = Duration::from_secs(30);
const VERIFY: &str = "keys.verifyKey";

/// What the router has no other route for.
pub async fn handle(
    State(app): State<Arc<App>>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    answer(&app, &arrival, request).await
}

/// Answers a request of the v2 dialect.
pub async fn answer(app: &App, arrival: &Arrival, request: Request<Body>) -> Response {
    let operation = operation(request.uri().path()).unwrap_or_default().to_owned();
    let pending = arrival.pending(app, &operation);
    let response = match route(&operation, request.method()) {
        Err(error) => {
            let mut response = refused(&arrival.request_id, &operation, &error);
            if error.kind == Kind::MethodNotAllowed {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(method_of(&operation)));
            }
            response
        }
        Ok(()) if operation == "liveness" => liveness(&arrival.request_id),
        Ok(()) => perform(app, arrival, &operation, request).await,
    };
    pending.answered(response.status());
    response
}

/// The operation that a path names: what follows the `/v2/` near its end.
pub fn operation(path: &str) -> Option<&str> {
    let (base, operation) = path.rsplit_once('/')?;
    (base.ends_with("/v2") && !operation.is_empty()).then_some(operation)
}

fn method_of(operation: &str) -> &'static str {
    if operation == "liveness" { "GET" } else { "POST" }
}

fn route(operation: &str, method: &Method) -> Result<(), Error> {
    if operation.is_empty() {
        return Err(Error::new(
            Kind::OperationNotFound,
            "there is nothing here; operations are at /v2/<operation>",
        ));
    }
    let expected = method_of(operation);
    if *method == expected || (expected == "GET" && *method == Method::HEAD) {
        return Ok(());
    }
    Err(Error::new(Kind::MethodNotAllowed, format!("this path takes {expected} only")))
}

fn liveness(request_id: &str) -> Response {
    let body = format!(r#"{{"meta":{{"requestId":"{request_id}"}},"data":{{"message":"OK"}}}}"#);
    answered(
        request_id,
        Reply { status: 200, content_type: JSON, body: body.into(), outcome: None, headers: None },
    )
}

async fn perform(app: &App, arrival: &Arrival, operation: &str, request: Request<Body>) -> Response {
    let request_id = &arrival.request_id;
    let (head, body) = request.into_parts();
    let body = match timeout(app.request_timeout, read(app.body_limit, &head.headers, body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return refused(request_id, operation, &error),
        Err(_) => {
            let error = Error::new(Kind::RequestTimeout, "the body took too long to arrive");
            return refused(request_id, operation, &error);
        }
    };
    let ip = client_address(arrival.peer, &head.headers, &app.trusted_proxies);
    let call = call(operation, &head.headers, body, ip, request_id);
    let asked = async {
        match operation {
            VERIFY => app.verifier.verify(call).await,
            _ => app.database.call(call).await,
        }
    };
    // The database ends a statement in time by itself; this is for one that does not even do that.
    let answer = timeout(app.request_timeout + SETTLING, asked).await;
    match answer.unwrap_or_else(|_| Err(Failure::Unknown("the database does not answer".to_owned()))) {
        Ok(reply) => {
            app.metrics.outcome(reply.outcome);
            answered(request_id, reply)
        }
        Err(failure) => failed(request_id, operation, &failure),
    }
}

/// The body as text: no longer than `limit`, and of characters that Postgres takes.
pub(super) async fn read(limit: usize, headers: &HeaderMap, body: Body) -> Result<String, Error> {
    let too_long = || Error::new(Kind::BodyTooLarge, format!("the body must have at most {limit} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let collected =
        Limited::new(body, limit).collect().await.map_err(|error| match error.downcast_ref() {
            Some(LengthLimitError { .. }) => too_long(),
            None => Error::new(Kind::BodyUnreadable, "the body can't be read to its end"),
        })?;
    let bytes = Vec::from(collected.to_bytes());
    let text =
        String::from_utf8(bytes).map_err(|_| Error::new(Kind::BodyUnreadable, "the body must be UTF-8"))?;
    if text.contains('\0') {
        return Err(Error::new(Kind::BodyUnreadable, "the body must not contain the character U+0000"));
    }
    Ok(text)
}

/// Several become one that nobody has: which of them a proxy on the way went by can't be told.
fn authorization(headers: &HeaderMap) -> Option<String> {
    let all: Vec<_> = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn call(
    operation: &str,
    headers: &HeaderMap,
    body: String,
    ip: Option<IpAddr>,
    request_id: &Arc<str>,
) -> Call {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Call {
        operation: operation.to_owned(),
        authorization: authorization(headers),
        body,
        ip,
        user_agent: text(USER_AGENT),
        request_id: request_id.clone(),
        metrics: headers.get(METRICS).is_none_or(|value| value != "disabled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sd_11_any_prefix_is_fine() {
        for (path, expected) in [
            ("/v2/keys.verifyKey", Some("keys.verifyKey")),
            ("/prefix/v2/keys.verifyKey", Some("keys.verifyKey")),
            ("/a/b/v2/liveness", Some("liveness")),
            ("/v2/v2/apis.getApi", Some("apis.getApi")),
            ("/v2/", None),
            ("/v2/keys.verifyKey/", None),
            ("/v1/keys.verifyKey", None),
            ("/", None),
        ] {
            assert_eq!(operation(path), expected, "{path}");
        }
    }

    #[test]
    fn operations_are_posted_and_liveness_is_got() {
        let kind = |operation, method: Method| route(operation, &method).err().map(|error| error.kind);
        assert_eq!(kind("keys.getKey", Method::POST), None);
        assert_eq!(kind("keys.getKey", Method::GET), Some(Kind::MethodNotAllowed));
        assert_eq!(kind("liveness", Method::GET), None);
        assert_eq!(kind("liveness", Method::HEAD), None);
        assert_eq!(kind("liveness", Method::POST), Some(Kind::MethodNotAllowed));
        assert_eq!(kind("", Method::POST), Some(Kind::OperationNotFound));
    }
}
