//! The arguments of a call, as one JSON object: the database takes each out as the type that the function wants. What is
//! not in it keeps its default, and null is NULL.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::{RawValue, to_raw_value};

use super::catalog::Function;
use super::error::{Error, Result};

/// Arguments by name. They can be keys, so there is no `Debug`.
pub enum Arguments {
    /// JSON values.
    Json(BTreeMap<String, Box<RawValue>>),
    /// Texts, of a query string or a form.
    Text(Vec<(String, String)>),
}

impl Arguments {
    /// Reads a body of this content type; `columns` restricts which of its members count.
    pub fn of_body(
        content_type: Option<&str>,
        body: &str,
        columns: Option<&BTreeSet<String>>,
    ) -> Result<Self> {
        let media_type = content_type.and_then(|text| text.split(';').next()).map(str::trim);
        let mut arguments = match media_type.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "application/json") => Self::of_json(body)?,
            Some("application/x-www-form-urlencoded") => {
                Self::Text(form_urlencoded::parse(body.as_bytes()).into_owned().collect())
            }
            Some(_) => {
                return Err(Error::request_body(
                    "the body must be application/json or application/x-www-form-urlencoded",
                ));
            }
        };
        if let Some(columns) = columns {
            match &mut arguments {
                Self::Json(members) => members.retain(|name, _| columns.contains(name)),
                Self::Text(pairs) => pairs.retain(|(name, _)| columns.contains(name)),
            }
        }
        Ok(arguments)
    }

    fn of_json(body: &str) -> Result<Self> {
        if body.trim().is_empty() {
            return Ok(Self::Json(BTreeMap::new()));
        }
        // What serde_json says could repeat a part of the body.
        let problem = |_| Error::request_body("the body must be a JSON object of arguments by name");
        serde_json::from_str(body).map(Self::Json).map_err(problem)
    }

    /// Their names.
    pub fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Json(members) => members.keys().map(String::as_str).collect(),
            Self::Text(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    /// The object that the database reads.
    pub fn document(self, function: &Function) -> Result<String> {
        let members = match self {
            Self::Json(members) => members,
            Self::Text(pairs) => of_texts(pairs, function)?,
        };
        serde_json::to_string(&members).map_err(|_| Error::request_body("the arguments can't be read"))
    }
}

/// The last of several counts, except for a variadic argument, which takes them all.
fn of_texts(pairs: Vec<(String, String)>, function: &Function) -> Result<BTreeMap<String, Box<RawValue>>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        texts.entry(name).or_default().push(value);
    }
    let member = |(name, values): (String, Vec<String>)| {
        let value = of_text(&name, values, function)?;
        Ok((name, value))
    };
    texts.into_iter().map(member).collect()
}

fn of_text(name: &str, mut values: Vec<String>, function: &Function) -> Result<Box<RawValue>> {
    let unreadable = |_| Error::request_body(format!("the argument {name} must be JSON"));
    let argument = function.argument(name);
    if argument.is_some_and(|argument| argument.variadic) {
        return to_raw_value(&values).map_err(unreadable);
    }
    let value = values.pop().unwrap_or_default();
    match argument.map(|argument| argument.r#type.as_str()) {
        Some("json" | "jsonb") => RawValue::from_string(value).map_err(unreadable),
        _ => to_raw_value(&value).map_err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> Function {
        let mut function =
            Function::with_arguments("f", &[("a", "integer"), ("meta", "jsonb?"), ("list", "text[]?")]);
        function.arguments[2].variadic = true;
        function
    }

    fn document(content_type: Option<&str>, body: &str) -> Result<String> {
        Arguments::of_body(content_type, body, None)?.document(&function())
    }

    #[test]
    fn json_goes_through_as_it_is() {
        let body = r#"{"a": 12345678901234567890.10, "meta": {"x": null}, "b": null, "a": 7}"#;
        assert_eq!(document(None, body).unwrap(), r#"{"a":7,"b":null,"meta":{"x": null}}"#);
        assert_eq!(document(Some("application/json; charset=utf-8"), " ").unwrap(), "{}");
        assert_eq!(document(None, r#"{"a":0.10}"#).unwrap(), r#"{"a":0.10}"#);
    }

    #[test]
    fn forms_are_texts_but_for_json() {
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(
            document(form, "a=1&a=2&meta=%7B%22x%22%3A1%7D&list=p&list=q").unwrap(),
            r#"{"a":"2","list":["p","q"],"meta":{"x":1}}"#
        );
        assert_eq!(document(form, "meta=nonsense").unwrap_err().body.code, "PGRST102");
    }

    #[test]
    fn what_is_no_object_is_refused_without_repeating_it() {
        for body in ["[]", "1", "{", r#"{"a": secret}"#, "null", r#"{"a":1} x"#] {
            let error = document(None, body).unwrap_err();
            assert_eq!((error.status.as_u16(), error.body.code.as_str()), (400, "PGRST102"), "{body}");
            assert!(!error.body.message.contains("secret"));
        }
        assert_eq!(document(Some("text/csv"), "a\n1").unwrap_err().body.code, "PGRST102");
    }

    #[test]
    fn columns_say_which_members_count() {
        let columns = ["a".to_owned()].into();
        let arguments = Arguments::of_body(None, r#"{"a":1,"other":2}"#, Some(&columns)).unwrap();
        assert_eq!(arguments.names(), ["a"].into());
    }
}
