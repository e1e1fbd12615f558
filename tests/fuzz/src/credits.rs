//! Credits and refills with any numbers, against days counted one by one.

use arbitrary::{Arbitrary, Unstructured};
use unkey_core::credits::{Balance, Change, Refill};

const DAY: i64 = 86_400_000;
/// The years that monthly refills know, in milliseconds around 1970.
const YEARS: std::ops::Range<i64> = -300_000_000_000_000..253_000_000_000_000;

#[derive(Arbitrary, Debug)]
struct Input {
    remaining: i64,
    settled_at: i64,
    amount: i64,
    day: Option<u8>,
    steps: Vec<(i64, Step)>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Step {
    Spend(i64),
    Set(i64),
    Increment(i64),
    Decrement(i64),
}

pub fn check(input: &[u8]) {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(input)) else { return };
    let refill = Refill { amount: input.amount.max(1), day: input.day };
    let mut balance =
        Balance { remaining: input.remaining.max(0), settled_at: input.settled_at, last_refill_at: None };
    for (now, step) in input.steps.into_iter().take(16) {
        due(&refill, now);
        let settled = balance.settle(Some(&refill), now);
        settles(balance, settled, &refill, now);
        balance = stepped(settled, step);
    }
}

fn due(refill: &Refill, now: i64) {
    let due = refill.due(now);
    assert!(due <= now && (due == i64::MIN || due % DAY == 0));
    match refill.day {
        None => assert!(due == i64::MIN || now - due < DAY),
        Some(wanted) if YEARS.contains(&now) => {
            let today = now.div_euclid(DAY);
            let latest = (today - 62..=today).rev().find(|day| is_refill_day(*day, wanted.max(1)));
            assert_eq!(Some(due.div_euclid(DAY)), latest);
        }
        Some(_) => {}
    }
}

/// The wanted day of its month, or the last day of a month that is shorter.
fn is_refill_day(day: i64, wanted: u8) -> bool {
    let (of_month, next) = (day_of_month(day), day_of_month(day + 1));
    of_month == i64::from(wanted) || (next == 1 && of_month < i64::from(wanted))
}

/// From days since 1970, by the rule of eras of 400 years that begin in March.
fn day_of_month(day: i64) -> i64 {
    let of_era = (day + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    of_year - (153 * month + 2) / 5 + 1
}

fn settles(before: Balance, after: Balance, refill: &Refill, now: i64) {
    assert_eq!(after.settled_at, before.settled_at.max(now));
    let refilled = refill.due(now) > before.settled_at && before.remaining < refill.amount;
    let expected =
        if refilled { (refill.amount, Some(now)) } else { (before.remaining, before.last_refill_at) };
    assert_eq!((after.remaining, after.last_refill_at), expected);
    assert_eq!(after.settle(Some(refill), now), after);
    assert_eq!(before.settle(None, now).remaining, before.remaining);
}

fn stepped(balance: Balance, step: Step) -> Balance {
    let had = i128::from(balance.remaining);
    let (changed, expected) = match step {
        Step::Spend(cost) => match balance.spend(cost) {
            Ok(left) => (left, had - i128::from(cost.max(0))),
            Err(left) => {
                assert!(cost > balance.remaining);
                (left, had)
            }
        },
        Step::Set(value) => (balance.apply(Change::Set(value.max(0))), i128::from(value.max(0))),
        Step::Increment(value) => (
            balance.apply(Change::Increment(value.max(0))),
            (had + i128::from(value.max(0))).min(i64::MAX.into()),
        ),
        Step::Decrement(value) => {
            (balance.apply(Change::Decrement(value.max(0))), (had - i128::from(value.max(0))).max(0))
        }
    };
    assert_eq!(i128::from(changed.remaining), expected);
    assert!(changed.remaining >= 0);
    Balance { remaining: changed.remaining, ..balance }
}
