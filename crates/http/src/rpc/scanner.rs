//! Reads a query parameter from left to right.

use super::error::{Error, Result};

/// What is still to be read.
pub struct Scanner<'a> {
    parameter: &'a str,
    rest: &'a str,
    depth: usize,
}

/// Deepest nesting of conditions.
const DEEPEST: usize = 32;

impl<'a> Scanner<'a> {
    /// All of `text`; `parameter` is where it came from, for messages.
    pub fn new(parameter: &'a str, text: &'a str) -> Self {
        Self { parameter, rest: text, depth: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether this comes next.
    pub fn sees(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Reads this, if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads this, or complains.
    pub fn expect(&mut self, text: &str) -> Result<()> {
        if self.eat(text) { Ok(()) } else { Err(self.problem(&format!("'{text}'"))) }
    }

    /// Reads up to where `ends` says so of what is left.
    pub fn until(&mut self, ends: impl Fn(&str) -> bool) -> &'a str {
        let end = self.rest.char_indices().map(|(at, _)| at).find(|at| ends(&self.rest[*at..]));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Reads all that is left.
    pub fn all(&mut self) -> &'a str {
        std::mem::take(&mut self.rest)
    }

    /// Reads a text in double quotes, in which a backslash stands before what is meant as it is.
    pub fn quoted(&mut self) -> Result<Option<String>> {
        if !self.eat("\"") {
            return Ok(None);
        }
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => {
                    self.rest = characters.as_str();
                    return Ok(Some(text));
                }
                '\\' => text.extend(characters.next()),
                other => text.push(other),
            }
        }
        self.rest = "";
        Err(self.problem("'\"'"))
    }

    /// Reads one of several values between commas. Quotes that do not go round all of it are a part of it: not every client
    /// escapes those inside.
    pub fn element(&mut self) -> String {
        let ends = |rest: &str| rest.starts_with([',', ')']);
        let before = self.rest;
        match self.quoted() {
            Ok(Some(text)) if self.is_done() || ends(self.rest) => text,
            _ => {
                self.rest = before;
                self.until(ends).to_owned()
            }
        }
    }

    /// Goes one level deeper for as long as `inside` reads.
    pub fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return Err(Error::parameter(
                self.parameter,
                format!("conditions are nested deeper than {DEEPEST}"),
            ));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// What should have come instead.
    pub fn problem(&self, expected: &str) -> Error {
        let found =
            self.rest.chars().next().map_or("the end".to_owned(), |character| format!("'{character}'"));
        Error::parameter(self.parameter, format!("expected {expected}, found {found}"))
    }
}
