//! Writes our tree as a Postgres query. Every name is quoted or ours, every compound expression stands in parentheses.

use unkey_core::Result;

use crate::mistake::too_complex;
use crate::tree::{
    Aggregate, Binary, Body, Bound, Cast, Expr, From, Guard, Key, Order, Query, Select, View, Window,
};

/// Longest result, in bytes: an alias that stands for a long expression is written out wherever it is used.
const MAX_LENGTH: usize = 256 * 1024;
/// Deepest nesting of the result.
const MAX_DEPTH: usize = 400;

/// The whole statement.
pub fn statement(query: &Query, max_rows: u32) -> Result<String> {
    let mut printer = Printer { out: String::new(), depth: 0 };
    printer.push("SELECT * FROM (");
    printer.query(query)?;
    printer.push(&format!(") AS \"result\" LIMIT {}", u64::from(max_rows) + 1));
    Ok(printer.out)
}

struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A quoted name.
    fn name(&mut self, name: &str) {
        self.out.push('"');
        self.out.push_str(&name.replace('"', "\"\""));
        self.out.push('"');
    }

    /// `schema.name` with the name in quotes, since some are keywords elsewhere.
    fn routine(&mut self, routine: &str) {
        let (schema, name) = routine.split_once('.').unwrap_or(("pg_catalog", routine));
        self.push(schema);
        self.push(".");
        self.name(name);
    }

    /// A literal that reads the same whatever standard_conforming_strings says.
    fn literal(&mut self, text: &str) {
        if text.contains('\\') {
            self.out.push_str(" E");
        }
        self.out.push('\'');
        self.out.push_str(&text.replace('\\', "\\\\").replace('\'', "''"));
        self.out.push('\'');
    }

    fn list<T>(
        &mut self,
        items: &[T],
        separator: &str,
        mut print: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.push(separator);
            }
            print(self, item)?;
        }
        Ok(())
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Result<()> {
        self.list(exprs, ", ", Self::expr)
    }

    fn query(&mut self, query: &Query) -> Result<()> {
        if !query.with.is_empty() {
            self.push("WITH ");
            self.list(&query.with, ", ", |printer, (name, query)| {
                printer.name(name);
                printer.push(" AS (");
                printer.query(query)?;
                printer.push(")");
                Ok(())
            })?;
            self.push(" ");
        }
        self.body(&query.body)?;
        self.order(&query.order)?;
        if let Some(limit) = query.limit {
            self.push(&format!(" LIMIT {limit}"));
        }
        if let Some(offset) = query.offset {
            self.push(&format!(" OFFSET {offset}"));
        }
        Ok(())
    }

    fn body(&mut self, body: &Body) -> Result<()> {
        match body {
            Body::Select(select) => self.select(select),
            Body::Query(query) => {
                self.push("(");
                self.query(query)?;
                self.push(")");
                Ok(())
            }
            Body::Set { left, operator, right } => {
                self.push("(");
                self.body(left)?;
                self.push(") ");
                self.push(operator);
                self.push(" (");
                self.body(right)?;
                self.push(")");
                Ok(())
            }
        }
    }

    fn select(&mut self, select: &Select) -> Result<()> {
        self.push(if select.distinct { "SELECT DISTINCT " } else { "SELECT " });
        self.list(&select.items, ", ", |printer, (expr, name)| {
            printer.expr(expr)?;
            printer.push(" AS ");
            printer.name(name);
            Ok(())
        })?;
        self.from(select)?;
        self.clause(" WHERE ", select.filter.as_ref())?;
        if !select.group.is_empty() {
            self.push(" GROUP BY ");
            self.list(&select.group, ", ", Self::key)?;
        }
        self.clause(" HAVING ", select.having.as_ref())
    }

    fn clause(&mut self, keyword: &str, expr: Option<&Expr>) -> Result<()> {
        let Some(expr) = expr else { return Ok(()) };
        self.push(keyword);
        self.expr(expr)
    }

    fn from(&mut self, select: &Select) -> Result<()> {
        if select.from.is_none() && select.unnested.is_empty() {
            return Ok(());
        }
        self.push(" FROM ");
        if let Some(from) = &select.from {
            self.relation(from)?;
            self.push(if select.unnested.is_empty() { "" } else { " CROSS JOIN " });
        }
        self.list(&select.unnested, " CROSS JOIN ", |printer, (array, name)| {
            printer.push("LATERAL ");
            printer.elements(array, name)
        })
    }

    /// The elements of an array as a relation with column `x`.
    fn elements(&mut self, array: &Expr, name: &str) -> Result<()> {
        self.routine("pg_catalog.unnest");
        self.push("(");
        self.expr(array)?;
        self.push(") AS ");
        self.name(name);
        self.push("(\"x\")");
        Ok(())
    }

    fn relation(&mut self, from: &From) -> Result<()> {
        let name = match from {
            From::View { view, name } => {
                self.view(view)?;
                name
            }
            From::Named { with, name } => {
                self.name(with);
                name
            }
            From::Query { query, name } => {
                self.push("(");
                self.query(query)?;
                self.push(")");
                name
            }
            From::Join { left, operator, right, on } => return self.join(left, operator, right, on.as_ref()),
        };
        self.push(" AS ");
        self.name(name);
        Ok(())
    }

    fn join(&mut self, left: &From, operator: &str, right: &From, on: Option<&Expr>) -> Result<()> {
        self.push("(");
        self.relation(left)?;
        self.push(operator);
        self.relation(right)?;
        self.clause(" ON ", on)?;
        self.push(")");
        Ok(())
    }

    /// Only the columns of the catalogue: not those that Postgres or a later version of the view adds.
    fn view(&mut self, view: &View) -> Result<()> {
        self.push("(SELECT ");
        self.list(&view.columns, ", ", |printer, column| {
            printer.name(column);
            Ok(())
        })?;
        self.push(" FROM \"unkey\".");
        self.name(view.name);
        if let Some(guard) = &view.guard {
            self.guard(guard)?;
        }
        self.push(")");
        Ok(())
    }

    /// OFFSET 0 keeps the query's own conditions outside, so that what they do with a row (an error that quotes it, say)
    /// is never done with a row the caller may not see.
    fn guard(&mut self, guard: &Guard) -> Result<()> {
        self.push(" WHERE ");
        self.name(guard.column);
        self.push(" = ANY (ARRAY[");
        self.list(&guard.values, ", ", |printer, value| {
            printer.literal(value);
            Ok(())
        })?;
        self.push("]::pg_catalog.text[])");
        for (column, operator, constant) in &guard.also {
            self.push(" AND ");
            self.name(column);
            self.push(operator_text(*operator));
            self.expr(constant)?;
        }
        self.push(" OFFSET 0");
        Ok(())
    }

    fn key(&mut self, key: &Key) -> Result<()> {
        match key {
            Key::Ordinal(at) => {
                self.push(&at.to_string());
                Ok(())
            }
            // Postgres takes no bare constant here.
            Key::Expr(expr) => match expr.plain() {
                Expr::Text(_) | Expr::Decimal(_) | Expr::Bool(_) | Expr::Null => {
                    self.push("COALESCE(");
                    self.expr(expr)?;
                    self.push(")");
                    Ok(())
                }
                _ => self.expr(expr),
            },
        }
    }

    fn order(&mut self, order: &[Order]) -> Result<()> {
        if order.is_empty() {
            return Ok(());
        }
        self.push(" ORDER BY ");
        self.list(order, ", ", |printer, order| {
            printer.key(&order.key)?;
            printer.push(if order.descending { " DESC" } else { " ASC" });
            printer.push(if order.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
            Ok(())
        })
    }

    fn expr(&mut self, expr: &Expr) -> Result<()> {
        if self.out.len() > MAX_LENGTH || self.depth > MAX_DEPTH {
            return Err(too_complex());
        }
        self.depth += 1;
        let result = match expr {
            Expr::Column { .. }
            | Expr::Text(_)
            | Expr::Integer(_)
            | Expr::Decimal(_)
            | Expr::Bool(_)
            | Expr::Null => {
                self.atom(expr);
                Ok(())
            }
            Expr::Shared(shared) => self.expr(shared),
            _ => {
                self.push("(");
                let result = self.compound(expr);
                self.push(")");
                result
            }
        };
        self.depth -= 1;
        result
    }

    fn atom(&mut self, expr: &Expr) {
        match expr {
            Expr::Column { relation, column } => {
                self.name(relation);
                self.push(".");
                self.name(column);
            }
            Expr::Text(text) => self.literal(text),
            // bigint, so that 30 * 86400 * 1000 does not overflow.
            Expr::Integer(number) => self.push(&format!("'{number}'::pg_catalog.int8")),
            Expr::Decimal(digits) => self.push(digits),
            Expr::Bool(value) => self.push(if *value { "true" } else { "false" }),
            _ => self.push("NULL"),
        }
    }

    fn compound(&mut self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::All(terms) => self.list(terms, " AND ", Self::expr),
            Expr::Any(terms) => self.list(terms, " OR ", Self::expr),
            Expr::Not(inner) => {
                self.push("NOT ");
                self.expr(inner)
            }
            Expr::Negative(inner) => {
                self.push("- ");
                self.expr(inner)
            }
            Expr::Binary(left, operator, right) => {
                self.expr(left)?;
                self.push(operator_text(*operator));
                self.expr(right)
            }
            Expr::Is(inner, test) => {
                self.expr(inner)?;
                self.push(" ");
                self.push(test);
                Ok(())
            }
            Expr::In { value, list, negated } => {
                self.expr(value)?;
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.exprs(list)?;
                self.push(")");
                Ok(())
            }
            Expr::InQuery { value, query, negated } => {
                self.expr(value)?;
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.query(query)?;
                self.push(")");
                Ok(())
            }
            Expr::Between { value, low, high, negated } => {
                self.expr(value)?;
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.expr(low)?;
                self.push(" AND ");
                self.expr(high)
            }
            Expr::Element { value, array } => {
                self.expr(value)?;
                self.push(" = ANY ");
                // Extra parentheses: an array and not a sub-select's rows.
                self.push("(");
                self.expr(array)?;
                self.push(")");
                Ok(())
            }
            Expr::Cast(inner, cast) => {
                self.expr(inner)?;
                self.push("::");
                self.push(type_text(*cast));
                Ok(())
            }
            Expr::Call(routine, args) => {
                self.routine(routine);
                self.push("(");
                self.exprs(args)?;
                self.push(")");
                Ok(())
            }
            Expr::Special(keyword, args) => {
                self.push(keyword);
                self.push("(");
                self.exprs(args)?;
                self.push(")");
                Ok(())
            }
            Expr::Array(elements) => {
                self.push("ARRAY[");
                self.exprs(elements)?;
                self.push("]");
                Ok(())
            }
            Expr::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref())
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Exists { query, negated } => {
                self.push(if *negated { "NOT EXISTS (" } else { "EXISTS (" });
                self.query(query)?;
                self.push(")");
                Ok(())
            }
            Expr::Scalar(query) => self.query(query),
            Expr::Filtered { array, relation, test } => {
                self.push("ARRAY(SELECT ");
                self.name(relation);
                self.push(".\"x\" FROM ");
                self.elements(array, relation)?;
                self.clause(" WHERE ", Some(test))?;
                self.push(")");
                Ok(())
            }
            Expr::Column { .. }
            | Expr::Text(_)
            | Expr::Integer(_)
            | Expr::Decimal(_)
            | Expr::Bool(_)
            | Expr::Null
            | Expr::Shared(_) => self.expr(expr),
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<()> {
        self.push("CASE ");
        if let Some(operand) = operand {
            self.expr(operand)?;
        }
        for (condition, result) in branches {
            self.push(" WHEN ");
            self.expr(condition)?;
            self.push(" THEN ");
            self.expr(result)?;
        }
        self.clause(" ELSE ", otherwise)?;
        self.push(" END");
        Ok(())
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<()> {
        self.routine(aggregate.routine);
        self.push(if aggregate.distinct { "(DISTINCT " } else { "(" });
        if aggregate.star {
            self.push("*");
        }
        self.exprs(&aggregate.args)?;
        self.push(")");
        if let Some(within) = &aggregate.within {
            self.push(" WITHIN GROUP (ORDER BY ");
            self.expr(within)?;
            self.push(")");
        }
        if let Some(filter) = &aggregate.filter {
            self.push(" FILTER (WHERE ");
            self.expr(filter)?;
            self.push(")");
        }
        match &aggregate.over {
            Some(window) => self.window(window),
            None => Ok(()),
        }
    }

    fn window(&mut self, window: &Window) -> Result<()> {
        self.push(" OVER (");
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.exprs(&window.partition)?;
        }
        self.order(&window.order)?;
        if let Some(frame) = &window.frame {
            self.push(frame.units);
            match &frame.end {
                Some(end) => {
                    self.push("BETWEEN ");
                    self.bound(&frame.start);
                    self.push(" AND ");
                    self.bound(end);
                }
                None => self.bound(&frame.start),
            }
        }
        self.push(")");
        Ok(())
    }

    fn bound(&mut self, bound: &Bound) {
        match bound {
            Bound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            Bound::Preceding(rows) => self.push(&format!("{rows} PRECEDING")),
            Bound::CurrentRow => self.push("CURRENT ROW"),
            Bound::Following(rows) => self.push(&format!("{rows} FOLLOWING")),
            Bound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
        }
    }
}

