//! Credits of a key: spending, changing, and refills that are settled at use.
//!
//! Unkey refills in a nightly job, which skips a refill if it does not run that day. Here no job is needed:
//! [`Balance::settle`] catches up whenever the key is used. A refill that came due is therefore considered at
//! the first use after it came due, not at midnight itself, and judged by the balance found there. For a key
//! that is used daily both ways give the same balances.
//!
//! Times are ms since the Unix epoch, and days are UTC.

use time::{Date, Month, OffsetDateTime};

use crate::error::quoted;
use crate::{Error, Result, rule};

const DAY: i64 = 86_400_000;

/// A configured refill: sets the balance to `amount` unless it is that high already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    /// Credits after a refill, at least 1.
    pub amount: i64,
    /// `None`: every day. `Some(1..=31)`: on that day of every month, or on the last day of a shorter month.
    /// 0 counts as 1, and more than 31 as 31.
    pub day: Option<u8>,
}

impl Refill {
    /// The word for how often: `daily` or `monthly`.
    pub const fn interval(&self) -> &'static str {
        if self.day.is_some() { "monthly" } else { "daily" }
    }

    /// The latest instant up to `now` at which this refill is due, always 00:00 UTC of a day.
    ///
    /// `i64::MIN`, so never, where a monthly refill leaves the years -9999 to 9999.
    pub fn due(&self, now: i64) -> i64 {
        match self.day {
            None => now.div_euclid(DAY).saturating_mul(DAY),
            Some(day) => latest_monthly(day, now).map_or(i64::MIN, start_of),
        }
    }

    /// The first instant after `now` at which this refill is due; `None` beyond the year 9999.
    pub fn next(&self, now: i64) -> Option<i64> {
        match self.day {
            None => now.div_euclid(DAY).checked_add(1)?.checked_mul(DAY),
            Some(day) => next_monthly(day, now).map(start_of),
        }
    }
}

fn date(at: i64) -> Option<Date> {
    Some(OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).ok()?.date())
}

/// The latest monthly refill day up to `now`.
fn latest_monthly(day: u8, now: i64) -> Option<Date> {
    let today = date(now)?;
    let (year, month) = (today.year(), today.month());
    let in_this_month = refill_day(day, year, month)?;
    if in_this_month <= today {
        return Some(in_this_month);
    }
    let year = if month == Month::January { year - 1 } else { year };
    refill_day(day, year, month.previous())
}

/// The first monthly refill day after that of `now`.
fn next_monthly(day: u8, now: i64) -> Option<Date> {
    let today = date(now)?;
    let (year, month) = (today.year(), today.month());
    let in_this_month = refill_day(day, year, month)?;
    if in_this_month > today {
        return Some(in_this_month);
    }
    let year = if month == Month::December { year + 1 } else { year };
    refill_day(day, year, month.next())
}

fn refill_day(day: u8, year: i32, month: Month) -> Option<Date> {
    Date::from_calendar_date(year, month, day.clamp(1, month.length(year))).ok()
}

fn start_of(date: Date) -> i64 {
    date.midnight().assume_utc().unix_timestamp().saturating_mul(1000)
}

/// The credits of a key that is not unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Credits left, at least 0.
    pub remaining: i64,
    /// Up to when refills have been considered; at first, when the key or its refill was created.
    pub settled_at: i64,
    /// When a refill last changed the balance.
    pub last_refill_at: Option<i64>,
}

/// A change of the balance by its owner. Values are at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// To this value.
    Set(i64),
    /// Up by this value, at most to `i64::MAX`.
    Increment(i64),
    /// Down by this value, at most to 0.
    Decrement(i64),
}

impl Balance {
    /// Considers the refills that came due after `settled_at` and up to `now`. To be called before every
    /// [`Balance::spend`] and [`Balance::apply`].
    ///
    /// If there is one and less than its amount remains, the amount replaces what remains, and
    /// `last_refill_at` is `now`. Several missed refills count as one, a higher balance is never reduced, and
    /// what is spent after a due refill was considered waits for the next one. `settled_at` never goes back.
    pub fn settle(self, refill: Option<&Refill>, now: i64) -> Self {
        let due = refill.filter(|refill| refill.due(now) > self.settled_at);
        let settled = Self { settled_at: self.settled_at.max(now), ..self };
        match due {
            Some(refill) if self.remaining < refill.amount => {
                Self { remaining: refill.amount, last_refill_at: Some(now), ..settled }
            }
            _ => settled,
        }
    }

