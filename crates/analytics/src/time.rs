//! Points in time, spans, and how numbers become them.

use crate::mistake::Problem;
use crate::tree::{Binary, Cast, Expr};
use crate::types::{Kind, Typed};

/// A number from here on counts milliseconds since 1970, a smaller one seconds.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// The instant of milliseconds since the Unix epoch.
pub fn from_ms(milliseconds: Expr) -> Expr {
    Expr::Call("unkey.from_ms", vec![milliseconds])
}

/// The instant of seconds since the Unix epoch.
pub fn from_seconds(seconds: Expr) -> Expr {
    Expr::Call("pg_catalog.to_timestamp", vec![seconds.cast(Cast::Float8)])
}

/// A value as an instant, whatever it is given as.
pub fn instant(value: Typed) -> Expr {
    match value.kind {
        Kind::Time => value.expr,
        Kind::Number => match value.expr.plain() {
            Expr::Integer(number) if *number < FIRST_MILLISECONDS => from_seconds(value.expr),
            _ => from_ms(value.expr.cast(Cast::Int8)),
        },
        _ => value.expr.cast(Cast::Timestamptz),
    }
}

/// `date_trunc(unit, value)`, as ClickHouse has it: units of a day and more start at a day.
pub fn start_of(unit: &str, value: Typed) -> Typed {
    let start = Expr::Call("pg_catalog.date_trunc", vec![Expr::text(unit), instant(value)]);
    match unit {
        "week" | "month" | "quarter" | "year" => Typed::new(start.cast(Cast::Date), Kind::Date),
        _ => Typed::time(start),
    }
}

/// Where the multiple of a span begins that a value is in. As in ClickHouse, years count from year 0, quarters and months from
/// 1900, weeks from a Monday, hours from midnight and the rest from 1970; units of a week and more start at a day.
pub fn bin(span: Expr, value: Typed) -> Result<Typed, Problem> {
    let (unit, amount) = unit_of(&span).ok_or("takes an INTERVAL of one unit as second argument")?;
    let count = plain_count(amount);
    if count.is_some_and(|count| count < 1) {
        return Err("takes an INTERVAL of 1 or more as second argument".into());
    }
    let at = instant(value).shared();
    let months = |in_one: i64, origin, first| {
        let count = count.ok_or("takes a plain number of months, quarters or years")?;
        Ok(months(count.saturating_mul(in_one), origin, first, &at))
    };
    let from = |origin| Expr::Call("pg_catalog.date_bin", vec![span.clone(), at.clone(), origin]);
    match unit {
        "year" => months(12, "0001-01-01 BC", 0),
        "quarter" => months(3, "1900-01-01", 1900 * 12),
        "month" => months(1, "1900-01-01", 1900 * 12),
        "week" => Ok(Typed::new(from(from_ms(Expr::Integer(FIRST_MONDAY))).cast(Cast::Date), Kind::Date)),
        "hour" => Ok(Typed::time(from(start_of("day", Typed::time(at.clone())).expr))),
        _ => Ok(Typed::time(from(from_ms(Expr::Integer(0))))),
    }
}

/// The 5th of January 1970, in milliseconds.
const FIRST_MONDAY: i64 = 4 * 86_400_000;

/// The multiple of so many months that an instant is in, counted from a day whose month is the `first` since year 0.
fn months(count: i64, origin: &str, first: i64, at: &Expr) -> Typed {
    let part = |field| part(field, Typed::time(at.clone())).expr;
    let years = Expr::binary(part("year"), Binary::Times, Expr::Integer(12));
    let rest = Expr::binary(part("month"), Binary::Minus, Expr::Integer(first + 1));
    let since = Expr::binary(years, Binary::Plus, rest).cast(Cast::Float8);
    let count = Expr::Integer(count).cast(Cast::Float8);
    let multiple = Expr::Call("pg_catalog.floor", vec![Expr::binary(since, Binary::Divided, count.clone())]);
    let span = times(Expr::binary(multiple, Binary::Times, count), "1 month");
    let start = Expr::binary(Expr::text(origin).cast(Cast::Date), Binary::Plus, span);
    Typed::new(start.cast(Cast::Date), Kind::Date)
}

