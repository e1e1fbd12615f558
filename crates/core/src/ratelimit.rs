//! Rate limits: Unkey's two-bucket sliding window, for one limit or several at once.
//!
//! Time is cut into windows of one duration each, aligned to the Unix epoch. A counter keeps the cost spent in
//! the current and in the previous window. What the previous one still weighs shrinks evenly to nothing while
//! the current one passes:
//!
//! ```text
//! elapsed   = (now - start of the window) / duration      a float in 0..1
//! carried   = trunc(previous * (1.0 - elapsed))           floats, truncated to an integer
//! effective = current + carried + cost
//! exceeded  = effective > limit
//! ```
//!
//! Times and durations are milliseconds. Stored counts are expected to be >= 0; no value can overflow or panic.

use crate::clearing;

/// The stored state of one counter: what was spent in two adjacent windows. Empty by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Window {
    /// Number of the current window: its start is `seq * duration` since the Unix epoch.
    pub seq: i64,
    /// Cost admitted in window `seq`.
    pub current: i64,
    /// Cost admitted in window `seq - 1`.
    pub previous: i64,
}

impl Window {
    /// This window as seen at `now`; `duration` below 1 counts as 1.
    ///
    /// A window exactly one ahead of `now` was stored by a concurrent caller that read the clock a moment
    /// later. It stays, and is judged at its very start. One further ahead means that the clock was set back;
    /// it is dropped, as is a window that is two or more behind.
    pub fn rolled(self, now: i64, duration: i64) -> Self {
        let seq = now.div_euclid(duration.max(1));
        match i128::from(self.seq) - i128::from(seq) {
            0 | 1 => self,
            -1 => Self { seq, current: 0, previous: self.current },
            _ => Self { seq, current: 0, previous: 0 },
        }
    }

    /// What two records of one counter say together at `now`, where one was made from the other: the higher count of
    /// each window.
    pub fn merged(self, other: Self, now: i64, duration: i64) -> Self {
        let (one, other) = (self.rolled(now, duration), other.rolled(now, duration));
        let (early, late) = if one.seq <= other.seq { (one, other) } else { (other, one) };
        // The later one may be one ahead of now; the other is seen from there.
        let early = early.rolled(late.seq.saturating_mul(duration.max(1)), duration);
        Self {
            seq: late.seq,
            current: late.current.max(early.current),
            previous: late.previous.max(early.previous),
        }
    }

    /// Takes back a cost that was counted in window `seq`, as far as that window is still remembered.
    pub fn give_back(&mut self, seq: i64, cost: i64) {
        match self.seq.checked_sub(seq) {
            Some(0) => self.current = self.current.saturating_sub(cost).max(0),
            Some(1) => self.previous = self.previous.saturating_sub(cost).max(0),
            _ => {}
        }
    }
}

/// A counter as stored, and the length of its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Length of a window in ms, at least 1.
    pub duration: i64,
    /// State as stored, which may be of any age; [`Window::default`] for a new counter.
    pub window: Window,
}

/// One limit to judge. Several may share a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Index into the counters given to [`judge`]. The check is denied if there is no such counter, though
    /// asking so is a mistake of the calling code.
    pub counter: usize,
    /// Most that may be spent per window. 0 denies everything, a peek too.
    pub limit: i64,
    /// What the call costs, at least 0 (less counts as 0). 0 is a peek: it passes up to and at the limit.
    pub cost: i64,
}

/// What became of one [`Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether this limit was exceeded.
    pub exceeded: bool,
    /// What is left: after the cost if the batch passed; otherwise without it, and 0 for an exceeded limit.
    pub remaining: i64,
    /// End of the current window in ms since the Unix epoch, passed or not.
    pub reset: i64,
    /// Of an exceeded limit, when the same would pass if nobody counted meanwhile, in ms since the Unix epoch; `None` for never.
    pub clears: Option<i64>,
}

/// The judgement of all checks of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whether every check passed.
    pub passed: bool,
    /// One per check, in the order of the checks.
    pub outcomes: Vec<Outcome>,
}

