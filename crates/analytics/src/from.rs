//! FROM: tables and joins, and what a guarded view takes over from WHERE.

use sqlparser::ast::{self, Ident, ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Span;
use unkey_core::error::quoted;
use unkey_core::{Error, Kind, Result};

use crate::catalog::Dataset;
use crate::mistake::{list, mistake, refused, unsupported};
use crate::names::{Column, Frame, Relation, is, relation_name};
use crate::query::Translator;
use crate::tree::{Binary, Expr, From, Guard, View};

/// Most tables of one SELECT.
const MAX_RELATIONS: usize = 16;

impl Translator<'_> {
    /// The tables of FROM, whose names the frame gets.
    pub fn from<'q>(
        &mut self,
        tables: &'q [ast::TableWithJoins],
        frame: &mut Frame<'q, '_>,
    ) -> Result<Option<From>> {
        let mut result: Option<From> = None;
        for table in tables {
            let mut tree = self.relation(&table.relation, frame)?;
            for join in &table.joins {
                tree = self.join(tree, join, frame)?;
            }
            result = Some(match result {
                None => tree,
                Some(left) => joined(left, " CROSS JOIN ", tree, None),
            });
        }
        Ok(result)
    }

    fn relation<'q>(&mut self, factor: &'q ast::TableFactor, frame: &mut Frame<'q, '_>) -> Result<From> {
        if frame.relations.len() >= MAX_RELATIONS {
            return Err(refused(Span::empty(), format_args!("joins more than {MAX_RELATIONS} tables")));
        }
        match factor {
            ast::TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                self.table(single(name)?, alias.as_ref(), frame)
            }
            ast::TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let (query, columns) = self.query(subquery, frame.parent, &frame.commons)?;
                let (name, at) = match alias {
                    Some(alias) => (alias_name(alias)?, alias.name.clone()),
                    None => (self.new_name("query"), Ident::new("")),
                };
                frame.add(Relation { name: name.clone(), columns }, &at)?;
                Ok(From::Query { query: Box::new(query), name })
            }
            ast::TableFactor::Table { name, args: Some(_), .. } | ast::TableFactor::Function { name, .. } => {
                let problem =
                    format_args!("calls {} as a table, which is not allowed", quoted(&name.to_string()));
                Err(mistake(Kind::InvalidAnalyticsFunction, name_span(name).start, problem))
            }
            _ => Err(unsupported(Span::empty(), "something other than tables and sub-selects in FROM")),
        }
    }

    fn table(&mut self, ident: &Ident, alias: Option<&ast::TableAlias>, frame: &mut Frame) -> Result<From> {
        let alias_of = |name: &str| alias.map_or_else(|| Ok(name.to_owned()), alias_name);
        if let Some(common) = frame.common(&ident.value).cloned() {
            let name = alias_of(&common.name)?;
            frame.add(Relation { name: name.clone(), columns: common.columns }, ident)?;
            return Ok(From::Named { with: common.printed, name });
        }
        let dataset = self.scope.dataset;
        let table =
            dataset.table(&ident.value).ok_or_else(|| unknown_table(dataset, &ident.value, ident.span))?;
        let name = alias_of(table.name)?;
        let kinds = table.columns.iter();
        let columns =
            kinds.map(|&(name, kind)| Column { name: name.to_owned(), kind, copy: false }).collect();
        frame.add(Relation { name: name.clone(), columns }, ident)?;
        let guard = self.scope.owners.clone().map(|values| Guard {
            column: dataset.owner_column(),
            values,
            also: Vec::new(),
        });
        let columns = table.columns.iter().map(|&(name, _)| name).collect();
        Ok(From::View { view: View { name: table.name, columns, guard }, name })
    }

    fn join<'q>(&mut self, left: From, join: &'q ast::Join, frame: &mut Frame<'q, '_>) -> Result<From> {
        use ast::JoinOperator as Operator;
        let ast::Join { relation, global: false, join_operator } = join else {
            return Err(unsupported(Span::empty(), "GLOBAL JOIN"));
        };
        let before = frame.relations.len();
        let right = self.relation(relation, frame)?;
        let (operator, constraint) = match join_operator {
            Operator::Join(constraint) | Operator::Inner(constraint) => (" JOIN ", constraint),
            Operator::Left(constraint) | Operator::LeftOuter(constraint) => (" LEFT JOIN ", constraint),
            Operator::Right(constraint) | Operator::RightOuter(constraint) => (" RIGHT JOIN ", constraint),
            Operator::FullOuter(constraint) => (" FULL JOIN ", constraint),
            Operator::CrossJoin(ast::JoinConstraint::None) => {
                return Ok(joined(left, " CROSS JOIN ", right, None));
            }
            _ => {
                return Err(unsupported(
                    Span::empty(),
                    "a join other than INNER, LEFT, RIGHT, FULL and CROSS",
                ));
            }
        };
        let on = match constraint {
            ast::JoinConstraint::On(condition) => self.without_aggregates(Some(condition), frame)?,
            ast::JoinConstraint::Using(names) if operator != " FULL JOIN " => {
                Some(using(names, frame, before, operator == " RIGHT JOIN ")?)
            }
            _ => {
                return Err(unsupported(
                    Span::empty(),
                    "a join without ON or USING, or FULL JOIN with USING",
                ));
            }
        };
        Ok(joined(left, operator, right, on))
    }
}

