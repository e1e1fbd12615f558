//! What a name means: a column of a relation in FROM, an alias of the result, or the parameter of a rule.

use std::rc::Rc;

use sqlparser::ast::{self, Ident};
use unkey_core::error::quoted;
use unkey_core::{Kind, Result};

use crate::mistake::{list, mistake, refused};
use crate::tree::Expr;
use crate::types::{self, Typed};

/// Longest name, in bytes: Postgres cuts longer ones, so that two could become one.
const MAX_NAME: usize = 63;

/// A column of a relation.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: types::Kind,
    /// Not found without its relation: a copy of another one, after JOIN … USING.
    pub copy: bool,
}

/// Something in FROM.
#[derive(Debug, Clone)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<Column>,
}

/// A query of WITH.
#[derive(Debug, Clone)]
pub struct Common {
    pub name: String,
    /// What it is called in the result: never a name that Postgres knows.
    pub printed: String,
    pub columns: Vec<Column>,
}

/// A named column of the result.
pub struct Alias<'q> {
    pub name: &'q str,
    pub source: &'q ast::Expr,
    pub state: State,
    /// Where it stands in the result, from 1.
    pub position: usize,
}

/// How far an alias has been converted.
#[derive(Clone)]
pub enum State {
    New,
    /// Being converted: its own name means a column inside it.
    Open,
    Done {
        value: Typed,
        /// How deep its expression nests.
        height: usize,
        /// Whether it holds an aggregate or window function.
        aggregate: bool,
    },
}

/// The names of one SELECT.
pub struct Frame<'q, 'p> {
    /// The SELECT around it, whose columns it may use.
    pub parent: Option<&'p Frame<'q, 'p>>,
    pub commons: Rc<Vec<Common>>,
    pub relations: Vec<Relation>,
    pub aliases: Vec<Alias<'q>>,
    /// Arrays that multiply the rows: source, expression and name of the relation.
    pub unnested: Vec<(&'q ast::Expr, Expr, String)>,
    /// Parameters of rules, with their relations; the innermost last.
    pub parameters: Vec<(String, String)>,
}

impl<'q, 'p> Frame<'q, 'p> {
    pub fn new(parent: Option<&'p Self>, commons: Rc<Vec<Common>>) -> Self {
        let (relations, aliases, unnested, parameters) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { parent, commons, relations, aliases, unnested, parameters }
    }

    /// Adds a relation; its name must be new.
    pub fn add(&mut self, relation: Relation, at: &Ident) -> Result<()> {
        if self.relations.iter().any(|known| known.name == relation.name) {
            return Err(refused(at.span, format_args!("names two tables {}", quoted(&relation.name)))
                .hint("Give one of them an alias."));
        }
        self.relations.push(relation);
        Ok(())
    }

    /// The query of WITH by this name; the innermost one.
    pub fn common(&self, name: &str) -> Option<&Common> {
        self.commons.iter().rev().find(|common| common.name == name)
    }

    /// The parameter of a rule by this name.
    pub fn parameter(&self, name: &str) -> Option<Expr> {
        let (_, relation) = self.parameters.iter().rev().find(|(known, _)| known == name)?;
        Some(Expr::Column { relation: relation.clone(), column: "x".into() })
    }

    /// A column by its name alone, here or in the SELECTs around.
    pub fn column(&self, name: &Ident) -> Result<Typed> {
        let mut found = self.relations.iter().flat_map(|relation| {
            let columns = relation.columns.iter().filter(|column| !column.copy && is(name, &column.name));
            columns.map(move |column| (relation, column))
        });
        match (found.next(), found.next(), self.parent) {
            (Some((relation, column)), None, _) => Ok(value(relation, column)),
            (Some(_), Some(_), _) => {
                let problem = format_args!("names column {}, which several tables have", quoted(&name.value));
                Err(refused(name.span, problem).hint("Put the table's name and a dot before it."))
            }
            (None, _, Some(parent)) => parent
                .parameter(&name.value)
                .map_or_else(|| parent.column(name), |expr| Ok(Typed::new(expr, types::Kind::Text))),
            (None, _, None) => Err(self.unknown(name)),
        }
    }

    /// A column of a named relation, here or in the SELECTs around.
    pub fn column_of(&self, relation: &Ident, name: &Ident) -> Result<Typed> {
        match self.relations.iter().find(|known| is(relation, &known.name)) {
            Some(known) => known
                .columns
                .iter()
                .find(|column| is(name, &column.name))
                .map(|column| value(known, column))
                .ok_or_else(|| self.unknown(name)),
            None => match self.parent {
                Some(parent) => parent.column_of(relation, name),
                None => Err(no_relation(relation)),
            },
        }
    }

    fn unknown(&self, name: &Ident) -> unkey_core::Error {
        let known: Vec<&str> = self
            .relations
            .iter()
            .flat_map(|relation| relation.columns.iter().map(|column| column.name.as_str()))
            .chain(self.aliases.iter().map(|alias| alias.name))
            .take(40)
            .collect();
        let problem = format_args!("names column {}, which does not exist", quoted(&name.value));
        let error = refused(name.span, problem);
        if known.is_empty() { error } else { error.hint(format!("There are {}.", list(known))) }
    }
}

fn value(relation: &Relation, column: &Column) -> Typed {
    let expr = Expr::Column { relation: relation.name.clone(), column: column.name.clone() };
    Typed::new(expr, column.kind)
}

/// The mistake of a qualified name whose relation is not in FROM.
pub fn no_relation(relation: &Ident) -> unkey_core::Error {
    let problem = format_args!("uses {}, which is not in FROM", quoted(&relation.value));
    mistake(Kind::InvalidAnalyticsTable, relation.span.start, problem)
}

/// Whether an identifier means a name; without quotes in letters of either case.
pub fn is(ident: &Ident, name: &str) -> bool {
    match ident.quote_style {
        Some(_) => ident.value == name,
        None => ident.value.eq_ignore_ascii_case(name),
    }
}

/// The name of a relation that the query makes: letters, digits and `_`, so that it is never one of ours (`array$1`).
pub fn relation_name(ident: &Ident) -> Result<String> {
    let plain = ident.value.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if plain && !ident.value.is_empty() && ident.value.len() <= MAX_NAME {
        return Ok(ident.value.clone());
    }
    let problem = format_args!("names a table {}", quoted(&ident.value));
    Err(refused(ident.span, problem).hint("Aliases of tables are 1 to 63 letters, digits and '_'."))
}

/// The name of a column that the query makes.
pub fn column_name(ident: &Ident) -> Result<&str> {
    if (1..=MAX_NAME).contains(&ident.value.len()) {
        return Ok(&ident.value);
    }
    let problem = format_args!("names a column {}", quoted(&ident.value));
    Err(refused(ident.span, problem).hint("Aliases have 1 to 63 bytes."))
}

/// The name of a column that the query gives none: the text of its expression.
pub fn implied_name(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Identifier(name) => cut(&name.value),
        ast::Expr::CompoundIdentifier(names) => cut(names.last().map_or("", |name| &name.value)),
        expr => cut(&expr.to_string()),
    }
}

/// At most as long as a name may be.
pub fn cut(name: &str) -> String {
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}
