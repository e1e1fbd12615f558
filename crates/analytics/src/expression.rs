//! Expressions. Every arm names what it takes; what no arm takes is refused.

use sqlparser::ast::{self, BinaryOperator, Ident, ObjectNamePart, UnaryOperator, Value};
use sqlparser::tokenizer::Span;
use unkey_core::Result;

use crate::aggregate::{self, Parts};
use crate::functions::{ARRAYS, unknown, wrong_call};
use crate::mistake::{mistake, refused, too_complex, unsupported};
use crate::names::{Frame, State, column_name, is};
use crate::query::Translator;
use crate::scalar::{SCALARS, cast, common};
use crate::time;
use crate::tree::{self, Binary, Bound, Cast, Expr, Window};
use crate::types::{self, Kind, Typed};

/// Most terms of one chain of AND or OR.
const MAX_TERMS: usize = 512;
/// Most digits of a number.
const MAX_DIGITS: usize = 40;

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
        self.note_owner(&left, &right);
        self.note_owner(&right, &left);
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
            self.note_owner(&value, &element);
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
            None => Ok(Typed::new(amount.expr.cast(Cast::Interval), Kind::Interval)),
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

    // ---- calls ---------------------------------------------------------------------------------------------------

    fn function<'q>(
        &mut self,
        whole: &'q ast::Expr,
        function: &'q ast::Function,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let ast::Function {
            name,
            uses_odbc_syntax: false,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: None,
            over,
        } = function
        else {
            return Err(unsupported(place(whole), "a call of this form"));
        };
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
            return Err(unknown(&name.to_string(), place(whole).start));
        };
        if !within_group.is_empty() {
            return Err(unsupported(ident.span, "WITHIN GROUP"));
        }
        let lower = ident.value.to_ascii_lowercase();
        let call = Call { ident, args: arguments(args, ident)?, parameters: arguments(parameters, ident)? };
        let is_plain = filter.is_none() && over.is_none() && !call.args.distinct && !call.args.star;
        if let Some((function, conditional)) = aggregate::find(&lower) {
            return self.aggregate(function, conditional, &call, filter.as_deref(), over.as_ref(), frame);
        }
        if !call.parameters.exprs.is_empty() || !is_plain {
            return match SCALARS.iter().any(|scalar| scalar.name == lower) {
                true => Err(wrong_call(&ident.value, ident.span.start, "is no aggregate")),
                false => Err(unknown(&ident.value, ident.span.start)),
            };
        }
        match lower.as_str() {
            "arrayjoin" => self.array_join(&call, frame),
            "arrayfilter" => Ok(Typed::new(self.filtered(&call, frame)?, Kind::Array)),
            "arrayexists" => {
                let passing = Expr::Call("pg_catalog.cardinality", vec![self.filtered(&call, frame)?]);
                Ok(Typed::bool(Expr::binary(passing, Binary::Greater, Expr::Integer(0))))
            }
            _ => self.scalar_at(&lower, &call.args.exprs, ident.span, frame),
        }
    }

    fn scalar<'q>(&mut self, name: &str, args: &[&'q ast::Expr], frame: Names<'_, 'q, '_>) -> Result<Typed> {
        self.scalar_at(name, args, Span::empty(), frame)
    }

    fn scalar_at<'q>(
        &mut self,
        name: &str,
        args: &[&'q ast::Expr],
        at: Span,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let scalar =
            SCALARS.iter().find(|scalar| scalar.name == name).ok_or_else(|| unknown(name, at.start))?;
        if !scalar.arity.contains(&args.len()) {
            return Err(wrong_call(scalar.usage, at.start, format_args!("with {} arguments", args.len())));
        }
        let args = args.iter().map(|arg| self.expr(arg, frame)).collect::<Result<Vec<_>>>()?;
        (scalar.build)(args, self.scope.now).map_err(|problem| wrong_call(scalar.usage, at.start, problem))
    }

    fn aggregate<'q>(
        &mut self,
        function: &'static aggregate::Function,
        conditional: bool,
        call: &Call<'q>,
        filter: Option<&'q ast::Expr>,
        over: Option<&'q ast::WindowType>,
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
        let at = call.ident.span.start;
        let mut sources = call.args.exprs.clone();
        let condition = if conditional { sources.pop() } else { None };
        let star = call.args.star && function.name == "count" && sources.is_empty();
        if !function.arity.contains(&sources.len())
            || (call.args.star && !star)
            || (conditional && condition.is_none())
        {
            return Err(wrong_call(
                function.usage,
                at,
                format_args!("with {} arguments", call.args.exprs.len()),
            ));
        }
        if call.args.distinct && sources.is_empty()
            || !call.parameters.exprs.is_empty() && !function.usage.contains(")(")
        {
            return Err(wrong_call(function.usage, at, "with DISTINCT or parameters"));
        }
        let window = over.map(|over| self.window(over, frame)).transpose()?;
        if function.window && window.is_none() {
            return Err(wrong_call(function.usage, at, "needs OVER"));
        }
        // Inside a window function aggregates are welcome, inside an aggregate they are not.
        let inside = window.is_some() && self.aggregates;
        let parts = self.in_place(inside, |this| {
            let mut convert = |sources: &[&'q ast::Expr]| {
                sources.iter().map(|arg| this.expr(arg, frame)).collect::<Result<Vec<_>>>()
            };
            let (parameters, args) = (convert(&call.parameters.exprs)?, convert(&sources)?);
            let conditions: Vec<&'q ast::Expr> = condition.into_iter().chain(filter).collect();
            let mut conditions: Vec<Expr> = convert(&conditions)?.into_iter().map(condition_of).collect();
            let filter = if conditions.len() > 1 { Some(Expr::All(conditions)) } else { conditions.pop() };
            Ok(Parts { parameters, args, distinct: call.args.distinct, filter, over: window })
        })?;
        self.aggregated = true;
        (function.build)(parts).map_err(|problem| wrong_call(function.usage, at, problem))
    }

    fn window<'q>(&mut self, over: &'q ast::WindowType, frame: Names<'_, 'q, '_>) -> Result<Window> {
        let ast::WindowType::WindowSpec(ast::WindowSpec {
            window_name: None,
            partition_by,
            order_by,
            window_frame,
        }) = over
        else {
            return Err(unsupported(Span::empty(), "a named window"));
        };
        let partition =
            partition_by.iter().map(|key| Ok(self.expr(key, frame)?.expr)).collect::<Result<Vec<_>>>()?;
        let order =
            order_by.iter().map(|order| self.window_order(order, frame)).collect::<Result<Vec<_>>>()?;
        Ok(Window { partition, order, frame: window_frame.as_ref().map(window_rows).transpose()? })
    }

    /// The same array multiplies the rows once, however often it is named.
    fn array_join<'q>(&mut self, call: &Call<'q>, frame: Names<'_, 'q, '_>) -> Result<Typed> {
        let usage = usage("arrayjoin");
        let at = call.ident.span.start;
        let &[source] = call.args.exprs.as_slice() else {
            return Err(wrong_call(usage, at, "takes one array"));
        };
        if !frame.parameters.is_empty() {
            return Err(wrong_call(usage, at, "can't stand in a rule for the elements of an array"));
        }
        let column = |name: &String| Typed::text(Expr::Column { relation: name.clone(), column: "x".into() });
        if let Some((_, _, name)) = frame.unnested.iter().find(|(known, ..)| *known == source) {
            return Ok(column(name));
        }
        let array = self.in_place(false, |this| this.expr(source, frame))?.expr;
        let name = self.new_name("array");
        let value = column(&name);
        frame.unnested.push((source, array, name));
        Ok(value)
    }

    /// The elements that pass the rule `x -> …`.
    fn filtered<'q>(&mut self, call: &Call<'q>, frame: Names<'_, 'q, '_>) -> Result<Expr> {
        let name = call.ident.value.to_ascii_lowercase();
        let wrong = |problem| wrong_call(usage(&name), call.ident.span.start, problem);
        let &[ast::Expr::Lambda(rule), array] = call.args.exprs.as_slice() else {
            return Err(wrong("takes a rule x -> condition and an array"));
        };
        let ast::LambdaFunction { params, body, syntax: ast::LambdaSyntax::Arrow } = rule else {
            return Err(wrong("takes a rule x -> condition"));
        };
        let [ast::LambdaFunctionParameter { name: parameter, data_type: None }] = params.as_ref() else {
            return Err(wrong("takes a rule of one parameter"));
        };
        let array = Box::new(self.expr(array, frame)?.expr);
        let relation = self.new_name("element");
        frame.parameters.push((column_name(parameter)?.to_owned(), relation.clone()));
        let test = self.in_place(false, |this| this.expr(body, frame));
        frame.parameters.pop();
        Ok(Expr::Filtered { array, relation, test: Box::new(condition_of(test?)) })
    }
}

