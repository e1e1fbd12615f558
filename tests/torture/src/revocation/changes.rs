//! Changes of a key, by function and by hand-written SQL, each with what it makes of the model.

use fastrand::Rng;

use super::model::{Key, PERMISSIONS, SHARED_ROLE};

/// Names of the things that belong to a key.
#[derive(Debug, Clone)]
pub struct Names {
    pub key_id: String,
    pub api_id: String,
    pub identity_id: String,
    pub text: String,
    pub own_role: String,
}

/// Statements of one transaction, and the key after its commit.
pub struct Change {
    pub statements: Vec<String>,
    pub after: Key,
    /// Whether it takes itself back instead.
    pub rolls_back: bool,
}

/// What a writer does next: one change, several in one transaction, some of it taken back, or all.
pub fn next(rng: &mut Rng, names: &Names, key: &Key) -> Change {
    let (mut statements, mut after) = step(rng, names, key);
    let mut rolls_back = false;
    match rng.u8(0..10) {
        0 => rolls_back = true,
        1 => {
            let (taken_back, _) = step(rng, names, &after);
            statements.push("SAVEPOINT s".to_owned());
            statements.extend(taken_back);
            statements.push("ROLLBACK TO s".to_owned());
        }
        2 | 3 => {
            let (more, then) = step(rng, names, &after);
            statements.extend(more);
            after = then;
        }
        _ => {}
    }
    Change { statements, after, rolls_back }
}