/// The name of an alias without names of columns.
pub fn alias_name(alias: &ast::TableAlias) -> Result<String> {
    let ast::TableAlias { explicit: _, name, columns, at: None } = alias else {
        return Err(unsupported(alias.name.span, "AT after an alias"));
    };
    if !columns.is_empty() {
        return Err(unsupported(name.span, "an alias with names of columns"));
    }
    relation_name(name)
}

/// Whether a view of any dataset is called so.
pub fn is_view(name: &str) -> bool {
    [Dataset::Verifications, Dataset::Ratelimits].iter().any(|dataset| dataset.table(name).is_some())
}

/// The one part of a name; a qualified one is never a table of ours.
pub fn single(name: &ObjectName) -> Result<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Ok(ident),
        _ => {
            let problem = format_args!("reads {}, which is not allowed", quoted(&name.to_string()));
            Err(mistake(Kind::InvalidAnalyticsTable, name_span(name).start, problem)
                .hint("Tables are named without a schema."))
        }
    }
}

fn name_span(name: &ObjectName) -> Span {
    match name.0.first() {
        Some(ObjectNamePart::Identifier(ident)) => ident.span,
        _ => Span::empty(),
    }
}

fn unknown_table(dataset: Dataset, name: &str, at: Span) -> Error {
    let problem = format_args!("reads {}, which is not allowed", quoted(name));
    let tables = dataset.tables().iter().map(|table| table.name);
    mistake(Kind::InvalidAnalyticsTable, at.start, problem).hint(format!("There are {}.", list(tables)))
}

fn joined(left: From, operator: &'static str, right: From, on: Option<Expr>) -> From {
    From::Join { left: Box::new(left), operator, right: Box::new(right), on }
}

/// `a.x = b.x AND …`; of the two columns, that of the side which always has a row is the one found by name alone.
fn using(names: &[ObjectName], frame: &mut Frame, before: usize, right_leads: bool) -> Result<Expr> {
    let mut terms = Vec::new();
    for name in names {
        let name = single(name)?;
        let (left, right) = frame.relations.split_at_mut(before);
        let sides = [find_column(left, name)?, find_column(right, name)?];
        let [left, right] = sides.map(|(relation, column)| {
            (Expr::Column { relation: relation.clone(), column: column.name.clone() }, column)
        });
        if right_leads {
            left.1.copy = true
        } else {
            right.1.copy = true
        }
        terms.push(Expr::binary(left.0, Binary::Equal, right.0));
    }
    Ok(Expr::All(terms))
}

fn find_column<'f>(relations: &'f mut [Relation], name: &Ident) -> Result<(String, &'f mut Column)> {
    let mut found = relations.iter_mut().flat_map(|relation| {
        let name_of = relation.name.clone();
        let columns = relation.columns.iter_mut().filter(|column| !column.copy && is(name, &column.name));
        columns.map(move |column| (name_of.clone(), column))
    });
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        _ => {
            let problem =
                format_args!("joins by {}, which is not one column of each side", quoted(&name.value));
            Err(refused(name.span, problem))
        }
    }
}

/// Takes over into a guarded view what WHERE asks of its columns alone, so that the guard does not hide it from the
/// view's indexes and partitions. Only comparisons with constants: they can neither fail nor tell anything of a row.
pub fn push_down(from: &mut From, filter: &Expr) {
    let terms = match filter {
        Expr::All(terms) => terms.as_slice(),
        term => std::slice::from_ref(term),
    };
    for term in terms {
        if let Expr::Binary(left, operator, right) = term.plain()
            && let Expr::Column { relation, column } = left.plain()
            && is_comparison(*operator)
            && is_constant(right)
            && let Some(view) = guarded_view(from, relation)
            && let Some(column) = view.columns.iter().find(|known| **known == column.as_str())
            && let Some(guard) = &mut view.guard
        {
            guard.also.push((column, *operator, (**right).clone()));
        }
    }
}

const fn is_comparison(operator: Binary) -> bool {
    use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    matches!(operator, Equal | Less | LessOrEqual | Greater | GreaterOrEqual)
}

fn is_constant(expr: &Expr) -> bool {
    match expr.plain() {
        Expr::Text(_) | Expr::Integer(_) | Expr::Decimal(_) | Expr::Bool(_) => true,
        Expr::Cast(inner, _) | Expr::Negative(inner) => is_constant(inner),
        Expr::Binary(left, Binary::Plus | Binary::Minus | Binary::Times, right) => {
            is_constant(left) && is_constant(right)
        }
        Expr::Call(_, args) => args.iter().all(is_constant),
        _ => false,
    }
}

fn guarded_view<'f>(from: &'f mut From, relation: &str) -> Option<&'f mut View> {
    match from {
        From::View { view, name } => (name.as_str() == relation).then_some(view),
        From::Join { left, right, .. } => {
            guarded_view(left, relation).or_else(|| guarded_view(right, relation))
        }
        From::Named { .. } | From::Query { .. } => None,
    }
}