/// A call in parts.
struct Call<'q> {
    ident: &'q Ident,
    args: Arguments<'q>,
    parameters: Arguments<'q>,
}

#[derive(Default)]
struct Arguments<'q> {
    exprs: Vec<&'q ast::Expr>,
    star: bool,
    distinct: bool,
}

fn arguments<'q>(list: &'q ast::FunctionArguments, at: &Ident) -> Result<Arguments<'q>> {
    let list = match list {
        ast::FunctionArguments::None => return Ok(Arguments::default()),
        ast::FunctionArguments::List(list) => list,
        ast::FunctionArguments::Subquery(_) => return Err(unsupported(at.span, "a sub-select as argument")),
    };
    let ast::FunctionArgumentList { duplicate_treatment, args, clauses } = list;
    if !clauses.is_empty() {
        return Err(unsupported(at.span, "a clause inside a call"));
    }
    let distinct = *duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
    let mut result = Arguments { distinct, ..Arguments::default() };
    for arg in args {
        match arg {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => result.exprs.push(expr),
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard) if args.len() == 1 => {
                result.star = true
            }
            _ => return Err(unsupported(at.span, "an argument of this form")),
        }
    }
    Ok(result)
}

fn usage(name: &str) -> &'static str {
    ARRAYS.iter().find(|(known, _)| *known == name).map_or("", |(_, usage)| usage)
}

