//! `analytics.*`.

use super::requests;

requests! {
    /// `analytics.getVerifications`, `analytics.getRatelimits`.
    closed Query {
        /// One SELECT over the analytics views.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::AnalyticsQuery"))]
        query: String,;
    }
}
