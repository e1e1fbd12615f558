//! `analytics.*`.

use super::requests;

requests! {
    /// `analytics.getVerifications`, `analytics.getRatelimits`.
    closed Query {
        /// One SELECT over the analytics views.
        query: String,;
    }
}