const fn operator_text(operator: Binary) -> &'static str {
    match operator {
        Binary::Plus => " + ",
        Binary::Minus => " - ",
        Binary::Times => " * ",
        Binary::Divided => " / ",
        Binary::Modulo => " % ",
        Binary::Concat => " || ",
        Binary::Equal => " = ",
        Binary::NotEqual => " <> ",
        Binary::Less => " < ",
        Binary::LessOrEqual => " <= ",
        Binary::Greater => " > ",
        Binary::GreaterOrEqual => " >= ",
        Binary::Overlaps => " && ",
        Binary::Contains => " @> ",
        Binary::DistinctFrom => " IS DISTINCT FROM ",
        Binary::NotDistinctFrom => " IS NOT DISTINCT FROM ",
        Binary::Like => " LIKE ",
        Binary::NotLike => " NOT LIKE ",
        Binary::Ilike => " ILIKE ",
        Binary::NotIlike => " NOT ILIKE ",
    }
}

const fn type_text(cast: Cast) -> &'static str {
    match cast {
        Cast::Int4 => "pg_catalog.int4",
        Cast::Int8 => "pg_catalog.int8",
        Cast::Float8 => "pg_catalog.float8",
        Cast::Numeric => "pg_catalog.numeric",
        Cast::Text => "pg_catalog.text",
        Cast::Bool => "pg_catalog.bool",
        Cast::Date => "pg_catalog.date",
        Cast::Timestamptz => "pg_catalog.timestamptz",
        Cast::Interval => "pg_catalog.\"interval\"",
        Cast::TextArray => "pg_catalog.text[]",
    }
}