/// Judges all checks of one call at `now`: all pass and every counter is rolled to now and gets its cost, or all
/// counters stay as they are.
///
/// Every check is evaluated, whatever became of the others. Unlike in Unkey, checks on the same counter are
/// judged with the sum of their costs, so together they can't overshoot. No checks at all pass.
pub fn judge(checks: &[Check], counters: &mut [Counter], now: i64) -> Batch {
    let mut standings: Vec<Standing> = counters.iter().map(|counter| Standing::at(counter, now)).collect();
    let passed = pass(checks, &mut standings);
    if passed {
        counters
            .iter_mut()
            .zip(&standings)
            .for_each(|(counter, standing)| counter.window = standing.counted());
    }
    Batch { passed, outcomes: outcomes(checks, &standings, passed, now) }
}

/// Adds the cost of each check to the standing of its counter and answers whether all fit: the first half of
/// [`judge`], which allocates nothing.
pub fn pass(checks: &[Check], standings: &mut [Standing]) -> bool {
    for check in checks {
        if let Some(standing) = standings.get_mut(check.counter) {
            standing.cost += i128::from(check.cost.max(0));
        }
    }
    let fits =
        |check: &Check| standings.get(check.counter).is_some_and(|standing| !standing.exceeds(check.limit));
    checks.iter().all(fits)
}

/// What became of each check: the second half of [`judge`].
pub fn outcomes(checks: &[Check], standings: &[Standing], passed: bool, now: i64) -> Vec<Outcome> {
    let outcome = |check: &Check| match standings.get(check.counter) {
        Some(standing) => standing.outcome(check.limit, passed, now),
        None => Outcome { exceeded: true, remaining: 0, reset: now, clears: None },
    };
    checks.iter().map(outcome).collect()
}

/// How a counter stands during one call. Sums are wide, so that they stay exact for any input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    window: Window,
    /// Effective use before the call.
    used: i128,
    /// Cost of all checks on this counter.
    cost: i128,
    duration: i64,
    reset: i64,
}

impl Standing {
    /// The standing of a counter at `now`, before any cost.
    pub fn at(counter: &Counter, now: i64) -> Self {
        let duration = counter.duration.max(1);
        let window = counter.window.rolled(now, duration);
        // now - start, but 0 in a window that starts later.
        let offset = if window.seq == now.div_euclid(duration) { now.rem_euclid(duration) } else { 0 };
        let elapsed = offset as f64 / duration as f64;
        let carried = (window.previous as f64 * (1.0 - elapsed)) as i128;
        let end = (i128::from(window.seq) + 1) * i128::from(duration);
        Self { window, used: i128::from(window.current) + carried, cost: 0, duration, reset: saturated(end) }
    }

    fn exceeds(&self, limit: i64) -> bool {
        limit <= 0 || self.used + self.cost > i128::from(limit)
    }

    fn outcome(&self, limit: i64, passed: bool, now: i64) -> Outcome {
        let exceeded = self.exceeds(limit);
        let used = if passed { self.used + self.cost } else { self.used };
        let left = if exceeded { 0 } else { i128::from(limit) - used };
        let counter = Counter { duration: self.duration, window: self.window };
        let clears = exceeded.then(|| clearing::of_limit(&counter, limit, self.cost(), now)).flatten();
        Outcome { exceeded, remaining: saturated(left.max(0)), reset: self.reset, clears }
    }

    /// Effective use before the call.
    pub fn used(&self) -> i64 {
        saturated(self.used)
    }

    /// What the call costs this counter.
    pub fn cost(&self) -> i64 {
        saturated(self.cost)
    }

    /// The window to store if the call passes: rolled to now, and with the cost added.
    pub fn counted(&self) -> Window {
        Window { current: saturated(i128::from(self.window.current) + self.cost), ..self.window }
    }
}

