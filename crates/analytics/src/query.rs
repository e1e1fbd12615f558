//! Queries: WITH, SELECT, set operations, FROM and joins, order and limit.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::{self, Ident, ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Span;
use unkey_core::error::quoted;
use unkey_core::{Error, Kind, Result};

use crate::catalog::Dataset;
use crate::expression::{condition_of, place, plain_number};
use crate::mistake::{list, mistake, refused, too_complex, unsupported};
use crate::names::{
    Alias, Column, Common, Frame, Relation, State, column_name, cut, implied_name, is, relation_name,
};
use crate::tree::{Binary, Body, Expr, From, Guard, Key, Order, Query, Select, View};
use crate::types::Typed;
use crate::{MAX_COLUMNS, Scope, source};

/// Deepest nesting of a query and its expressions.
const MAX_DEPTH: usize = 64;
/// Most tables of one SELECT.
const MAX_RELATIONS: usize = 16;

/// What is gathered while a query is converted.
pub struct Translator<'s> {
    pub scope: &'s Scope,
    /// Keyspaces or namespaces that the query names.
    pub owners: BTreeSet<String>,
    /// How deep the conversion is, and has been.
    pub depth: usize,
    pub deepest: usize,
    /// Whether an aggregate may stand here: not in WHERE, for example.
    pub aggregates: bool,
    /// Whether one has been converted.
    pub aggregated: bool,
    /// How many names have been made.
    made: usize,
}

impl<'s> Translator<'s> {
    pub const fn new(scope: &'s Scope) -> Self {
        let owners = BTreeSet::new();
        Self { scope, owners, depth: 0, deepest: 0, aggregates: true, aggregated: false, made: 0 }
    }

    /// The whole statement, and the names of its columns.
    pub fn statement(&mut self, query: &ast::Query) -> Result<(Query, Vec<String>)> {
        let (query, columns) = self.query(query, None, &Rc::default())?;
        Ok((query, columns.into_iter().map(|column| column.name).collect()))
    }

