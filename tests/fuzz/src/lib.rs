//! What must hold for any input that a caller can send: one file per target, each with a function from bytes to nothing that
//! panics if it does not hold. `tests/corpus.rs` replays what is kept of former searches; `tests/fuzz/run` searches.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analytics;
mod credits;
mod forwarded;
mod json;
mod key;
mod network;
mod overrides;
mod permission;
mod ratelimit;
mod request;
mod root_permission;
mod rpc;
mod scan;
mod token;
mod web_request;

/// Tries one input.
pub type Target = fn(&[u8]);

/// All targets by name, which is also that of their corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("analytics", analytics::check),
    ("credits", credits::check),
    ("forwarded", forwarded::check),
    ("key", key::check),
    ("network", network::check),
    ("overrides", overrides::check),
    ("permission", permission::check),
    ("ratelimit", ratelimit::check),
    ("request", request::check),
    ("root_permission", root_permission::check),
    ("rpc", rpc::check),
    ("scan", scan::check),
    ("token", token::check),
    ("web_request", web_request::check),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// The input as text; other bytes never get as far as the code under test.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}