/// Where an expression begins, or near it, found without recursion.
pub fn place(expr: &ast::Expr) -> Span {
    let mut expr = expr;
    loop {
        expr = match expr {
            ast::Expr::Identifier(name) => return name.span,
            ast::Expr::CompoundIdentifier(names) => {
                return names.first().map_or(Span::empty(), |name| name.span);
            }
            ast::Expr::Value(value) => return value.span,
            ast::Expr::Function(function) => match function.name.0.first() {
                Some(ObjectNamePart::Identifier(name)) => return name.span,
                _ => return Span::empty(),
            },
            ast::Expr::BinaryOp { left, .. } => left,
            ast::Expr::Nested(inner)
            | ast::Expr::UnaryOp { expr: inner, .. }
            | ast::Expr::Cast { expr: inner, .. } => inner,
            ast::Expr::CompoundFieldAccess { root, .. } => root,
            ast::Expr::JsonAccess { value, .. } => value,
            ast::Expr::Tuple(values) => match values.first() {
                Some(first) => first,
                None => return Span::empty(),
            },
            _ => return Span::empty(),
        };
    }
}

/// A literal such as `10`.
pub fn plain_number(expr: &ast::Expr) -> Option<u64> {
    match expr {
        ast::Expr::Value(ast::ValueWithSpan { value: Value::Number(digits, false), .. }) => {
            digits.parse().ok()
        }
        _ => None,
    }
}

fn literal(value: &ast::ValueWithSpan) -> Result<Typed> {
    match &value.value {
        Value::Number(digits, false) => {
            number(digits).ok_or_else(|| refused(value.span, "has a malformed number"))
        }
        Value::SingleQuotedString(text) => Ok(Typed::text(Expr::Text(text.clone()))),
        Value::Boolean(value) => Ok(Typed::bool(Expr::Bool(*value))),
        Value::Null => Ok(Typed::new(Expr::Null, Kind::Other)),
        _ => Err(unsupported(value.span, "a literal of this form")),
    }
}

/// `10`, `1.5`, `.5`, `1e3`; nothing but digits, one point and an exponent.
fn number(digits: &str) -> Option<Typed> {
    if let Ok(number) = digits.parse::<i64>() {
        return digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(Typed::number(Expr::Integer(number)));
    }
    let is_number = digits.len() <= MAX_DIGITS
        && digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.parse::<f64>().is_ok_and(f64::is_finite);
    is_number.then(|| Typed::number(Expr::Decimal(digits.to_owned())))
}

fn cast_type(name: &ast::DataType, at: Span) -> Result<Cast> {
    types::cast(name).ok_or_else(|| {
        let problem =
            format_args!("casts to {}, which is not allowed", unkey_core::error::quoted(&name.to_string()));
        mistake(unkey_core::Kind::InvalidAnalyticsQuery, at.start, problem)
            .hint(format!("There are {}.", types::CASTS))
    })
}

