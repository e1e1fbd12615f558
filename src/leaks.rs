//! Keys where they do not belong: found in a text, and rules for scanners that find them elsewhere.

use std::ops::Range;

use unkey_core::key::{Hash, may_be_one};
use unkey_core::scan;
use unkey_core::scanner_rules::{self, Tool};

use crate::error::Outcome;
use crate::store::leaks::{self, Known};

/// Texts that are looked up at once.
const BATCH: usize = 1000;

/// A live key in a text.
pub struct Leak {
    pub key: Known,
    /// Where it begins, in characters from 1.
    pub position: usize,
    /// How many characters it has.
    pub length: usize,
}

/// Hands out each live key in a text, once for each place where it stands. Nothing of the text is kept.
pub fn scan(text: &str, found: &mut impl FnMut(&Leak) -> Outcome<()>) -> Outcome<()> {
    let mut batch = Batch { text, ranges: Vec::new(), hashes: Vec::new(), counted: Counted::default() };
    scan::candidates(text, |range| {
        batch.add(range);
        if batch.ranges.len() < BATCH { Ok(()) } else { batch.look_up(found) }
    })?;
    batch.look_up(found)
}

/// Candidates that wait for being looked up.
struct Batch<'a> {
    text: &'a str,
    ranges: Vec<Range<usize>>,
    hashes: Vec<Hash>,
    counted: Counted,
}

impl Batch<'_> {
    fn add(&mut self, range: Range<usize>) {
        let candidate = self.text.get(range.clone()).filter(|text| may_be_one(text));
        if let Some(candidate) = candidate {
            self.hashes.push(Hash::of(candidate));
            self.ranges.push(range);
        }
    }

    fn look_up(&mut self, found: &mut impl FnMut(&Leak) -> Outcome<()>) -> Outcome<()> {
        pgrx::check_for_interrupts!();
        leaks::known(&self.hashes, |at, key| {
            let Some(range) = self.ranges.get(at) else { return Ok(()) };
            let position = self.counted.characters(self.text, range.start) + 1;
            found(&Leak { key, position, length: range.len() })
        })?;
        self.ranges.clear();
        self.hashes.clear();
        Ok(())
    }
}

/// How many characters come before some byte: the last one that was asked for.
#[derive(Default)]
struct Counted {
    byte: usize,
    characters: usize,
}

impl Counted {
    fn characters(&mut self, text: &str, byte: usize) -> usize {
        let count = |range: Range<usize>| text.get(range).unwrap_or_default().chars().count();
        self.characters += count(self.byte..byte.max(self.byte));
        self.characters -= count(byte.min(self.byte)..self.byte);
        self.byte = byte;
        self.characters
    }
}

/// The file of rules for a tool.
pub fn rules(tool: &str, verify_url: Option<&str>) -> Outcome<String> {
    let tool = Tool::read(tool)?;
    scanner_rules::check_verify_url(tool, verify_url)?;
    Ok(scanner_rules::write(tool, &leaks::apis()?, verify_url))
}