    /// A name that no query can use.
    pub fn new_name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}${}", self.made)
    }

    /// One level deeper, within reason.
    pub fn deeper<T>(&mut self, convert: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(too_complex());
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let result = convert(self);
        self.depth -= 1;
        result
    }

    /// Adds the height of something that was converted before and is used again here.
    pub fn reach(&mut self, height: usize) -> Result<()> {
        self.deepest = self.deepest.max(self.depth + height);
        if self.deepest > MAX_DEPTH { Err(too_complex()) } else { Ok(()) }
    }

    /// A query inside another one, or the outermost.
    pub fn query<'q>(
        &mut self,
        query: &'q ast::Query,
        parent: Option<&Frame<'q, '_>>,
        commons: &Rc<Vec<Common>>,
    ) -> Result<(Query, Vec<Column>)> {
        let outside = (self.aggregates, self.aggregated);
        (self.aggregates, self.aggregated) = (true, false);
        let result = self.deeper(|this| this.query_inside(query, parent, commons));
        (self.aggregates, self.aggregated) = outside;
        result
    }

    fn query_inside<'q>(
        &mut self,
        query: &'q ast::Query,
        parent: Option<&Frame<'q, '_>>,
        commons: &Rc<Vec<Common>>,
    ) -> Result<(Query, Vec<Column>)> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch: None,
            locks,
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators,
        } = query
        else {
            return Err(unsupported(Span::empty(), "FETCH, FOR, SETTINGS or FORMAT"));
        };
        if !locks.is_empty() || !pipe_operators.is_empty() {
            return Err(unsupported(Span::empty(), "FOR UPDATE, FOR SHARE or |>"));
        }
        let mut commons = Rc::clone(commons);
        let with = self.with(with.as_ref(), parent, &mut commons)?;
        let order_by = order_keys(order_by.as_ref())?;
        let (body, order, columns) = self.ordered_body(body, order_by, parent, &commons)?;
        let (limit, offset) = limits(limit_clause.as_ref())?;
        Ok((Query { with, body, order, limit, offset }, columns))
    }

    fn with<'q>(
        &mut self,
        with: Option<&'q ast::With>,
        parent: Option<&Frame<'q, '_>>,
        commons: &mut Rc<Vec<Common>>,
    ) -> Result<Vec<(String, Query)>> {
        let Some(with) = with else { return Ok(Vec::new()) };
        if with.recursive {
            return Err(unsupported(Span::empty(), "WITH RECURSIVE"));
        }
        let mut queries: Vec<(String, Query)> = Vec::new();
        let outside = commons.len();
        for common in &with.cte_tables {
            let ast::Cte { alias, query, from: None, materialized: None, closing_paren_token: _ } = common
            else {
                return Err(unsupported(common.alias.name.span, "MATERIALIZED or FROM in WITH"));
            };
            let name = alias_name(alias)?;
            let taken = commons[outside..].iter().any(|known| known.name == name);
            if taken || is_view(&name) {
                return Err(refused(
                    alias.name.span,
                    format_args!("defines {}, which exists", quoted(&name)),
                )
                .hint("A query of WITH needs a name of its own, which no table has."));
            }
            let (query, columns) = self.query(query, parent, commons)?;
            let printed = self.new_name("with");
            queries.push((printed.clone(), query));
            Rc::make_mut(commons).push(Common { name, printed, columns });
        }
        Ok(queries)
    }

    fn ordered_body<'q>(
        &mut self,
        body: &'q ast::SetExpr,
        order_by: &'q [ast::OrderByExpr],
        parent: Option<&Frame<'q, '_>>,
        commons: &Rc<Vec<Common>>,
    ) -> Result<(Body, Vec<Order>, Vec<Column>)> {
        if let ast::SetExpr::Select(select) = body {
            let (select, order, columns) = self.select(select, order_by, parent, commons)?;
            return Ok((Body::Select(Box::new(select)), order, columns));
        }
        let (body, columns) = self.body(body, parent, commons)?;
        let order = order_by.iter().map(|order| output_order(order, &columns)).collect::<Result<_>>()?;
        Ok((body, order, columns))
    }

    fn body<'q>(
        &mut self,
        body: &'q ast::SetExpr,
        parent: Option<&Frame<'q, '_>>,
        commons: &Rc<Vec<Common>>,
    ) -> Result<(Body, Vec<Column>)> {
        match body {
            ast::SetExpr::Select(_) => {
                let (body, _, columns) = self.ordered_body(body, &[], parent, commons)?;
                Ok((body, columns))
            }
            ast::SetExpr::Query(query) => {
                let (query, columns) = self.query(query, parent, commons)?;
                Ok((Body::Query(Box::new(query)), columns))
            }
            ast::SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let operator = set_operator(*op, *set_quantifier)?;
                self.deeper(|this| {
                    let (left, columns) = this.body(left, parent, commons)?;
                    let (right, others) = this.body(right, parent, commons)?;
                    if columns.len() != others.len() {
                        let problem =
                            format_args!("combines {} columns with {}", columns.len(), others.len());
                        return Err(refused(Span::empty(), problem));
                    }
                    Ok((Body::Set { left: Box::new(left), operator, right: Box::new(right) }, columns))
                })
            }
            ast::SetExpr::Insert(_)
            | ast::SetExpr::Update(_)
            | ast::SetExpr::Delete(_)
            | ast::SetExpr::Merge(_) => Err(source::wrong_type()),
            _ => Err(unsupported(Span::empty(), "VALUES or TABLE")),
        }
    }

    fn select<'q>(
        &mut self,
        select: &'q ast::Select,
        order_by: &'q [ast::OrderByExpr],
        parent: Option<&Frame<'q, '_>>,
        commons: &Rc<Vec<Common>>,
    ) -> Result<(Select, Vec<Order>, Vec<Column>)> {
        check_clauses(select)?;
        let mut frame = Frame::new(parent, Rc::clone(commons));
        let mut from = self.from(&select.from, &mut frame)?;
        frame.aliases = aliases(&select.projection)?;
        let Items { exprs: items, columns } = self.items(&select.projection, &mut frame)?;
        let filter = self.without_aggregates(select.selection.as_ref(), &mut frame)?;
        let group = self.group(&select.group_by, &mut frame, columns.len())?;
        let having = select.having.as_ref().map(|having| self.expr(having, &mut frame)).transpose()?;
        let order = order_by
            .iter()
            .map(|order| self.order(order, &mut frame, columns.len()))
            .collect::<Result<_>>()?;
        if let (Some(from), Some(filter)) = (&mut from, &filter) {
            push_down(from, filter);
        }
        let unnested = frame.unnested.into_iter().map(|(_, array, name)| (array, name)).collect();
        let distinct = select.distinct == Some(ast::Distinct::Distinct);
        let having = having.map(condition_of);
        Ok((Select { distinct, items, from, unnested, filter, group, having }, order, columns))
    }

    /// A condition of WHERE or ON.
    fn without_aggregates<'q>(
        &mut self,
        condition: Option<&'q ast::Expr>,
        frame: &mut Frame<'q, '_>,
    ) -> Result<Option<Expr>> {
        let Some(condition) = condition else { return Ok(None) };
        Ok(Some(condition_of(self.in_place(false, |this| this.expr(condition, frame))?)))
    }

    /// Converts where aggregates may or may not stand.
    pub fn in_place<T>(
        &mut self,
        aggregates: bool,
        convert: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outside = std::mem::replace(&mut self.aggregates, aggregates);
        let result = convert(self);
        self.aggregates = outside;
        result
    }

    /// The columns of the result. Each gets a name, and a name is given once.
    fn items<'q>(&mut self, projection: &'q [ast::SelectItem], frame: &mut Frame<'q, '_>) -> Result<Items> {
        let mut result = Items::default();
        let mut alias = 0;
        for item in projection {
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    let value = self.expr(expr, frame)?;
                    result.push(value, implied_name(expr), place(expr))?;
                }
                ast::SelectItem::ExprWithAlias { expr, alias: name } => {
                    let value = self.alias(alias, frame)?;
                    result.push(value, name.value.clone(), place(expr))?;
                    frame.aliases[alias].position = result.exprs.len();
                    alias += 1;
                }
                ast::SelectItem::Wildcard(options) => {
                    plain_wildcard(options)?;
                    result.push_all(&frame.relations)?;
                }
                ast::SelectItem::QualifiedWildcard(
                    ast::SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    plain_wildcard(options)?;
                    let name = single(name)?;
                    let relation = frame.relations.iter().find(|relation| is(name, &relation.name));
                    let relation = relation.ok_or_else(|| crate::names::no_relation(name))?;
                    result.push_all(std::slice::from_ref(relation))?;
                }
                ast::SelectItem::QualifiedWildcard(..) | ast::SelectItem::ExprWithAliases { .. } => {
                    return Err(unsupported(Span::empty(), "a wildcard of an expression"));
                }
            }
        }
        if result.exprs.is_empty() {
            return Err(refused(Span::empty(), "selects nothing"));
        }
        Ok(result)
    }

    fn group<'q>(
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

    fn order<'q>(
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

    fn from<'q>(
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