/// The unit of a span and the number of them; `None` for a span that is no multiple of one.
fn unit_of(span: &Expr) -> Option<(&'static str, &Expr)> {
    let Expr::Binary(amount, Binary::Times, one) = span.plain() else { return None };
    let Expr::Cast(one, Cast::Interval) = one.plain() else { return None };
    let Expr::Text(one) = one.plain() else { return None };
    UNITS.iter().find(|(_, known)| known == one).map(|(name, _)| (*name, amount.as_ref()))
}

/// How many it is, if the query says so in figures.
fn plain_count(amount: &Expr) -> Option<i64> {
    match amount.plain() {
        Expr::Cast(amount, Cast::Float8) => plain_count(amount),
        Expr::Negative(amount) => plain_count(amount).map(i64::saturating_neg),
        Expr::Integer(count) => Some(*count),
        Expr::Text(count) => count.trim().parse().ok(),
        _ => None,
    }
}

/// `extract(field FROM value)` as an integer.
pub fn part(field: &str, value: Typed) -> Typed {
    let part = Expr::Call("pg_catalog.date_part", vec![Expr::text(field), instant(value)]);
    Typed::number(Expr::Call("pg_catalog.floor", vec![part]).cast(Cast::Int8))
}

/// Units of a span by their names in ClickHouse, with the text of one of them in Postgres.
const UNITS: &[(&str, &str)] = &[
    ("nanosecond", "0.001 microsecond"),
    ("microsecond", "1 microsecond"),
    ("millisecond", "1 millisecond"),
    ("second", "1 second"),
    ("minute", "1 minute"),
    ("hour", "1 hour"),
    ("day", "1 day"),
    ("week", "1 week"),
    ("month", "1 month"),
    ("quarter", "3 months"),
    ("year", "1 year"),
];

/// So many of a unit, which is named in the singular or plural, in letters of either case.
pub fn span(amount: Expr, unit: &str) -> Option<Typed> {
    let unit = unit.to_ascii_lowercase();
    let name = unit.strip_suffix('s').unwrap_or(&unit);
    let (_, one) = UNITS.iter().find(|(known, _)| *known == name)?;
    Some(Typed::new(times(amount, one), Kind::Interval))
}

/// The span that a text such as `15 minutes` says.
pub fn span_of_text(text: &Expr) -> Option<Typed> {
    let Expr::Text(text) = text.plain() else { return None };
    let (amount, unit) = text.trim().split_once(' ')?;
    span(Expr::Integer(amount.parse().ok()?), unit.trim())
}

/// A span that counts days or seconds, as a bare number beside a day or an instant does.
pub fn bare_span(amount: Expr, kind: Kind) -> Expr {
    times(amount, if kind == Kind::Date { "1 day" } else { "1 second" })
}

fn times(amount: Expr, one: &str) -> Expr {
    let one = Expr::text(one).cast(Cast::Interval);
    Expr::binary(amount.cast(Cast::Float8), Binary::Times, one)
}

/// The pattern of Postgres' `to_char` for one of `formatDateTime`; `None` for a specifier that has no equal.
pub fn pattern(format: &str) -> Option<String> {
    let mut pattern = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            pattern.push_str(&quoted(character));
            continue;
        }
        pattern.push_str(match characters.next()? {
            'Y' => "YYYY",
            'y' => "YY",
            'm' => "MM",
            'd' => "DD",
            'e' => "FMDD",
            'F' => "YYYY-MM-DD",
            'H' => "HH24",
            'I' | 'h' => "HH12",
            'i' => "MI",
            's' | 'S' => "SS",
            'T' => "HH24:MI:SS",
            'R' => "HH24:MI",
            'p' => "AM",
            'f' => "US",
            'M' => "FMMonth",
            'b' => "Mon",
            'a' => "Dy",
            'W' => "FMDay",
            'j' => "DDD",
            'Q' => "Q",
            'V' => "IW",
            'G' => "IYYY",
            '%' => "\"%\"",
            _ => return None,
        });
    }
    Some(pattern)
}

fn quoted(character: char) -> String {
    match character {
        '"' | '\\' => format!("\"\\{character}\""),
        _ => format!("\"{character}\""),
    }
}