    /// Spends `cost`, at least 0 (less counts as 0). A cost of 0 always succeeds.
    ///
    /// # Errors
    /// The unchanged balance if less than `cost` remains.
    pub fn spend(self, cost: i64) -> Result<Self, Self> {
        match cost {
            ..=0 => Ok(self),
            _ if cost <= self.remaining => Ok(Self { remaining: self.remaining - cost, ..self }),
            _ => Err(self),
        }
    }

    /// Changes what remains; refills and their times stay as they are.
    pub fn apply(self, change: Change) -> Self {
        let remaining = match change {
            Change::Set(value) => value,
            Change::Increment(value) => self.remaining.saturating_add(value),
            Change::Decrement(value) => self.remaining.saturating_sub(value).max(0),
        };
        Self { remaining, ..self }
    }
}

/// What a caller does with a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Sets it.
    Set(i64),
    /// Makes the key unlimited.
    SetUnlimited {
        /// Whether the refill goes too.
        forget_refill: bool,
    },
    /// Adds.
    Increment(i64),
    /// Takes away, down to 0.
    Decrement(i64),
}

impl Operation {
    /// `value`: `None` if the caller left it out, `Some(None)` for an explicit null.
    pub fn read(operation: &str, value: Option<Option<i64>>) -> Result<Self> {
        let number = value.flatten();
        if let Some(number) = number {
            rule::COUNT.check("value", number)?;
        }
        match (operation, number) {
            ("set", Some(number)) => Ok(Self::Set(number)),
            ("set", None) => Ok(Self::SetUnlimited { forget_refill: value.is_some() }),
            ("increment", Some(number)) => Ok(Self::Increment(number)),
            ("decrement", Some(number)) => Ok(Self::Decrement(number)),
            ("increment" | "decrement", None) => Err(Error::missing("value")),
            (other, _) => {
                let problem = format!("must be 'set', 'increment' or 'decrement', not {}", quoted(other));
                Err(Error::invalid("operation", problem))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: u8, day: u8) -> i64 {
        let month = Month::try_from(month).unwrap();
        start_of(Date::from_calendar_date(year, month, day).unwrap())
    }

    fn balance(remaining: i64, settled_at: i64) -> Balance {
        Balance { remaining, settled_at, last_refill_at: None }
    }

    /// Whether an empty balance, settled on the day before, is refilled on this day.
    fn refills_on(day: u8, date: (i32, u8, u8)) -> bool {
        let now = at(date.0, date.1, date.2);
        balance(0, now - 1).settle(Some(&Refill { amount: 10, day: Some(day) }), now).remaining == 10
    }

    const DAILY: Refill = Refill { amount: 10, day: None };

    #[test]
    fn cr_01_and_04_spend() {
        let full = balance(10, 0);
        assert_eq!(full.spend(4), Ok(balance(6, 0)));
        assert_eq!(balance(6, 0).spend(4), Ok(balance(2, 0)));
        assert_eq!(balance(2, 0).spend(4), Err(balance(2, 0)));
        assert_eq!(balance(2, 0).spend(2), Ok(balance(0, 0)));
        assert_eq!(balance(0, 0).spend(1), Err(balance(0, 0)));
    }

    #[test]
    fn cr_05_and_07_cost_zero_or_less() {
        assert_eq!(balance(0, 0).spend(0), Ok(balance(0, 0)));
        assert_eq!(balance(3, 0).spend(-1), Ok(balance(3, 0)));
        assert_eq!(balance(3, 0).spend(i64::MIN), Ok(balance(3, 0)));
    }

    #[test]
    fn cr_10_and_11_change() {
        let ten = balance(10, 0);
        assert_eq!(ten.apply(Change::Increment(5)).remaining, 15);
        assert_eq!(ten.apply(Change::Decrement(3)).remaining, 7);
        assert_eq!(ten.apply(Change::Decrement(100)).remaining, 0);
        assert_eq!(ten.apply(Change::Set(0)).remaining, 0);
        assert_eq!(ten.apply(Change::Increment(i64::MAX)).remaining, i64::MAX);
        assert_eq!(ten.apply(Change::Decrement(i64::MAX)).remaining, 0);
    }

    #[test]
    fn rf_01_daily() {
        let midnight = at(2025, 3, 14);
        let low = balance(2, midnight - 1);
        let refilled = Balance { remaining: 10, settled_at: midnight, last_refill_at: Some(midnight) };
        assert_eq!(low.settle(Some(&DAILY), midnight), refilled);
        assert_eq!(low.settle(None, midnight), balance(2, midnight));
        assert_eq!(balance(2, midnight).settle(Some(&DAILY), midnight + DAY - 1).remaining, 2);
    }

    #[test]
    fn rf_02_full_balance_is_left_alone_and_settled() {
        let midnight = at(2025, 3, 14);
        let full = balance(10, midnight - 1).settle(Some(&DAILY), midnight + 5);
        assert_eq!(full, balance(10, midnight + 5));
        assert_eq!(full.spend(7).unwrap().settle(Some(&DAILY), midnight + 9).remaining, 3);
        assert_eq!(balance(11, midnight - 1).settle(Some(&DAILY), midnight).remaining, 11);
    }

    #[test]
    fn rf_04_monthly() {
        assert!(!refills_on(15, (2025, 3, 14)));
        assert!(refills_on(15, (2025, 3, 15)));
        assert!(!refills_on(15, (2025, 3, 16)));
    }

    #[test]
    fn rf_05_end_of_february() {
        for day in [28, 29, 30, 31] {
            assert!(refills_on(day, (2025, 2, 28)));
            assert_eq!(refills_on(day, (2024, 2, 28)), day == 28);
            assert_eq!(refills_on(day, (2024, 2, 29)), day > 28);
            assert!(!refills_on(day, (2025, 3, 1)));
        }
    }

    #[test]
    fn rf_07_and_08_months_of_30_and_31_days() {
        assert!(refills_on(30, (2025, 4, 30)));
        assert!(refills_on(30, (2025, 3, 30)));
        assert!(!refills_on(30, (2025, 3, 31)));
        assert!(refills_on(31, (2025, 4, 30)));
        assert!(!refills_on(31, (2025, 3, 30)));
    }

    #[test]
    fn rf_11_once_a_day() {
        let midnight = at(2025, 3, 14);
        let used = balance(0, midnight - 1).settle(Some(&DAILY), midnight).spend(8).unwrap();
        let again = used.settle(Some(&DAILY), midnight + DAY - 1);
        assert_eq!((again.remaining, again.last_refill_at), (2, Some(midnight)));
        assert_eq!(again.settle(Some(&DAILY), midnight + DAY).remaining, 10);
    }

    #[test]
    fn missed_days_months_and_years_are_caught_up_once() {
        let monthly = Refill { amount: 10, day: Some(31) };
        let low = balance(1, at(2024, 12, 31));
        assert_eq!(low.settle(Some(&monthly), at(2025, 1, 30)).remaining, 1);
        assert_eq!(low.settle(Some(&monthly), at(2025, 2, 1)).remaining, 10);
        assert_eq!(low.settle(Some(&monthly), at(2031, 6, 7)).remaining, 10);
        assert_eq!(balance(1, at(2024, 12, 30)).settle(Some(&monthly), at(2025, 1, 1)).remaining, 10);
        assert_eq!(low.settle(Some(&DAILY), at(2025, 1, 30)).remaining, 10);
    }

    #[test]
    fn due_at_the_latest_day() {
        let due = |day, now| Refill { amount: 1, day }.due(now);
        assert_eq!(due(None, at(2025, 3, 14) + 1), at(2025, 3, 14));
        assert_eq!(due(None, -1), -DAY);
        assert_eq!(due(Some(31), at(2025, 1, 5)), at(2024, 12, 31));
        assert_eq!(due(Some(31), at(2024, 3, 30)), at(2024, 2, 29));
        assert_eq!(due(Some(0), at(2025, 1, 5)), at(2025, 1, 1));
        assert_eq!(due(Some(255), at(2025, 5, 31)), at(2025, 5, 31));
    }

    #[test]
    fn clock_set_back_changes_nothing() {
        let low = balance(1, at(2025, 3, 14));
        assert_eq!(low.settle(Some(&DAILY), at(2025, 3, 13)), low);
    }

    #[test]
    fn dates_out_of_range_are_never_due() {
        for now in [i64::MIN, i64::MAX, at(-9999, 1, 1)] {
            assert_eq!(Refill { amount: 1, day: Some(2) }.due(now), i64::MIN);
            assert!(DAILY.due(now) <= now);
        }
    }
}
