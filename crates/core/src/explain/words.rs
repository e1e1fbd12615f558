//! Times and amounts as sentences have them.

use time::OffsetDateTime;

/// An instant, such as `2025-03-14 12:00:00.000 UTC`.
pub fn instant(at: i64) -> String {
    let Ok(seconds) = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)) else {
        return format!("{at} ms after 1970");
    };
    let (date, (hour, minute, second)) = (seconds.date(), seconds.time().as_hms());
    format!("{date} {hour:02}:{minute:02}:{second:02}.{:03} UTC", at.rem_euclid(1000))
}

/// A length of time, in the longest unit that it is a number of.
pub fn duration(milliseconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let unit = UNITS.into_iter().find(|(unit, _)| milliseconds % unit == 0);
    let (unit, name) = unit.unwrap_or((1, "ms"));
    format!("{} {name}", milliseconds / unit)
}

/// So many of something.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The first few of a list, and how many more there are.
pub fn few<T: AsRef<str>>(list: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = list.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match list.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        assert_eq!(instant(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(instant(1_741_953_600_001), "2025-03-14 12:00:00.001 UTC");
        assert_eq!(instant(-1), "1969-12-31 23:59:59.999 UTC");
        assert_eq!(instant(i64::MAX), "9223372036854775807 ms after 1970");
    }

    #[test]
    fn durations() {
        assert_eq!(
            [1, 1500, 90_000, 60_000, 7_200_000].map(duration),
            ["1 ms", "1500 ms", "90 s", "1 min", "2 h"]
        );
        assert_eq!(duration(30 * 86_400_000), "30 d");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [0, 1, 2].map(|number| count(number, "network")),
            ["0 networks", "1 network", "2 networks"]
        );
    }

    #[test]
    fn lists_are_cut() {
        assert_eq!(few(&["a", "b"]), "a, b");
        assert_eq!(few(&["a"; 7]), "a, a, a, a, a and 2 more");
    }
}
