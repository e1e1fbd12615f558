//! Expressions. Every arm names what it takes; what no arm takes is refused.

use sqlparser::ast::{self, BinaryOperator, Ident, UnaryOperator};
use sqlparser::tokenizer::Span;
use unkey_core::Result;

use crate::mistake::{refused, too_complex, unsupported};
use crate::names::{Frame, State, is};
use crate::query::Translator;
use crate::scalar::{cast, common};
use crate::time;
use crate::tree::{self, Binary, Cast, Expr};
use crate::types::{Kind, Typed};
use crate::value::{
    arithmetic, beside, cast_type, comparable, condition_of, extracted, literal, place, quotient,
};

/// Most terms of one chain of AND or OR.
const MAX_TERMS: usize = 512;

type Names<'f, 'q, 'p> = &'f mut Frame<'q, 'p>;

impl Translator<'_> {
    /// An expression.
    pub fn expr<'q>(&mut self, expr: &'q ast::Expr, frame: Names<'_, 'q, '_>) -> Result<Typed> {
        self.deeper(|this| this.expr_inside(expr, frame))
    }

    fn expr_inside<'q>(&mut self, expr: &'q ast::Expr, frame: Names<'_, 'q, '_>) -> Result<Typed> {
        use ast::Expr as E;
        match expr {
            E::Identifier(name) => self.name(name, frame),
            E::CompoundIdentifier(names) => match names.as_slice() {
                [relation, name] => frame.column_of(relation, name),
                _ => Err(unsupported(place(expr), "a name of more than two parts")),
            },
            E::Nested(inner) => self.expr(inner, frame),
            E::Value(value) => literal(value),
            E::UnaryOp { op, expr: inner } => self.unary(*op, inner, frame),
            E::BinaryOp { left, op, right } => self.binary(expr, left, op, right, frame),
            E::IsNull(inner) => self.is(inner, "IS NULL", frame),
            E::IsNotNull(inner) => self.is(inner, "IS NOT NULL", frame),
            E::IsTrue(inner) => self.is(inner, "IS TRUE", frame),
            E::IsNotTrue(inner) => self.is(inner, "IS NOT TRUE", frame),
            E::IsFalse(inner) => self.is(inner, "IS FALSE", frame),
            E::IsNotFalse(inner) => self.is(inner, "IS NOT FALSE", frame),
            E::IsDistinctFrom(left, right) => self.distinct(left, Binary::DistinctFrom, right, frame),
            E::IsNotDistinctFrom(left, right) => self.distinct(left, Binary::NotDistinctFrom, right, frame),
            E::InList { expr: value, list, negated } => self.in_list(value, list, *negated, frame),
            E::InSubquery { expr: value, subquery, negated } => {
                let value = Box::new(self.expr(value, frame)?.expr);
                let query = Box::new(self.subquery(subquery, frame)?.0);
                Ok(Typed::bool(Expr::InQuery { value, query, negated: *negated }))
            }
            E::Exists { subquery, negated } => {
                let query = Box::new(self.subquery(subquery, frame)?.0);
                Ok(Typed::bool(Expr::Exists { query, negated: *negated }))
            }
            E::Subquery(subquery) => {
                let (query, kind) = self.subquery(subquery, frame)?;
                Ok(Typed::new(Expr::Scalar(Box::new(query)), kind))
            }
            E::Between { expr: value, negated, low, high } => self.between(value, low, high, *negated, frame),
            E::Like { negated, any: false, expr: value, pattern, escape_char: None } => {
                self.pair(value, if *negated { Binary::NotLike } else { Binary::Like }, pattern, frame)
            }
            E::ILike { negated, any: false, expr: value, pattern, escape_char: None } => {
                self.pair(value, if *negated { Binary::NotIlike } else { Binary::Ilike }, pattern, frame)
            }
            E::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), frame)
            }
            E::Cast {
                kind: ast::CastKind::Cast | ast::CastKind::DoubleColon,
                expr: value,
                data_type,
                format: None,
            } => {
                let to = cast_type(data_type, place(value))?;
                Ok(cast(self.expr(value, frame)?, to))
            }
            E::TypedString(ast::TypedString { data_type, value, uses_odbc_syntax: false }) => {
                Ok(cast(literal(value)?, cast_type(data_type, value.span)?))
            }
            E::Interval(interval) => self.interval(interval, frame),
            E::Array(ast::Array { elem, named: _ }) => self.array(elem, frame),
            E::Extract { field, syntax: _, expr: value } => {
                let field =
                    extracted(field).ok_or_else(|| unsupported(place(value), "this field of EXTRACT"))?;
                Ok(time::part(field, self.expr(value, frame)?))
            }
            E::Ceil {
                expr: value,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => self.scalar("ceil", &[value], frame),
            E::Floor {
                expr: value,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => self.scalar("floor", &[value], frame),
            E::Position { expr: part, r#in: text } => self.scalar("position", &[text, part], frame),
            E::Substring {
                expr: text,
                substring_from: Some(from),
                substring_for,
                special: _,
                shorthand: _,
            } => {
                let mut args: Vec<&'q ast::Expr> = vec![text, from];
                args.extend(substring_for.as_deref());
                self.scalar("substring", &args, frame)
            }
            E::Trim { trim_where: None, trim_what: None, expr: text, trim_characters: None } => {
                self.scalar("trim", &[text], frame)
            }
            E::Function(function) => self.function(expr, function, frame),
            _ => Err(unsupported(place(expr), "an expression of a kind")),
        }
    }

    fn name(&mut self, name: &Ident, frame: Names) -> Result<Typed> {
        if let Some(parameter) = frame.parameter(&name.value) {
            return Ok(Typed::text(parameter));
        }
        if let Some(at) = frame.aliases.iter().position(|alias| is(name, alias.name))
            && !matches!(frame.aliases[at].state, State::Open)
        {
            let aggregated = self.aggregated;
            let value = self.alias(at, frame)?;
            let State::Done { aggregate, .. } = frame.aliases[at].state else { return frame.column(name) };
            if self.aggregates || !aggregate {
                return Ok(value);
            }
            self.aggregated = aggregated;
        }
        frame.column(name)
    }

    /// The expression that an alias stands for, converted once.
    pub fn alias(&mut self, at: usize, frame: Names) -> Result<Typed> {
        if let State::Done { value, height, aggregate } = frame.aliases[at].state.clone() {
            self.reach(height)?;
            self.aggregated |= aggregate;
            return Ok(value);
        }
        frame.aliases[at].state = State::Open;
        let parameters = std::mem::take(&mut frame.parameters);
        let outside = (self.deepest, self.aggregated);
        (self.deepest, self.aggregated) = (self.depth, false);
        let source = frame.aliases[at].source;
        let value = self.in_place(true, |this| this.expr(source, frame))?;
        let value = Typed::new(value.expr.shared(), value.kind);
        let (height, aggregate) = (self.deepest - self.depth, self.aggregated);
        (self.deepest, self.aggregated) = (self.deepest.max(outside.0), outside.1 || aggregate);
        frame.parameters = parameters;
        frame.aliases[at].state = State::Done { value: value.clone(), height, aggregate };
        Ok(value)
    }

    fn unary<'q>(
        &mut self,
        op: UnaryOperator,
        inner: &'q ast::Expr,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let value = self.expr(inner, frame)?;
        match op {
            UnaryOperator::Not => Ok(Typed::bool(condition_of(value).not())),
            UnaryOperator::Minus => Ok(Typed::new(Expr::Negative(Box::new(value.expr)), value.kind)),
            UnaryOperator::Plus => Ok(value),
            _ => Err(unsupported(place(inner), format_args!("operator {op}"))),
        }
    }

    fn binary<'q>(
        &mut self,
        whole: &'q ast::Expr,
        left: &'q ast::Expr,
        op: &BinaryOperator,
        right: &'q ast::Expr,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        use BinaryOperator as B;
        let operator = match op {
            B::And | B::Or => return self.chain(whole, op, frame),
            B::Eq => Binary::Equal,
            B::NotEq => Binary::NotEqual,
            B::Lt => Binary::Less,
            B::LtEq => Binary::LessOrEqual,
            B::Gt => Binary::Greater,
            B::GtEq => Binary::GreaterOrEqual,
            B::Plus => Binary::Plus,
            B::Minus => Binary::Minus,
            B::Multiply => Binary::Times,
            B::Divide => Binary::Divided,
            B::Modulo => Binary::Modulo,
            B::StringConcat => Binary::Concat,
            _ => return Err(unsupported(place(whole), format_args!("operator {op}"))),
        };
        let (left, right) = (self.expr(left, frame)?, self.expr(right, frame)?);
        Ok(match operator {
            Binary::Plus | Binary::Minus | Binary::Times | Binary::Modulo => {
                arithmetic(left, operator, right)
            }
            Binary::Divided => quotient(left, right),
            Binary::Concat => Typed::text(Expr::binary(left.expr, operator, right.expr)),
            _ => self.comparison(left, operator, right),
        })
    }

    /// `a AND b AND c` without going deeper for each.
    fn chain<'q>(
        &mut self,
        whole: &'q ast::Expr,
        op: &BinaryOperator,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let mut sources = Vec::new();
        let mut rest = whole;
        while let ast::Expr::BinaryOp { left, op: next, right } = rest
            && next == op
        {
            sources.push(right.as_ref());
            rest = left;
            if sources.len() >= MAX_TERMS {
                return Err(too_complex());
            }
        }
        sources.push(rest);
        let terms = sources
            .into_iter()
            .rev()
            .map(|term| Ok(condition_of(self.expr(term, frame)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Typed::bool(if *op == BinaryOperator::And { Expr::All(terms) } else { Expr::Any(terms) }))
    }

    fn comparison(&mut self, left: Typed, operator: Binary, right: Typed) -> Typed {
        let (left, right) = comparable(left, right);
        if operator == Binary::Equal {
            self.note_owner(&left, &right);
            self.note_owner(&right, &left);
        }
        Typed::bool(Expr::binary(left.expr, operator, right.expr))
    }

    /// Remembers a keyspace or namespace that the query asks for.
    fn note_owner(&mut self, column: &Typed, value: &Typed) {
        if let (Expr::Column { column, .. }, Expr::Text(text)) = (column.expr.plain(), value.expr.plain())
            && column == self.scope.dataset.owner_column()
        {
            self.owners.insert(text.clone());
        }
    }

    fn is<'q>(
        &mut self,
        inner: &'q ast::Expr,
        test: &'static str,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        Ok(Typed::bool(self.expr(inner, frame)?.expr.is(test)))
    }

    fn distinct<'q>(
        &mut self,
        left: &'q ast::Expr,
        operator: Binary,
        right: &'q ast::Expr,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let (left, right) = comparable(self.expr(left, frame)?, self.expr(right, frame)?);
        Ok(Typed::bool(Expr::binary(left.expr, operator, right.expr)))
    }

    fn pair<'q>(
        &mut self,
        left: &'q ast::Expr,
        operator: Binary,
        right: &'q ast::Expr,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let (left, right) = (self.expr(left, frame)?.expr, self.expr(right, frame)?.expr);
        Ok(Typed::bool(Expr::binary(left, operator, right)))
    }

    fn in_list<'q>(
        &mut self,
        value: &'q ast::Expr,
        list: &'q [ast::Expr],
        negated: bool,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let value = self.expr(value, frame)?;
        let mut elements = Vec::new();
        for element in list {
            let element = self.expr(element, frame)?;
            if !negated {
                self.note_owner(&value, &element);
            }
            elements.push(beside(value.kind, element).expr);
        }
        if elements.is_empty() {
            return Err(refused(Span::empty(), "has an empty list after IN"));
        }
        Ok(Typed::bool(Expr::In { value: Box::new(value.expr), list: elements, negated }))
    }

    fn between<'q>(
        &mut self,
        value: &'q ast::Expr,
        low: &'q ast::Expr,
        high: &'q ast::Expr,
        negated: bool,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let value = self.expr(value, frame)?;
        let mut bound =
            |bound| Ok::<_, unkey_core::Error>(Box::new(beside(value.kind, self.expr(bound, frame)?).expr));
        let (low, high) = (bound(low)?, bound(high)?);
        Ok(Typed::bool(Expr::Between { value: Box::new(value.expr), low, high, negated }))
    }

    fn case<'q>(
        &mut self,
        operand: Option<&'q ast::Expr>,
        conditions: &'q [ast::CaseWhen],
        otherwise: Option<&'q ast::Expr>,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let operand = operand.map(|operand| self.expr(operand, frame)).transpose()?;
        let (mut branches, mut results) = (Vec::new(), Vec::new());
        for ast::CaseWhen { condition, result } in conditions {
            branches.push(self.expr(condition, frame)?.expr);
            results.push(self.expr(result, frame)?);
        }
        let otherwise = otherwise.map(|otherwise| self.expr(otherwise, frame)).transpose()?;
        let kind = common(results.iter().chain(&otherwise));
        let branches = branches.into_iter().zip(results.into_iter().map(|result| result.expr)).collect();
        let boxed = |value: Option<Typed>| value.map(|value| Box::new(value.expr));
        Ok(Typed::new(Expr::Case { operand: boxed(operand), branches, otherwise: boxed(otherwise) }, kind))
    }

    fn interval<'q>(&mut self, interval: &'q ast::Interval, frame: Names<'_, 'q, '_>) -> Result<Typed> {
        let ast::Interval {
            value,
            leading_field,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        } = interval
        else {
            return Err(unsupported(place(&interval.value), "an interval of several fields"));
        };
        let amount = self.expr(value, frame)?;
        match leading_field {
            Some(unit) => time::span(amount.expr, &unit.to_string())
                .ok_or_else(|| unsupported(place(value), format_args!("the unit {unit} of an interval"))),
            None => Ok(time::span_of_text(&amount.expr)
                .unwrap_or_else(|| Typed::new(amount.expr.cast(Cast::Interval), Kind::Interval))),
        }
    }

    fn array<'q>(&mut self, elements: &'q [ast::Expr], frame: Names<'_, 'q, '_>) -> Result<Typed> {
        let elements =
            elements.iter().map(|element| Ok(self.expr(element, frame)?.expr)).collect::<Result<Vec<_>>>()?;
        let array =
            if elements.is_empty() { Expr::text("{}").cast(Cast::TextArray) } else { Expr::Array(elements) };
        Ok(Typed::new(array, Kind::Array))
    }

    fn subquery<'q>(&mut self, query: &'q ast::Query, frame: &Frame<'q, '_>) -> Result<(tree::Query, Kind)> {
        let (query, columns) = self.query(query, Some(frame), &frame.commons)?;
        match columns.as_slice() {
            [column] => Ok((query, column.kind)),
            _ => Ok((query, Kind::Other)),
        }
    }
}
