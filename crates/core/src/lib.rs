//! The rules of unkey, without Postgres, I/O or a clock: time and stored state are always parameters.
//!
//! In reading order: [`key`], [`key_format`], [`checksum`] and [`id`] make what is issued, [`scan`] and [`scanner_rules`] find it
//! where it does not belong; [`rule`], [`validate`] and [`document`] say what callers may
//! send, [`request`] what they send in the v2 dialect and [`reply`] what they get; [`permission`], [`network`],
//! [`ratelimit`], [`limits`], [`overrides`] and [`credits`] are one check each, [`slots`] keeps counters in memory; [`verdict`] puts checks in order,
//! [`explain`] says what they find and [`clearing`] when a refusal ends; [`idempotency`] is about requests that are sent again,
//! [`web_request`] about keys that come in the headers of a request; [`authorization`] and [`root_permission`] are about root keys,
//! [`envelope`] about recoverable ones; [`error`] is the table of callers' mistakes.
#![forbid(unsafe_code)]
// Rules are constants; schemars takes by mutable reference what only describes.
#![cfg_attr(feature = "schema", allow(const_item_mutation))]

#[macro_use]
mod object;

pub mod authorization;
pub mod checksum;
pub mod clearing;
pub mod credits;
pub mod document;
pub mod envelope;
pub mod error;
pub mod explain;
pub mod id;
pub mod idempotency;
pub mod key;
pub mod key_format;
pub mod limits;
pub mod network;
pub mod overrides;
pub mod permission;
pub mod ratelimit;
mod redacted;
pub mod reply;
pub mod request;
pub mod root_permission;
pub mod rule;
pub mod scan;
pub mod scanner_rules;
#[cfg(feature = "schema")]
pub mod schema;
pub mod slots;
pub mod validate;
pub mod verdict;
pub mod web_request;

pub use error::{Error, Kind, Result};
