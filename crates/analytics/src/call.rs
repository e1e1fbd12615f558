//! Calls of functions: aggregates with their windows, functions of one row, and the rules for the elements of an array.

use sqlparser::ast::{self, Ident, ObjectNamePart};
use sqlparser::tokenizer::Span;
use unkey_core::Result;

use crate::aggregate::{self, Parts};
use crate::functions::{ARRAYS, unknown, wrong_call};
use crate::mistake::{refused, unsupported};
use crate::names::{Frame, column_name};
use crate::query::Translator;
use crate::scalar::SCALARS;
use crate::tree::{self, Binary, Bound, Expr, Window};
use crate::types::{Kind, Typed};
use crate::value::{condition_of, place, plain_number};

type Names<'f, 'q, 'p> = &'f mut Frame<'q, 'p>;

impl Translator<'_> {
    /// A call by name.
    pub fn function<'q>(
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

    /// A call that has a grammar of its own, such as `TRIM(x)`.
    pub fn scalar<'q>(
        &mut self,
        name: &str,
        args: &[&'q ast::Expr],
        frame: Names<'_, 'q, '_>,
    ) -> Result<Typed> {
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
