//! Names of functions: which there are, and what to say about one that there is not.

use sqlparser::tokenizer::Location;
use unkey_core::error::quoted;
use unkey_core::{Error, Kind};

use crate::aggregate::AGGREGATES;
use crate::mistake::mistake;
use crate::scalar::SCALARS;

/// Functions whose first argument is a rule for each element, and the one that makes rows of an array.
pub const ARRAYS: &[(&str, &str)] = &[
    ("arrayjoin", "arrayJoin(array)"),
    ("arrayfilter", "arrayFilter(x -> condition, array)"),
    ("arrayexists", "arrayExists(x -> condition, array)"),
];

/// How every function is called, in the order of the tables.
pub fn usages() -> impl Iterator<Item = &'static str> {
    let aggregates = AGGREGATES.iter().map(|function| function.usage);
    let scalars = SCALARS.iter().map(|function| function.usage);
    aggregates.chain(scalars).chain(ARRAYS.iter().map(|(_, usage)| *usage))
}

/// The mistake of calling a function that there is not.
pub fn unknown(name: &str, at: Location) -> Error {
    let names: Vec<_> = usages().map(|usage| usage.split('(').next().unwrap_or_default()).collect();
    mistake(Kind::InvalidAnalyticsFunction, at, format_args!("calls {}, which is not allowed", quoted(name)))
        .hint(format!("There are {}; -If after the name of an aggregate adds a condition.", names.join(", ")))
}

/// The mistake of a wrong call.
pub fn wrong_call(usage: &str, at: Location, problem: impl std::fmt::Display) -> Error {
    mistake(Kind::InvalidAnalyticsQuery, at, format_args!("has a wrong call: {usage} {problem}"))
}
