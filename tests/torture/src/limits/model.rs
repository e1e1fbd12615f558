//! A limiter that remembers everything it let through and counts anew each time.

/// What passed, as (number of the window, cost).
#[derive(Debug, Clone)]
pub struct Log {
    duration: i64,
    passed: Vec<(i64, i64)>,
    /// The window of the latest call that passed.
    latest: i64,
}

impl Log {
    pub fn new(duration: i64) -> Self {
        Self { duration, passed: Vec::new(), latest: i64::MIN }
    }

    /// The window to judge in and the time in it. A clock that is a little behind counts at the beginning of the window
    /// that others have reached; one that is further behind begins anew.
    fn at(&mut self, now: i64) -> (i64, i64) {
        let window = now.div_euclid(self.duration);
        if self.latest == window + 1 {
            return (self.latest, 0);
        }
        if self.latest > window {
            self.passed.clear();
            self.latest = window;
        }
        (window, now.rem_euclid(self.duration))
    }

    fn spent(&self, window: i64) -> i64 {
        self.passed.iter().filter(|call| call.0 == window).map(|call| call.1).sum()
    }

    /// What counts at this moment.
    pub fn used(&self, now: i64) -> i64 {
        let mut log = self.clone();
        let (window, offset) = log.at(now);
        let elapsed = offset as f64 / self.duration as f64;
        log.spent(window) + (log.spent(window - 1) as f64 * (1.0 - elapsed)).trunc() as i64
    }

    pub fn admit(&mut self, now: i64, cost: i64) {
        if cost > 0 {
            let (window, _) = self.at(now);
            self.latest = window;
            self.passed.push((window, cost));
        }
    }
}

/// A call of cost 1, and when it began and ended in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub began: i64,
    pub ended: i64,
    pub has_passed: bool,
}

/// A call that passed although what had certainly passed before it left no room, if there is one.
pub fn too_many(calls: &[Call], limit: i64, duration: i64) -> Option<String> {
    let passed: Vec<&Call> = calls.iter().filter(|call| call.has_passed).collect();
    let is_within = |call: &Call, window: i64| {
        call.began.div_euclid(duration) == window && call.ended.div_euclid(duration) == window
    };
    passed.iter().find_map(|call| {
        let window = call.began.div_euclid(duration);
        if !is_within(call, window) {
            return None;
        }
        let before = |window: i64| {
            passed.iter().filter(|other| other.ended < call.began && is_within(other, window)).count() as i64
        };
        // The latest it can have been judged weighs the window before least.
        let elapsed = call.ended.rem_euclid(duration) as f64 / duration as f64;
        let used = before(window) + (before(window - 1) as f64 * (1.0 - elapsed)).trunc() as i64;
        (used + 1 > limit).then(|| format!("{call:?} passed when at least {used} of {limit} were used"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_before_counts_in_part() {
        let mut log = Log::new(1000);
        log.admit(1_000, 10);
        assert_eq!(log.used(1_999), 10);
        assert_eq!(log.used(2_500), 5);
        assert_eq!(log.used(3_000), 0);
    }

    #[test]
    fn a_call_too_many_is_found() {
        let call = |began| Call { began, ended: began + 1, has_passed: true };
        assert!(too_many(&[call(0), call(10)], 2, 1000).is_none());
        assert!(too_many(&[call(0), call(10), call(20)], 2, 1000).is_some());
        let in_two_windows = |later: [i64; 3]| -> Vec<Call> { (900..910).chain(later).map(call).collect() };
        assert!(too_many(&in_two_windows([1050, 1052, 1054]), 10, 1000).is_some());
        assert!(too_many(&in_two_windows([1600, 1602, 1604]), 10, 1000).is_none());
    }
}
