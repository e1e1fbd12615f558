//! Figures for Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use unkey_core::schema::OPERATIONS;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabel, Histogram>,
    verifications: Family<OutcomeLabel, Counter>,
    /// Connections of clients.
    pub connections: Gauge,
    /// Database connections that exist, are free, and are waited for.
    pub pool: [Gauge; 3],
    /// Verifications that wait.
    pub verify_waiting: Gauge,
    /// Verifications per statement.
    pub verify_batch: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// 50 µs to 26 s.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 20))
}

impl Metrics {
    /// All zero.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("unkey_http"),
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds),
            verifications: Family::default(),
            connections: Gauge::default(),
            pool: Default::default(),
            verify_waiting: Gauge::default(),
            verify_batch: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let [size, free, waiting] = &self.pool;
        let registry = &mut self.registry;
        registry.register("requests", "Requests by operation and status", self.requests.clone());
        registry.register_with_unit(
            "request",
            "Time from headers to answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register("verifications", "Answers of keys.verifyKey", self.verifications.clone());
        registry.register("connections", "Open connections of clients", self.connections.clone());
        registry.register("pool_connections", "Open database connections of the pool", size.clone());
        registry.register("pool_free", "Database connections of the pool that are free", free.clone());
        registry.register("pool_waiting", "Calls that wait for a database connection", waiting.clone());
        registry.register(
            "verify_waiting",
            "Verifications that wait for a database connection",
            self.verify_waiting.clone(),
        );
        registry.register("verify_batch", "Verifications per statement", self.verify_batch.clone());
        self
    }

    /// Counts a request, and answers the label it goes by.
    pub fn request(&self, operation: &str, status: u16, elapsed: Duration) -> &'static str {
        let operation = label(operation);
        self.requests.get_or_create(&RequestLabels { operation, status }).inc();
        self.durations.get_or_create(&OperationLabel { operation }).observe(elapsed.as_secs_f64());
        operation
    }

    /// Counts what a verification came to, if it was one.
    pub fn outcome(&self, outcome: Option<&'static str>) {
        if let Some(outcome) = outcome {
            self.verifications.get_or_create(&OutcomeLabel { outcome }).inc();
        }
    }

    /// All figures as OpenMetrics text, without its last line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode_registry(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// An operation that exists, or `other`: whoever calls must not be able to make labels.
fn label(operation: &str) -> &'static str {
    let names = OPERATIONS.iter().map(|known| known.name).chain(["liveness", "rpc"]);
    names.into_iter().find(|known| *known == operation).unwrap_or("other")
}
