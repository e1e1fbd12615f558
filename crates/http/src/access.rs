//! What every request leaves behind: an id, a line in the log, figures in the metrics. Neither path nor headers are
//! written down, since both can hold a key.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use unkey_core::id;

use crate::App;

/// The id of a request, such as `req_2gZdJm7aVwTQXkqv`.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

/// What a handler tells about the request it answered.
#[derive(Clone)]
pub struct Observed {
    /// Empty if the path names none.
    pub operation: String,
}

/// Gives a request its id, and writes down how it went.
pub async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id: Arc<str> = new_request_id().into();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let observed = response.extensions_mut().remove::<Observed>();
    let operation = observed.as_ref().map_or("", |observed| &observed.operation);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    let operation = app.metrics.request(operation, status, elapsed);
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    if status >= 500 {
        tracing::warn!(target: "unkey_http::access", %request_id, %method, operation, status, milliseconds);
    } else {
        tracing::debug!(target: "unkey_http::access", %request_id, %method, operation, status, milliseconds);
    }
    response
}

fn new_request_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = i64::try_from(now).unwrap_or_default();
    // Without random bytes the time alone has to do: the id is for reading, and guards nothing.
    id::new("req", now).unwrap_or_else(|_| format!("req_{now}"))
}
