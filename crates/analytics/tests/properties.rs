//! For any text: no panic, and whatever is accepted is a single SELECT of Postgres that reads our views and calls our
//! functions only, by the word of another parser.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{EXAMPLES, all, only};
use proptest::prelude::*;
use unkey_analytics::{Scope, translate};

/// Whether it is let through, which must be right then.
fn passes(query: &str, scope: &Scope) -> bool {
    let translated = translate(query, scope);
    if let Ok(translated) = &translated {
        gate::check(translated, scope);
    }
    translated.is_ok()
}

/// Words from which queries are shaken together: now and then one is accepted.
fn word() -> impl Strategy<Value = String> {
    let words = "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT WITH AS UNION ALL JOIN ON USING AND OR NOT IN IS NULL CASE WHEN \
        THEN ELSE END DISTINCT BETWEEN LIKE INTERVAL DAY OVER PARTITION EXISTS CAST DESC ( ) , , . * + - / % = != < >= :: -> [ ] ; \
        key_verifications_v1 key_verifications_per_day_v1 pg_authid unkey time outcome tags count key_id key_space_id a b x 1 0.5 'a' \
        'it''s' 'a\\'b' \"a\" `b` sum countIf toDate arrayJoin arrayFilter if now quantile pg_sleep Int64 regclass -- /* */ $$ E'a' ?";
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    proptest::sample::select(words)
}

/// An example with pieces taken out, doubled, swapped or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), 0..4u8, word()), 0..6);
    (proptest::sample::select(EXAMPLES), edits).prop_map(|(example, edits)| {
        let mut pieces: Vec<String> =
            example.split_inclusive([' ', '(', ')', ',']).map(str::to_owned).collect();
        for (at, edit, word) in edits {
            let at = at.index(pieces.len());
            match edit {
                0 => pieces[at].clear(),
                1 => pieces[at] = format!(" {word} "),
                2 => pieces.insert(at, format!(" {word} ")),
                _ => pieces.swap(at, 0),
            }
        }
        pieces.concat()
    })
}

#[test]
fn the_examples_pass_the_other_parser() {
    for query in EXAMPLES {
        assert!(passes(query, &all()) && passes(query, &only(&["ks_1", "\\'"])), "{query}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(query in "\\PC{0,200}") {
        passes(&query, &all());
    }

    #[test]
    fn any_words_are_answered(words in proptest::collection::vec(word(), 0..40)) {
        passes(&format!("SELECT {}", words.join(" ")), &all());
    }

    #[test]
    fn any_change_of_an_example_is_answered(query in mutated()) {
        passes(&query, &only(&["ks_1"]));
    }

    #[test]
    fn any_literal_comes_out_as_it_went_in(text in "[^\0]{0,40}") {
        let quoted = text.replace('\\', "\\\\").replace('\'', "''");
        let sql = translate(&format!("SELECT '{quoted}' AS x"), &all()).unwrap().sql;
        let literal = sql.strip_prefix("SELECT * FROM (SELECT ").unwrap().strip_suffix(" AS \"x\") AS \"result\" LIMIT 11").unwrap();
        let read = match literal.strip_prefix(" E") {
            Some(literal) => literal.trim_matches('\'').to_owned().replace("\\\\", "\\"),
            None => literal.to_owned(),
        };
        prop_assert_eq!(read.trim_matches('\'').replace("''", "'"), text.trim_matches('\''));
    }
}
