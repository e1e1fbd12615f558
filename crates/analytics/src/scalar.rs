//! The functions of one row: what each takes and what it becomes in Postgres.

use std::ops::RangeInclusive;

use crate::mistake::Problem;
use crate::time;
use crate::tree::{Binary, Cast, Expr};
use crate::types::{Kind, Typed};
use crate::value::condition_of;

type Args = Vec<Typed>;
type Built = Result<Typed, Problem>;

/// A function.
pub struct Scalar {
    /// Its name in lower case; a query may write it in any.
    pub name: &'static str,
    /// How it is called, for messages and the manual.
    pub usage: &'static str,
    /// How many arguments it takes.
    pub arity: RangeInclusive<usize>,
    /// Builds it from its arguments and what `now()` is.
    pub(crate) build: fn(Args, i64) -> Built,
}

const MANY: usize = 64;

macro_rules! scalars {
    ($($name:literal $usage:literal $arity:expr => $build:expr;)*) => {
        /// Every function of one row but `arrayJoin`, `arrayFilter` and `arrayExists`, by name.
        pub const SCALARS: &[Scalar] = &[$(Scalar { name: $name, usage: $usage, arity: $arity, build: $build }),*];
    };
}

scalars! {
    // Time
    "now" "now()" 0..=1 => |_, now| Ok(clock(now));
    "now64" "now64()" 0..=2 => |_, now| Ok(clock(now));
    "today" "today()" 0..=0 => |_, now| Ok(day(clock(now)));
    "yesterday" "yesterday()" 0..=0 => |_, now| Ok(day(Typed::time(time::from_ms(Expr::Integer(now - 86_400_000)))));
    "todate" "toDate(x)" 1..=1 => |args, _| Ok(day(one(args)));
    "todatetime" "toDateTime(x)" 1..=1 => |args, _| Ok(Typed::time(seconds(one(args))));
    "todatetime64" "toDateTime64(x, 3)" 1..=2 => |args, _| Ok(Typed::time(seconds(one(args))));
    "tostartofsecond" "toStartOfSecond(t)" 1..=1 => |args, _| Ok(time::start_of("second", one(args)));
    "tostartofminute" "toStartOfMinute(t)" 1..=1 => |args, _| Ok(time::start_of("minute", one(args)));
    "tostartoffiveminutes" "toStartOfFiveMinutes(t)" 1..=1 => |args, _| minutes(5, one(args));
    "tostartoftenminutes" "toStartOfTenMinutes(t)" 1..=1 => |args, _| minutes(10, one(args));
    "tostartoffifteenminutes" "toStartOfFifteenMinutes(t)" 1..=1 => |args, _| minutes(15, one(args));
    "tostartofhour" "toStartOfHour(t)" 1..=1 => |args, _| Ok(time::start_of("hour", one(args)));
    "tostartofday" "toStartOfDay(t)" 1..=1 => |args, _| Ok(time::start_of("day", one(args)));
    "tostartofweek" "toStartOfWeek(t) or toStartOfWeek(t, 1)" 1..=2 => week;
    "tomonday" "toMonday(t)" 1..=1 => |args, _| Ok(time::start_of("week", one(args)));
    "tostartofmonth" "toStartOfMonth(t)" 1..=1 => |args, _| Ok(time::start_of("month", one(args)));
    "tostartofquarter" "toStartOfQuarter(t)" 1..=1 => |args, _| Ok(time::start_of("quarter", one(args)));
    "tostartofyear" "toStartOfYear(t)" 1..=1 => |args, _| Ok(time::start_of("year", one(args)));
    "tostartofinterval" "toStartOfInterval(t, INTERVAL 15 MINUTE)" 2..=2 => |args, _| { let [t, span] = two(args); time::bin(span.expr, t) };
    "date_trunc" "date_trunc('hour', t)" 2..=2 => date_trunc;
    "datetrunc" "dateTrunc('hour', t)" 2..=2 => date_trunc;
    "toyear" "toYear(t)" 1..=1 => |args, _| Ok(time::part("year", one(args)));
    "toquarter" "toQuarter(t)" 1..=1 => |args, _| Ok(time::part("quarter", one(args)));
    "tomonth" "toMonth(t)" 1..=1 => |args, _| Ok(time::part("month", one(args)));
    "todayofmonth" "toDayOfMonth(t)" 1..=1 => |args, _| Ok(time::part("day", one(args)));
    "todayofweek" "toDayOfWeek(t)" 1..=1 => |args, _| Ok(time::part("isodow", one(args)));
    "todayofyear" "toDayOfYear(t)" 1..=1 => |args, _| Ok(time::part("doy", one(args)));
    "tohour" "toHour(t)" 1..=1 => |args, _| Ok(time::part("hour", one(args)));
    "tominute" "toMinute(t)" 1..=1 => |args, _| Ok(time::part("minute", one(args)));
    "tosecond" "toSecond(t)" 1..=1 => |args, _| Ok(time::part("second", one(args)));
    "formatdatetime" "formatDateTime(t, '%Y-%m-%d')" 2..=2 => format_time;
    "fromunixtimestamp64milli" "fromUnixTimestamp64Milli(n)" 1..=1 => |args, _| Ok(Typed::time(milliseconds(one(args))));
    "fromunixtimestamp" "fromUnixTimestamp(n)" 1..=1 => |args, _| Ok(Typed::time(time::from_seconds(one(args).expr)));
    "tounixtimestamp64milli" "toUnixTimestamp64Milli(t)" 1..=1 => |args, _| Ok(Typed::number(Expr::Call("unkey.to_ms", vec![time::instant(one(args))])));
    "tounixtimestamp" "toUnixTimestamp(t)" 1..=1 => |args, _| Ok(time::part("epoch", one(args)));
    "tointervalnanosecond" "toIntervalNanosecond(n)" 1..=1 => |args, _| span(args, "nanosecond");
    "tointervalmicrosecond" "toIntervalMicrosecond(n)" 1..=1 => |args, _| span(args, "microsecond");
    "tointervalmillisecond" "toIntervalMillisecond(n)" 1..=1 => |args, _| span(args, "millisecond");
    "tointervalsecond" "toIntervalSecond(n)" 1..=1 => |args, _| span(args, "second");
    "tointervalminute" "toIntervalMinute(n)" 1..=1 => |args, _| span(args, "minute");
    "tointervalhour" "toIntervalHour(n)" 1..=1 => |args, _| span(args, "hour");
    "tointervalday" "toIntervalDay(n)" 1..=1 => |args, _| span(args, "day");
    "tointervalweek" "toIntervalWeek(n)" 1..=1 => |args, _| span(args, "week");
    "tointervalmonth" "toIntervalMonth(n)" 1..=1 => |args, _| span(args, "month");
    "tointervalquarter" "toIntervalQuarter(n)" 1..=1 => |args, _| span(args, "quarter");
    "tointervalyear" "toIntervalYear(n)" 1..=1 => |args, _| span(args, "year");
    // Texts
    "lower" "lower(s)" 1..=1 => |args, _| Ok(Typed::text(call("pg_catalog.lower", args)));
    "upper" "upper(s)" 1..=1 => |args, _| Ok(Typed::text(call("pg_catalog.upper", args)));
    "trim" "trim(s)" 1..=1 => |args, _| Ok(Typed::text(call("pg_catalog.btrim", args)));
    "concat" "concat(s, …)" 1..=MANY => |args, _| Ok(Typed::text(call("pg_catalog.concat", args)));
    "substring" "substring(s, from, length)" 2..=3 => substring;
    "substr" "substr(s, from, length)" 2..=3 => substring;
    "length" "length(s or array)" 1..=1 => |args, _| Ok(Typed::number(length(one(args))));
    "empty" "empty(s or array)" 1..=1 => |args, _| Ok(Typed::bool(Expr::binary(length(one(args)), Binary::Equal, Expr::Integer(0))));
    "notempty" "notEmpty(s or array)" 1..=1 => |args, _| Ok(Typed::bool(Expr::binary(length(one(args)), Binary::Greater, Expr::Integer(0))));
    "startswith" "startsWith(s, prefix)" 2..=2 => |args, _| Ok(Typed::bool(call("pg_catalog.starts_with", args)));
    "endswith" "endsWith(s, suffix)" 2..=2 => ends_with;
    "position" "position(s, part)" 2..=2 => |args, _| Ok(Typed::number(call("pg_catalog.strpos", args)));
    "replaceall" "replaceAll(s, from, to)" 3..=3 => |args, _| Ok(Typed::text(call("pg_catalog.replace", args)));
    "replace" "replace(s, from, to)" 3..=3 => |args, _| Ok(Typed::text(call("pg_catalog.replace", args)));
    // Numbers
    "round" "round(x, digits)" 1..=2 => round;
    "floor" "floor(x)" 1..=1 => |args, _| Ok(whole("pg_catalog.floor", one(args)));
    "ceil" "ceil(x)" 1..=1 => |args, _| Ok(whole("pg_catalog.ceil", one(args)));
    "ceiling" "ceiling(x)" 1..=1 => |args, _| Ok(whole("pg_catalog.ceil", one(args)));
    "abs" "abs(x)" 1..=1 => |args, _| Ok(Typed::number(call("pg_catalog.abs", args)));
    "intdiv" "intDiv(a, b)" 2..=2 => |args, _| { let args = args.into_iter().map(|arg| arg.expr.cast(Cast::Int8)).collect(); Ok(Typed::number(Expr::Call("pg_catalog.int8div", args))) };
    "modulo" "modulo(a, b)" 2..=2 => |args, _| { let [a, b] = two(args); Ok(Typed::number(Expr::binary(a.expr, Binary::Modulo, b.expr))) };
    "greatest" "greatest(x, …)" 1..=MANY => |args, _| Ok(special("GREATEST", args));
    "least" "least(x, …)" 1..=MANY => |args, _| Ok(special("LEAST", args));
    // Choices
    "if" "if(condition, then, else)" 3..=3 => |args, _| Ok(choice(args));
    "multiif" "multiIf(condition, then, …, else)" 3..=MANY => |args, _| if args.len() % 2 == 1 { Ok(choice(args)) } else { Err("needs a value for every condition and one for the rest".into()) };
    "coalesce" "coalesce(x, …)" 1..=MANY => |args, _| Ok(special("COALESCE", args));
    "ifnull" "ifNull(x, default)" 2..=2 => |args, _| Ok(special("COALESCE", args));
    "nullif" "nullIf(x, y)" 2..=2 => |args, _| Ok(special("NULLIF", args));
    "isnull" "isNull(x)" 1..=1 => |args, _| Ok(Typed::bool(one(args).expr.is("IS NULL")));
    "isnotnull" "isNotNull(x)" 1..=1 => |args, _| Ok(Typed::bool(one(args).expr.is("IS NOT NULL")));
    "not" "not(x)" 1..=1 => |args, _| Ok(Typed::bool(one(args).expr.not()));
    // Conversions
    "tostring" "toString(x)" 1..=1 => |args, _| Ok(text(one(args)));
    "toint8" "toInt8(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "toint16" "toInt16(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "toint32" "toInt32(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "toint64" "toInt64(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "touint8" "toUInt8(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "touint16" "toUInt16(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "touint32" "toUInt32(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "touint64" "toUInt64(x)" 1..=1 => |args, _| Ok(integer(one(args)));
    "tofloat32" "toFloat32(x)" 1..=1 => |args, _| Ok(Typed::number(one(args).expr.cast(Cast::Float8)));
    "tofloat64" "toFloat64(x)" 1..=1 => |args, _| Ok(Typed::number(one(args).expr.cast(Cast::Float8)));
    // Arrays
    "has" "has(array, x)" 2..=2 => |args, _| { let [array, value] = two(args); Ok(Typed::bool(Expr::Element { value: Box::new(value.expr), array: Box::new(array.expr) })) };
    "hasany" "hasAny(array, array)" 2..=2 => |args, _| { let [a, b] = two(args); Ok(Typed::bool(Expr::binary(a.expr, Binary::Overlaps, b.expr))) };
    "hasall" "hasAll(array, array)" 2..=2 => |args, _| { let [a, b] = two(args); Ok(Typed::bool(Expr::binary(a.expr, Binary::Contains, b.expr))) };
    "splitbychar" "splitByChar(separator, s)" 2..=2 => |args, _| { let [separator, text] = two(args); Ok(Typed::new(Expr::Call("pg_catalog.string_to_array", vec![text.expr, separator.expr]), Kind::Array)) };
}

fn one(args: Args) -> Typed {
    // The table's arity has been checked: a missing argument can't occur, and would be NULL.
    args.into_iter().next().unwrap_or(NOTHING)
}

fn two(args: Args) -> [Typed; 2] {
    let mut args = args.into_iter();
    [args.next().unwrap_or(NOTHING), args.next().unwrap_or(NOTHING)]
}

const NOTHING: Typed = Typed::new(Expr::Null, Kind::Other);

fn call(routine: &'static str, args: Args) -> Expr {
    Expr::Call(routine, args.into_iter().map(|arg| arg.expr).collect())
}

fn special(keyword: &'static str, args: Args) -> Typed {
    let kind = common(&args);
    Typed::new(Expr::Special(keyword, args.into_iter().map(|arg| arg.expr).collect()), kind)
}

/// The kind of a value that is one of these.
pub fn common<'a>(values: impl IntoIterator<Item = &'a Typed>) -> Kind {
    let known = values.into_iter().filter(|value| !matches!(value.expr.plain(), Expr::Null));
    let mut kinds = known.map(|value| value.kind);
    let first = kinds.next().unwrap_or(Kind::Other);
    if kinds.all(|kind| kind == first) { first } else { Kind::Other }
}

fn clock(now: i64) -> Typed {
    Typed::time(time::from_ms(Expr::Integer(now)))
}

/// The day of a point in time, by UTC.
pub fn day(value: Typed) -> Typed {
    let at = if value.kind == Kind::Number { time::instant(value) } else { value.expr };
    Typed::new(at.cast(Cast::Date), Kind::Date)
}

/// `toDateTime`: a number counts seconds.
fn seconds(value: Typed) -> Expr {
    match value.kind {
        Kind::Number => time::from_seconds(value.expr),
        _ => time::instant(value),
    }
}

/// `fromUnixTimestamp64Milli`: a number counts milliseconds; a time stays one.
fn milliseconds(value: Typed) -> Expr {
    match value.kind {
        Kind::Time | Kind::Date => time::instant(value),
        _ => time::from_ms(value.expr.cast(Cast::Int8)),
    }
}

fn minutes(count: i64, value: Typed) -> Built {
    let span = time::span(Expr::Integer(count), "minute").map_or(Expr::Null, |span| span.expr);
    time::bin(span, value)
}

/// Weeks start on Sunday unless the mode says Monday.
fn week(args: Args, _: i64) -> Built {
    let [at, mode] = two(args);
    match mode.expr.plain() {
        Expr::Integer(1) => Ok(time::start_of("week", at)),
        Expr::Null | Expr::Integer(0) => {
            let day = || Expr::text("1 day").cast(Cast::Interval);
            let shifted = Typed::time(Expr::binary(time::instant(at), Binary::Plus, day()));
            let monday = time::start_of("week", shifted).expr;
            Ok(Typed::new(Expr::binary(monday, Binary::Minus, day()).cast(Cast::Date), Kind::Date))
        }
        _ => Err("takes 0 (weeks start on Sunday) or 1 (Monday) as second argument".into()),
    }
}

fn date_trunc(args: Args, _: i64) -> Built {
    let [unit, at] = two(args);
    let Expr::Text(unit) = unit.expr.plain() else { return Err(UNITS.into()) };
    match unit.to_ascii_lowercase().as_str() {
        unit @ ("second" | "minute" | "hour" | "day" | "week" | "month" | "quarter" | "year") => {
            Ok(time::start_of(unit, at))
        }
        _ => Err(UNITS.into()),
    }
}

const UNITS: &str =
    "takes 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter' or 'year' as first argument";

fn format_time(args: Args, _: i64) -> Built {
    let [at, format] = two(args);
    let Expr::Text(format) = format.expr.plain() else { return Err("needs a literal as format".into()) };
    let pattern = time::pattern(format).ok_or("has a format that is not supported")?;
    Ok(Typed::text(Expr::Call("pg_catalog.to_char", vec![time::instant(at), Expr::Text(pattern)])))
}

fn span(args: Args, unit: &str) -> Built {
    time::span(one(args).expr, unit).ok_or_else(|| "has an unknown unit".into())
}

/// A start below 0 counts from the end, and from 0 on there is nothing.
fn substring(args: Args, _: i64) -> Built {
    let mut args = args.into_iter().map(|arg| arg.expr);
    let (text, from) = (args.next().unwrap_or(Expr::Null), args.next().unwrap_or(Expr::Null));
    let length = args.next();
    if length.as_ref().is_some_and(|length| matches!(length.plain(), Expr::Negative(_))) {
        return Err("takes a length of 0 or more".into());
    }
    let mut args = match from.plain() {
        Expr::Integer(1..) => vec![text, from.cast(Cast::Int4)],
        _ => {
            let (text, from) = (text.shared(), from.cast(Cast::Int4).shared());
            vec![text.clone(), from_either_end(text, from)]
        }
    };
    args.extend(length.map(|length| length.cast(Cast::Int4)));
    Ok(Typed::text(Expr::Call("pg_catalog.substr", args)))
}

fn from_either_end(text: Expr, from: Expr) -> Expr {
    let end = Expr::binary(Expr::Call("pg_catalog.char_length", vec![text]), Binary::Plus, Expr::Integer(1));
    let backwards = Expr::binary(end.cast(Cast::Int4), Binary::Plus, from.clone());
    let is_forwards = Expr::binary(from.clone(), Binary::Greater, Expr::Integer(0));
    Expr::Case { operand: None, branches: vec![(is_forwards, from)], otherwise: Some(Box::new(backwards)) }
}

fn length(value: Typed) -> Expr {
    match value.kind {
        Kind::Array => Expr::Call("pg_catalog.cardinality", vec![value.expr]),
        _ => Expr::Call("pg_catalog.char_length", vec![value.expr]),
    }
}

fn ends_with(args: Args, _: i64) -> Built {
    let [text, suffix] = two(args);
    let suffix = suffix.expr.shared();
    let length = Expr::Call("pg_catalog.char_length", vec![suffix.clone()]);
    let end = Expr::Call("pg_catalog.right", vec![text.expr, length]);
    Ok(Typed::bool(Expr::binary(end, Binary::Equal, suffix)))
}

/// Exact, and without the zeros that the number of digits would add: 50 and not 50.00.
fn round(args: Args, _: i64) -> Built {
    let mut args = args.into_iter().map(|arg| arg.expr);
    let value = args.next().unwrap_or(Expr::Null).cast(Cast::Numeric);
    let digits = args.next().unwrap_or(Expr::Integer(0)).cast(Cast::Int4);
    let rounded = Expr::Call("pg_catalog.round", vec![value, digits]);
    Ok(Typed::number(Expr::Call("pg_catalog.trim_scale", vec![rounded])))
}

fn whole(routine: &'static str, value: Typed) -> Typed {
    Typed::number(Expr::Call(routine, vec![value.expr.cast(Cast::Numeric)]))
}

/// Conditions and values in turn, and a value for the rest.
fn choice(args: Args) -> Typed {
    let last = args.len() - 1;
    let kind =
        common(args.iter().enumerate().filter(|(at, _)| at % 2 == 1 || *at == last).map(|(_, value)| value));
    let mut args = args.into_iter();
    let (mut branches, mut otherwise) = (Vec::new(), None);
    while let Some(condition) = args.next() {
        match args.next() {
            Some(value) => branches.push((condition_of(condition), value.expr)),
            None => otherwise = Some(Box::new(condition.expr)),
        }
    }
    Typed::new(Expr::Case { operand: None, branches, otherwise }, kind)
}

/// As ClickHouse writes it: a time without its zone, which is UTC.
fn text(value: Typed) -> Typed {
    Typed::text(match value.kind {
        Kind::Time => Expr::Call("pg_catalog.to_char", vec![value.expr, Expr::text("YYYY-MM-DD HH24:MI:SS")]),
        _ => value.expr.cast(Cast::Text),
    })
}

/// Cut towards zero; a time counts seconds.
pub fn integer(value: Typed) -> Typed {
    match value.kind {
        Kind::Time | Kind::Date => time::part("epoch", value),
        Kind::Bool => Typed::number(value.expr.cast(Cast::Int4)),
        _ => {
            let whole = Expr::Call("pg_catalog.trunc", vec![value.expr.cast(Cast::Numeric)]);
            Typed::number(whole.cast(Cast::Int8))
        }
    }
}

/// A value cast to a type that the query names.
pub fn cast(value: Typed, to: Cast) -> Typed {
    match to {
        Cast::Int8 | Cast::Int4 => integer(value),
        Cast::Text | Cast::TextArray | Cast::Interval => text(value),
        Cast::Date => day(value),
        Cast::Timestamptz => Typed::time(seconds(value)),
        Cast::Bool => Typed::bool(value.expr.cast(Cast::Bool)),
        Cast::Float8 | Cast::Numeric => Typed::number(value.expr.cast(to)),
    }
}
