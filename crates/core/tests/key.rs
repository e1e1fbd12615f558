//! Laws of key text, hashes and ids, whatever the prefix and the length.

use std::collections::HashSet;

use proptest::prelude::*;
use unkey_core::key::{Hash, generate, may_be_one, prefixed_api_key_hash, start_of};
use unkey_core::{checksum, id};

proptest! {
    #[test]
    fn a_key_is_its_prefix_and_as_many_random_bytes_as_asked_for(prefix in "[a-zA-Z0-9_]{1,16}", bytes in 16..=255usize) {
        let new = generate(Some(&prefix), bytes).unwrap();
        let (hash, start, text) = (new.hash, new.start, new.plaintext.reveal());
        let body = text.strip_prefix(&format!("{prefix}_"));
        let decoded = body.and_then(|body| bs58::decode(body).into_vec().ok());
        prop_assert_eq!(decoded.map(|random| random.len()), Some(bytes));
        prop_assert_eq!(hash, Hash::of(&text));
        prop_assert!(text.starts_with(&start) && start.len() == prefix.len() + 1 + 4);
    }

    #[test]
    fn a_key_with_a_checksum_is_told_from_any_text_that_differs(prefix in "[a-zA-Z0-9_]{0,15}[a-zA-Z0-9]", at in 0..74usize, other in "[ -~]") {
        let new = checksum::generate(Some(&prefix)).unwrap();
        let (hash, start, text) = (new.hash, new.start, new.plaintext.reveal());
        prop_assert_eq!(text.len(), prefix.len() + 1 + checksum::BODY);
        prop_assert_eq!(hash, Hash::of(&text));
        prop_assert!(text.starts_with(&start) && start.len() == prefix.len() + 1 + 4);
        prop_assert!(checksum::is_intact(&text) && may_be_one(&text));
        let at = at % text.len();
        let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        prop_assert_eq!(checksum::is_intact(&changed), changed == text);
    }

    #[test]
    fn hashes_survive_both_forms(text in ".{0,40}") {
        let hash = Hash::of(&text);
        let hex: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(Hash::parse(&hash.to_base64()), Some(hash));
        prop_assert_eq!(Hash::parse(&hex), Some(hash));
        prop_assert_eq!(Hash::from_bytes(hash.as_bytes()), Some(hash));
    }

    #[test]
    fn any_text_is_no_hash_or_one_of_32_bytes(text in ".{0,70}") {
        prop_assert!(Hash::parse(&text).is_none_or(|hash| Hash::parse(&hash.to_base64()) == Some(hash)));
    }

    #[test]
    fn what_is_shown_of_any_text_is_never_all_of_it(text in ".{1,80}") {
        let start = start_of(&text);
        prop_assert!(text.starts_with(&start) && start.len() < text.len() && start.chars().count() <= 50);
        prop_assert_eq!(prefixed_api_key_hash(&text).is_ok(), text.matches('_').count() >= 2);
    }

    #[test]
    fn ids_of_objects_sort_by_second(at in 1_700_000_000..4_000_000_000i64, later in 1..1_000_000i64) {
        let (first, second) = (id::new("api", at * 1000).unwrap(), id::new("api", (at + later) * 1000).unwrap());
        let time = |id: &str| bs58::decode(&id[4..]).into_vec().map(|bytes| bytes[..4].to_vec()).unwrap();
        prop_assert!(time(&first) < time(&second));
    }

    #[test]
    fn ids_of_keys_follow_from_secret_and_hash(secret in any::<[u8; 32]>(), texts in prop::collection::hash_set(".{1,20}", 1..20)) {
        let ids: HashSet<String> = texts.iter().map(|text| id::of_key(&secret, &Hash::of(text)).unwrap()).collect();
        prop_assert_eq!(ids.len(), texts.len());
        prop_assert!(ids.iter().all(|id| id.strip_prefix("key_").is_some_and(|body| (16..=22).contains(&body.len()))));
    }
}
