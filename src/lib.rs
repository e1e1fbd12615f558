//! `unkey`: API keys inside Postgres.
//!
//! Layers, top down: two faces, [`sql`] for SQL calls and [`v2`] for Unkey's JSON; beneath them one module per family of
//! operations ([`keys`], [`verify`], [`ratelimit`], …), which loads, asks `unkey_core`, and stores; [`store`] alone knows
//! tables. [`actor`] says on whose behalf all of it runs.

mod access;
mod actor;
mod analytics_query;
mod apis;
mod audit;
mod clock;
mod counters;
mod credits;
mod error;
mod events;
mod explain;
mod grants;
mod idempotency;
mod identities;
mod keys;
mod leaks;
mod migrations;
mod page;
mod principal;
mod question;
mod ratelimit;
mod recovery;
mod reroll;
mod root_keys;
mod schema;
mod secret;
mod settings;
mod shared;
mod sql;
mod store;
mod v2;
mod verify;
mod web_request;
mod worker;
mod workspace;

pgrx::pg_module_magic!();

/// Called by Postgres when the library is loaded.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // So that RUST_BACKTRACE, wherever it is set, does not make errors show clients how this library was built.
    // SAFETY: a backend has one thread.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    settings::register();
    shared::register();
    store::relations::watch();
    sql::scan::register();
    worker::register();
}
