//! Patterns of overrides against a table of every prefix with every prefix: `pattern|text`.

use unkey_core::overrides::{Override, choose, matches};

/// Largest table, in cells.
const CELLS: usize = 1 << 18;
/// How long an input becomes when it is grown, in bytes: what is not linear takes minutes.
const GROWN: usize = 1 << 17;

pub fn check(input: &[u8]) {
    let Some((pattern, text)) = crate::text(input).and_then(|text| text.split_once('|')) else { return };
    if pattern.len().saturating_mul(text.len()) <= CELLS {
        let expected = in_table(pattern, text);
        assert_eq!(matches(pattern, text), expected);
        one_of_several(pattern, text, expected);
    }
    // A star for every piece, and what a pattern was made into, match.
    assert!(matches(&pattern.replace('*', "**"), &pattern.replace('*', "x")));
    if input.iter().map(|&byte| usize::from(byte)).sum::<usize>() % 256 == 0 {
        let grow = |text: &str| text.repeat(GROWN / text.len().max(1));
        matches(&grow(pattern), &grow(text));
        matches(&(grow(pattern) + "|"), &grow(text));
    }
}

fn one_of_several(pattern: &str, text: &str, expected: bool) {
    let list = [pattern, text].map(|identifier| Override {
        id: identifier.len().to_string(),
        identifier: identifier.to_owned(),
        limit: 1,
        duration: 1000,
    });
    assert_eq!(choose(&list, text).map(|found| found.identifier.as_str()), Some(text));
    assert_eq!(choose(&list[..1], text).is_some(), expected || pattern == text);
}

/// Whether the pattern matches, from what each of its beginnings matches.
fn in_table(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for character in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            let last = end.checked_sub(1);
            next[end] = match character {
                '*' => fits[end] || last.is_some_and(|last| next[last] && text[last] != '\n'),
                _ => last.is_some_and(|last| fits[last] && text[last] == character),
            };
        }
        fits = next;
    }
    fits[text.len()]
}
