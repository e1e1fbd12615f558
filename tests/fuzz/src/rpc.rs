//! Calls of functions over /rpc. Lines: method and function, query string, content type, Accept, Prefer, Range, and a body.
//! Whatever is read becomes a statement of our own words, quoted names and parameters.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use unkey_http::rpc::accept::Form;
use unkey_http::rpc::arguments::Arguments;
use unkey_http::rpc::catalog::{Catalog, Function};
use unkey_http::rpc::error::Error;
use unkey_http::rpc::prefer::Preferences;
use unkey_http::rpc::query::Query;
use unkey_http::rpc::sql::Sql;
use unkey_http::rpc::statement::{self, Wanted};
use unkey_http::rpc::{resolve, select};

/// The codes of refusals before the database is asked.
const CODES: [&str; 9] = [
    "PGRST100", "PGRST102", "PGRST103", "PGRST107", "PGRST108", "PGRST122", "PGRST200", "PGRST202",
    "PGRST203",
];
/// Shortest value that is searched for in messages: shorter ones can stand there by chance.
const TELLING: usize = 12;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let function = |name: &str,
                    shape: &str,
                    set: bool,
                    arguments: &[(&str, &str, bool)],
                    columns: &[(&str, &str)]| {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|(name, kind, required)| {
                json!({"name": name, "type": kind, "required": required, "variadic": *name == "many"})
            })
            .collect();
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, kind)| json!({"name": name, "type": kind, "description": null}))
            .collect();
        let function = json!({
            "schema": "public", "name": name, "description": null, "volatile": true, "set": set, "shape": shape,
            "returns": "text", "arguments": arguments, "columns": columns,
        });
        serde_json::from_value::<Function>(function).unwrap()
    };
    let columns = [("code", "text"), ("meta", "jsonb"), ("tags", "text[]"), ("words", "tsvector")];
    let keys = [("key", "text", true), ("ratelimits", "jsonb", false), ("many", "text[]", false)];
    let mut functions: BTreeMap<String, Vec<Function>> = BTreeMap::new();
    for function in [
        function("unkey_verify_key", "row", true, &keys, &columns),
        function(
            "unkey_verify_key",
            "row",
            true,
            &[("key", "text", true), ("limit", "bigint", true)],
            &columns,
        ),
        function("unkey_whoami", "row", false, &keys[..1], &columns),
        function("unkey_create_api", "scalar", false, &[("name", "text", true), ("ip", "inet", false)], &[]),
        function("unkey_names", "scalar", true, &[], &[]),
        function("unkey_delete_key", "void", false, &keys[..1], &[]),
    ] {
        functions.entry(function.name.clone()).or_default().push(function);
    }
    Catalog { functions }
});

struct Call<'a> {
    name: &'a str,
    reads: bool,
    query: &'a str,
    headers: [&'a str; 4],
    body: &'a str,
}

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let mut lines = text.splitn(7, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, name) = line().split_once(' ').unwrap_or_default();
    let call = Call {
        name,
        reads: method == "GET",
        query: line(),
        headers: [line(), line(), line(), line()],
        body: line(),
    };
    match answer(&call) {
        Ok(sql) => ours(&sql),
        Err(error) => refused(&call, &error),
    }
}

/// As `rpc::Call` does it.
fn answer(call: &Call) -> Result<Sql, Error> {
    let [content_type, accept, prefer, range] = call.headers;
    let prefer = HeaderValue::from_str(prefer).map(|value| (HeaderName::from_static("prefer"), value));
    let headers: HeaderMap = prefer.into_iter().collect();
    let mut query = Query::parse(call.query, CATALOG.named(call.name), call.reads)?;
    let arguments = if call.reads {
        Arguments::Text(std::mem::take(&mut query.arguments))
    } else {
        Arguments::of_body(Some(content_type), call.body, query.columns.as_ref())?
    };
    let function = resolve::resolve(&CATALOG, call.name, &arguments.names())?;
    let names = arguments.names();
    let known = function.arguments.iter().map(|argument| argument.name.as_str());
    let given: Vec<&str> = known.filter(|name| names.contains(name)).collect();
    let document = arguments.document(function)?;
    assert!(serde_json::from_str::<serde_json::Map<_, _>>(&document).is_ok(), "{document}");
    let preferences = Preferences::parse(&headers)?;
    let form = Form::negotiate(accept, function)?;
    let shaping = query.shaping(Some(range))?;
    select::labels(&shaping.select, function);
    let wanted = Wanted { form, total: preferences.count.is_some() };
    statement::call(function, &document, &given, &shaping, wanted)
}

