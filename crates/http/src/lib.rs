//! HTTP in front of a Postgres with the unkey extension. Transport only: every rule is in the database.
//!
//! In reading order: [`settings`]; [`server`] accepts connections; [`access`] gives each request its id; [`routes`] answer, with the help of [`rpc`];
//! [`db`] asks the database; [`reply`] is what the server says by itself.
#![forbid(unsafe_code)]

pub mod access;
pub mod client_address;
pub mod db;
pub mod headers;
pub mod idle;
pub mod metrics;
pub mod openapi;
pub mod opening;
pub mod probe;
pub mod reply;
pub mod routes;
pub mod rpc;
pub mod server;
pub mod settings;
pub mod telemetry;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use db::Database;
use db::target::Target;
use db::verifier::{Bounds, PATIENCE, Pools, Verifier};
use metrics::Metrics;
use probe::Probe;
use prometheus_client::metrics::gauge::Gauge;
use routes::{Figures, Readiness};
use settings::{Proxy, Settings};

/// What handlers share.
pub struct App {
    database: Database,
    readiness: Arc<Probe<Readiness>>,
    figures: Arc<Probe<Figures>>,
    verifier: Verifier,
    metrics: Arc<Metrics>,
    body_limit: usize,
    request_timeout: Duration,
    trusted_proxies: Vec<Proxy>,
}

impl App {
    /// Pools for this database; none of their connections is made before it is needed.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(settings: &Settings) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let target = Target::read(&settings.database_url, settings.request_timeout)?;
        let probed = Target::read(&settings.database_url, probe::PATIENCE)?;
        let pool =
            |target: &Target, size, waiting| Database::new(target, size, waiting, settings.pool_timeout);
        let database = pool(&target, settings.pool_size, settings.pool_waiting)?;
        let lanes = settings.verify_connections;
        let pools = Pools {
            shared: pool(&target.with_lock_timeout(PATIENCE), lanes * 2, lanes * 2)?,
            aside: pool(&target, lanes * 2, lanes * 2)?,
            others: database.clone(),
        };
        let bounds = Bounds { lanes, waiting: settings.verify_waiting, batch: settings.verify_batch };
        let metrics = Arc::new(Metrics::new());
        let verifier = Verifier::start(&pools, bounds, &metrics.verify_batch);
        Ok(Self {
            database,
            readiness: Probe::new(&probed)?,
            figures: Probe::new(&probed)?,
            verifier,
            metrics,
            body_limit: usize::try_from(settings.body_limit.as_u64())?,
            request_timeout: settings.request_timeout,
            trusted_proxies: settings.trusted_proxies.clone(),
        })
    }

    /// Counts open connections of clients.
    pub fn open_connections(&self) -> Gauge {
        self.metrics.connections.clone()
    }

    /// Waits for what goes on in the background.
    pub async fn finish(&self) {
        self.database.background().close();
        self.database.background().wait().await;
    }

    /// Brings the gauges up to date.
    fn gauge(&self) {
        let status = self.database.status();
        for (gauge, value) in self.metrics.pool.iter().zip([status.size, status.available, status.waiting]) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.metrics.verify_waiting.set(i64::try_from(self.verifier.waiting()).unwrap_or(i64::MAX));
    }
}
