//! Keys in any text. Lines: what stands before a key, and all that follows it; the candidates among both are held to what they must be.

use std::collections::HashSet;
use std::convert::Infallible;
use std::ops::Range;

use unkey_core::key::{is_base58, may_be_one};
use unkey_core::{checksum, scan};

const WITH_CHECKSUM: &str = "unkey_111thX6Lunkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B8";
const WITH_PREFIX: &str = "a_b_YcVfxkQb6JRzqk5kF2tNLv";
const WITHOUT_PREFIX: &str = "YcVfxkQb6JRzqk5kF2tNLv";
const FOREIGN: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    well_formed(text);
    let (before, after) = text.split_once('\n').unwrap_or((text, ""));
    planted(before, WITH_CHECKSUM, after);
    if !after.bytes().next().is_some_and(is_base58) {
        planted(before, WITH_PREFIX, after);
        if !before.bytes().next_back().is_some_and(is_base58) {
            planted(before, WITHOUT_PREFIX, after);
        }
    }
    planted(&format!("{before} "), FOREIGN, &format!(" {after}"));
    for escape in ["%22", "%0A", "\\n", "\\u000a"] {
        planted(&format!("{before}{escape}"), WITHOUT_PREFIX, &format!("{escape}{after}"));
    }
}

fn candidates(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let Ok(()) = scan::candidates(text, |range| {
        all.push(range);
        Ok::<(), Infallible>(())
    });
    all
}

fn planted(before: &str, key: &str, after: &str) {
    let text = format!("{before}{key}{after}");
    assert!(candidates(&text).contains(&(before.len()..before.len() + key.len())), "{text}");
    well_formed(&text);
}

/// Each once, of the right length, and never more than a few for each character. What has a checksum is always among them.
fn well_formed(text: &str) {
    let all = candidates(text);
    let known: HashSet<Range<usize>> = all.iter().cloned().collect();
    assert_eq!(known.len(), all.len());
    assert!(all.len() <= 4 * text.len());
    for range in all {
        let candidate = text.get(range.clone()).unwrap();
        assert!(scan::LENGTH.contains(&range.len()) && candidate.is_ascii());
        assert!(may_be_one(candidate) || checksum::is_refuted(candidate));
    }
    let ends = text.match_indices(checksum::MARKER).map(|(at, marker)| at + marker.len() + checksum::REST);
    for end in ends.filter(|end| text.is_char_boundary(*end)) {
        let starts =
            (0..end).rev().take(scan::LENGTH.end().to_owned()).filter(|start| text.is_char_boundary(*start));
        for start in starts.filter(|start| checksum::is_intact(&text[*start..end])) {
            assert!(known.contains(&(start..end)), "{}", &text[start..end]);
        }
    }
}
