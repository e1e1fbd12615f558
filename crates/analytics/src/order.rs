//! GROUP BY, ORDER BY, LIMIT and OFFSET.

use sqlparser::ast::{self, Ident};
use sqlparser::tokenizer::Span;
use unkey_core::Result;
use unkey_core::error::quoted;

use crate::mistake::{refused, unsupported};
use crate::names::{Alias, Column, Frame, State, is};
use crate::query::Translator;
use crate::tree::{Key, Order};
use crate::value::{place, plain_number};

impl Translator<'_> {
    /// The keys of GROUP BY.
    pub fn group<'q>(
        &mut self,
        group: &'q ast::GroupByExpr,
        frame: &mut Frame<'q, '_>,
        columns: usize,
    ) -> Result<Vec<Key>> {
        match group {
            ast::GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => {
                keys.iter().map(|key| self.in_place(false, |this| this.key(key, frame, columns))).collect()
            }
            _ => Err(unsupported(Span::empty(), "GROUP BY ALL or a modifier of GROUP BY")),
        }
    }

    /// A key of ORDER BY.
    pub fn order<'q>(
        &mut self,
        order: &'q ast::OrderByExpr,
        frame: &mut Frame<'q, '_>,
        columns: usize,
    ) -> Result<Order> {
        let key = self.key(&order.expr, frame, columns)?;
        direction(order, key)
    }

    /// The order of a window, where numbers are no columns.
    pub fn window_order<'q>(
        &mut self,
        order: &'q ast::OrderByExpr,
        frame: &mut Frame<'q, '_>,
    ) -> Result<Order> {
        let key = Key::Expr(self.expr(&order.expr, frame)?.expr);
        direction(order, key)
    }

    /// A number, an alias and the very expression of one mean a column of the result.
    fn key<'q>(&mut self, key: &'q ast::Expr, frame: &mut Frame<'q, '_>, columns: usize) -> Result<Key> {
        if let Some(number) = plain_number(key) {
            return ordinal(number, columns, key);
        }
        let means = |alias: &Alias| match key {
            ast::Expr::Identifier(name) => is(name, alias.name),
            key => alias.source == key,
        };
        if let Some(at) = frame.aliases.iter().position(means)
            && let State::Done { aggregate, .. } = frame.aliases[at].state
            && (self.aggregates || !aggregate)
        {
            return Ok(Key::Ordinal(frame.aliases[at].position));
        }
        Ok(Key::Expr(self.expr(key, frame)?.expr))
    }
}

/// The keys of an ORDER BY clause.
pub fn order_keys(order: Option<&ast::OrderBy>) -> Result<&[ast::OrderByExpr]> {
    match order {
        None => Ok(&[]),
        Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(keys), interpolate: None }) => Ok(keys),
        Some(_) => Err(unsupported(Span::empty(), "ORDER BY ALL or INTERPOLATE")),
    }
}

/// NULL comes last in either direction, as in ClickHouse.
fn direction(order: &ast::OrderByExpr, key: Key) -> Result<Order> {
    let ast::OrderByExpr { expr: _, options: ast::OrderByOptions { sort, nulls_first }, with_fill: None } =
        order
    else {
        return Err(unsupported(place(&order.expr), "WITH FILL"));
    };
    let descending = match sort {
        None | Some(ast::OrderBySort::Asc) => false,
        Some(ast::OrderBySort::Desc) => true,
        Some(_) => return Err(unsupported(place(&order.expr), "ORDER BY … USING")),
    };
    Ok(Order { key, descending, nulls_first: nulls_first.unwrap_or(false) })
}

/// The order of a set operation, whose columns have no tables.
pub fn output_order(order: &ast::OrderByExpr, columns: &[Column]) -> Result<Order> {
    let by_name = |name: &Ident| columns.iter().position(|column| is(name, &column.name)).map(|at| at + 1);
    let key = match (&order.expr, plain_number(&order.expr)) {
        (expr, Some(number)) => ordinal(number, columns.len(), expr)?,
        (ast::Expr::Identifier(name), None) => {
            let at = by_name(name).ok_or_else(|| {
                refused(
                    name.span,
                    format_args!("orders by {}, which it does not select", quoted(&name.value)),
                )
            })?;
            Key::Ordinal(at)
        }
        (expr, None) => {
            return Err(unsupported(place(expr), "an expression in ORDER BY of UNION and the like"));
        }
    };
    direction(order, key)
}

fn ordinal(number: u64, columns: usize, at: &ast::Expr) -> Result<Key> {
    match usize::try_from(number) {
        Ok(number @ 1..) if number <= columns => Ok(Key::Ordinal(number)),
        _ => Err(refused(place(at), format_args!("counts columns from 1 to {columns}, not {number}"))),
    }
}

/// The numbers of LIMIT and OFFSET.
pub fn limits(clause: Option<&ast::LimitClause>) -> Result<(Option<u64>, Option<u64>)> {
    let number = |expr: &ast::Expr| {
        plain_number(expr)
            .filter(|number| i64::try_from(*number).is_ok())
            .ok_or_else(|| refused(place(expr), "needs a whole number after LIMIT and OFFSET"))
    };
    match clause {
        None => Ok((None, None)),
        Some(ast::LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
            let offset = offset.as_ref().map(|offset| number(&offset.value)).transpose()?;
            Ok((limit.as_ref().map(number).transpose()?, offset))
        }
        Some(ast::LimitClause::LimitOffset { .. }) => Err(unsupported(Span::empty(), "LIMIT … BY")),
        Some(ast::LimitClause::OffsetCommaLimit { offset, limit }) => {
            Ok((Some(number(limit)?), Some(number(offset)?)))
        }
    }
}
