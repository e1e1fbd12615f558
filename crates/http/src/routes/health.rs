//! Whether this process lives, and whether it can serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::App;
use crate::db::Connection;
use crate::db::failure::describe;
use crate::probe::Question;

/// Whether the database answers and lets this server call `unkey_api`.
pub struct Readiness;

/// Always 200.
pub async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// 200 if the database answers and lets this server call `unkey_api`, 503 otherwise.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.readiness.answer().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(problem) => not_ready(&problem),
    }
}

impl Question for Readiness {
    type Answer = ();

    async fn ask(connection: &Connection) -> Result<(), String> {
        let probe = "SELECT has_function_privilege('unkey_api(text, text, text, inet, text, text, boolean)', 'EXECUTE')";
        let row = connection.query_one(probe, &[]).await.map_err(|error| describe(&error))?;
        match row.try_get(0) {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err("the server's role may not call unkey_api; SELECT unkey_grant(role, 'api') lets it"
                    .to_owned())
            }
            Err(error) => Err(describe(&error)),
        }
    }
}

fn not_ready(problem: &str) -> Response {
    tracing::warn!(problem, "not ready");
    let body = Json(json!({ "status": "unavailable" }));
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], body).into_response()
}
