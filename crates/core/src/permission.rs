//! The permission query language: `docs.read AND (docs.write OR admin)`.
//!
//! ```text
//! expr    = and { "OR" and }
//! and     = primary { "AND" primary }
//! primary = PERMISSION | "(" expr ")"
//! ```
//!
//! AND binds tighter than OR and both associate to the left; there is no NOT. Operators are whole words in any
//! case. A permission is made of ASCII letters, digits and `. _ - : * /`, keeps its case, and is compared
//! literally: `*` is a character like any other. Space, tab, CR and LF separate words.

use std::fmt;

use crate::error::{Error, Kind, Result};

/// Longest query, in characters.
pub const MAX_LENGTH: usize = 1000;

const ARGUMENT: &str = "permissions";
const HINT: &str = "Join permissions with AND, OR and parentheses: docs.read AND (docs.write OR admin).";

/// A parsed query.
///
/// Held as a postfix program, so neither nesting nor length can exhaust the call stack. Two expressions are
/// equal if they are the same tree: `a OR (b OR c)` is not `a OR b OR c`, though both always agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    program: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Permission(String),
    Operator(Operator),
}

/// Ordered by how tightly it binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    Or,
    And,
}

/// Checks that a query has 1 to [`MAX_LENGTH`] characters, whatever they are.
///
/// # Errors
/// [`Kind::InvalidInput`].
pub fn check_length(text: &str) -> Result<()> {
    if text.is_empty() || text.chars().nth(MAX_LENGTH).is_some() {
        return Err(Error::invalid(ARGUMENT, format_args!("must have 1 to {MAX_LENGTH} characters")));
    }
    Ok(())
}

impl Expression {
    /// Parses a query with Dijkstra's shunting-yard algorithm.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] as [`check_length`]; otherwise [`Kind::PermissionsQuerySyntax`], whose message
    /// gives the first mistake and its position in characters, counted from 0.
    pub fn parse(text: &str) -> Result<Self> {
        check_length(text)?;
        let mut words = Words { text, rest: text };
        let mut yard = Yard::default();
        loop {
            let word = words.next()?;
            yard.take(&word)?;
            if word.token == Token::End {
                return Ok(Self { program: yard.program });
            }
        }
    }

    /// Whether the query is satisfied by a key that `holds` these permissions.
    ///
    /// Asks once for each permission of the query, from left to right.
    pub fn evaluate(&self, holds: impl FnMut(&str) -> bool) -> bool {
        let join = |left, operator, right| match operator {
            Operator::And => left && right,
            Operator::Or => left || right,
        };
        self.fold(holds, join).unwrap_or(false)
    }

    /// The permissions of the query, from left to right, as often as they are written.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.program.iter().filter_map(|step| match step {
            Step::Permission(name) => Some(name.as_str()),
            Step::Operator(_) => None,
        })
    }

    /// Runs the program; `None` never happens, as [`Expression::parse`] writes only complete programs.
    fn fold<T>(&self, mut leaf: impl FnMut(&str) -> T, join: impl Fn(T, Operator, T) -> T) -> Option<T> {
        let mut stack = Vec::new();
        for step in &self.program {
            let value = match step {
                Step::Permission(name) => leaf(name),
                Step::Operator(operator) => {
                    let right = stack.pop()?;
                    join(stack.pop()?, *operator, right)
                }
            };
            stack.push(value);
        }
        stack.pop()
    }
}

/// The canonical form: single spaces, upper-case operators, and no parentheses but those that keep the tree.
///
/// It parses to an equal expression, unless its spaces make a query of nearly [`MAX_LENGTH`] too long.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = |name: &str| Printed { text: name.to_owned(), operator: None };
        let join = |left: Printed, operator, right: Printed| {
            let left = left.enclosed_if(|inner| inner < operator);
            let right = right.enclosed_if(|inner| inner <= operator);
            Printed { text: format!("{left} {operator} {right}"), operator: Some(operator) }
        };
        f.write_str(&self.fold(leaf, join).map(|whole| whole.text).unwrap_or_default())
    }
}

/// A printed part of an expression and the operator at its top.
struct Printed {
    text: String,
    operator: Option<Operator>,
}

impl Printed {
    fn enclosed_if(self, needed: impl Fn(Operator) -> bool) -> String {
        if self.operator.is_some_and(needed) { format!("({})", self.text) } else { self.text }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "AND",
            Self::Or => "OR",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Permission(&'a str),
    Operator(Operator),
    Open,
    Close,
    End,
}

impl<'a> Token<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            "" => Self::End,
            "(" => Self::Open,
            ")" => Self::Close,
            _ if text.eq_ignore_ascii_case("and") => Self::Operator(Operator::And),
            _ if text.eq_ignore_ascii_case("or") => Self::Operator(Operator::Or),
            _ => Self::Permission(text),
        }
    }
}

