//! Points in time, spans, and how numbers become them.

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

/// The multiples of a span that begin at 1970.
pub fn bin(span: Expr, value: Typed) -> Typed {
    let origin = from_ms(Expr::Integer(0));
    Typed::time(Expr::Call("pg_catalog.date_bin", vec![span, instant(value), origin]))
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
