//! The tree of what can come out. Names of tables, columns and routines are ours (`&'static str`); a text of the caller's
//! is a literal or a quoted name of something that the query itself made.

use std::rc::Rc;

/// A query: a body with its WITH clause, order and limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub with: Vec<(String, Query)>,
    pub body: Body,
    pub order: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    Query(Box<Query>),
    Set { left: Box<Body>, operator: &'static str, right: Box<Body> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    pub distinct: bool,
    /// Expressions with their names.
    pub items: Vec<(Expr, String)>,
    pub from: Option<From>,
    /// Arrays whose elements multiply the rows, with the names of the relations they become.
    pub unnested: Vec<(Expr, String)>,
    pub filter: Option<Expr>,
    pub group: Vec<Key>,
    pub having: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum From {
    View { view: View, name: String },
    Named { with: String, name: String },
    Query { query: Box<Query>, name: String },
    Join { left: Box<From>, operator: &'static str, right: Box<From>, on: Option<Expr> },
}

/// A view of the catalogue, read through a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub name: &'static str,
    pub columns: Vec<&'static str>,
    pub guard: Option<Guard>,
}

/// The rows of a view that the caller may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub column: &'static str,
    pub values: Vec<String>,
    /// Comparisons of a column with a constant, taken over from the query so that an index can serve them.
    pub also: Vec<(&'static str, Binary, Expr)>,
}

/// What GROUP BY and ORDER BY go by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A column of the result, from 1.
    Ordinal(usize),
    Expr(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub key: Key,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    Int4,
    Int8,
    Float8,
    Numeric,
    Text,
    Bool,
    Date,
    Timestamptz,
    Interval,
    TextArray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Plus,
    Minus,
    Times,
    Divided,
    Modulo,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Overlaps,
    Contains,
    DistinctFrom,
    NotDistinctFrom,
    Like,
    NotLike,
    Ilike,
    NotIlike,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Column {
        relation: String,
        column: String,
    },
    Text(String),
    Integer(i64),
    /// Digits with a fraction or an exponent.
    Decimal(String),
    Bool(bool),
    Null,
    Array(Vec<Expr>),
    /// An expression that stands in several places.
    Shared(Rc<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary(Box<Expr>, Binary, Box<Expr>),
    /// A test such as `IS NULL`.
    Is(Box<Expr>, &'static str),
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        value: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    /// Whether a value is an element of an array.
    Element {
        value: Box<Expr>,
        array: Box<Expr>,
    },
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast(Box<Expr>, Cast),
    /// A function of `pg_catalog` or `unkey`, with its schema.
    Call(&'static str, Vec<Expr>),
    /// `COALESCE` and its like, which are grammar and no functions.
    Special(&'static str, Vec<Expr>),
    Aggregate(Box<Aggregate>),
    Exists {
        query: Box<Query>,
        negated: bool,
    },
    Scalar(Box<Query>),
    /// The elements of an array that pass a test; the test sees them as column `x` of `relation`.
    Filtered {
        array: Box<Expr>,
        relation: String,
        test: Box<Expr>,
    },
}

/// A call of an aggregate or window function.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub routine: &'static str,
    pub distinct: bool,
    /// Empty with `star`.
    pub args: Vec<Expr>,
    pub star: bool,
    pub within: Option<Expr>,
    pub filter: Option<Expr>,
    pub over: Option<Window>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub partition: Vec<Expr>,
    pub order: Vec<Order>,
    pub frame: Option<Frame>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub units: &'static str,
    pub start: Bound,
    pub end: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    UnboundedPreceding,
    Preceding(u64),
    CurrentRow,
    Following(u64),
    UnboundedFollowing,
}

impl Expr {
    pub fn binary(left: Self, operator: Binary, right: Self) -> Self {
        Self::Binary(Box::new(left), operator, Box::new(right))
    }

    pub fn cast(self, cast: Cast) -> Self {
        Self::Cast(Box::new(self), cast)
    }

    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub fn is(self, test: &'static str) -> Self {
        Self::Is(Box::new(self), test)
    }

    /// The expression, cheap to clone from now on.
    pub fn shared(self) -> Self {
        match self {
            Self::Shared(_) => self,
            expr => Self::Shared(Rc::new(expr)),
        }
    }

    /// The expression itself, without the marks of sharing.
    pub fn plain(&self) -> &Self {
        match self {
            Self::Shared(shared) => shared.plain(),
            expr => expr,
        }
    }
}
