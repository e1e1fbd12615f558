//! `/openapi.json`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use openssl::sha::sha256;
use serde_json::Value;
use tokio::time::timeout;
use unkey_core::reply::JSON;

use crate::App;
use crate::openapi::{Served, document};
use crate::rpc::catalog::Catalog;
use crate::rpc::{self, Rpc};

/// Longer than this the database is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a client may go by what it has.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Where the document comes from.
pub struct Documents {
    app: Arc<App>,
    rpc: Option<Arc<Rpc>>,
    operational: bool,
    /// The one last written, and the catalogue that is in it.
    last: Mutex<(Option<Arc<Catalog>>, Arc<Written>)>,
}

/// The document as it is sent.
struct Written {
    body: Bytes,
    etag: String,
}

impl Written {
    fn new(document: &Value) -> Arc<Self> {
        let body = document.to_string();
        let digest: String =
            sha256(body.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Arc::new(Self { body: body.into(), etag: format!("\"{digest}\"") })
    }
}

impl Documents {
    /// Documents about what is served here: the v2 dialect, with `operational` the routes of operators, and `rpc`.
    pub fn new(app: Arc<App>, rpc: Option<Arc<Rpc>>, operational: bool) -> Self {
        let bare = Written::new(&document(Served { operational, rpc: None }));
        Self { app, rpc, operational, last: Mutex::new((None, bare)) }
    }

    /// The document of now. While the database is away, the one of before.
    async fn current(&self) -> Arc<Written> {
        let catalog = match &self.rpc {
            Some(rpc) => timeout(PATIENCE, rpc.catalog(&self.app.database)).await.ok().and_then(Result::ok),
            None => None,
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalog) = catalog
            && !last.0.as_ref().is_some_and(|known| Arc::ptr_eq(known, &catalog))
        {
            let takes_keys = self.rpc.as_ref().is_some_and(|rpc| rpc.takes_keys());
            let served =
                Served { operational: self.operational, rpc: Some(rpc::openapi::part(&catalog, takes_keys)) };
            *last = (Some(catalog), Written::new(&document(served)));
        }
        last.1.clone()
    }
}

/// Answers with the document, or with 304 to whoever has it.
pub async fn answer(State(documents): State<Arc<Documents>>, headers: HeaderMap) -> Response {
    send(&*documents.current().await, &headers)
}

fn send(written: &Written, headers: &HeaderMap) -> Response {
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
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn ask(if_none_match: Option<&str>) -> Response {
        let headers = if_none_match.iter().map(|tag| (IF_NONE_MATCH, tag.parse().unwrap()));
        send(&Written::new(&json!({ "openapi": "3.1.0" })), &headers.collect())
    }

    #[tokio::test]
    async fn whoever_has_the_document_gets_it_no_second_time() {
        let first = ask(None);
        assert_eq!(
            (first.status(), &first.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static(JSON))
        );
        let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), r#"{"openapi":"3.1.0"}"#);
        for tag in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            let again = ask(Some(&tag));
            assert_eq!(
                (again.status(), again.headers()[ETAG].to_str().unwrap()),
                (StatusCode::NOT_MODIFIED, etag.as_str())
            );
        }
        assert_eq!(ask(Some("\"x\"")).status(), StatusCode::OK);
    }
}
