//! A key that is planted anywhere in a text is among the candidates.

use std::collections::HashSet;
use std::convert::Infallible;
use std::ops::Range;

use proptest::prelude::*;
use unkey_core::key::{generate, is_base58};
use unkey_core::{checksum, scan};

fn candidates(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let Ok(()) = scan::candidates(text, |range| {
        all.push(range);
        Ok::<(), Infallible>(())
    });
    all
}

fn is_found(before: &str, key: &str, after: &str) -> bool {
    candidates(&format!("{before}{key}{after}")).contains(&(before.len()..before.len() + key.len()))
}

/// What may end just before a key without prefix, though it ends with a character of base58.
const ESCAPES: [&str; 9] = ["%22", "%0A", "\\u000a", "%3D", "\\n", "\\t", "\\x22", "\\u0022", "\u{1b}[31m"];

/// Text as it comes, rich in what keys consist of.
fn surroundings() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[a-zA-Z0-9_=+/.~%\\\\-]{0,60}",
        "[ \"'`=:;,&?(){}<>|é-]{0,3}",
        "(unkeyv1){1,12}[ _]?",
    ]
}

fn prefix() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_]{1,16}"
}

fn ends_in_base58(text: &str) -> bool {
    text.bytes().next_back().is_some_and(is_base58) && !ESCAPES.iter().any(|escape| text.ends_with(escape))
}

fn is_odd(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().skip(1).any(|c| kind(&c));
    let kinds = [has(char::is_ascii_lowercase), has(char::is_ascii_uppercase), has(char::is_ascii_digit)];
    word.len() >= 16 || kinds.iter().filter(|there| **there).count() > 1
}

/// Keys as others make them: tokens of 16 to 64 bytes, UUIDs, and what has words before it.
fn foreign() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[A-Za-z0-9_-]{43}",
        "[A-Za-z0-9+/]{43}=",
        "[A-Za-z0-9+/]{22}==",
        "[0-9a-f]{32}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        "[A-Z2-7]{20}",
        "sk_(live|test)_[A-Za-z0-9]{24}",
        "[a-z]{3,6}_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}",
        "xoxb-[0-9]{12}-[0-9]{12}-[A-Za-z0-9]{24}",
        "SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}",
        "[A-Za-z0-9]{3}8Q~[A-Za-z0-9_.~-]{34}",
    ];
    token.prop_filter("not promised", |text| {
        let words: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.len() <= scan::MAX_WORDS && words.iter().any(|word| is_odd(word))
    })
}

proptest! {
    #[test]
    fn with_a_checksum_whatever_is_around(before in surroundings(), prefix in "([a-zA-Z0-9_]{0,15}[a-zA-Z0-9])?", after in surroundings()) {
        let key = checksum::generate(Some(&prefix)).unwrap().plaintext.reveal();
        prop_assert!(is_found(&before, &key, &after));
    }

    #[test]
    fn with_a_prefix_whatever_is_before(before in surroundings(), prefix in prefix(), bytes in 16..=255usize, after in surroundings()) {
        prop_assume!(!after.bytes().next().is_some_and(is_base58));
        let key = generate(Some(&prefix), bytes).unwrap().plaintext.reveal();
        prop_assert!(is_found(&before, &key, &after));
    }

    #[test]
    fn without_a_prefix_where_it_begins(before in surroundings(), bytes in 16..=255usize, after in surroundings()) {
        prop_assume!(!ends_in_base58(&before) && !after.bytes().next().is_some_and(is_base58));
        let key = generate(None, bytes).unwrap().plaintext.reveal();
        prop_assert!(is_found(&before, &key, &after));
    }

    #[test]
    fn behind_an_escape(before in surroundings(), escape in prop::sample::select(&ESCAPES), key in foreign(), after in "([\"'&\\\\% \n].{0,20})?") {
        let own = generate(None, 16).unwrap().plaintext.reveal();
        let before = format!("{before} {escape}");
        prop_assert!(is_found(&before, &own, &after));
        prop_assume!(key.starts_with(|c: char| c.is_ascii_alphanumeric()));
        prop_assert!(is_found(&before, &key, &after), "{}", key);
    }

    #[test]
    fn made_elsewhere_between_what_is_no_part_of_it(before in "(.{0,40}[ \"'`=:;,&?(){}<>|é\n])?", key in foreign(), after in "([ \"'`:;,&?(){}<>|é\n\\\\%].{0,40})?") {
        prop_assert!(is_found(&before, &key, &after), "{}", key);
    }

    #[test]
    fn made_elsewhere_at_the_end_of_other_words(before in "[a-z]{1,8}([_.=/-][A-Z]{1,8}){0,3}[_.=/]", key in "[A-Za-z0-9]{20,40}", after in "[.,]?") {
        prop_assert!(is_found(&before, &key, &after), "{}", key);
    }

    #[test]
    fn each_is_a_candidate_once_and_there_are_not_many(text in prop_oneof![".{0,400}", "[a-zA-Z0-9_=+/.~%\\\\-]{0,2000}", "([a-z][0-9][_-]){0,400}"]) {
        let all = candidates(&text);
        prop_assert_eq!(all.iter().cloned().collect::<HashSet<_>>().len(), all.len());
        prop_assert!(all.iter().all(|range| scan::LENGTH.contains(&range.len()) && text.get(range.clone()).is_some_and(|text| text.is_ascii())));
        prop_assert!(all.len() <= 4 * text.len(), "{} of {}", all.len(), text.len());
    }
}

#[test]
fn prose_has_few() {
    let prose = "Responsibilities and internationalization, as of 2024-06-01 12:00: 1,234 keys (see README.md, section 4.2).";
    let all = candidates(prose).into_iter().map(|range| &prose[range]).collect::<Vec<_>>();
    assert_eq!(all, ["Responsibilities", "internationalization"]);
}
