//! Refill and balance.

use serde::Deserialize;

use crate::credits::Refill;
use crate::error::quoted;
use crate::{Error, Result, rule};

/// How credits come back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "RefillRequest", transform = crate::schema::monthly_needs_a_day))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(remote = "Self")]
pub struct RefillInput {
    /// How often.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Interval"))]
    interval: String,
    /// What a lower balance is set to.
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::POSITIVE))]
    amount: i64,
    /// Day of the month, of a monthly refill.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(transform = crate::rule::DAY))]
    refill_day: Option<i64>,
}

impl RefillInput {
    /// From single arguments instead of a document.
    pub fn new(interval: String, amount: i64, refill_day: Option<i64>) -> Self {
        Self { interval, amount, refill_day }
    }

    /// Checks the rules of refills; a day sent with a daily refill is refused or ignored.
    ///
    /// # Errors
    /// If the interval is neither daily nor monthly, the amount below 1, the day outside 1 to 31, or a monthly
    /// refill has no day.
    pub fn checked(&self, names: &RefillNames, day_with_daily: DayWithDaily) -> Result<Refill> {
        rule::POSITIVE.check(names.amount, self.amount)?;
        if let Some(day) = self.refill_day {
            rule::DAY.check(names.day, day)?;
        }
        let day = match (self.interval.as_str(), self.refill_day) {
            ("daily", Some(_)) if day_with_daily == DayWithDaily::Refused => {
                return Err(Error::invalid(names.day, "belongs to a monthly refill, not a daily one"));
            }
            ("daily", _) => None,
            ("monthly", Some(day)) => u8::try_from(day).ok(),
            ("monthly", None) => return Err(Error::invalid(names.day, "is required for a monthly refill")),
            (other, _) => {
                return Err(Error::invalid(
                    names.interval,
                    format_args!("must be 'daily' or 'monthly', not {}", quoted(other)),
                ));
            }
        };
        Ok(Refill { amount: self.amount, day })
    }
}

/// What to do with a day that comes with a daily refill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayWithDaily {
    /// Creating a key ignores it.
    Ignored,
    /// Updating a key refuses it.
    Refused,
}

/// Under which names a face knows the parts of a refill.
#[derive(Debug)]
pub struct RefillNames {
    /// How often.
    pub interval: &'static str,
    /// How much.
    pub amount: &'static str,
    /// Which day of the month.
    pub day: &'static str,
}

/// The rules of a new key's credits: not negative, and a refill needs a balance to fill.
pub fn check_credits(argument: &'static str, remaining: Option<i64>, refill: Option<&Refill>) -> Result<()> {
    match (remaining, refill) {
        (None, Some(_)) => Err(Error::invalid(argument, "must be given when a refill is given")
            .hint("A key with unlimited credits has nothing to refill.")),
        (Some(remaining), _) => rule::COUNT.check(argument, remaining),
        (None, None) => Ok(()),
    }
}

object_only! {
    RefillInput: "an object with interval, amount, refillDay",
}
