//! Refills at use against a nightly job, and due days against a calendar counted day by day.

use std::sync::LazyLock;

use proptest::prelude::*;
use unkey_core::credits::{Balance, Change, Refill};

const DAY: i64 = 86_400_000;

#[derive(Clone, Copy)]
struct Date {
    day: u8,
    last_of_month: bool,
}

/// Every day from 1896-01-01 on: leap years and two of the centuries that are and are not.
static CALENDAR: LazyLock<Vec<Date>> = LazyLock::new(|| (1896..2105).flat_map(days_of_year).collect());
/// The place of 1970-01-01.
static EPOCH: LazyLock<usize> = LazyLock::new(|| (1896..1970).flat_map(days_of_year).count());

fn days_of_year(year: u32) -> Vec<Date> {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let february = if leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    months
        .iter()
        .flat_map(|&last| (1..=last).map(move |day| Date { day, last_of_month: day == last }))
        .collect()
}

/// The rule of the nightly job; `place` is a day of the calendar.
fn due_on(refill: &Refill, place: usize) -> bool {
    let today = CALENDAR[place];
    match refill.day {
        None => true,
        Some(day) => day == today.day || today.last_of_month && day > today.day,
    }
}

fn midnight(place: usize) -> i64 {
    (place as i64 - *EPOCH as i64) * DAY
}

/// Days of the calendar that leave room for two years before and after.
fn places() -> std::ops::Range<usize> {
    800..CALENDAR.len() - 800
}

fn refills() -> impl Strategy<Value = Refill> {
    let day = prop_oneof![Just(None), (1..=31u8).prop_map(Some), (28..=31u8).prop_map(Some)];
    (1..50i64, day).prop_map(|(amount, day)| Refill { amount, day })
}

fn balances() -> impl Strategy<Value = Balance> {
    (any::<i64>(), any::<i64>(), any::<Option<i64>>())
        .prop_map(|(remaining, settled_at, last_refill_at)| Balance { remaining, settled_at, last_refill_at })
}

/// Runs the job at the start of a day: the new balance, and whether it was refilled.
fn job(refill: &Refill, place: usize, remaining: i64) -> (i64, bool) {
    let refilled = due_on(refill, place) && remaining < refill.amount;
    (if refilled { refill.amount } else { remaining }, refilled)
}

proptest! {
    #[test]
    fn daily_use_agrees_with_the_nightly_job(
        refill in refills(),
        first in places(),
        remaining in 0..60i64,
        (created, uses) in (0..DAY, prop::collection::vec(prop::collection::vec((0..DAY, 0..30i64), 1..4), 1..100)),
    ) {
        let mut nightly = remaining;
        let mut at_use = Balance { remaining, settled_at: midnight(first) + created, last_refill_at: None };
        for (place, mut uses) in (first + 1..).zip(uses) {
            let (refilled, any) = job(&refill, place, nightly);
            nightly = refilled;
            uses.sort();
            let first_use = midnight(place) + uses[0].0;
            for (time, cost) in uses {
                at_use = at_use.settle(Some(&refill), midnight(place) + time);
                at_use = at_use.spend(cost).unwrap_or_else(|unchanged| unchanged);
                nightly -= if cost <= nightly { cost } else { 0 };
                prop_assert_eq!(at_use.remaining, nightly);
            }
            prop_assert_eq!(at_use.last_refill_at == Some(first_use), any);
        }
    }

    #[test]
    fn due_is_the_latest_day_of_the_calendar(refill in refills(), place in places(), time in 0..DAY) {
        let latest = (0..=place).rev().find(|&place| due_on(&refill, place)).unwrap();
        prop_assert_eq!(refill.due(midnight(place) + time), midnight(latest));
    }

    #[test]
    fn missed_refills_are_caught_up(
        refill in refills(),
        place in places(),
        (remaining, settled, gap) in (0..60i64, 0..DAY, 0..100 * DAY),
    ) {
        let settled_at = midnight(place) + settled;
        let now = settled_at + gap;
        let missed = (place..place + 102)
            .filter(|&place| due_on(&refill, place) && midnight(place) > settled_at && midnight(place) <= now);
        let refilled = missed.count() > 0 && remaining < refill.amount;
        let expected = Balance {
            remaining: if refilled { refill.amount } else { remaining },
            settled_at: now,
            last_refill_at: refilled.then_some(now),
        };
        let before = Balance { remaining, settled_at, last_refill_at: None };
        prop_assert_eq!(before.settle(Some(&refill), now), expected);
    }

    #[test]
    fn settled_once_a_day(
        refill in refills(),
        before in balances(),
        place in places(),
        times in prop::array::uniform2(0..DAY),
        cost in 0..100i64,
    ) {
        let settled = before.settle(Some(&refill), midnight(place) + times[0]);
        let spent = settled.spend(cost).unwrap_or_else(|unchanged| unchanged);
        let again = spent.settle(Some(&refill), midnight(place) + times[1]);
        prop_assert_eq!(Balance { settled_at: spent.settled_at, ..again }, spent);
        prop_assert_eq!(again.settled_at, before.settled_at.max(midnight(place) + times[0].max(times[1])));
    }

    #[test]
    fn any_numbers_are_settled(before in balances(), amount: i64, day: Option<u8>, now: i64, costs: bool) {
        let refill = Refill { amount, day };
        let settled = before.settle(Some(&refill), now);
        prop_assert_eq!(settled.settled_at, before.settled_at.max(now));
        prop_assert!(settled.remaining >= before.remaining);
        prop_assert!(refill.due(now) <= now || now < i64::MIN + DAY);
        prop_assert_eq!(before.settle(None, now), Balance { settled_at: settled.settled_at, ..before });
        let cost = if costs { now } else { before.remaining };
        match settled.spend(cost) {
            Ok(spent) => prop_assert!(spent.remaining <= settled.remaining),
            Err(unchanged) => prop_assert_eq!(unchanged, settled),
        }
    }

    #[test]
    fn changes_are_clipped(remaining in 0..=i64::MAX, value in 0..=i64::MAX) {
        let before = Balance { remaining, settled_at: 5, last_refill_at: Some(3) };
        let clipped = |exact: i128| exact.clamp(0, i128::from(i64::MAX)) as i64;
        let (left, right) = (i128::from(remaining), i128::from(value));
        prop_assert_eq!(before.apply(Change::Set(value)), Balance { remaining: value, ..before });
        let up = Balance { remaining: clipped(left + right), ..before };
        prop_assert_eq!(before.apply(Change::Increment(value)), up);
        let down = Balance { remaining: clipped(left - right), ..before };
        prop_assert_eq!(before.apply(Change::Decrement(value)), down);
    }
}
