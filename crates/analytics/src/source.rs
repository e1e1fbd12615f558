//! Reads the text: one statement, a SELECT, of bounded size and depth.

use std::any::TypeId;

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::{ClickHouseDialect, Dialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};
use unkey_core::{Error, Kind, Result};

use crate::MAX_BYTES;
use crate::mistake::{mistake, too_complex};

/// Most tokens. Chains such as `a + b + c` become trees as deep as they are long, and this is what bounds them.
const MAX_TOKENS: usize = 4096;
/// How deep the parser may recurse. At this depth it needs about 1 MB of stack, several in a debug build.
const MAX_DEPTH: usize = 32;

/// ClickHouse's dialect without what a query may not use anyway, and with the standard's intervals and FILTER.
#[derive(Debug)]
struct Analytics;

impl Dialect for Analytics {
    fn dialect(&self) -> TypeId {
        TypeId::of::<ClickHouseDialect>()
    }

    fn is_identifier_start(&self, character: char) -> bool {
        ClickHouseDialect {}.is_identifier_start(character)
    }

    fn is_identifier_part(&self, character: char) -> bool {
        ClickHouseDialect {}.is_identifier_part(character)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }
}

/// The query that a text holds.
pub fn read(text: &str) -> Result<Query> {
    if text.len() > MAX_BYTES {
        let problem = format_args!("must have at most {MAX_BYTES} bytes, not {}", text.len());
        return Err(mistake(Kind::InvalidAnalyticsQuery, Location::empty(), problem));
    }
    if text.contains('\0') {
        return Err(mistake(
            Kind::InvalidAnalyticsQuery,
            Location::empty(),
            "must not contain a NUL character",
        ));
    }
    let tokens = Tokenizer::new(&Analytics, text)
        .tokenize_with_location()
        .map_err(|error| mistake(Kind::InvalidAnalyticsQuery, error.location, unreadable(&error.message)))?;
    let words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    if words.clone().count() > MAX_TOKENS {
        return Err(too_complex());
    }
    check_first(words.map(|token| &token.token))?;
    parse(tokens)
}

/// Refuses a statement by its first word, since not every other one would parse.
fn check_first<'a>(mut words: impl Iterator<Item = &'a Token>) -> Result<()> {
    match words.find(|token| !matches!(token, Token::LParen)) {
        Some(Token::Word(word)) => match word.keyword {
            Keyword::SELECT | Keyword::WITH | Keyword::NoKeyword => Ok(()),
            _ => Err(wrong_type()),
        },
        _ => Ok(()),
    }
}

fn parse(tokens: Vec<TokenWithSpan>) -> Result<Query> {
    let statements = Parser::new(&Analytics)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(not_parsed)?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) => Ok(*query),
        (Some(_), None) => Err(wrong_type()),
        _ => Err(mistake(Kind::InvalidAnalyticsQuery, Location::empty(), "must be one statement")),
    }
}

/// The mistake of a statement that is no SELECT.
pub fn wrong_type() -> Error {
    mistake(Kind::InvalidAnalyticsQueryType, Location::empty(), "must be a SELECT statement")
        .hint("It begins with SELECT or WITH and reads only.")
}

fn not_parsed(error: ParserError) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => too_complex(),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            // The parser's messages end with the place in its own words.
            let (problem, at) = match message.split_once(" at Line: ") {
                Some((problem, at)) => (problem, place(at)),
                None => (message.as_str(), Location::empty()),
            };
            mistake(Kind::InvalidAnalyticsQuery, at, unreadable(problem))
        }
    }
}

fn unreadable(problem: &str) -> String {
    let problem: String = problem.chars().take(200).collect();
    format!("can't be parsed: {problem}")
}

/// `1, Column: 5`
fn place(text: &str) -> Location {
    let mut numbers = text.split(", Column: ").map(|number| number.trim().parse().unwrap_or(0));
    Location { line: numbers.next().unwrap_or(0), column: numbers.next().unwrap_or(0) }
}
