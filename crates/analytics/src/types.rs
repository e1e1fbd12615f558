//! What is known of a value's type, and the types a value can be cast to.

use sqlparser::ast::DataType;

use crate::tree::{Cast, Expr};

/// What is known of a value's type: as much as ClickHouse's looser rules need. Postgres checks the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An instant.
    Time,
    /// A day.
    Date,
    /// A span of time.
    Interval,
    /// An integer or a fraction.
    Number,
    /// A text.
    Text,
    /// True or false.
    Bool,
    /// An array.
    Array,
    /// Not known.
    Other,
}

impl Kind {
    /// Whether it is a point in time.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Date)
    }
}

/// An expression and what is known of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// The expression.
    pub expr: Expr,
    /// Its type.
    pub kind: Kind,
}

impl Typed {
    /// A value of this type.
    pub const fn new(expr: Expr, kind: Kind) -> Self {
        Self { expr, kind }
    }

    /// A number.
    pub const fn number(expr: Expr) -> Self {
        Self::new(expr, Kind::Number)
    }

    /// A text.
    pub const fn text(expr: Expr) -> Self {
        Self::new(expr, Kind::Text)
    }

    /// True or false.
    pub const fn bool(expr: Expr) -> Self {
        Self::new(expr, Kind::Bool)
    }

    /// An instant.
    pub const fn time(expr: Expr) -> Self {
        Self::new(expr, Kind::Time)
    }
}

/// The types of `CAST`, as a hint lists them.
pub const CASTS: &str =
    "Int64, Float64, Decimal, String, Bool, Date and DateTime, and what standard SQL calls them";

/// The type that a query names; `None` if it is not one of [`CASTS`].
pub fn cast(name: &DataType) -> Option<Cast> {
    use DataType as D;
    Some(match name {
        D::TinyInt(_) | D::SmallInt(_) | D::Int2(_) | D::Int(_) | D::Int4(_) | D::Int8(_) | D::Integer(_) => {
            Cast::Int8
        }
        D::BigInt(_) | D::Int16 | D::Int32 | D::Int64 => Cast::Int8,
        D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Cast::Int8,
        D::Float(_) | D::Float4 | D::Float8 | D::Float32 | D::Float64 => Cast::Float8,
        D::Real | D::Double(_) | D::DoublePrecision => Cast::Float8,
        D::Numeric(_) | D::Decimal(_) | D::Dec(_) => Cast::Numeric,
        D::Text | D::String(_) | D::Varchar(_) | D::CharacterVarying(_) => Cast::Text,
        D::Bool | D::Boolean => Cast::Bool,
        D::Date | D::Date32 => Cast::Date,
        D::Datetime(_) | D::Datetime64(..) | D::Timestamp(..) => Cast::Timestamptz,
        _ => return None,
    })
}
