//! Windows of rate limits with any numbers: nothing overflows, nothing is let through beyond a limit, and what is carried
//! over is what integers say.

use arbitrary::{Arbitrary, Unstructured};
use unkey_core::ratelimit::{Check, Counter, Window, judge};

#[derive(Arbitrary, Debug)]
struct Input {
    counters: [(i64, i64, i64, i64); 3],
    checks: Vec<(u8, i64, i64)>,
    now: i64,
    /// For calls one after the other: milliseconds passed and cost.
    calls: Vec<(u16, u8)>,
    limit: u8,
}

pub fn check(input: &[u8]) {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(input)) else { return };
    let counters = input.counters.map(|(duration, seq, current, previous)| Counter {
        duration,
        window: Window { seq, current: current.max(0), previous: previous.max(0) },
    });
    let checks: Vec<Check> = input
        .checks
        .iter()
        .take(8)
        .map(|&(counter, limit, cost)| Check { counter: usize::from(counter % 4), limit, cost })
        .collect();
    batch(&checks, counters, input.now);
    for counter in counters {
        carried(counter, input.now);
        windows(counter.window, counters[0].window, input.now, counter.duration);
    }
    sequence(counters[0].duration, input.now, i64::from(input.limit), &input.calls);
}

/// All or nothing, and remains and resets are in their ranges.
fn batch(checks: &[Check], before: [Counter; 3], now: i64) {
    let mut after = before;
    let batch = judge(checks, &mut after, now);
    assert_eq!(batch.outcomes.len(), checks.len());
    assert_eq!(batch.passed, batch.outcomes.iter().all(|outcome| !outcome.exceeded));
    if !batch.passed {
        assert_eq!(after, before);
    }
    for (check, outcome) in checks.iter().zip(&batch.outcomes) {
        assert!((0..=check.limit.max(0)).contains(&outcome.remaining));
        assert!(outcome.exceeded || (check.limit > 0 && check.counter < before.len()));
        assert!(!outcome.exceeded || outcome.remaining == 0);
    }
    for (at, (before, after)) in before.iter().zip(&after).enumerate().filter(|_| batch.passed) {
        let costs =
            checks.iter().filter(|check| check.counter == at).map(|check| i128::from(check.cost.max(0)));
        let rolled = before.window.rolled(now, before.duration);
        let expected = (i128::from(rolled.current) + costs.sum::<i128>()).min(i64::MAX.into());
        assert_eq!((after.window.seq, after.window.previous), (rolled.seq, rolled.previous));
        assert_eq!(i128::from(after.window.current), expected);
    }
}

/// What a peek sees as used, against integers; the rule itself is in floats.
fn carried(counter: Counter, now: i64) {
    let check = Check { counter: 0, limit: i64::MAX, cost: 0 };
    let outcome = judge(&[check], &mut [counter], now).outcomes[0];
    let duration = counter.duration.max(1);
    let window = counter.window.rolled(now, duration);
    let offset = if window.seq == now.div_euclid(duration) { now.rem_euclid(duration) } else { 0 };
    let carried = i128::from(window.previous) * i128::from(duration - offset) / i128::from(duration);
    let slack = 1 + i128::from(window.previous >> 49);
    let most = i128::from(window.current) + carried;
    if !outcome.exceeded {
        let used = i128::from(i64::MAX - outcome.remaining);
        assert!((used - most).abs() <= slack, "{used} {most}");
    } else {
        assert!(most + slack > i64::MAX.into());
    }
}

fn windows(one: Window, other: Window, now: i64, duration: i64) {
    let rolled = one.rolled(now, duration);
    assert_eq!(rolled.rolled(now, duration), rolled);
    assert!(rolled.current >= 0 && rolled.previous >= 0);
    let merged = one.merged(other, now, duration);
    assert_eq!(merged, other.merged(one, now, duration));
    assert_eq!(one.merged(one, now, duration), rolled);
    assert!(merged.current >= 0 && merged.previous >= 0);
    let mut less = rolled;
    less.give_back(one.seq, other.current);
    assert!((0..=rolled.current).contains(&less.current) && (0..=rolled.previous).contains(&less.previous));
}

/// Calls one after the other: never more than the limit in one window, and a refused call counts for nothing.
fn sequence(duration: i64, start: i64, limit: i64, calls: &[(u16, u8)]) {
    let mut counter = [Counter { duration, window: Window::default() }];
    let (mut now, mut window, mut spent) = (start, i64::MIN, 0);
    for &(passed, cost) in calls.iter().take(64) {
        now = now.saturating_add(i64::from(passed));
        let seq = now.div_euclid(duration.max(1));
        if seq != window {
            (window, spent) = (seq, 0);
        }
        let before = counter;
        let check = Check { counter: 0, limit, cost: i64::from(cost) };
        if judge(&[check], &mut counter, now).passed {
            spent += i64::from(cost);
            assert!(spent <= limit && limit > 0);
        } else {
            assert_eq!(counter, before);
        }
    }
}
