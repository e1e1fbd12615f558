//! Which function a call means: by its name and by the names of its arguments.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use strsim::jaro_winkler;

use super::catalog::{Catalog, Function};
use super::error::{Error, Result};

/// How alike names must be for one to be the hint for the other.
const ALIKE: f64 = 0.8;

/// The one function that takes exactly such arguments.
pub fn resolve<'a>(catalog: &'a Catalog, name: &str, given: &BTreeSet<&str>) -> Result<&'a Function> {
    let named = catalog.named(name);
    let mut fitting = named.iter().filter(|function| function.takes(given));
    match (fitting.next(), fitting.next()) {
        (Some(function), None) => Ok(function),
        (Some(first), Some(second)) => Err(ambiguous(first, second)),
        (None, _) => Err(unknown(catalog, name, given)),
    }
}

impl Function {
    fn takes(&self, given: &BTreeSet<&str>) -> bool {
        given.iter().all(|name| self.argument(name).is_some())
            && self.arguments.iter().all(|argument| {
                !argument.required || argument.variadic || given.contains(argument.name.as_str())
            })
    }

    fn signature(&self) -> String {
        let names = self.arguments.iter().map(|argument| argument.name.as_str());
        format!("{}({})", self.qualified(), names.collect::<Vec<_>>().join(", "))
    }
}

fn ambiguous(first: &Function, second: &Function) -> Error {
    let message =
        format!("the call fits several functions: {} and {}", first.signature(), second.signature());
    Error::new(StatusCode::MULTIPLE_CHOICES, "PGRST203", message)
}

fn unknown(catalog: &Catalog, name: &str, given: &BTreeSet<&str>) -> Error {
    let arguments = given.iter().take(SHOWN).map(|name| shortened(name)).collect::<Vec<_>>().join(", ");
    let name = &shortened(name);
    let call =
        if given.is_empty() { format!("{name} without arguments") } else { format!("{name}({arguments})") };
    Error::new(StatusCode::NOT_FOUND, "PGRST202", format!("there is no function {call}"))
        .details(format!("looked for a public function of the extension: {call}"))
        .hint(nearest(catalog, name, given).map(|near| format!("Perhaps {near} was meant.")))
}

/// How many names, and how many characters of each, a message repeats.
const SHOWN: usize = 32;

fn shortened(name: &str) -> String {
    match name.char_indices().nth(SHOWN * 2) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Another set of arguments of this function, or another function whose name is much alike. Compares no more than what is
/// shown: comparing takes the product of the lengths.
fn nearest(catalog: &Catalog, name: &str, given: &BTreeSet<&str>) -> Option<String> {
    let given: Vec<String> = given.iter().take(SHOWN).map(|name| shortened(name)).collect();
    let overloads = catalog.named(name);
    if !overloads.is_empty() {
        let closest = overloads.iter().max_by(|a, b| a.closeness(&given).total_cmp(&b.closeness(&given)))?;
        return Some(closest.signature());
    }
    let (closest, likeness) = catalog
        .functions
        .keys()
        .map(|known| (known, jaro_winkler(known, name)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (likeness >= ALIKE).then(|| catalog.named(closest)[0].qualified())
}

impl Function {
    /// How much alike the names of the arguments are; less for required ones that are missing.
    fn closeness(&self, given: &[String]) -> f64 {
        let best = |name: &String| {
            let likeness = self.arguments.iter().map(|argument| jaro_winkler(&argument.name, name));
            likeness.fold(0.0, f64::max)
        };
        let required = self.arguments.iter().filter(|argument| argument.required).count();
        let missing = u32::try_from(required.saturating_sub(given.len())).unwrap_or(u32::MAX);
        given.iter().map(best).sum::<f64>() - f64::from(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        let functions = [
            Function::with_arguments("unkey_get_key", &[("key_id", "text")]),
            Function::with_arguments(
                "unkey_limit",
                &[("namespace", "text"), ("limit", "bigint"), ("cost", "bigint?")],
            ),
            Function::with_arguments(
                "unkey_update_credits",
                &[("key_id", "text"), ("operation", "text"), ("value", "bigint")],
            ),
            Function::with_arguments("unkey_update_credits", &[("key_id", "text"), ("operation", "text")]),
            Function::with_arguments("unkey_same", &[("a", "text")]),
            Function::with_arguments("unkey_same", &[("a", "integer")]),
            Function::with_arguments("unkey_get_workspace", &[]),
        ];
        let mut catalog = Catalog::default();
        for function in functions {
            catalog.functions.entry(function.name.clone()).or_default().push(function);
        }
        catalog
    }

    fn found(name: &str, given: &[&str]) -> Result<usize, (u16, String, Option<String>)> {
        resolve(&catalog(), name, &given.iter().copied().collect())
            .map(|function| function.arguments.len())
            .map_err(|error| (error.status.as_u16(), error.body.code, error.body.hint))
    }

    #[test]
    fn required_arguments_must_be_there_and_others_may() {
        assert_eq!(found("unkey_limit", &["namespace", "limit"]), Ok(3));
        assert_eq!(found("unkey_limit", &["namespace", "limit", "cost"]), Ok(3));
        assert_eq!(found("unkey_get_workspace", &[]), Ok(0));
        assert_eq!(found("unkey_update_credits", &["key_id", "operation"]), Ok(2));
        assert_eq!(found("unkey_update_credits", &["key_id", "operation", "value"]), Ok(3));
    }

    #[test]
    fn what_fits_nothing_is_404_with_a_hint() {
        let hint = |text: &str| Some(format!("Perhaps {text} was meant."));
        let missing = |hint| Err((404, "PGRST202".to_owned(), hint));
        assert_eq!(found("unkey_get_kay", &["key_id"]), missing(hint("public.unkey_get_key")));
        assert_eq!(found("unkey_get_key", &["keyid"]), missing(hint("public.unkey_get_key(key_id)")));
        assert_eq!(
            found("unkey_update_credits", &["key_id", "operation", "valu"]),
            missing(hint("public.unkey_update_credits(key_id, operation, value)"))
        );
        assert_eq!(found("zzz", &[]), missing(None));
    }

    #[test]
    fn only_what_is_shown_is_compared() {
        let hint = |names: usize| {
            let many: Vec<String> = (10..10 + names).map(|number| number.to_string()).collect();
            let given: Vec<&str> = many.iter().map(String::as_str).chain(["value"]).collect();
            found("unkey_update_credits", &given).unwrap_err().2.unwrap()
        };
        assert_eq!(
            hint(SHOWN - 1),
            "Perhaps public.unkey_update_credits(key_id, operation, value) was meant."
        );
        assert_eq!(hint(SHOWN), "Perhaps public.unkey_update_credits(key_id, operation) was meant.");
    }

    #[test]
    fn what_fits_two_functions_is_300() {
        assert_eq!(found("unkey_same", &["a"]), Err((300, "PGRST203".to_owned(), None)));
    }
}