/// The columns of a result as they are gathered.
#[derive(Default)]
struct Items {
    exprs: Vec<(Expr, String)>,
    columns: Vec<Column>,
}

impl Items {
    fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn push(&mut self, value: Typed, name: String, at: Span) -> Result<()> {
        if self.has(&name) {
            let problem = format_args!("gives two columns the name {}", quoted(&name));
            return Err(refused(at, problem).hint("Give one of them an alias."));
        }
        if self.exprs.len() >= MAX_COLUMNS {
            return Err(refused(at, format_args!("selects more than {MAX_COLUMNS} columns")));
        }
        self.exprs.push((value.expr, name.clone()));
        self.columns.push(Column { name, kind: value.kind, copy: false });
        Ok(())
    }

    /// All columns of these relations; one whose name is taken is called `relation.column`.
    fn push_all(&mut self, relations: &[Relation]) -> Result<()> {
        for relation in relations {
            for column in relation.columns.iter().filter(|column| !column.copy) {
                let expr = Expr::Column { relation: relation.name.clone(), column: column.name.clone() };
                let name = match self.has(&column.name) {
                    false => column.name.clone(),
                    true => cut(&format!("{}.{}", relation.name, column.name)),
                };
                self.push(Typed::new(expr, column.kind), name, Span::empty())?;
            }
        }
        Ok(())
    }
}

