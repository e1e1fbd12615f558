//! When what was refused would pass.
//!
//! Times are milliseconds since the Unix epoch.

use crate::credits::Refill;

/// Longest time between two refills in days: the 31st of January to that of March, counted as the end of February.
const MOST_DAYS: i64 = 32;
const DAY: i64 = 86_400_000;

/// The first moment after `now` and up to `end` at which something passes that, once it does, goes on to; `None` for none.
pub fn first(now: i64, end: i64, passes: impl Fn(i64) -> bool) -> Option<i64> {
    if end <= now || !passes(end) {
        return None;
    }
    let (mut refused, mut passed) = (now, end);
    while let Some(between) = midway(refused, passed) {
        if passes(between) { passed = between } else { refused = between }
    }
    Some(passed)
}

fn midway(from: i64, to: i64) -> Option<i64> {
    let between = from + (to.checked_sub(from)?) / 2;
    (between > from).then_some(between)
}

/// When a refill covers a cost that the balance does not; `None` without one, or if it is too small.
pub fn refill(refill: Option<&Refill>, cost: i64, now: i64) -> Option<i64> {
    let refill = refill.filter(|refill| refill.amount >= cost)?;
    let today = now.div_euclid(DAY);
    (1..=MOST_DAYS).map(|days| (today + days) * DAY).find(|midnight| refill.due(*midnight) > now)
}

/// Whole seconds until then, for `Retry-After`: at least 1.
pub fn seconds(now: i64, then: i64) -> i64 {
    let milliseconds = then.saturating_sub(now);
    (milliseconds / 1000 + i64::from(milliseconds % 1000 > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-31 12:00 UTC.
    const NOON: i64 = 1_769_860_800_000;

    #[test]
    fn the_first_moment_is_exact() {
        for at in [1, 2, 3, 99, 100] {
            assert_eq!(first(0, 100, |moment| moment >= at), Some(at));
        }
        assert_eq!(first(0, 100, |_| false), None);
        assert_eq!(first(100, 100, |_| true), None);
        assert_eq!(first(i64::MIN, i64::MAX, |moment| moment == i64::MAX), Some(i64::MAX));
    }

    #[test]
    fn a_refill_comes_at_midnight_of_its_day() {
        let next =
            |amount, day| refill(Some(&Refill { amount, day }), 10, NOON).map(|at| (at - NOON) / (DAY / 2));
        assert_eq!(next(10, None), Some(1));
        assert_eq!(next(9, None), None);
        // The 1st, the 31st of February, and the day that is just over.
        assert_eq!(next(10, Some(1)), Some(1));
        assert_eq!(next(10, Some(31)), Some(28 * 2 - 1));
        assert_eq!(next(10, Some(30)), Some(28 * 2 - 1));
        assert_eq!(refill(None, 1, NOON), None);
    }

    #[test]
    fn seconds_are_rounded_up() {
        for (milliseconds, expected) in [(-5000, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(seconds(NOON, NOON + milliseconds), expected);
        }
    }
}