/// One change.
fn step(rng: &mut Rng, names: &Names, key: &Key) -> (Vec<String>, Key) {
    let mut after = key.clone();
    let Names { key_id, .. } = names;
    if !key.exists {
        after = Key::bare(rng.u32(1..), key.own_role);
        return (vec![insert(names, after.name)], after);
    }
    if key.deleted && rng.bool() {
        after.deleted = false;
        return (vec![format!("UPDATE unkey.keys SET deleted_at = NULL WHERE id = '{key_id}'")], after);
    }
    if key.deleted {
        after.exists = false;
        return (vec![format!("DELETE FROM unkey.keys WHERE id = '{key_id}'")], after);
    }
    let by_function = rng.bool();
    let update = |patch: String| format!("SELECT unkey_update_key('{key_id}', '{patch}')");
    let set = |what: String| format!("UPDATE unkey.keys SET {what} WHERE id = '{key_id}'");
    let statement = match rng.u8(0..20) {
        0..4 => {
            after.enabled = !key.enabled;
            let enabled = after.enabled;
            if by_function {
                update(format!(r#"{{"enabled": {enabled}}}"#))
            } else {
                set(format!("enabled = {enabled}"))
            }
        }
        4 => {
            after.deleted = true;
            if by_function {
                format!("SELECT unkey_delete_key('{key_id}')")
            } else {
                set("deleted_at = unkey.now()".to_owned())
            }
        }
        5 => {
            after.exists = false;
            if by_function {
                format!("SELECT unkey_delete_key('{key_id}', permanent => true)")
            } else {
                format!("DELETE FROM unkey.keys WHERE id = '{key_id}'")
            }
        }
        6 | 7 => {
            after.expired = !key.expired;
            match (after.expired, by_function) {
                (true, true) => update(r#"{"expires": 1000}"#.to_owned()),
                (true, false) => set("expires = unkey.now() - interval '1 hour'".to_owned()),
                (false, true) => update(r#"{"expires": null}"#.to_owned()),
                (false, false) => set("expires = NULL".to_owned()),
            }
        }
        8 => {
            after.blocked = !key.blocked;
            set(if after.blocked { "ip_allowlist = '{192.0.2.0/24}'" } else { "ip_allowlist = NULL" }
                .to_owned())
        }
        9 | 10 => {
            after.name = rng.u32(1..);
            let name = after.name;
            if by_function {
                update(format!(r#"{{"name": "{name}"}}"#))
            } else {
                set(format!("name = '{name}'"))
            }
        }
        11 | 12 => {
            after.limit = if rng.u8(0..4) == 0 { 0 } else { rng.u32(1_000_000_000..) };
            let list = match after.limit {
                0 => "[]".to_owned(),
                limit => format!(
                    r#"[{{{}"name": "requests", "limit": {limit}, "duration": 86400000, "autoApply": true}}]"#,
                    if by_function { "" } else { r#""id": "rl_torture", "# }
                ),
            };
            if by_function {
                update(format!(r#"{{"ratelimits": {list}}}"#))
            } else {
                set(format!("ratelimits = '{list}'"))
            }
        }
        13 | 14 if by_function => {
            after.direct = rng.u8(0..16);
            format!("SELECT unkey_set_permissions('{key_id}', '{{{}}}')", slugs(after.direct))
        }
        13 | 14 => return toggle_direct(rng, names, key),
        15 | 16 => return toggle_role(rng, names, key, by_function),
        17 => return (own_role(rng, names, &mut after), after),
        _ => return r#move(rng, names, key),
    };
    (vec![statement], after)
}

fn insert(names: &Names, name: u32) -> String {
    let Names { key_id, api_id, identity_id, text, .. } = names;
    format!(
        "INSERT INTO unkey.keys (id, api_id, hash, identity_id, name)
        VALUES ('{key_id}', '{api_id}', sha256('{text}'), '{identity_id}', '{name}')"
    )
}

fn slugs(bits: u8) -> String {
    let chosen = PERMISSIONS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    chosen.map(|(_, slug)| *slug).collect::<Vec<_>>().join(",")
}

fn permission_id(bit: u8) -> String {
    format!("(SELECT id FROM unkey.permissions WHERE slug = 'torture.p{bit}')")
}

fn role_id(name: &str) -> String {
    format!("(SELECT id FROM unkey.roles WHERE name = '{name}')")
}

/// A row of a link table comes or goes.
fn link(table: &str, columns: [&str; 2], values: [&str; 2], comes: bool) -> String {
    let ([first, second], [one, other]) = (columns, values);
    if comes {
        format!("INSERT INTO unkey.{table} ({first}, {second}) VALUES ({one}, {other})")
    } else {
        format!("DELETE FROM unkey.{table} WHERE {first} = {one} AND {second} = {other}")
    }
}

fn direct_link(names: &Names, bit: u8, comes: bool) -> String {
    let key_id = format!("'{}'", names.key_id);
    link("key_permissions", ["key_id", "permission_id"], [&key_id, &permission_id(bit)], comes)
}

pub fn role_link(role: &str, bit: u8, comes: bool) -> String {
    link("role_permissions", ["role_id", "permission_id"], [&role_id(role), &permission_id(bit)], comes)
}

fn toggle_direct(rng: &mut Rng, names: &Names, key: &Key) -> (Vec<String>, Key) {
    let (mut after, bit) = (key.clone(), rng.u8(0..4));
    after.direct ^= 1 << bit;
    (vec![direct_link(names, bit, after.direct & (1 << bit) != 0)], after)
}

fn toggle_role(rng: &mut Rng, names: &Names, key: &Key, by_function: bool) -> (Vec<String>, Key) {
    let mut after = key.clone();
    let is_own = rng.bool();
    let has = if is_own { &mut after.has_own_role } else { &mut after.has_shared_role };
    *has = !*has;
    let comes = *has;
    let role = if is_own { names.own_role.as_str() } else { SHARED_ROLE };
    let key_id = format!("'{}'", names.key_id);
    let statement = if by_function {
        let function = if comes { "unkey_add_roles" } else { "unkey_remove_roles" };
        format!("SELECT {function}({key_id}, '{{{role}}}')")
    } else {
        link("key_roles", ["key_id", "role_id"], [&key_id, &role_id(role)], comes)
    };
    (vec![statement], after)
}

fn own_role(rng: &mut Rng, names: &Names, after: &mut Key) -> Vec<String> {
    let bit = rng.u8(0..4);
    after.own_role ^= 1 << bit;
    vec![role_link(&names.own_role, bit, after.own_role & (1 << bit) != 0)]
}

/// A permission moves between the key and its role in one transaction: nobody may see it in neither.
fn r#move(rng: &mut Rng, names: &Names, key: &Key) -> (Vec<String>, Key) {
    let (mut after, bit) = (key.clone(), rng.u8(0..4));
    let mask = 1 << bit;
    if (key.direct & mask != 0) == (key.own_role & mask != 0) {
        return toggle_direct(rng, names, key);
    }
    after.direct ^= mask;
    after.own_role ^= mask;
    let statements = vec![
        direct_link(names, bit, after.direct & mask != 0),
        role_link(&names.own_role, bit, after.own_role & mask != 0),
    ];
    (statements, after)
}
