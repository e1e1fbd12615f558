//! The limiter against a model that remembers every admitted call and counts anew each time.

use proptest::prelude::*;
use unkey_core::ratelimit::{Batch, Check, Counter, Outcome, Window, judge};

/// A counter that keeps what it admitted as a list of (number of the window, cost).
#[derive(Clone, Default)]
struct Log {
    duration: i64,
    admitted: Vec<(i64, i64)>,
    /// The window of the latest admitted call.
    latest: i64,
}

impl Log {
    /// The window to judge in, its start and end, and the log as far as it is believed at `now`.
    fn at(&self, now: i64) -> (i64, i64, Log) {
        let seq = (now as f64 / self.duration as f64).floor() as i64;
        if self.latest > seq + 1 {
            return (seq, now - seq * self.duration, Log { admitted: Vec::new(), latest: seq, ..*self });
        }
        if self.latest == seq + 1 {
            return (self.latest, 0, self.clone());
        }
        (seq, now - seq * self.duration, self.clone())
    }

    fn spent(&self, seq: i64) -> i64 {
        self.admitted.iter().filter(|call| call.0 == seq).map(|call| call.1).sum()
    }

    /// Effective use before a call.
    fn used(&self, now: i64) -> i64 {
        let (seq, offset, log) = self.at(now);
        let elapsed = offset as f64 / self.duration as f64;
        log.spent(seq) + (log.spent(seq - 1) as f64 * (1.0 - elapsed)).trunc() as i64
    }

    fn admit(&mut self, now: i64, cost: i64) {
        let (seq, _, log) = self.at(now);
        *self = Log { latest: seq, ..log };
        self.admitted.push((seq, cost));
    }

    fn reset(&self, now: i64) -> i64 {
        (self.at(now).0 + 1) * self.duration
    }

    fn window(&self, now: i64) -> Window {
        let (seq, _, log) = self.at(now);
        Window { seq, current: log.spent(seq), previous: log.spent(seq - 1) }
    }
}

fn total(checks: &[Check], counter: usize) -> i64 {
    checks.iter().filter(|check| check.counter == counter).map(|check| check.cost).sum()
}

/// What the model says; admits the call if it passes.
fn expected(checks: &[Check], logs: &mut [Log], now: i64) -> Batch {
    let used: Vec<i64> = logs.iter().map(|log| log.used(now)).collect();
    let fails =
        |check: &Check| check.limit == 0 || used[check.counter] + total(checks, check.counter) > check.limit;
    let passed = !checks.iter().any(fails);
    let outcomes = checks.iter().map(|check| {
        let spent = if passed { total(checks, check.counter) } else { 0 };
        let remaining = if fails(check) { 0 } else { check.limit - used[check.counter] - spent };
        Outcome { exceeded: fails(check), remaining, reset: logs[check.counter].reset(now), clears: None }
    });
    let outcomes = outcomes.collect();
    if passed {
        logs.iter_mut().enumerate().for_each(|(i, log)| log.admit(now, total(checks, i)));
    }
    Batch { passed, outcomes }
}

/// Without what the model does not know.
fn without_clears(mut batch: Batch) -> Batch {
    batch.outcomes.iter_mut().for_each(|outcome| outcome.clears = None);
    batch
}

const DURATIONS: [i64; 3] = [100, 70, 1000];

fn checks() -> impl Strategy<Value = Vec<Check>> {
    let check = (0..DURATIONS.len(), 0..30i64, 0..6i64);
    let check = check.prop_map(|(counter, limit, cost)| Check { counter, limit, cost });
    prop::collection::vec(check, 0..5)
}

/// A counter as it may be found at `now`, unless the clock was set back.
fn found(now: i64) -> impl Strategy<Value = Counter> {
    (1..500i64, -3..=1i64, 0..30i64, 0..30i64).prop_map(move |(duration, age, current, previous)| Counter {
        duration,
        window: Window { seq: now.div_euclid(duration) + age, current, previous },
    })
}

fn any_counter() -> impl Strategy<Value = Counter> {
    (any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>()).prop_map(|(duration, seq, current, previous)| {
        Counter { duration, window: Window { seq, current, previous } }
    })
}

