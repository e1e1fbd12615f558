//! Messages repeat what was sent, and what was sent where an id belongs may be a key. Whatever may be one is cut.

use std::borrow::Cow;

use crate::key;

/// Characters that stay: as many as everybody may see in `start`.
const SHOWN: usize = 4;
/// The one name of ours that looks like a key.
const NAME: &str = "storeEncryptedKeys";
/// Characters of a key's id after `key_`, at most. Ids of all else are shorter than any key.
const KEY_ID: usize = 22;

/// The text, with each word that may be the random part of a key cut after four characters.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let ends_a_word = |c: char| !c.is_ascii_alphanumeric();
    let (mut shown, mut kept, mut start) = (String::new(), 0, 0);
    for piece in text.split_inclusive(ends_a_word) {
        let word = piece.trim_end_matches(ends_a_word);
        if may_be_a_key(&text[..start], word) {
            shown.push_str(&text[kept..start + SHOWN]);
            shown.push('…');
            kept = start + word.len();
        }
        start += piece.len();
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[kept..]) }
}

/// Base58 that is neither a number, nor an id, nor ours.
fn may_be_a_key(before: &str, word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = is_key_id(before) && word.len() <= KEY_ID;
    word.len() >= key::SHORTEST_BODY
        && word.bytes().all(key::is_base58)
        && !is_number
        && !is_id
        && word != NAME
}

fn is_key_id(before: &str) -> bool {
    let prefix = before.strip_suffix("key_");
    prefix.is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checksum, id};

    #[test]
    fn keys_are_cut() {
        assert_eq!(redacted("YcVfxkQb6JRzqk5kF2tNLv"), "YcVf…");
        assert_eq!(
            redacted("api_id 'live_YcVfxkQb6JRzqk5kF2tNLv' was not found"),
            "api_id 'live_YcVf…' was not found"
        );
        assert_eq!(redacted("é YcVfxkQb6JRzqk5kF2tNLv=YcVfxkQb6JRzqk5kF2tNLv é"), "é YcVf…=YcVf… é");
        assert_eq!(redacted("monkey_YcVfxkQb6JRzqk5kF2tNLv"), "monkey_YcVf…");
        let plain = [16, 17, 24, 255].map(|bytes| key::generate(Some("api"), bytes));
        for new in plain.into_iter().chain([checksum::generate(Some("api"))]) {
            let new = new.unwrap();
            let (text, start) = (new.plaintext.reveal(), new.start);
            assert_eq!(redacted(&format!("<{text}>")), format!("<{start}…>"));
        }
    }

    #[test]
    fn ids_names_numbers_and_words_stay() {
        for prefix in ["api", "ks", "id", "perm", "role", "rl", "rlns", "rlor", "kek", "mig"] {
            let id = id::new(prefix, i64::MAX).unwrap();
            assert_eq!(redacted(&id), id);
        }
        let key_id = id::of_key(b"s", &key::Hash::of("x")).unwrap();
        for text in
            [&key_id, NAME, "99999999999999999999", "toUnixTimestamp64Milli", "documents.management.read", ""]
        {
            assert_eq!(redacted(&format!("'{text}'")), format!("'{text}'"));
        }
    }
}
