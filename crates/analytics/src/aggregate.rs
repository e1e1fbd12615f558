//! The functions of many rows: aggregates and window functions.

use std::ops::RangeInclusive;

use crate::mistake::Problem;
use crate::tree::{Aggregate, Cast, Expr, Window};
use crate::types::{Kind, Typed};

type Built = Result<Typed, Problem>;

/// An aggregate or window function.
pub struct Function {
    /// Its name in lower case; a query may write it in any.
    pub name: &'static str,
    /// How it is called, for messages and the manual.
    pub usage: &'static str,
    /// How many arguments it takes.
    pub arity: RangeInclusive<usize>,
    /// Whether it needs OVER.
    pub window: bool,
    pub(crate) build: fn(Parts) -> Built,
}

/// What a call is made of.
pub struct Parts {
    /// The first pair of parentheses of `quantile(0.9)(x)`.
    pub(crate) parameters: Vec<Typed>,
    pub(crate) args: Vec<Typed>,
    pub(crate) distinct: bool,
    /// Which rows count.
    pub(crate) filter: Option<Expr>,
    pub(crate) over: Option<Window>,
}

macro_rules! functions {
    ($($name:literal $usage:literal $arity:expr, $window:literal => $build:expr;)*) => {
        /// Every aggregate and window function, by name.
        pub const AGGREGATES: &[Function] =
            &[$(Function { name: $name, usage: $usage, arity: $arity, window: $window, build: $build }),*];
    };
}

functions! {
    "count" "count(), count(*) or count(x)" 0..=1, false => |parts| Ok(Typed::number(parts.call("pg_catalog.count")));
    "sum" "sum(x)" 1..=1, false => |parts| { let sum = parts.map(as_number).call("pg_catalog.sum"); Ok(Typed::number(or(sum, Expr::Integer(0)))) };
    "avg" "avg(x)" 1..=1, false => |parts| Ok(Typed::number(parts.map(as_float).call("pg_catalog.avg")));
    "min" "min(x)" 1..=1, false => |parts| Ok(extreme(parts, "pg_catalog.min"));
    "max" "max(x)" 1..=1, false => |parts| Ok(extreme(parts, "pg_catalog.max"));
    "any" "any(x)" 1..=1, false => |parts| Ok(extreme(parts, "pg_catalog.min"));
    "any_value" "any_value(x)" 1..=1, false => |parts| Ok(extreme(parts, "pg_catalog.min"));
    "uniq" "uniq(x)" 1..=1, false => |parts| Ok(Typed::number(parts.distinct().call("pg_catalog.count")));
    "uniqexact" "uniqExact(x)" 1..=1, false => |parts| Ok(Typed::number(parts.distinct().call("pg_catalog.count")));
    "grouparray" "groupArray(x)" 1..=1, false => |parts| Ok(array(parts));
    "groupuniqarray" "groupUniqArray(x)" 1..=1, false => |parts| Ok(array(parts.distinct()));
    "quantile" "quantile(0.9)(x)" 1..=1, false => |parts| quantile(parts, "pg_catalog.percentile_cont");
    "quantileexact" "quantileExact(0.9)(x)" 1..=1, false => |parts| quantile(parts, "pg_catalog.percentile_disc");
    "median" "median(x)" 1..=1, false => |parts| quantile(parts, "pg_catalog.percentile_cont");
    "row_number" "row_number() OVER (…)" 0..=0, true => |parts| Ok(Typed::number(parts.call("pg_catalog.row_number")));
    "rank" "rank() OVER (…)" 0..=0, true => |parts| Ok(Typed::number(parts.call("pg_catalog.rank")));
    "dense_rank" "dense_rank() OVER (…)" 0..=0, true => |parts| Ok(Typed::number(parts.call("pg_catalog.dense_rank")));
    "lag" "lag(x) OVER (…)" 1..=1, true => |parts| Ok(same(parts, "pg_catalog.lag"));
    "lead" "lead(x) OVER (…)" 1..=1, true => |parts| Ok(same(parts, "pg_catalog.lead"));
    "first_value" "first_value(x) OVER (…)" 1..=1, true => |parts| Ok(same(parts, "pg_catalog.first_value"));
    "last_value" "last_value(x) OVER (…)" 1..=1, true => |parts| Ok(same(parts, "pg_catalog.last_value"));
}

