//! Overrides of the standalone limiter: which one applies to an identifier.

use serde::{Deserialize, Serialize};

/// A limit and duration that replace those of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// `rlor_…`.
    pub id: String,
    /// Whom it is for: an identifier, or a pattern with `*`.
    pub identifier: String,
    /// Most cost per window; 0 denies everything.
    pub limit: i64,
    /// Window in milliseconds.
    pub duration: i64,
}

/// The override for an identifier: the one that names it exactly, or else the first in the list with a `*` that matches.
pub fn choose<'a>(overrides: &'a [Override], identifier: &str) -> Option<&'a Override> {
    let exact = overrides.iter().find(|candidate| candidate.identifier == identifier);
    exact.or_else(|| overrides.iter().find(|candidate| matches(&candidate.identifier, identifier)))
}

/// Whether a pattern matches a whole text. Each `*` stands for any run of characters without a newline, an empty one
/// too; everything else stands for itself.
///
/// Takes time in proportion to the lengths, whatever the pattern: between two `*` the first occurrence is always the
/// right one, since a later one leaves the rest less room and no newline fewer.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let left = text.strip_prefix(first).and_then(|start| middle.split('*').try_fold(start, after));
    left.and_then(|left| left.strip_suffix(last)).is_some_and(is_run)
}

/// What follows the first occurrence of a piece, if what comes before it can be a `*`.
fn after<'a>(text: &'a str, piece: &str) -> Option<&'a str> {
    text.split_once(piece).filter(|(skipped, _)| is_run(skipped)).map(|(_, rest)| rest)
}

fn is_run(text: &str) -> bool {
    !text.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(identifiers: &[&str]) -> Vec<Override> {
        let number = |(at, identifier): (usize, &&str)| Override {
            id: format!("rlor_{at}"),
            identifier: (*identifier).into(),
            limit: 1,
            duration: 1000,
        };
        identifiers.iter().enumerate().map(number).collect()
    }

    fn chosen(identifiers: &[&str], identifier: &str) -> Option<String> {
        choose(&list(identifiers), identifier).map(|found| found.id.clone())
    }

    #[test]
    fn ns_13_exact_comes_first_then_the_order_of_the_list() {
        assert_eq!(chosen(&["vip_*", "vip_7"], "vip_7").as_deref(), Some("rlor_1"));
        assert_eq!(chosen(&["v*", "vip_*", "*"], "vip_8").as_deref(), Some("rlor_0"));
        assert_eq!(chosen(&["x*", "*p_*", "*"], "vip_*").as_deref(), Some("rlor_1"));
        assert_eq!(chosen(&["a", "b*"], "c"), None);
        assert_eq!(chosen(&["*", "b*"], "b*").as_deref(), Some("rlor_1"));
    }

    #[test]
    fn ns_14_a_pattern_matches_the_whole_text() {
        assert!(matches("*@x.com", "a@x.com"));
        assert!(!matches("*@x.com", "a@x.com.evil"));
        assert!(!matches("a*", "ba"));
    }

    #[test]
    fn stars() {
        for (pattern, text) in
            [("*", ""), ("**", ""), ("a**b", "ab"), ("*a*a*", "aa"), ("é*ü", "é→ü"), ("a*", "a*")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "a"), ("a*a", "a"), ("*a*a*", "a"), ("a*bc*c", "abc"), ("a.c*", "abc"), ("A*", "a")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_stands_for_no_newline() {
        assert!(!matches("*", "a\nb"));
        assert!(!matches("*b*", "a\nb"));
        assert!(matches("a\n*", "a\nb"));
        assert!(matches("*\n*", "a\nb"));
        assert!(!matches("*\n*", "a\nb\nc"));
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = "*a".repeat(100_000) + "b";
        assert!(!matches(&pattern, &"a".repeat(1_000_000)));
    }
}
