//! `/rpc/<function>`: a function of the extension.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::v2;
use crate::App;
use crate::access::Arrival;
use crate::client_address::{ClientAddress, client_address};
use crate::reply::REQUEST_ID;
use crate::rpc::Rpc;
use crate::rpc::error::Error;

/// Answers a call of a function.
pub async fn answer(
    State((app, rpc)): State<(Arc<App>, Arc<Rpc>)>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let pending = arrival.pending(&app, "rpc");
    let function = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let (mut head, body) = request.into_parts();
    let address = client_address(arrival.peer, &head.headers, &app.trusted_proxies);
    head.extensions.insert(ClientAddress(address));
    let body = match timeout(app.request_timeout, v2::read(app.body_limit, &head.headers, body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(unreadable(error.kind.facts().status, error.message)),
        Err(_) => Err(unreadable(408, "the body took too long to arrive".to_owned())),
    };
    let mut response = match body {
        Ok(body) => {
            let database = app.database.clone();
            finished(&app, async move { rpc.answer(&database, &function, &head, &body).await }).await
        }
        Err(error) => error.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&arrival.request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    pending.answered(response.status());
    response
}

/// Goes on to the end even if the client goes away, so that no connection is left in the middle of a transaction.
async fn finished(app: &App, answer: impl Future<Output = Response> + Send + 'static) -> Response {
    let answered = app.database.background().spawn(answer).await;
    answered.unwrap_or_else(|_| {
        Error::new(
            StatusCode::REQUEST_TIMEOUT,
            "PGRST001",
            "the call was broken off; nothing can tell whether it was done",
        )
        .into_response()
    })
}

fn unreadable(status: u16, problem: String) -> Error {
    let mut error = Error::request_body(problem);
    error.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    error
}