/// The nearest `i64`.
fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    /// Number of the window in which the tests play.
    const SEQ: i64 = 29_000_000;
    const START: i64 = SEQ * MINUTE;

    fn counter(current: i64, previous: i64) -> Counter {
        Counter { duration: MINUTE, window: Window { seq: SEQ, current, previous } }
    }

    /// Judges one check; `elapsed` is in percent of the window.
    fn one(current: i64, previous: i64, elapsed: i64, limit: i64, cost: i64) -> (bool, i64) {
        let now = START + elapsed * MINUTE / 100;
        let mut counters = [counter(current, previous)];
        let batch = judge(&[Check { counter: 0, limit, cost }], &mut counters, now);
        let outcome = batch.outcomes[0];
        assert_eq!(outcome.exceeded, !batch.passed);
        assert_eq!(outcome.reset, START + MINUTE);
        assert_eq!(counters[0].window.current, current + if batch.passed { cost } else { 0 });
        (batch.passed, outcome.remaining)
    }

    #[test]
    fn reference_values() {
        assert_eq!(one(5, 10, 50, 10, 1), (false, 0));
        assert_eq!(one(5, 10, 99, 10, 1), (true, 4));
        assert_eq!(one(0, 10, 0, 10, 1), (false, 0));
        assert_eq!(one(0, 10, 10, 10, 1), (true, 0));
        assert_eq!(one(0, 10, 50, 10, 1), (true, 4));
        assert_eq!(one(0, 10, 90, 10, 1), (true, 9));
        assert_eq!(one(0, 7, 70, 10, 1), (true, 7));
        for elapsed in [0, 1, 50, 99] {
            assert_eq!(one(9, 0, elapsed, 10, 1), (true, 0));
        }
        assert_eq!(one(10, 0, 30, 10, 0), (true, 0));
        assert_eq!(one(10, 0, 30, 10, 1), (false, 0));
        assert_eq!(one(0, 100, 75, 30, 10), (false, 0));
        assert_eq!(one(5, 0, 0, 10, 6), (false, 0));
    }

    /// Spends 1 of 10 again and again, from a window as stored, and returns what remains after each success.
    fn spend(counter: Counter, now: i64) -> Vec<i64> {
        let mut counters = [counter];
        let mut remaining = Vec::new();
        loop {
            let batch = judge(&[Check { counter: 0, limit: 10, cost: 1 }], &mut counters, now);
            if !batch.passed {
                return remaining;
            }
            remaining.push(batch.outcomes[0].remaining);
        }
    }

    #[test]
    fn rl_01_ten_then_denied() {
        assert_eq!(spend(counter(0, 0), START), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn rl_04_to_10_previous_window_weighs_on() {
        let full = Counter { duration: MINUTE, window: Window { seq: SEQ - 1, current: 10, previous: 3 } };
        assert!(spend(full, START).is_empty());
        assert_eq!(spend(full, START + 6_000), [0]);
        assert_eq!(spend(full, START + 54_000).first(), Some(&9));
    }

    #[test]
    fn rl_11_idle_for_two_windows() {
        assert_eq!(spend(counter(10, 10), START + 2 * MINUTE).first(), Some(&9));
    }

    #[test]
    fn rl_13_and_14_cost_and_peek() {
        assert_eq!(one(5, 0, 0, 10, 5), (true, 0));
        assert_eq!(one(10, 0, 0, 10, 0), (true, 0));
        assert_eq!(one(11, 0, 0, 10, 0), (false, 0));
    }

    #[test]
    fn rl_25_and_34_denial_spends_nothing_anywhere() {
        let checks = [Check { counter: 0, limit: 12, cost: 1 }, Check { counter: 1, limit: 200, cost: 1 }];
        let mut counters = [counter(12, 0); 2];
        let batch = judge(&checks, &mut counters, START);
        assert!(!batch.passed);
        assert_eq!(
            batch.outcomes[0],
            Outcome { exceeded: true, remaining: 0, reset: START + MINUTE, clears: Some(START + MINUTE + 1) }
        );
        assert_eq!(
            batch.outcomes[1],
            Outcome { exceeded: false, remaining: 188, reset: START + MINUTE, clears: None }
        );
        assert_eq!(counters, [counter(12, 0); 2]);
    }

    #[test]
    fn rl_31_limit_is_no_part_of_the_counter() {
        assert_eq!(one(5, 0, 0, 20, 1), (true, 14));
    }

    #[test]
    fn rl_35_limit_zero_denies() {
        assert_eq!(one(0, 0, 0, 0, 1), (false, 0));
        assert_eq!(one(0, 0, 0, 0, 0), (false, 0));
        assert_eq!(one(0, 0, 0, -1, 0), (false, 0));
    }

    #[test]
    fn checks_on_one_counter_are_summed() {
        let checks = |limits: [i64; 2]| limits.map(|limit| Check { counter: 0, limit, cost: 3 });
        let mut counters = [counter(4, 0)];
        let passed = judge(&checks([10, 20]), &mut counters, START);
        assert_eq!(passed.outcomes.iter().map(|o| o.remaining).collect::<Vec<_>>(), [0, 10]);
        assert_eq!(counters[0].window.current, 10);
        let mut counters = [counter(5, 0)];
        let denied = judge(&checks([10, 20]), &mut counters, START);
        assert_eq!(denied.outcomes.iter().map(|o| o.exceeded).collect::<Vec<_>>(), [true, false]);
        assert_eq!(denied.outcomes.iter().map(|o| o.remaining).collect::<Vec<_>>(), [0, 15]);
        assert_eq!(counters[0].window.current, 5);
    }

    #[test]
    fn window_one_ahead_is_judged_at_its_start() {
        let mut ahead = [counter(2, 8)];
        let batch = judge(&[Check { counter: 0, limit: 11, cost: 1 }], &mut ahead, START - 1);
        assert_eq!(
            batch.outcomes[0],
            Outcome { exceeded: false, remaining: 0, reset: START + MINUTE, clears: None }
        );
        assert_eq!(ahead[0].window, Window { seq: SEQ, current: 3, previous: 8 });
    }

    #[test]
    fn clock_set_back_starts_anew() {
        let now = START - MINUTE - 1;
        assert_eq!(
            counter(9, 9).window.rolled(now, MINUTE),
            Window { seq: SEQ - 2, current: 0, previous: 0 }
        );
    }

    #[test]
    fn windows_before_the_epoch() {
        assert_eq!(Window::default().rolled(-1, MINUTE), Window::default());
        let mut counters = [counter(0, 0)];
        let batch = judge(&[Check { counter: 0, limit: 1, cost: 1 }], &mut counters, -1);
        assert_eq!((batch.outcomes[0].reset, counters[0].window.seq), (0, -1));
    }

    #[test]
    fn mistakes_of_calling_code_deny() {
        let mut counters = [counter(3, 0)];
        let batch = judge(&[Check { counter: 1, limit: 10, cost: 1 }], &mut counters, START);
        assert_eq!(batch.outcomes, [Outcome { exceeded: true, remaining: 0, reset: START, clears: None }]);
        assert_eq!((batch.passed, counters[0].window.current), (false, 3));
        judge(&[Check { counter: 0, limit: 10, cost: -5 }], &mut counters, START);
        assert_eq!(counters[0].window.current, 3);
        assert!(judge(&[], &mut [], START).passed);
    }

    #[test]
    fn a_cost_is_given_back_to_the_window_that_counted_it() {
        let given_back = |seq| {
            let mut window = Window { seq: SEQ, current: 5, previous: 5 };
            window.give_back(seq, 3);
            (window.current, window.previous)
        };
        assert_eq!(given_back(SEQ), (2, 5));
        assert_eq!(given_back(SEQ - 1), (5, 2));
        assert_eq!([SEQ + 1, SEQ - 2, i64::MIN].map(given_back), [(5, 5); 3]);
        let mut window = Window { seq: SEQ, current: 1, previous: 0 };
        window.give_back(SEQ, 3);
        assert_eq!(window.current, 0);
    }

    #[test]
    fn of_two_records_the_higher_counts_hold() {
        let window = |seq, current, previous| Window { seq, current, previous };
        let (old, new) = (window(SEQ - 1, 4, 9), window(SEQ, 2, 3));
        for (one, other) in [(old, new), (new, old)] {
            assert_eq!(one.merged(other, START, MINUTE), window(SEQ, 2, 4));
            // A clock that is a moment behind sees the same.
            assert_eq!(one.merged(other, START - 1, MINUTE), window(SEQ, 2, 4));
        }
        assert_eq!(new.merged(Window::default(), START, MINUTE), new);
        assert_eq!(new.merged(window(SEQ + 5, 9, 9), START, MINUTE), new);
    }
}
