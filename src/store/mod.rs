//! The only place that knows tables.
//!
//! Rules of the folder: SQL text lives nowhere else, but for analytics queries ([`query`]); every name in it is qualified; values are parameters; a
//! statement of a per-key table says `key_id = $n`; a row is one JSON document, read by serde.
//!
//! Lock order within one call: new rate limit namespaces by name, then counters by their primary key, then credits by key
//! id, then the key's row, then permissions and roles, then texts of recoverable keys by key id, then data keys. A root key is locked by itself.
//! A request is claimed first of all, and looks at its key's row at the commit.

pub mod access;
pub mod apis;
mod append;
pub mod audit;
pub mod buffered;
mod bursts;
mod cache;
mod changes;
pub mod counters;
pub mod credits;
pub mod event_bytes;
pub mod events;
pub mod explain;
pub mod identities;
mod in_place;
pub mod key;
pub mod keys;
pub mod leaks;
pub mod list;
pub mod lock;
mod lookup;
pub mod maintenance;
pub mod migrations;
mod owner;
mod places;
mod probe;
pub mod query;
pub mod ratelimit;
pub mod record;
pub mod recovery;
pub mod relations;
pub mod requests;
pub mod root_keys;
mod row;
pub mod saved_counters;
pub mod secrets;
pub mod session;
pub mod setting;
pub mod statement;
pub mod subtransaction;
pub mod timer;
pub mod trigger;
pub mod unhurried;
pub mod value;
mod watch;
pub mod workspace;
