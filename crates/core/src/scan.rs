//! Where keys may stand in a text of any kind: source code, logs, JSON, URLs.
//!
//! What is found is a candidate, to be hashed and looked up. Among the candidates are
//!
//! - every key with a [checksum], whatever stands around it;
//! - every other key of a database like this one, unless a character of base58 follows, or precedes a key without prefix;
//! - every key made elsewhere that is [`LENGTH`] characters long, has no others than letters, digits and [`JOINERS`] (and `=` at
//!   its end), begins and ends where a word does, and has at most [`MAX_WORDS`] words, of which one is odd: long, or a mixture of small
//!   letters, capitals and digits.
//!
//! Words are letters and digits. One also begins behind an escape (`%22`, `\n`, `\u0022`), whose last characters look like a word's first.

use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};

use crate::key::{LONGEST_BODY, MAX_LENGTH, is_base58};
use crate::{checksum, rule};

/// Characters of a candidate, which are bytes: all of them are ASCII.
pub const LENGTH: RangeInclusive<usize> = MIN_LENGTH..=MAX_LENGTH;
/// What may stand between the words of a key made elsewhere, and before or after them where nothing else does.
pub const JOINERS: [u8; 6] = *b"_-.~+/";
/// Most words of a key made elsewhere.
pub const MAX_WORDS: usize = 8;
/// No key of ours has fewer characters behind its prefix, and no word that is shorter is long.
const MIN_LENGTH: usize = 16;

/// A stretch of letters and digits.
struct Word {
    start: usize,
    /// Where it may begin as well: behind an escape.
    inner: Option<usize>,
    is_odd: bool,
}

/// Hands out every candidate once, as a range of bytes, until one is refused.
///
/// # Errors
/// What `found` answers.
pub fn candidates<E>(text: &str, mut found: impl FnMut(Range<usize>) -> Result<(), E>) -> Result<(), E> {
    let bytes = text.as_bytes();
    let mut run = Run { text, bytes, run: 0..0, words: VecDeque::with_capacity(MAX_WORDS) };
    let mut at = 0;
    while let Some(skipped) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| is_part(*byte))) {
        let start = at + skipped;
        at = end_of(bytes, start, is_part);
        let padding =
            bytes.get(at..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
        run.words.clear();
        run.run = start..at + padding;
        run.candidates(&mut found)?;
    }
    Ok(())
}

/// A stretch of words and joiners.
struct Run<'a> {
    text: &'a str,
    bytes: &'a [u8],
    run: Range<usize>,
    /// The last ones, [`MAX_WORDS`] at most.
    words: VecDeque<Word>,
}

