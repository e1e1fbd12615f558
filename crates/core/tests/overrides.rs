//! Patterns of overrides against a matcher that tries every possibility.

use proptest::prelude::*;
use unkey_core::overrides::{Override, choose, matches};

/// Whether a pattern matches, by trying every run for every star.
fn expected(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => {
            expected(rest, text)
                || text.split_first().is_some_and(|(first, left)| *first != '\n' && expected(pattern, left))
        }
        Some((character, rest)) => {
            text.split_first().is_some_and(|(first, left)| first == character && expected(rest, left))
        }
    }
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Few letters, so that pieces of patterns often occur, overlap and occur again.
fn text() -> impl Strategy<Value = String> {
    "[aab\né]{0,12}"
}

fn pattern() -> impl Strategy<Value = String> {
    "[aab\né***]{0,8}"
}

/// A pattern, and a text made from it by putting a run in the place of every star.
fn fitting() -> impl Strategy<Value = (String, String)> {
    (pattern(), prop::collection::vec("[aabé]{0,3}", 8)).prop_map(|(pattern, runs)| {
        let mut runs = runs.into_iter();
        let put = |character: char| match character {
            '*' => runs.next().unwrap_or_default(),
            other => other.to_string(),
        };
        let text = pattern.chars().map(put).collect();
        (pattern, text)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn like_the_matcher_that_tries_everything(pattern in pattern(), text in text()) {
        prop_assert_eq!(matches(&pattern, &text), expected(&characters(&pattern), &characters(&text)));
    }

    #[test]
    fn what_a_pattern_was_made_into_matches((pattern, text) in fitting()) {
        prop_assert!(matches(&pattern, &text));
    }

    #[test]
    fn the_first_that_matches_unless_one_is_exact(
        patterns in prop::collection::vec(pattern(), 0..6),
        text in text(),
    ) {
        let list: Vec<Override> = patterns
            .iter()
            .map(|pattern| Override { id: pattern.clone(), identifier: pattern.clone(), limit: 1, duration: 1000 })
            .collect();
        let exact = patterns.iter().find(|pattern| **pattern == text);
        let first = patterns.iter().find(|pattern| expected(&characters(pattern), &characters(&text)));
        prop_assert_eq!(choose(&list, &text).map(|found| &found.id), exact.or(first));
    }
}