/// The function of this name in lower case, and whether `-If` was added to it, which makes the last argument a condition.
pub fn find(name: &str) -> Option<(&'static Function, bool)> {
    let by_name = |name: &str| AGGREGATES.iter().find(|function| function.name == name);
    let conditional = || by_name(name.strip_suffix("if")?).filter(|function| !function.window);
    by_name(name).map(|function| (function, false)).or_else(|| Some((conditional()?, true)))
}

impl Parts {
    fn call(self, routine: &'static str) -> Expr {
        let args: Vec<Expr> = self.args.into_iter().map(|arg| arg.expr).collect();
        let star = args.is_empty() && routine == "pg_catalog.count";
        let Self { distinct, filter, over, .. } = self;
        Expr::Aggregate(Box::new(Aggregate { routine, distinct, args, star, within: None, filter, over }))
    }

    fn map(mut self, change: fn(Typed) -> Typed) -> Self {
        self.args = self.args.into_iter().map(change).collect();
        self
    }

    fn distinct(self) -> Self {
        Self { distinct: true, ..self }
    }

    fn kind(&self) -> Kind {
        self.args.first().map_or(Kind::Other, |arg| arg.kind)
    }
}

/// What the function makes of no rows in ClickHouse.
fn or(value: Expr, nothing: Expr) -> Expr {
    Expr::Special("COALESCE", vec![value, nothing])
}

fn as_number(value: Typed) -> Typed {
    match value.kind {
        Kind::Bool => Typed::number(value.expr.cast(Cast::Int4)),
        _ => value,
    }
}

fn as_float(value: Typed) -> Typed {
    Typed::number(as_number(value).expr.cast(Cast::Float8))
}

fn same(parts: Parts, routine: &'static str) -> Typed {
    let kind = parts.kind();
    Typed::new(parts.call(routine), kind)
}

fn extreme(parts: Parts, routine: &'static str) -> Typed {
    same(parts.map(as_number), routine)
}

/// Without NULL, and empty when there is nothing.
fn array(mut parts: Parts) -> Typed {
    let mut conditions = Vec::new();
    for arg in &mut parts.args {
        let literal = matches!(arg.expr.plain(), Expr::Text(_));
        let expr = std::mem::replace(&mut arg.expr, Expr::Null);
        arg.expr = if literal { expr.cast(Cast::Text) } else { expr }.shared();
        conditions.push(arg.expr.clone().is("IS NOT NULL"));
    }
    conditions.extend(parts.filter.take());
    parts.filter = Some(Expr::All(conditions));
    Typed::new(or(parts.call("pg_catalog.array_agg"), Expr::text("{}")), Kind::Array)
}

fn quantile(mut parts: Parts, routine: &'static str) -> Built {
    let mut parameters = std::mem::take(&mut parts.parameters).into_iter();
    let level = match (parameters.next(), parameters.next()) {
        (None, _) => Expr::Decimal("0.5".into()),
        (Some(Typed { expr: level @ (Expr::Integer(0 | 1) | Expr::Decimal(_)), .. }), None) => level,
        _ => return Err("takes one level from 0 to 1".into()),
    };
    if parts.distinct || parts.over.is_some() {
        return Err("can be neither DISTINCT nor OVER a window".into());
    }
    let Some(value) = parts.args.pop() else { return Err("takes one argument".into()) };
    let within = Some(as_float(value).expr);
    let args = vec![level.cast(Cast::Float8)];
    let filter = parts.filter;
    let call = Aggregate { routine, distinct: false, args, star: false, within, filter, over: None };
    Ok(Typed::number(Expr::Aggregate(Box::new(call))))
}