fn extracted(field: &ast::DateTimeField) -> Option<&'static str> {
    use ast::DateTimeField as F;
    Some(match field {
        F::Year => "year",
        F::Quarter => "quarter",
        F::Month => "month",
        F::Week(None) => "week",
        F::Day => "day",
        F::Hour => "hour",
        F::Minute => "minute",
        F::Second => "second",
        F::Epoch => "epoch",
        F::Dow => "dow",
        F::Isodow => "isodow",
        F::Doy => "doy",
        _ => return None,
    })
}

/// A value as a condition.
pub fn condition_of(value: Typed) -> Expr {
    match value.kind {
        // In ClickHouse any number but 0 is true.
        Kind::Number => Expr::binary(value.expr, Binary::NotEqual, Expr::Integer(0)),
        _ => value.expr,
    }
}

/// A number beside a time is one; 1 and 0 beside true and false are those.
fn beside(kind: Kind, value: Typed) -> Typed {
    match (kind, value.kind) {
        (Kind::Time | Kind::Date, Kind::Number) => Typed::time(time::instant(value)),
        (Kind::Bool, Kind::Number) => Typed::bool(condition_of(value)),
        _ => value,
    }
}

fn comparable(left: Typed, right: Typed) -> (Typed, Typed) {
    let (left_kind, right_kind) = (left.kind, right.kind);
    (beside(right_kind, left), beside(left_kind, right))
}

fn arithmetic(left: Typed, operator: Binary, right: Typed) -> Typed {
    let is_sum = matches!(operator, Binary::Plus | Binary::Minus);
    match (left.kind, right.kind) {
        (kind, Kind::Number) if kind.is_time() && is_sum => {
            let sum = Expr::binary(left.expr, operator, time::bare_span(right.expr, kind));
            if kind == Kind::Date { Typed::new(sum.cast(Cast::Date), kind) } else { Typed::time(sum) }
        }
        (kind, Kind::Interval) if kind.is_time() && is_sum => {
            Typed::time(Expr::binary(time::instant(left), operator, right.expr))
        }
        (Kind::Interval, kind) if kind.is_time() && operator == Binary::Plus => {
            Typed::time(Expr::binary(left.expr, operator, time::instant(right)))
        }
        (a, b) if a.is_time() && b.is_time() && operator == Binary::Minus => {
            let (left, right) = (time::instant(left), time::instant(right));
            let span = Expr::binary(left, operator, right);
            let seconds = Expr::Call("pg_catalog.date_part", vec![Expr::text("epoch"), span]);
            Typed::number(seconds.cast(Cast::Int8))
        }
        (Kind::Interval, _) | (_, Kind::Interval) => {
            Typed::new(Expr::binary(left.expr, operator, right.expr), Kind::Interval)
        }
        _ => Typed::number(Expr::binary(left.expr, operator, right.expr)),
    }
}

/// Always a fraction, and nothing where the divisor is 0.
fn quotient(left: Typed, right: Typed) -> Typed {
    let divisor =
        Expr::Special("NULLIF", vec![right.expr.cast(Cast::Float8), Expr::Integer(0).cast(Cast::Float8)]);
    Typed::number(Expr::binary(left.expr.cast(Cast::Float8), Binary::Divided, divisor))
}

fn window_rows(frame: &ast::WindowFrame) -> Result<tree::Frame> {
    let units = match frame.units {
        ast::WindowFrameUnits::Rows => " ROWS ",
        ast::WindowFrameUnits::Range => " RANGE ",
        ast::WindowFrameUnits::Groups => " GROUPS ",
    };
    Ok(tree::Frame {
        units,
        start: bound(&frame.start_bound)?,
        end: frame.end_bound.as_ref().map(bound).transpose()?,
    })
}

fn bound(bound: &ast::WindowFrameBound) -> Result<Bound> {
    let rows = |expr: &ast::Expr| {
        plain_number(expr).ok_or_else(|| refused(place(expr), "needs a whole number as bound of a window"))
    };
    Ok(match bound {
        ast::WindowFrameBound::CurrentRow => Bound::CurrentRow,
        ast::WindowFrameBound::Preceding(None) => Bound::UnboundedPreceding,
        ast::WindowFrameBound::Preceding(Some(count)) => Bound::Preceding(rows(count)?),
        ast::WindowFrameBound::Following(None) => Bound::UnboundedFollowing,
        ast::WindowFrameBound::Following(Some(count)) => Bound::Following(rows(count)?),
    })
}
