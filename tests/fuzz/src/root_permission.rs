//! Permissions of root keys: lines held, an empty line, lines wanted.

use unkey_core::root_permission::{Grants, RESOURCES};

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let (held, wanted) = text.split_once("\n\n").unwrap_or((text, ""));
    let (Some(held), Some(wanted)) = (read(held), read(wanted)) else { return };
    let covered = wanted.texts().iter().all(|wanted| held.texts().iter().any(|held| covers(held, wanted)));
    assert_eq!(held.covers(&wanted), covered);
    assert_eq!(held.require_all_of(&wanted).is_ok(), covered);
    assert!(Grants::all().covers(&held) && held.covers(&held));
    for text in wanted.texts() {
        let [resource, id, action] = text.split('.').collect::<Vec<_>>()[..] else { panic!("{text}") };
        let id = (id != "*").then_some(id);
        assert!(wanted.allows(resource, id, action));
        assert_eq!(held.allows(resource, id, action), held.texts().iter().any(|held| covers(held, &text)));
    }
}

fn read(lines: &str) -> Option<Grants> {
    let list: Vec<String> = lines.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let grants = match Grants::read("permissions", &list) {
        Ok(grants) => grants,
        Err(error) => {
            assert!(error.argument.is_some_and(|argument| argument.starts_with("permissions")));
            assert!(error.message.chars().count() < 1000);
            assert!(list.len() > 1000 || list.iter().any(|text| text != "*" && !exists(text)));
            return None;
        }
    };
    assert!(list.iter().all(|text| text == "*" || exists(text)));
    let texts = grants.texts();
    assert!(list.contains(&"*".to_owned()) || texts.iter().all(|text| list.contains(text)));
    assert_eq!(Grants::read("permissions", &texts), Ok(grants.clone()));
    assert_eq!(serde_json::from_str::<Grants>(&serde_json::to_string(&grants).unwrap()).unwrap(), grants);
    Some(grants)
}

fn exists(text: &str) -> bool {
    let [resource, id, action] = text.split('.').collect::<Vec<_>>()[..] else { return false };
    let is_word =
        |text: &str| text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    RESOURCES.iter().any(|known| {
        let one = known.placeholder.is_some() && (3..=255).contains(&id.len()) && is_word(id);
        known.name == resource && known.actions.contains(&action) && (id == "*" || one)
    })
}

fn covers(held: &str, wanted: &str) -> bool {
    let parts = |text: &str| text.splitn(3, '.').map(str::to_owned).collect::<Vec<_>>();
    let (held, wanted) = (parts(held), parts(wanted));
    held[0] == wanted[0] && held[2] == wanted[2] && (held[1] == "*" || held[1] == wanted[1])
}
