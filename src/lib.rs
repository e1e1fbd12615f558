//! `unkey`: API keys inside Postgres.
//!
//! Layers, top down: [`sql`] adapts SQL calls; one module per family of operations ([`apis`], [`keys`], [`verify`],
//! [`access`], [`migrations`], [`root_keys`], [`recovery`]) loads, asks `unkey_core`, and stores; [`store`] alone knows tables.

mod access;
mod actor;
mod analytics_query;
mod apis;
mod audit;
mod clock;
mod credits;
mod error;
mod events;
mod grants;
mod identities;
mod keys;
mod migrations;
mod page;
mod ratelimit;
mod recovery;
mod reroll;
mod root_keys;
mod schema;
mod secret;
mod settings;
mod sql;
mod store;
mod v2;
mod verify;
mod workspace;

pgrx::pg_module_magic!();

/// Called by Postgres when the library is loaded.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: a backend has one thread. Else RUST_BACKTRACE, wherever it is set, would make errors show clients where
    // this library was built.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    settings::register();
}