proptest! {
    #[test]
    fn calls_agree_with_the_log(
        steps in prop::collection::vec((-150..250i64, checks()), 1..40),
        mut now in -1000..1000i64,
    ) {
        let mut counters = DURATIONS.map(|duration| Counter { duration, window: Window::default() });
        let mut logs = DURATIONS.map(|duration| Log { duration, ..Log::default() });
        for (pause, checks) in steps {
            now += pause;
            let batch = judge(&checks, &mut counters, now);
            prop_assert_eq!(without_clears(batch), expected(&checks, &mut logs, now));
            let windows = counters.map(|counter| counter.window.rolled(now, counter.duration));
            prop_assert_eq!(windows.to_vec(), logs.iter().map(|log| log.window(now)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_check_is_the_formula(
        duration in 1000..10_000_000_000i64,
        now in 0..4_000_000_000_000i64,
        (current, previous, cost) in (0..1_000_000i64, 0..1_000_000i64, 0..1000i64),
        limit in 1..2_000_000i64,
    ) {
        let start = now / duration * duration;
        let elapsed = (now - start) as f64 / duration as f64;
        let carried = (previous as f64 * (1.0 - elapsed)).trunc() as i64;
        let effective = current + carried + cost;
        let window = Window { seq: now / duration, current, previous };
        let batch = judge(&[Check { counter: 0, limit, cost }], &mut [Counter { duration, window }], now);
        let remaining = (limit - effective).max(0);
        let outcome = Outcome { exceeded: effective > limit, remaining, reset: start + duration, clears: None };
        prop_assert_eq!(batch.passed, effective <= limit);
        prop_assert_eq!(&without_clears(batch).outcomes, &[outcome]);
    }

    #[test]
    fn a_refusal_clears_at_the_first_moment_at_which_it_passes(
        now in 0..4_000_000_000_000i64,
        (limit, cost) in (0..40i64, 0..50i64),
        (duration, age, current, previous) in (1..500i64, -3..=1i64, 0..30i64, 0..30i64),
    ) {
        let window = Window { seq: now.div_euclid(duration) + age, current, previous };
        let at = |moment| judge(&[Check { counter: 0, limit, cost }], &mut [Counter { duration, window }], moment);
        let refused = at(now);
        match refused.outcomes[0].clears {
            None => prop_assert!(refused.passed || limit == 0 || cost > limit),
            Some(moment) => {
                prop_assert!(!refused.passed && moment > now);
                prop_assert!(at(moment).passed && !at(moment - 1).passed);
            }
        }
    }

    #[test]
    fn no_window_admits_more_than_the_limit(
        calls in prop::collection::vec((0..60i64, 0..100i64, 0..4i64), 1..100),
        limit in 1..12i64,
    ) {
        let (mut base, mut admitted) = (0, std::collections::HashMap::new());
        let mut counters = [Counter { duration: 100, window: Window::default() }];
        for (pause, ahead, cost) in calls {
            base += pause;
            // Callers read the clock up to one window ahead of each other.
            let batch = judge(&[Check { counter: 0, limit, cost }], &mut counters, base + ahead);
            if batch.passed {
                let window = counters[0].window;
                let sum = admitted.entry(window.seq).or_insert(0);
                *sum += cost;
                prop_assert_eq!(*sum, window.current);
                prop_assert!(*sum <= limit);
            }
        }
    }

    #[test]
    fn denial_changes_nothing(counters in prop::array::uniform3(found(50_000)), checks in checks()) {
        let mut after = counters;
        prop_assume!(!judge(&checks, &mut after, 50_000).passed);
        prop_assert_eq!(after, counters);
    }

    #[test]
    fn a_cost_given_back_was_never_counted(
        counter in found(50_000),
        cost in 1..30i64,
        later in 0..3000i64,
    ) {
        let (mut counters, check) = ([counter], Check { counter: 0, limit: 1000, cost });
        prop_assert!(judge(&[check], &mut counters, 50_000).passed);
        let seq = counters[0].window.seq;
        let mut window = counters[0].window.rolled(50_000 + later, counter.duration);
        window.give_back(seq, cost);
        prop_assert_eq!(window, counter.window.rolled(50_000, counter.duration).rolled(50_000 + later, counter.duration));
    }

    #[test]
    fn merging_a_record_with_an_older_one_of_itself_changes_nothing(
        counter in found(50_000),
        cost in 1..30i64,
        later in 0..3000i64,
    ) {
        let mut counters = [counter];
        let batch = judge(&[Check { counter: 0, limit: 1000, cost }], &mut counters, 50_000);
        prop_assert!(batch.passed);
        let (old, new, now) = (counter.window, counters[0].window, 50_000 + later);
        prop_assert_eq!(new.merged(old, now, counter.duration), new.rolled(now, counter.duration));
        prop_assert_eq!(old.merged(new, now, counter.duration), new.rolled(now, counter.duration));
    }

    #[test]
    fn order_of_checks_does_not_matter(
        counters in prop::array::uniform3(found(50_000)),
        (checks, order) in checks().prop_flat_map(|checks| {
            let order = Just((0..checks.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(checks), order)
        }),
    ) {
        let shuffled: Vec<Check> = order.iter().map(|&i| checks[i]).collect();
        let (mut one, mut two) = (counters, counters);
        let (batch, other) = (judge(&checks, &mut one, 50_000), judge(&shuffled, &mut two, 50_000));
        prop_assert_eq!(one, two);
        let outcomes: Vec<Outcome> = order.iter().map(|&i| batch.outcomes[i]).collect();
        prop_assert_eq!(other, Batch { outcomes, ..batch });
    }

    #[test]
    fn rolling_twice_is_rolling_once(window in any_counter(), now: i64) {
        let once = window.window.rolled(now, window.duration);
        prop_assert_eq!(once.rolled(now, window.duration), once);
    }

    #[test]
    fn any_numbers_are_judged(
        mut counters in prop::array::uniform2(any_counter()),
        checks in prop::collection::vec((0..4usize, any::<i64>(), any::<i64>()), 0..6),
        now in prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
    ) {
        let checks: Vec<Check> =
            checks.into_iter().map(|(counter, limit, cost)| Check { counter, limit, cost }).collect();
        let batch = judge(&checks, &mut counters, now);
        prop_assert_eq!(batch.outcomes.len(), checks.len());
        prop_assert_eq!(batch.passed, batch.outcomes.iter().all(|outcome| !outcome.exceeded));
        prop_assert!(batch.outcomes.iter().all(|outcome| outcome.remaining >= 0));
    }
}
