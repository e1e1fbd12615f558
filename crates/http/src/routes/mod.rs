//! From path to answer.

mod health;
mod metrics;
mod openapi;
mod rpc;
mod v2;

pub use health::Readiness;
pub use metrics::Figures;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_RANGE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use axum::response::Response;
use axum::routing::{any, get};
use tower::ServiceExt;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::App;
use crate::access::Arrival;
use crate::client_address::Peer;
use crate::reply::REQUEST_ID;
use crate::rpc::Rpc;
use crate::settings::Settings;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// From a request to its answer.
#[derive(Clone)]
pub struct Routes {
    app: Arc<App>,
    router: Router,
    /// Whether the v2 dialect may be answered past the router, which has nothing to add to it.
    direct: bool,
}

impl Routes {
    /// What clients see.
    ///
    /// # Errors
    /// If an origin of the settings is none, or the JWT secret is no good.
    pub fn public(app: &Arc<App>, settings: &Settings) -> Result<Self, String> {
        let operational = settings.admin_listen.is_none();
        let rpc = Rpc::new(settings)?.map(Arc::new);
        let documents = openapi::Documents::new(app.clone(), rpc.clone(), operational);
        let mut router = Router::new()
            .route("/openapi.json", get(openapi::answer).with_state(Arc::new(documents)))
            .fallback(v2::handle)
            .with_state(app.clone());
        if let Some(rpc) = rpc {
            let function = any(rpc::answer).with_state((app.clone(), rpc));
            // The longer path is where Supabase has it.
            router =
                router.route("/rpc/{function}", function.clone()).route("/rest/v1/rpc/{function}", function);
        }
        if operational {
            router = router.merge(operations(app));
        }
        Ok(match cors(&settings.cors_origins)? {
            Some(cors) => Self { app: app.clone(), router: router.layer(cors), direct: false },
            None => Self { app: app.clone(), router, direct: true },
        })
    }

    /// What operators see, if that is apart.
    pub fn admin(app: &Arc<App>) -> Self {
        Self { app: app.clone(), router: operations(app), direct: false }
    }

    /// Answers a request from this peer.
    pub async fn answer(self, peer: Peer, mut request: Request<Body>) -> Response {
        let arrival = Arrival::new(peer, request.method());
        if self.direct && v2::operation(request.uri().path()).is_some() {
            return v2::answer(&self.app, &arrival, request).await;
        }
        request.extensions_mut().insert(arrival);
        self.router.oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

fn operations(app: &Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(app.clone())
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
        .expose_headers([REQUEST_ID, RETRY_AFTER, CONTENT_RANGE, RATELIMIT, RATELIMIT_POLICY])
        .max_age(Duration::from_secs(3600));
    Ok(Some(layer))
}
