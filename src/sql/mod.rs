//! The SQL face: adapters of a few lines each. Their DDL, labels and comments stand in `sql/base`.

mod access;
mod api;
mod apis;
mod identities;
mod internal;
mod keys;
mod root_keys;
mod ratelimit;
mod types;
mod verify;
mod workspace;
