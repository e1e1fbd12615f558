//! Searches inputs for one target: `TARGET=permission`. `tests/fuzz/run` builds and starts it.
#![no_main]
#![allow(clippy::expect_used)]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use unkey_fuzz::{Target, target};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("TARGET").expect("TARGET says what to try");
        TARGET.get_or_init(|| target(&name).expect("one of unkey_fuzz::TARGETS"));
    },
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(input);
        }
    }
);