impl Run<'_> {
    fn candidates<E>(&mut self, found: &mut impl FnMut(Range<usize>) -> Result<(), E>) -> Result<(), E> {
        let (mut at, mut last) = (self.run.start, self.run.start);
        while let Some(skipped) = self.part(at..self.run.end).iter().position(u8::is_ascii_alphanumeric) {
            let word = at + skipped..end_of(self.bytes, at + skipped, |byte| byte.is_ascii_alphanumeric());
            (at, last) = (word.end, word.end);
            let mut ranges = Vec::new();
            for body in self.bodies(word.clone()) {
                self.plain(&body, inner_start(self.bytes, word.start), &mut ranges);
                self.checksummed(&body, &mut ranges);
                if body.end < word.end {
                    hand_out(&mut ranges, found)?;
                }
            }
            self.remember(word);
            self.foreign(last, &mut ranges);
            hand_out(&mut ranges, found)?;
        }
        let mut ranges = Vec::new();
        if last < self.run.end {
            self.foreign(self.run.end, &mut ranges);
        }
        hand_out(&mut ranges, found)
    }

    fn part(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Stretches of base58 in a word that are long enough for what follows a prefix.
    fn bodies(&self, word: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'_> {
        let (bytes, mut at) = (self.bytes, word.start);
        let next = move || {
            let start = at + bytes.get(at..word.end)?.iter().position(|byte| is_base58(*byte))?;
            at = end_of(bytes, start, is_base58);
            Some(start..at)
        };
        std::iter::from_fn(next).filter(|body| body.len() >= MIN_LENGTH)
    }

    /// Keys of random bytes: the whole stretch, or that behind an escape, with every prefix that may be one.
    fn plain(&self, body: &Range<usize>, behind_escape: Option<usize>, ranges: &mut Vec<Range<usize>>) {
        let behind_escape =
            behind_escape.filter(|start| body.contains(start) && body.end - start >= MIN_LENGTH);
        for start in std::iter::once(body.start).chain(behind_escape) {
            if body.end - start <= LONGEST_BODY {
                ranges.push(start..body.end);
            }
        }
        if body.len() <= LONGEST_BODY {
            ranges.extend(self.prefixes(body.start).map(|start| start..body.end));
        }
    }

    /// Keys with a checksum, which tells them from all that is around the marker.
    fn checksummed(&self, body: &Range<usize>, ranges: &mut Vec<Range<usize>>) {
        let Some(text) = self.text.get(body.clone()) else { return };
        for (at, _) in text.match_indices(checksum::MARKER).filter(|(at, _)| *at >= checksum::HEAD) {
            let start = body.start + at - checksum::HEAD;
            let end = start + checksum::BODY;
            let starts = std::iter::once(start).chain(self.prefixes(start));
            let is_intact = |start: &usize| self.text.get(*start..end).is_some_and(checksum::is_intact);
            ranges.extend(starts.filter(is_intact).map(|start| start..end));
        }
    }

    /// Where a prefix may begin that is joined to what begins here.
    fn prefixes(&self, body: usize) -> impl Iterator<Item = usize> + use<'_> {
        let before = self.bytes.get(..body).and_then(|before| before.strip_suffix(b"_")).unwrap_or_default();
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let longest = before.iter().rev().take(rule::PREFIX.max).take_while(is_word).count();
        (1..=longest).map(move |length| before.len() - length)
    }

    fn remember(&mut self, word: Range<usize>) {
        if self.words.len() == MAX_WORDS {
            self.words.pop_front();
        }
        let text = self.part(word.clone());
        let is_odd = text.len() >= MIN_LENGTH || kinds(text) > 1;
        let inner = inner_start(self.bytes, word.start).filter(|start| *start < word.end);
        // What joins nothing belongs to the first word.
        let is_first = self.part(self.run.start..word.start).iter().all(|byte| is_joiner(*byte));
        let start = if is_first { self.run.start } else { word.start };
        let inner = if start < word.start { Some(word.start) } else { inner };
        self.words.push_back(Word { start, inner, is_odd });
    }

    /// Keys made elsewhere that end here.
    fn foreign(&self, end: usize, ranges: &mut Vec<Range<usize>>) {
        let mut is_odd = false;
        for word in self.words.iter().rev() {
            is_odd = is_odd || word.is_odd;
            let starts = std::iter::once(word.start).chain(word.inner);
            ranges.extend(
                starts.map(|start| start..end).filter(|range| is_odd && LENGTH.contains(&range.len())),
            );
        }
    }
}

/// Hands out each range once.
fn hand_out<E>(
    ranges: &mut Vec<Range<usize>>,
    found: &mut impl FnMut(Range<usize>) -> Result<(), E>,
) -> Result<(), E> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup();
    ranges.drain(..).try_for_each(found)
}

/// Where bytes of a kind end that begin here.
fn end_of(bytes: &[u8], start: usize, is_one: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !is_one(*byte)).unwrap_or(rest.len())
}

/// How many there are of small letters, capitals and digits; the first character, often a capital, does not count.
fn kinds(word: &[u8]) -> usize {
    let rest = word.get(1..).unwrap_or_default();
    let kinds: [fn(&u8) -> bool; 3] = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    kinds.iter().filter(|is_one| rest.iter().any(is_one)).count()
}

fn is_joiner(byte: u8) -> bool {
    JOINERS.contains(&byte)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_joiner(byte)
}

/// Where a word goes on behind an escape that reaches into it: `%22`, `\n`, `\x22`, `\u0022`, or the end of a colour of a terminal.
fn inner_start(bytes: &[u8], word: usize) -> Option<usize> {
    let before = *bytes.get(word.checked_sub(1)?)?;
    let text = bytes.get(word..)?;
    let are_hex =
        |range: Range<usize>| text.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_hexdigit));
    let length = match (before, text.first()?) {
        (b'%', _) if are_hex(0..2) => 2,
        (b'\\', b'x') if are_hex(1..3) => 3,
        (b'\\', b'u') if are_hex(1..5) => 5,
        (b'\\', b'a' | b'b' | b'e' | b'f' | b'n' | b'r' | b't' | b'v' | b'0') => 1,
        (b'[' | b';', digit) if digit.is_ascii_digit() => {
            let digits = end_of(text, 0, |byte| byte.is_ascii_digit());
            (text.get(digits) == Some(&b'm')).then_some(digits + 1)?
        }
        _ => return None,
    };
    Some(word + length)
}
