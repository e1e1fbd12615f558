//! The moment when a refusal ends: what is asked then passes, and nothing before does.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use unkey_core::clearing::{of_credits, of_limit};
use unkey_core::credits::{Balance, Refill};
use unkey_core::ratelimit::{Check, Counter, Window, judge};

const NOW: i64 = 1_763_000_000_000;
const DAY: i64 = 86_400_000;

fn passes(counter: &Counter, limit: i64, cost: i64, at: i64) -> bool {
    judge(&[Check { counter: 0, limit, cost }], &mut [*counter], at).passed
}

/// A counter as it may be found, also by a clock that is a window behind or far ahead.
fn counters() -> impl Strategy<Value = Counter> {
    // In the shortest ones counts weigh to the end.
    let duration = prop_oneof![1..20i64, 1..400i64, 1000..100_000_000i64];
    (duration, -3..=2i64, 0..60i64, 0..60i64).prop_map(|(duration, age, current, previous)| Counter {
        duration,
        window: Window { seq: NOW.div_euclid(duration) + age, current, previous },
    })
}

fn refills() -> impl Strategy<Value = Refill> {
    (1..50i64, prop::option::of(1..=31u8)).prop_map(|(amount, day)| Refill { amount, day })
}

/// The first day after `now` on which a refill is due, looked for day by day.
fn next_by_days(refill: &Refill, now: i64) -> i64 {
    (now.div_euclid(DAY) + 1..).map(|day| day * DAY).find(|&at| refill.due(at) == at).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_limit_clears_at_the_first_millisecond_that_passes(
        counter in counters(),
        (limit, cost, into) in (0..80i64, 0..40i64, 0..1000i64),
    ) {
        let now = NOW + into;
        match of_limit(&counter, limit, cost, now) {
            None => prop_assert!(cost > limit || limit == 0),
            Some(at) => {
                prop_assert!(at >= now && passes(&counter, limit, cost, at));
                prop_assert!(at == now || !passes(&counter, limit, cost, at - 1));
                prop_assert!(at - now <= 4 * counter.duration);
            }
        }
    }

    #[test]
    fn nothing_passes_before(
        counter in counters().prop_filter("short", |counter| counter.duration < 400),
        (limit, cost) in (0..80i64, 0..40i64),
    ) {
        let slowly = (NOW..NOW + 4 * counter.duration).find(|&at| passes(&counter, limit, cost, at));
        prop_assert_eq!(of_limit(&counter, limit, cost, NOW), slowly);
    }

    #[test]
    fn any_limit_is_looked_at(duration: i64, seq: i64, counts: [i64; 2], limit: i64, cost: i64, now: i64) {
        let [current, previous] = counts;
        let counter = Counter { duration, window: Window { seq, current, previous } };
        if let Some(at) = of_limit(&counter, limit, cost, now) {
            prop_assert!(at >= now && passes(&counter, limit, cost, at));
        }
    }

    #[test]
    fn the_next_refill_is_the_next_day_that_is_due(refill in refills(), now in -800 * DAY..60_000 * DAY) {
        prop_assert_eq!(refill.next(now), Some(next_by_days(&refill, now)));
    }

    #[test]
    fn any_refill_has_no_next_or_a_later_one(amount: i64, day: Option<u8>, now: i64) {
        let refill = Refill { amount, day };
        if let Some(at) = refill.next(now) {
            prop_assert!(at > now && refill.due(at) == at);
        }
    }

    #[test]
    fn credits_clear_at_the_refill_that_covers_the_cost(
        refill in prop::option::of(refills()),
        (remaining, ago, cost) in (0..60i64, -DAY..90 * DAY, 1..70i64),
    ) {
        let stored = Balance { remaining, settled_at: NOW - ago, last_refill_at: None };
        let covers = |at| stored.settle(refill.as_ref(), NOW).settle(refill.as_ref(), at).spend(cost).is_ok();
        if covers(NOW) {
            return Ok(());
        }
        match of_credits(refill.as_ref(), cost, stored.settle(refill.as_ref(), NOW).settled_at) {
            None => prop_assert!(!covers(NOW + 800 * DAY)),
            Some(at) => prop_assert!(covers(at) && !covers(at - 1)),
        }
    }
}

#[test]
fn a_full_window_clears_as_it_slides() {
    let full = Counter { duration: 60_000, window: Window { seq: 100, current: 10, previous: 0 } };
    let now = 100 * 60_000 + 30_000;
    let next = |cost| of_limit(&full, 10, cost, now).map(|at| at - 101 * 60_000);
    // A tenth for each that is to be free, less the one that truncation gives at once. 1.0 - 0.9 is a little less than 0.1.
    assert_eq!([1, 2, 3, 10, 11].map(next), [Some(1), Some(6_001), Some(12_001), Some(54_000), None]);
    assert_eq!(of_limit(&full, 0, 0, now), None);
}