fn aliases(projection: &[ast::SelectItem]) -> Result<Vec<Alias<'_>>> {
    let named = projection.iter().filter_map(|item| match item {
        ast::SelectItem::ExprWithAlias { expr, alias } => Some((expr, alias)),
        _ => None,
    });
    named
        .map(|(source, name)| Ok(Alias { name: column_name(name)?, source, state: State::New, position: 0 }))
        .collect()
}

/// Refuses every clause of SELECT that is not converted.
fn check_clauses(select: &ast::Select) -> Result<()> {
    let ast::Select {
        select_token: _,
        optimizer_hints,
        distinct: None | Some(ast::Distinct::Distinct | ast::Distinct::All),
        select_modifiers: None,
        top: None,
        top_before_distinct: _,
        projection: _,
        exclude: None,
        into: None,
        from: _,
        lateral_views,
        prewhere: None,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window,
        qualify: None,
        window_before_qualify: _,
        value_table_mode: None,
        flavor: ast::SelectFlavor::Standard,
    } = select
    else {
        return Err(unsupported(Span::empty(), "DISTINCT ON, TOP, INTO, PREWHERE, QUALIFY or the like"));
    };
    let lists_are_empty = optimizer_hints.is_empty()
        && lateral_views.is_empty()
        && connect_by.is_empty()
        && cluster_by.is_empty()
        && distribute_by.is_empty()
        && sort_by.is_empty()
        && named_window.is_empty();
    if lists_are_empty { Ok(()) } else { Err(unsupported(Span::empty(), "WINDOW, SORT BY or the like")) }
}

fn plain_wildcard(options: &ast::WildcardAdditionalOptions) -> Result<()> {
    let ast::WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike: None,
        opt_exclude: None,
        opt_except: None,
        opt_replace: None,
        opt_rename: None,
        opt_alias: None,
    } = options
    else {
        return Err(unsupported(Span::empty(), "a wildcard with exceptions"));
    };
    Ok(())
}

fn alias_name(alias: &ast::TableAlias) -> Result<String> {
    let ast::TableAlias { explicit: _, name, columns, at: None } = alias else {
        return Err(unsupported(alias.name.span, "AT after an alias"));
    };
    if !columns.is_empty() {
        return Err(unsupported(name.span, "an alias with names of columns"));
    }
    relation_name(name)
}

fn is_view(name: &str) -> bool {
    [Dataset::Verifications, Dataset::Ratelimits].iter().any(|dataset| dataset.table(name).is_some())
}

/// The one part of a name; a qualified one is never a table of ours.
fn single(name: &ObjectName) -> Result<&Ident> {
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

fn set_operator(operator: ast::SetOperator, quantifier: ast::SetQuantifier) -> Result<&'static str> {
    use ast::{SetOperator as O, SetQuantifier as Q};
    match (operator, quantifier) {
        (O::Union, Q::All) => Ok("UNION ALL"),
        (O::Union, Q::Distinct | Q::None) => Ok("UNION"),
        (O::Except | O::Minus, Q::All) => Ok("EXCEPT ALL"),
        (O::Except | O::Minus, Q::Distinct | Q::None) => Ok("EXCEPT"),
        (O::Intersect, Q::All) => Ok("INTERSECT ALL"),
        (O::Intersect, Q::Distinct | Q::None) => Ok("INTERSECT"),
        _ => Err(unsupported(Span::empty(), "BY NAME")),
    }
}

fn order_keys(order: Option<&ast::OrderBy>) -> Result<&[ast::OrderByExpr]> {
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
fn output_order(order: &ast::OrderByExpr, columns: &[Column]) -> Result<Order> {
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

fn limits(clause: Option<&ast::LimitClause>) -> Result<(Option<u64>, Option<u64>)> {
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

/// Takes over into a guarded view what WHERE asks of its columns alone, so that the guard does not hide it from the
/// view's indexes and partitions. Only comparisons with constants: they can neither fail nor tell anything of a row.
fn push_down(from: &mut From, filter: &Expr) {
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
