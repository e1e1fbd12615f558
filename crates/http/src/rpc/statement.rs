//! The statement of a call. The function runs once, whatever is asked of its result; rows become text in the database.

use super::accept::Form;
use super::catalog::{Function, Shape};
use super::error::Result;
use super::query::Shaping;
use super::sql::Sql;
use super::{filters, order, select};

/// What the statement should answer besides.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How the rows are written.
    pub form: Form,
    /// Whether all rows are counted, also those outside the range.
    pub total: bool,
}

/// Calls `function` with the members of `document`. Answers one row: rows, body, total, and what the function set of
/// `response.status` and `response.headers`.
pub fn call(
    function: &Function,
    document: &str,
    given: &[&str],
    shaping: &Shaping,
    wanted: Wanted,
) -> Result<Sql> {
    if function.shape == Shape::Void && !shaping.filters.is_empty() {
        return Err(filters::none_here(function));
    }
    let mut sql = Sql::default();
    sql.push("WITH call AS MATERIALIZED (SELECT ").push(if row(function) {
        "result.*"
    } else {
        "result.value"
    });
    sql.push(" FROM ");
    write_arguments(&mut sql, function, document, given);
    sql.name(&function.schema).push(".").name(&function.name).push("(");
    sql.separated(", ", given, |sql, name| {
        let variadic = function.argument(name).is_some_and(|argument| argument.variadic);
        sql.push(if variadic { "VARIADIC " } else { "" }).name(name).push(" => given.").name(name);
    });
    sql.push(if row(function) { ") AS result)" } else { ") AS result(value))" });
    sql.push(", chosen AS (SELECT * FROM call");
    filters::write(&shaping.filters, &mut sql, function);
    sql.push("), page AS (SELECT ");
    match row(function) {
        true => select::write(&shaping.select, &mut sql, function),
        false => {
            sql.push("call.value");
        }
    }
    sql.push(" FROM chosen AS call");
    order::write(&shaping.order, &mut sql, function);
    shaping.range.write(&mut sql);
    sql.push(") SELECT count(*), ").push(body(wanted.form, function));
    sql.push(if wanted.total { ", (SELECT count(*) FROM chosen)" } else { ", NULL::bigint" });
    sql.push(", nullif(current_setting('response.status', true), '')");
    sql.push(", nullif(current_setting('response.headers', true), '') FROM page");
    Ok(sql)
}

fn row(function: &Function) -> bool {
    function.shape == Shape::Row
}

/// The members of the document as columns of the types that the function wants.
fn write_arguments(sql: &mut Sql, function: &Function, document: &str, given: &[&str]) {
    if given.is_empty() {
        return;
    }
    sql.push("json_to_record(").value(document).push("::json) AS given(");
    sql.separated(", ", given, |sql, name| {
        sql.name(name).push(" ").push(function.argument(name).map_or("text", |argument| &argument.r#type));
    });
    sql.push("), ");
}

/// The aggregate that makes the body.
fn body(form: Form, function: &Function) -> &'static str {
    let many = function.set;
    match (form, row(function)) {
        (Form::Csv, true) => {
            // A row's own text quotes as CSV does, except that it doubles backslashes too.
            r"string_agg(replace(substr((page.*)::text, 2, length((page.*)::text) - 2), '\\', '\'), E'\n')"
        }
        (Form::Csv, false) => {
            r"string_agg(replace(substr(row(value)::text, 2, length(row(value)::text) - 2), '\\', '\'), E'\n')"
        }
        (Form::Bytes, _) if function.is_binary() => "(array_agg(value))[1]",
        (Form::Text | Form::Bytes, _) => "min(value::text)",
        (Form::Object { stripped: true }, true) => {
            "(json_agg(json_strip_nulls(row_to_json(page.*)))->0)::text"
        }
        (Form::Array { stripped: true }, true) => {
            "coalesce(json_agg(json_strip_nulls(row_to_json(page.*))), '[]')::text"
        }
        (Form::Object { .. }, true) => "(json_agg(page.*)->0)::text",
        (Form::Object { .. }, false) => "coalesce((json_agg(value)->0)::text, 'null')",
        (Form::Array { .. }, true) => "coalesce(json_agg(page.*), '[]')::text",
        (Form::Array { .. }, false) => "coalesce(json_agg(value), '[]')::text",
        (Form::Json, true) if many => "coalesce(json_agg(page.*), '[]')::text",
        (Form::Json, true) => "coalesce((json_agg(page.*)->0)::text, 'null')",
        (Form::Json, false) if many => "coalesce(json_agg(value), '[]')::text",
        (Form::Json, false) => "coalesce((json_agg(value)->0)::text, 'null')",
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Query;
    use super::*;

    fn statement(function: &Function, query: &str, form: Form) -> Sql {
        let query = Query::parse(query, &[], false).unwrap();
        let given: Vec<_> = function.arguments.iter().map(|argument| argument.name.as_str()).collect();
        let wanted = Wanted { form, total: true };
        call(function, r#"{"key":"secret"}"#, &given, &query.shaping(None).unwrap(), wanted).unwrap()
    }

    #[test]
    fn the_whole_of_it() {
        let function = Function {
            columns: Function::with_columns(&[("code", "text")]).columns,
            ..Function::with_arguments("unkey_verify_keys", &[("keys", "text[]"), ("limit", "bigint")])
        };
        let sql =
            statement(&function, "code=eq.VALID&select=c:code&order=code.desc&limit=5&offset=1", Form::Json);
        assert_eq!(
            sql.text(),
            r#"WITH call AS MATERIALIZED (SELECT result.* FROM json_to_record($1::json) AS given("keys" text[], "limit" bigint), "public"."unkey_verify_keys"("keys" => given."keys", "limit" => given."limit") AS result), chosen AS (SELECT * FROM call WHERE (call."code") = $2), page AS (SELECT (call."code") AS "c" FROM chosen AS call ORDER BY (call."code") DESC LIMIT 5 OFFSET 1) SELECT count(*), coalesce(json_agg(page.*), '[]')::text, (SELECT count(*) FROM chosen), nullif(current_setting('response.status', true), ''), nullif(current_setting('response.headers', true), '') FROM page"#
        );
        assert_eq!(sql.values(), [r#"{"key":"secret"}"#, "VALID"]);
    }

    #[test]
    fn no_argument_is_no_document() {
        let function = Function { shape: Shape::Scalar, ..Function::with_arguments("f", &[]) };
        let sql = statement(&function, "", Form::Json);
        assert!(sql.text().starts_with(
            r#"WITH call AS MATERIALIZED (SELECT result.value FROM "public"."f"() AS result(value))"#
        ));
        assert_eq!(sql.values(), [""; 0]);
    }

    #[test]
    fn bytes_stay_bytes() {
        let function = |returns: &str| Function {
            shape: Shape::Scalar,
            returns: returns.to_owned(),
            ..Function::with_arguments("f", &[])
        };
        assert_eq!(body(Form::Bytes, &function("bytea")), "(array_agg(value))[1]");
        assert_eq!(body(Form::Bytes, &function("text")), "min(value::text)");
        assert_eq!(body(Form::Text, &function("bytea")), "min(value::text)");
    }

    #[test]
    fn nothing_can_not_be_filtered() {
        let function = Function { shape: Shape::Void, ..Function::with_arguments("f", &[]) };
        let shaping = Query::parse("a=eq.1", &[], false).unwrap().shaping(None).unwrap();
        let wanted = Wanted { form: Form::Json, total: false };
        assert_eq!(call(&function, "{}", &[], &shaping, wanted).err().unwrap().body.code, "PGRST100");
    }
}