/// A token where it stands.
struct Word<'a> {
    token: Token<'a>,
    text: &'a str,
    position: usize,
}

/// Splits a query into words; [`Token::End`] is the last.
struct Words<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Word<'a>> {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        // All that was accepted so far is ASCII, so bytes count characters.
        let position = self.text.len() - rest.len();
        let length = match rest.chars().next() {
            Some('(' | ')') => 1,
            _ => rest.find(|c| !is_permission_character(c)).unwrap_or(rest.len()),
        };
        if let (0, Some(character)) = (length, rest.chars().next()) {
            return Err(syntax_error(format_args!("invalid character {character:?}"), position));
        }
        let (text, rest) = rest.split_at(length);
        self.rest = rest;
        Ok(Word { token: Token::of(text), text, position })
    }
}

fn is_permission_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | ':' | '*' | '/')
}

/// The shunting yard.
#[derive(Default)]
struct Yard {
    program: Vec<Step>,
    /// Operators that wait for their right side; `None` is an open parenthesis.
    waiting: Vec<Option<Operator>>,
    /// Parentheses that are open.
    open: usize,
    /// Whether the last word ended an operand, so that an operator may follow.
    complete: bool,
}

impl Yard {
    fn take(&mut self, word: &Word<'_>) -> Result<()> {
        match (self.complete, word.token) {
            (false, Token::Permission(name)) => self.program.push(Step::Permission(name.to_owned())),
            (false, Token::Open) => self.enter(),
            (true, Token::Operator(operator)) => self.operator(operator),
            (true, Token::Close) if self.open > 0 => self.leave(),
            (true, Token::End) if self.open == 0 => self.release(Operator::Or),
            _ => return Err(self.unexpected(word)),
        }
        self.complete = matches!(word.token, Token::Permission(_) | Token::Close);
        Ok(())
    }

    fn enter(&mut self) {
        self.open += 1;
        self.waiting.push(None);
    }

    fn leave(&mut self) {
        self.release(Operator::Or);
        self.waiting.pop();
        self.open -= 1;
    }

    fn operator(&mut self, operator: Operator) {
        self.release(operator);
        self.waiting.push(Some(operator));
    }

    /// Writes the waiting operators that bind at least as tightly, back to the last open parenthesis.
    fn release(&mut self, least: Operator) {
        while let Some(Some(operator)) = self.waiting.pop_if(|top| top.is_some_and(|top| top >= least)) {
            self.program.push(Step::Operator(operator));
        }
    }

    fn unexpected(&self, word: &Word<'_>) -> Error {
        let expected = match (self.complete, self.open) {
            (false, _) => "a permission or \"(\"",
            (true, 0) => "AND, OR or the end",
            (true, _) => "AND, OR or \")\"",
        };
        let problem = match word.token {
            Token::End => format!("expected {expected} but found the end"),
            _ => format!("expected {expected} but found {:?}", word.text),
        };
        syntax_error(problem, word.position)
    }
}

