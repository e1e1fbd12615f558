//! Covering permissions, for any sets of them.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use unkey_core::root_permission::{Grant, Grants, Ids, RESOURCES};

/// A permission, of few ids so that they meet.
fn permission() -> impl Strategy<Value = String> {
    let resource = prop::sample::select(RESOURCES.iter().collect::<Vec<_>>());
    resource.prop_flat_map(|resource| {
        let ids = if resource.placeholder.is_some() { vec!["*", "id_1", "id_2"] } else { vec!["*"] };
        let action = prop::sample::select(resource.actions[..2].to_vec());
        (prop::sample::select(ids), action)
            .prop_map(move |(id, action)| format!("{}.{id}.{action}", resource.name))
    })
}

fn grant() -> impl Strategy<Value = Grant> {
    permission().prop_map(|text| Grant::parse("permission", &text).unwrap())
}

fn grants() -> impl Strategy<Value = Grants> {
    prop::collection::vec(permission(), 0..8).prop_map(|list| Grants::read("permissions", &list).unwrap())
}

/// The same with one more.
fn plus(set: &Grants, more: &str) -> Grants {
    let mut list = set.texts();
    list.push(more.to_owned());
    Grants::read("permissions", &list).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_read(grant in grant()) {
        prop_assert_eq!(&Grant::parse("permission", &grant.to_string()).unwrap(), &grant);
    }

    #[test]
    fn covering_is_exact_or_by_a_star(held in grant(), wanted in grant()) {
        let (held_text, wanted_text) = (held.to_string(), wanted.to_string());
        let part = |text: &str, at: usize| text.split('.').nth(at).unwrap().to_owned();
        let same = |at| part(&held_text, at) == part(&wanted_text, at);
        let expected = same(0) && same(2) && (part(&held_text, 1) == "*" || same(1));
        prop_assert_eq!(held.covers(&wanted), expected);
    }

    #[test]
    fn covering_is_reflexive_and_transitive(a in grants(), b in grants(), c in grants()) {
        prop_assert!(a.covers(&a));
        if a.covers(&b) && b.covers(&c) {
            prop_assert!(a.covers(&c));
        }
    }

    #[test]
    fn more_permissions_never_allow_less(set in grants(), other in grants(), more in permission()) {
        prop_assert!(plus(&set, &more).covers(&set));
        if set.covers(&other) {
            prop_assert!(plus(&set, &more).covers(&other));
        }
        prop_assert!(plus(&set, "*").covers(&other));
    }

    #[test]
    fn a_set_that_covers_allows_whatever_the_other_allows(a in grants(), b in grants(), wanted in permission()) {
        let parts: Vec<&str> = wanted.split('.').collect();
        let id = Some(parts[1]).filter(|id| *id != "*");
        if a.covers(&b) && b.allows(parts[0], id, parts[2]) {
            prop_assert!(a.allows(parts[0], id, parts[2]));
        }
    }

    #[test]
    fn the_ids_are_those_allowed(set in grants(), wanted in permission()) {
        let parts: Vec<&str> = wanted.split('.').collect();
        for id in ["id_1", "id_2"] {
            let listed = match set.ids(parts[0], parts[2]) {
                Ids::All => true,
                Ids::These(ids) => ids.contains(&id),
            };
            prop_assert_eq!(listed, set.allows(parts[0], Some(id), parts[2]));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        let _ = Grant::parse("permission", &text);
    }
}
