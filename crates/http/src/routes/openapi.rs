//! `/openapi.json`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use openssl::sha::sha256;
use serde_json::Value;
use unkey_core::reply::JSON;

/// How long a client may go by what it has.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The document as it is sent, written once.
struct Written {
    body: Bytes,
    etag: String,
}

/// Answers with this document, or with 304 to whoever has it.
pub fn route<S: Clone + Send + Sync + 'static>(document: &Value) -> MethodRouter<S> {
    let body = document.to_string();
    let digest: String = sha256(body.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let written = Written { body: body.into(), etag: format!("\"{digest}\"") };
    get(answer).with_state(Arc::new(written))
}

async fn answer(State(written): State<Arc<Written>>, headers: HeaderMap) -> Response {
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &written.etag));
    let caching = [(CACHE_CONTROL, CACHE), (ETAG, HeaderValue::from_str(&written.etag).unwrap_or(CACHE))];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, HeaderValue::from_static(JSON))], written.body.clone()).into_response()
}

/// Whether a list of tags has this one, weak or not, or `*`.
fn names(list: &HeaderValue, etag: &str) -> bool {
    let tags = list.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.map(|tag| tag.trim_start_matches("W/")).any(|tag| tag == "*" || tag == etag)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    async fn ask(if_none_match: Option<&str>) -> Response {
        let router: Router = Router::new().route("/openapi.json", route(&json!({ "openapi": "3.1.0" })));
        let mut request = Request::get("/openapi.json");
        if let Some(tag) = if_none_match {
            request = request.header(IF_NONE_MATCH, tag);
        }
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_has_the_document_gets_it_no_second_time() {
        let first = ask(None).await;
        assert_eq!(
            (first.status(), &first.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static(JSON))
        );
        let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), r#"{"openapi":"3.1.0"}"#);
        for tag in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            let again = ask(Some(&tag)).await;
            assert_eq!(
                (again.status(), again.headers()[ETAG].to_str().unwrap()),
                (StatusCode::NOT_MODIFIED, etag.as_str())
            );
        }
        assert_eq!(ask(Some("\"x\"")).await.status(), StatusCode::OK);
    }
}
