//! From path to answer.

mod health;
mod metrics;
mod openapi;
mod rpc;
mod v2;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_RANGE, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::reply::REQUEST_ID;
use crate::rpc::Rpc;
use crate::settings::Settings;
use crate::{App, access};

/// What clients see.
///
/// # Errors
/// If an origin of the settings is none, or the JWT secret is no good.
pub fn public(app: &Arc<App>, settings: &Settings) -> Result<Router, String> {
    let rpc = Rpc::new(settings)?.map(Arc::new);
    let documents = openapi::Documents::new(app.clone(), rpc.clone(), settings.admin_listen.is_none());
    let functions = match rpc {
        Some(rpc) => Router::new().route("/rpc/{function}", any(rpc::answer)).with_state((app.clone(), rpc)),
        None => Router::new(),
    };
    let router = Router::new()
        .merge(functions)
        .route("/openapi.json", get(openapi::answer).with_state(Arc::new(documents)))
        .fallback(v2::answer)
        .layer(from_fn_with_state(app.clone(), access::observe))
        .with_state(app.clone());
    Ok(match cors(&settings.cors_origins)? {
        Some(cors) => router.layer(cors),
        None => router,
    })
}

/// Lets the web pages of these origins call; `None` for none.
fn cors(origins: &[String]) -> Result<Option<CorsLayer>, String> {
    let allowed = match origins {
        [] => return Ok(None),
        [any] if any == "*" => AllowOrigin::any(),
        some => {
            let read = |origin: &String| origin.parse().map_err(|_| format!("{origin} is no origin"));
            AllowOrigin::list(some.iter().map(read).collect::<Result<Vec<HeaderValue>, _>>()?)
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::HEAD])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, RETRY_AFTER, CONTENT_RANGE])
        .max_age(Duration::from_secs(3600));
    Ok(Some(layer))
}

/// What operators see.
pub fn admin(app: &Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(app.clone())
}
