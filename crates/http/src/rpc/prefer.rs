//! `Prefer`: what a client would like.

use axum::http::HeaderMap;
use tokio_postgres::error::SqlState;

use super::error::{Error, Result};
use crate::db::failure::Failure;

/// What was asked for, as far as it means anything to a call.
#[derive(Debug, Default, PartialEq)]
pub struct Preferences {
    /// Whether to count all rows. The result is at hand, so planned and estimated counts are exact as well.
    pub count: Option<String>,
    /// Refuse what is not understood.
    pub strict: bool,
    /// Time zone of instants.
    pub timezone: Option<String>,
    /// Most rows that a strict call may return.
    pub max_affected: Option<u64>,
    applied: Vec<String>,
}

/// Known, but without a meaning for functions (or, `tx`, not allowed).
const WITHOUT_EFFECT: [&str; 9] = [
    "return=representation",
    "return=minimal",
    "return=headers-only",
    "missing=default",
    "missing=null",
    "resolution=merge-duplicates",
    "resolution=ignore-duplicates",
    "tx=commit",
    "tx=rollback",
];

impl Preferences {
    /// Reads all `Prefer` headers.
    ///
    /// # Errors
    /// What is not understood, if `handling=strict`.
    pub fn parse(headers: &HeaderMap) -> Result<Self> {
        let mut preferences = Self::default();
        let mut unknown = Vec::new();
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in
            values.flat_map(|value| value.split(',')).map(str::trim).filter(|text| !text.is_empty())
        {
            if !preferences.take(preference) {
                unknown.push(preference);
            }
        }
        if preferences.strict && !unknown.is_empty() {
            return Err(not_understood(&unknown.join(", ")));
        }
        Ok(preferences)
    }

    /// Whether the database refused a call because it does not know the time zone.
    pub fn has_no_such_zone(&self, failure: &Failure) -> bool {
        let (Failure::Refused(raised), Some(zone)) = (failure, &self.timezone) else { return false };
        let message = raised.message();
        *raised.code() == SqlState::INVALID_PARAMETER_VALUE && is_about_zone(message, zone)
    }

    /// Goes on in the database's own time zone.
    ///
    /// # Errors
    /// If `handling=strict`.
    pub fn leave_zone_out(&mut self) -> Result<()> {
        self.applied.retain(|preference| !preference.starts_with("timezone"));
        match self.timezone.take().filter(|_| self.strict) {
            Some(zone) => Err(not_understood(&format!("timezone={zone}"))),
            None => Ok(()),
        }
    }

    fn take(&mut self, preference: &str) -> bool {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        match (name.trim(), value.trim()) {
            ("count", how @ ("exact" | "planned" | "estimated")) => self.count = Some(how.to_owned()),
            ("handling", "strict") => self.strict = true,
            ("handling", "lenient") => self.strict = false,
            ("timezone", zone) if !zone.is_empty() => self.timezone = Some(zone.to_owned()),
            ("max-affected", number) => match number.parse() {
                Ok(number) => self.max_affected = Some(number),
                Err(_) => return false,
            },
            _ => return WITHOUT_EFFECT.contains(&preference),
        }
        self.applied.push(preference.to_owned());
        true
    }

    /// `Preference-Applied`.
    pub fn applied(&self) -> Option<String> {
        let counts = |preference: &&String| self.strict || !preference.starts_with("max-affected");
        let applied: Vec<_> = self.applied.iter().filter(counts).map(String::as_str).collect();
        (!applied.is_empty()).then(|| applied.join(", "))
    }

    /// The most rows that may come back, which only a strict call has.
    pub fn most_rows(&self) -> Option<u64> {
        self.max_affected.filter(|_| self.strict)
    }
}

/// In whatever language: the name of the setting is never translated, nor is its value.
fn is_about_zone(message: &str, zone: &str) -> bool {
    message.contains("TimeZone") && message.contains(zone)
}

fn not_understood(preferences: &str) -> Error {
    Error::bad("PGRST122", "a preference is not understood, and handling=strict")
        .details(format!("not understood: {preferences}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_none_is_left_out_unless_the_call_is_strict() {
        let refusal = r#"invalid value for parameter "TimeZone": "Nowhere/Foo""#;
        assert!(is_about_zone(refusal, "Nowhere/Foo") && !is_about_zone(refusal, "Europe/Berlin"));
        let mut preferences = parse(&["timezone=Nowhere/Foo, count=exact"]).unwrap();
        assert!(preferences.leave_zone_out().is_ok());
        assert_eq!(
            (preferences.timezone.as_deref(), preferences.applied().as_deref()),
            (None, Some("count=exact"))
        );
        let error = parse(&["timezone=Nowhere/Foo, handling=strict"]).unwrap().leave_zone_out().unwrap_err();
        assert_eq!(error.body.code, "PGRST122");
        assert_eq!(error.body.details.as_deref(), Some("not understood: timezone=Nowhere/Foo"));
    }

    fn parse(values: &[&str]) -> Result<Preferences> {
        let header = |value: &&str| ("prefer".parse().unwrap(), value.parse().unwrap());
        Preferences::parse(&values.iter().map(header).collect())
    }

    #[test]
    fn several_headers_are_one_list() {
        let preferences =
            parse(&["count=exact, timezone=Europe/Berlin", "handling=strict,max-affected=5"]).unwrap();
        assert_eq!(preferences.count.as_deref(), Some("exact"));
        assert_eq!(preferences.timezone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(preferences.most_rows(), Some(5));
        assert_eq!(
            preferences.applied().as_deref(),
            Some("count=exact, timezone=Europe/Berlin, handling=strict, max-affected=5")
        );
    }

    #[test]
    fn only_a_strict_call_is_refused_or_limited() {
        let lenient = parse(&["foo, max-affected=5, count=sometimes"]).unwrap();
        assert_eq!((lenient.most_rows(), lenient.applied()), (None, None));
        let error = parse(&["handling=strict, foo", "bar=1"]).unwrap_err();
        assert_eq!(error.body.code, "PGRST122");
        assert_eq!(error.body.details.as_deref(), Some("not understood: foo, bar=1"));
    }

    #[test]
    fn what_has_no_effect_is_understood_but_not_applied() {
        let preferences = parse(&["handling=strict, return=minimal, tx=rollback, missing=default"]).unwrap();
        assert_eq!(preferences.applied().as_deref(), Some("handling=strict"));
        assert_eq!(parse(&[]).unwrap().applied(), None);
    }
}
