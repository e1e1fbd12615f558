//! Queries: WITH, SELECT and its columns, set operations.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast;
use sqlparser::tokenizer::Span;
use unkey_core::Result;
use unkey_core::error::quoted;

use crate::from::{alias_name, is_view, push_down, single};
use crate::mistake::{refused, too_complex, unsupported};
use crate::names::{Alias, Column, Common, Frame, Relation, State, column_name, cut, implied_name, is};
use crate::order::{limits, order_keys, output_order};
use crate::tree::{Body, Expr, Order, Query, Select};
use crate::types::Typed;
use crate::value::{condition_of, place};
use crate::{MAX_COLUMNS, Scope, source};

/// Deepest nesting of a query and its expressions.
const MAX_DEPTH: usize = 64;

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
    pub fn without_aggregates<'q>(
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