fn refused(call: &Call, error: &Error) {
    assert!(
        CODES.contains(&error.body.code.as_str()) && error.status.is_client_error() || error.status == 300
    );
    let message = serde_json::to_string(&error.body).unwrap();
    let longest = [call.query, call.name].iter().chain(&call.headers).map(|text| text.len()).max();
    assert!(message.len() < 8 * longest.unwrap_or(0) + 4000, "{message}");
    // The key of a call stands in its body, which no message repeats.
    let json = crate::json::read(call.body).filter(|_| call.headers[0] == "application/json");
    let keys = json.iter().filter_map(|json| json.member("key")).flat_map(|key| key.texts());
    let elsewhere = format!("{} {} {}", call.name, call.query, call.headers.join(" "));
    for key in keys.filter(|key| key.len() >= TELLING && !elsewhere.contains(key)) {
        assert!(!message.contains(key) || call.body.matches(key).count() > 1, "{message}");
    }
}

/// Words of our statements.
const WORDS: &str = "WITH call AS MATERIALIZED SELECT result value FROM json_to_record json given VARIADIC chosen page count \
    string_agg replace substr text length row min json_agg json_strip_nulls row_to_json coalesce NULL null bigint nullif \
    current_setting true ANY ALL IS NOT TRUE FALSE UNKNOWN DISTINCT LIKE ILIKE to_tsvector to_tsquery plainto_tsquery \
    phraseto_tsquery websearch_to_tsquery regconfig to_jsonb ORDER BY ASC DESC NULLS FIRST LAST LIMIT OFFSET WHERE AND OR E \
    jsonb inet";
/// Literals of our statements.
const LITERALS: [&str; 8] =
    ["''", "'null'", "'[]'", "'response.status'", "'response.headers'", "'\\n'", "'\\\\'", "'\\'"];
/// Types of several words, which come after `::`.
const LONG_TYPES: [&str; 6] = [
    "bit varying",
    "character varying",
    "double precision",
    "time with time zone",
    "timestamp with time zone",
    "timestamp without time zone",
];

/// Reads a statement token by token.
fn ours(sql: &Sql) {
    let mut rest = sql.text();
    let mut parameters = 0;
    let mut open = 0_i32;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => quoted(rest, '"'),
            '\'' => literal(rest),
            '$' => {
                parameters += 1;
                assert!(rest[1..].starts_with(&parameters.to_string()), "{rest}");
                1 + parameters.to_string().len()
            }
            ':' => cast(rest),
            '(' | ')' => {
                open += if first == '(' { 1 } else { -1 };
                assert!(open >= 0, "{}", sql.text());
                1
            }
            _ if first.is_ascii_alphabetic() => word(rest),
            _ => {
                assert!(" ,.*=<>-+@~&|[]0123456789".contains(first), "{rest}");
                assert!(!rest.starts_with("--"));
                1
            }
        };
        rest = &rest[length..];
    }
    assert_eq!((open, parameters), (0, sql.parameters().len()), "{}", sql.text());
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut from = 1;
    loop {
        from += rest[from..].find(quote).expect("quotes that end") + 1;
        if !rest[from..].starts_with(quote) {
            return from;
        }
        from += 1;
    }
}

fn literal(rest: &str) -> usize {
    let found =
        LITERALS.iter().filter(|literal| rest.starts_with(**literal)).map(|literal| literal.len()).max();
    found.unwrap_or_else(|| panic!("{rest}"))
}

fn word(rest: &str) -> usize {
    let length = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let length = length.unwrap_or(rest.len());
    assert!(WORDS.split_whitespace().any(|known| known == &rest[..length]), "{rest}");
    length
}

/// `::` and one word, or several that make a type.
fn cast(rest: &str) -> usize {
    let name = rest.strip_prefix("::").unwrap_or_else(|| panic!("{rest}"));
    if let Some(long) = LONG_TYPES.iter().find(|long| name.starts_with(**long)) {
        return 2 + long.len();
    }
    let length = name.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    assert!(name.starts_with(|first: char| first.is_ascii_alphabetic()));
    2 + length.unwrap_or(name.len())
}
