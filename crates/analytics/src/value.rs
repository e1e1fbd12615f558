//! Values: literals, what a number means beside a time, and arithmetic.

use sqlparser::ast::{self, ObjectNamePart, Value};
use sqlparser::tokenizer::Span;
use unkey_core::Result;

use crate::mistake::{mistake, refused, unsupported};
use crate::time;
use crate::tree::{Binary, Cast, Expr};
use crate::types::{self, Kind, Typed};

/// Most digits of a number.
const MAX_DIGITS: usize = 40;

/// Where an expression begins, or near it, found without recursion.
pub fn place(expr: &ast::Expr) -> Span {
    let mut expr = expr;
    loop {
        expr = match expr {
            ast::Expr::Identifier(name) => return name.span,
            ast::Expr::CompoundIdentifier(names) => {
                return names.first().map_or(Span::empty(), |name| name.span);
            }
            ast::Expr::Value(value) => return value.span,
            ast::Expr::Function(function) => match function.name.0.first() {
                Some(ObjectNamePart::Identifier(name)) => return name.span,
                _ => return Span::empty(),
            },
            ast::Expr::BinaryOp { left, .. } => left,
            ast::Expr::Nested(inner)
            | ast::Expr::UnaryOp { expr: inner, .. }
            | ast::Expr::Cast { expr: inner, .. } => inner,
            ast::Expr::CompoundFieldAccess { root, .. } => root,
            ast::Expr::JsonAccess { value, .. } => value,
            ast::Expr::Tuple(values) => match values.first() {
                Some(first) => first,
                None => return Span::empty(),
            },
            _ => return Span::empty(),
        };
    }
}

/// A literal such as `10`.
pub fn plain_number(expr: &ast::Expr) -> Option<u64> {
    match expr {
        ast::Expr::Value(ast::ValueWithSpan { value: Value::Number(digits, false), .. }) => {
            digits.parse().ok()
        }
        _ => None,
    }
}

/// A literal.
pub fn literal(value: &ast::ValueWithSpan) -> Result<Typed> {
    match &value.value {
        Value::Number(digits, false) => {
            number(digits).ok_or_else(|| refused(value.span, "has a malformed number"))
        }
        Value::SingleQuotedString(text) => Ok(Typed::text(Expr::Text(text.clone()))),
        Value::Boolean(value) => Ok(Typed::bool(Expr::Bool(*value))),
        Value::Null => Ok(Typed::new(Expr::Null, Kind::Other)),
        _ => Err(unsupported(value.span, "a literal of this form")),
    }
}

/// `10`, `1.5`, `.5`, `1e3`; nothing but digits, one point and an exponent.
fn number(digits: &str) -> Option<Typed> {
    if let Ok(number) = digits.parse::<i64>() {
        return digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(Typed::number(Expr::Integer(number)));
    }
    let is_number = digits.len() <= MAX_DIGITS
        && digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.parse::<f64>().is_ok_and(f64::is_finite);
    is_number.then(|| Typed::number(Expr::Decimal(digits.to_owned())))
}

/// The type of a cast.
pub fn cast_type(name: &ast::DataType, at: Span) -> Result<Cast> {
    types::cast(name).ok_or_else(|| {
        let problem =
            format_args!("casts to {}, which is not allowed", unkey_core::error::quoted(&name.to_string()));
        mistake(unkey_core::Kind::InvalidAnalyticsQuery, at.start, problem)
            .hint(format!("There are {}.", types::CASTS))
    })
}

/// The field of `EXTRACT`.
pub fn extracted(field: &ast::DateTimeField) -> Option<&'static str> {
    use ast::DateTimeField as F;
    Some(match field {
        F::Year => "year",
        F::Quarter => "quarter",
        F::Month => "month",
        F::Week(None) => "week",
        F::Day => "day",
        F::Hour => "hour",
        F::Minute => "minute",
        F::Second => "second",
        F::Epoch => "epoch",
        F::Dow => "dow",
        F::Isodow => "isodow",
        F::Doy => "doy",
        _ => return None,
    })
}

/// A value as a condition.
pub fn condition_of(value: Typed) -> Expr {
    match value.kind {
        // In ClickHouse any number but 0 is true.
        Kind::Number => Expr::binary(value.expr, Binary::NotEqual, Expr::Integer(0)),
        _ => value.expr,
    }
}

/// A number beside a time is one; 1 and 0 beside true and false are those.
pub fn beside(kind: Kind, value: Typed) -> Typed {
    match (kind, value.kind) {
        (Kind::Time | Kind::Date, Kind::Number) => Typed::time(time::instant(value)),
        (Kind::Bool, Kind::Number) => Typed::bool(condition_of(value)),
        _ => value,
    }
}

/// Two values as they are compared.
pub fn comparable(left: Typed, right: Typed) -> (Typed, Typed) {
    let (left_kind, right_kind) = (left.kind, right.kind);
    (beside(right_kind, left), beside(left_kind, right))
}

/// A sum, difference, product or remainder.
pub fn arithmetic(left: Typed, operator: Binary, right: Typed) -> Typed {
    let is_sum = matches!(operator, Binary::Plus | Binary::Minus);
    match (left.kind, right.kind) {
        (kind, Kind::Number) if kind.is_time() && is_sum => {
            let sum = Expr::binary(left.expr, operator, time::bare_span(right.expr, kind));
            if kind == Kind::Date { Typed::new(sum.cast(Cast::Date), kind) } else { Typed::time(sum) }
        }
        (kind, Kind::Interval) if kind.is_time() && is_sum => {
            Typed::time(Expr::binary(time::instant(left), operator, right.expr))
        }
        (Kind::Interval, kind) if kind.is_time() && operator == Binary::Plus => {
            Typed::time(Expr::binary(left.expr, operator, time::instant(right)))
        }
        (a, b) if a.is_time() && b.is_time() && operator == Binary::Minus => {
            let (left, right) = (time::instant(left), time::instant(right));
            let span = Expr::binary(left, operator, right);
            let seconds = Expr::Call("pg_catalog.date_part", vec![Expr::text("epoch"), span]);
            Typed::number(seconds.cast(Cast::Int8))
        }
        (Kind::Interval, _) | (_, Kind::Interval) => {
            Typed::new(Expr::binary(left.expr, operator, right.expr), Kind::Interval)
        }
        _ => Typed::number(Expr::binary(left.expr, operator, right.expr)),
    }
}

/// Always a fraction, and nothing where the divisor is 0.
pub fn quotient(left: Typed, right: Typed) -> Typed {
    let divisor =
        Expr::Special("NULLIF", vec![right.expr.cast(Cast::Float8), Expr::Integer(0).cast(Cast::Float8)]);
    Typed::number(Expr::binary(left.expr.cast(Cast::Float8), Binary::Divided, divisor))
}
