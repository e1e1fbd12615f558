//! From path to answer.

mod health;
mod metrics;
mod openapi;
mod v2;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_RANGE, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::openapi::{Served, document};
use crate::reply::REQUEST_ID;
use crate::settings::Settings;
use crate::{App, access};

/// What clients see.
///
/// # Errors
/// If an origin of the settings is none.
pub fn public(app: &Arc<App>, settings: &Settings) -> Result<Router, String> {
    let served = Served { operational: settings.admin_listen.is_none(), rpc: None };
    let router = Router::new()
        .route("/openapi.json", openapi::route(&document(served)))
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
