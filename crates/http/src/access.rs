//! What every request leaves behind: an id, a line in the log, figures in the metrics. Neither path nor headers are
//! written down, since both can hold a key.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::http::{Method, StatusCode};

use crate::App;
use crate::client_address::Peer;
use crate::metrics::Metrics;

/// The status of a request whose client went away before it was answered, as other servers log it.
const GIVEN_UP: u16 = 499;

/// A request as it arrived.
#[derive(Clone)]
pub struct Arrival {
    /// Such as `req_690c1f3ab2f5d0c8e1a97b64`: seconds since the Unix epoch, then random digits. Made here and not taken
    /// from the client, so that it is one of a kind.
    pub request_id: Arc<str>,
    /// The other end of the connection.
    pub peer: Peer,
    method: Method,
    started: Instant,
}

impl Arrival {
    /// Of a request that is there now.
    pub fn new(peer: Peer, method: &Method) -> Self {
        Self { request_id: new_request_id().into(), peer, method: method.clone(), started: Instant::now() }
    }

    /// To be kept until there is an answer: what is dropped before was given up.
    pub fn pending<'a>(&'a self, app: &'a App, operation: &'a str) -> Pending<'a> {
        Pending { arrival: self, metrics: &app.metrics, operation, status: GIVEN_UP }
    }

    /// Writes down how it went.
    fn ended(&self, metrics: &Metrics, operation: &str, status: u16) {
        let Self { request_id, method, started, .. } = self;
        let elapsed = started.elapsed();
        let operation = metrics.request(operation, status, elapsed);
        let milliseconds = elapsed.as_secs_f64() * 1000.0;
        if status >= 500 {
            tracing::warn!(target: "unkey_http::access", %request_id, %method, operation, status, milliseconds);
        } else {
            tracing::debug!(target: "unkey_http::access", %request_id, %method, operation, status, milliseconds);
        }
    }
}

/// A request that is being answered. Whatever becomes of it is written down.
pub struct Pending<'a> {
    arrival: &'a Arrival,
    metrics: &'a Metrics,
    operation: &'a str,
    status: u16,
}

impl Pending<'_> {
    /// With this status.
    pub fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.arrival.ended(self.metrics, self.operation, self.status);
    }
}

fn new_request_id() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("req_{seconds:08x}{:016x}", fastrand::u64(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_counted_as_well() {
        let metrics = Metrics::new();
        let arrival = Arrival::new(None, &Method::POST);
        let pending = || Pending { arrival: &arrival, metrics: &metrics, operation: "rpc", status: GIVEN_UP };
        pending().answered(StatusCode::OK);
        drop(pending());
        for status in [200, 499] {
            let counted = format!("requests_total{{operation=\"rpc\",status=\"{status}\"}} 1");
            assert!(metrics.text().contains(&counted), "{counted}");
        }
    }

    #[test]
    fn sd_14_request_ids_are_one_of_a_kind() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| new_request_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.starts_with("req_") && id.len() == 28));
    }
}
