//! The SQL face: adapters of a few lines each. Their DDL, labels and comments stand in `sql/base`.

mod access;
mod analytics_query;
mod api;
mod apis;
mod audit;
mod counters;
mod explain;
mod idempotency;
mod identities;
mod internal;
mod jsonb;
mod keys;
mod leaks;
mod principal;
mod printed;
mod ratelimit;
mod recovery;
mod root_keys;
pub mod scan;
mod types;
mod verify;
mod web_request;
mod workspace;