fn syntax_error(problem: impl fmt::Display, position: usize) -> Error {
    let message = format!("{ARGUMENT} is not a valid query: {problem} at position {position}");
    let error = Error::new(Kind::PermissionsQuerySyntax, message).hint(HINT);
    Error { argument: Some(ARGUMENT.into()), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: [&str; 9] = ["p1", "p2", "docs.read", "docs.*", "a:b", "a/b", "x-y", "android", "ORDERS"];

    fn valid(query: &str) -> bool {
        Expression::parse(query).unwrap().evaluate(|name| HELD.contains(&name))
    }

    /// The part of the message that varies.
    fn mistake(query: &str) -> String {
        let error = Expression::parse(query).unwrap_err();
        assert_eq!(error.kind, Kind::PermissionsQuerySyntax);
        assert_eq!(error.argument.as_deref(), Some("permissions"));
        assert!(error.hint.is_some());
        error.message.strip_prefix("permissions is not a valid query: ").unwrap().to_owned()
    }

    fn canonical(query: &str) -> String {
        Expression::parse(query).unwrap().to_string()
    }

    #[test]
    fn pq_01_and_02_single_permission() {
        assert!(valid("p1"));
        assert!(!valid("p9"));
    }

    #[test]
    fn pq_04_and_05_operators() {
        assert!(!valid("p1 AND p9"));
        assert!(valid("p1 AND p2"));
        assert!(valid("p9 OR p2"));
        assert!(!valid("p9 OR p8"));
    }

    #[test]
    fn pq_07_and_binds_tighter() {
        assert!(valid("p1 OR p9 AND p8"));
        assert!(valid("p8 AND p9 OR p1"));
        assert!(!valid("(p1 OR p9) AND p8"));
    }

    #[test]
    fn pq_10_operators_in_any_case() {
        assert!(valid("p1 and p2 Or p9"));
        assert!(valid("p9 oR p1 aNd p2"));
    }

    #[test]
    fn pq_11_permissions_keep_their_case() {
        assert!(!valid("P1"));
        assert!(!valid("orders"));
    }

    #[test]
    fn pq_13_and_14_star_is_literal() {
        assert!(valid("docs.*"));
        assert!(!valid("docs.write"));
        assert!(!valid("*"));
    }

    #[test]
    fn permission_characters_and_words_that_contain_operators() {
        assert!(valid("a:b AND a/b AND x-y AND docs.read AND android AND ORDERS"));
        assert!(!valid("and.x"));
        assert_eq!(canonical("or_1 or and-1"), "or_1 OR and-1");
    }

    #[test]
    fn pq_16_and_17_parentheses_and_white_space() {
        assert!(valid("((((p1))))"));
        assert!(valid("\tp1\r\nAND\n(p2)\t"));
        assert!(valid("(p1)AND(p2)"));
    }

    #[test]
    fn pq_19_ends_after_an_operator() {
        assert_eq!(mistake("p1 AND"), "expected a permission or \"(\" but found the end at position 6");
        assert_eq!(mistake("(p1 OR "), "expected a permission or \"(\" but found the end at position 7");
    }

    #[test]
    fn pq_20_starts_with_an_operator() {
        assert_eq!(mistake("AND p1"), "expected a permission or \"(\" but found \"AND\" at position 0");
        assert_eq!(mistake("(or p1)"), "expected a permission or \"(\" but found \"or\" at position 1");
    }

    #[test]
    fn pq_22_missing_closing_parenthesis() {
        assert_eq!(mistake("(p1 AND p2"), "expected AND, OR or \")\" but found the end at position 10");
    }

    #[test]
    fn pq_23_extra_content() {
        assert_eq!(mistake("p1)"), "expected AND, OR or the end but found \")\" at position 2");
        assert_eq!(mistake("p1 p2"), "expected AND, OR or the end but found \"p2\" at position 3");
        assert_eq!(mistake("(p1 p2)"), "expected AND, OR or \")\" but found \"p2\" at position 4");
        assert_eq!(mistake("p1(p2)"), "expected AND, OR or the end but found \"(\" at position 2");
    }

    #[test]
    fn pq_25_two_operators() {
        assert_eq!(mistake("p1 AND OR p2"), "expected a permission or \"(\" but found \"OR\" at position 7");
    }

    #[test]
    fn pq_26_invalid_character() {
        assert_eq!(mistake("p1 & p2"), "invalid character '&' at position 3");
        assert_eq!(mistake("p1$"), "invalid character '$' at position 2");
        assert_eq!(mistake("p1,p2"), "invalid character ',' at position 2");
        assert_eq!(mistake("p1 AND é"), "invalid character 'é' at position 7");
        assert_eq!(mistake("p1\0"), "invalid character '\\0' at position 2");
        assert_eq!(mistake("p1\u{a0}"), "invalid character '\\u{a0}' at position 2");
    }

    #[test]
    fn nothing_to_check() {
        assert_eq!(mistake("()"), "expected a permission or \"(\" but found \")\" at position 1");
        assert_eq!(mistake(" \t\n"), "expected a permission or \"(\" but found the end at position 3");
    }

    #[test]
    fn pq_28_and_29_length() {
        let too_long = ["".to_owned(), "p".repeat(1001), "é".repeat(1001), " ".repeat(100_000)];
        for text in &too_long {
            let error = Expression::parse(text).unwrap_err();
            assert_eq!(error, check_length(text).unwrap_err());
            assert_eq!(error.kind, Kind::InvalidInput);
            assert_eq!(error.message, "permissions must have 1 to 1000 characters");
        }
        assert!(Expression::parse(&"p".repeat(1000)).is_ok());
        assert_eq!(check_length(&"é".repeat(1000)), Ok(()));
    }

    #[test]
    fn pq_31_deep_nesting() {
        assert!(valid(&format!("{}p1{}", "(".repeat(499), ")".repeat(499))));
        assert!(valid(&format!("p9{}{}", " OR(p1".repeat(142), ")".repeat(142))));
        assert_eq!(
            mistake(&"(".repeat(1000)),
            "expected a permission or \"(\" but found the end at position 1000"
        );
    }

    #[test]
    fn prints_the_fewest_parentheses() {
        assert_eq!(canonical("((a)or((b)and c))"), "a OR b AND c");
        assert_eq!(canonical("(a or b) and (c or d)"), "(a OR b) AND (c OR d)");
        assert_eq!(canonical("(a or b) or c and (d and e)"), "a OR b OR c AND (d AND e)");
    }

    #[test]
    fn lists_permissions_in_order() {
        let expression = Expression::parse("b AND (a OR b)").unwrap();
        assert_eq!(expression.permissions().collect::<Vec<_>>(), ["b", "a", "b"]);
    }
}
