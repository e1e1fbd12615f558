//! When a refusal ends by itself, if the key is left alone until then.

use std::ops::RangeInclusive;

use crate::credits::Refill;
use crate::ratelimit::{Check, Counter, Standing, pass};

/// How many windows after the present one know nothing of it any more, where a clock that was ahead counted in the next one.
const FORGOTTEN: i128 = 3;

/// The first millisecond from `now` on at which a limit lets a cost through; `None` if the limit is too low for it.
pub fn of_limit(counter: &Counter, limit: i64, cost: i64, now: i64) -> Option<i64> {
    let duration = i128::from(counter.duration.max(1));
    let present = i128::from(now).div_euclid(duration);
    let passes = |at| {
        let check = Check { counter: 0, limit, cost };
        pass(&[check], &mut [Standing::at(counter, at)])
    };
    (present..=present + FORGOTTEN).find_map(|seq| {
        let start = i64::try_from((seq * duration).max(now.into())).ok()?;
        let end = i64::try_from((seq + 1) * duration - 1).unwrap_or(i64::MAX);
        // Within one window what counts only shrinks.
        first(start..=end, passes)
    })
}

/// The first of a range that passes, where all after it do too.
fn first(range: RangeInclusive<i64>, passes: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut low, mut high) = range.into_inner();
    if !passes(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if passes(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// The refill from which on a balance that does not cover a cost, and is settled, does; `None` if none will.
pub fn of_credits(refill: Option<&Refill>, cost: i64, settled_at: i64) -> Option<i64> {
    refill.filter(|refill| refill.amount >= cost)?.next(settled_at)
}
