//! What stands about a key beside its record: what became of it, what its balance is, how it came to its permissions.

use serde::Deserialize;
use unkey_core::credits::Balance;
use unkey_core::explain::Grant;
use unkey_core::key::Hash;

use super::key::Stored;
use super::statement::{View, arg, row};
use crate::error::Outcome;

/// A key, deleted or not. Times in milliseconds.
#[derive(Debug, Deserialize)]
pub struct About {
    pub key_id: String,
    pub name: Option<String>,
    pub deleted_at: Option<i64>,
    /// The migration that is still to see its whole text.
    pub migration_id: Option<String>,
    pub api_id: String,
    pub api_deleted_at: Option<i64>,
    balance: Option<Stored>,
    pub grants: Vec<Grant>,
}

impl About {
    /// The balance as it is stored, taken as settled up to when its refill was set up; `None` for unlimited.
    pub fn balance(&self) -> Option<Balance> {
        self.balance.map(Balance::from)
    }
}

/// The hash of the key with this id.
pub fn hash_of(key_id: &str) -> Outcome<Option<Hash>> {
    let hash: Option<String> = row(
        View::Latest,
        "SELECT to_json(encode(key.hash, 'base64')) FROM unkey.keys AS key WHERE key.id = $1",
        &[arg(key_id)],
    )?;
    Ok(hash.and_then(|hash| Hash::parse(&hash)))
}

/// The key with this hash.
pub fn about(hash: &Hash) -> Outcome<Option<About>> {
    row(
        View::Latest,
        "SELECT json_build_object(
            'key_id', key.id, 'name', key.name, 'deleted_at', unkey.to_ms(key.deleted_at),
            'migration_id', key.pending_migration_id,
            'api_id', api.id, 'api_deleted_at', unkey.to_ms(api.deleted_at),
            'balance', CASE WHEN credits.key_id IS NOT NULL THEN
                json_build_object('remaining', credits.remaining,
                    'settled_at', unkey.to_ms(GREATEST(credits.settled_at, key.refill_since))) END,
            'grants', ARRAY(
                SELECT json_build_object('slug', permission.slug, 'direct', bool_or(link.role IS NULL),
                    'roles', coalesce(array_agg(link.role ORDER BY link.role) FILTER (WHERE link.role IS NOT NULL), '{}'))
                FROM (
                    SELECT direct.permission_id, NULL AS role
                    FROM unkey.key_permissions AS direct WHERE direct.key_id = key.id
                    UNION ALL
                    SELECT grants.permission_id, role.name
                    FROM unkey.key_roles AS held
                    JOIN unkey.roles AS role ON role.id = held.role_id
                    JOIN unkey.role_permissions AS grants ON grants.role_id = role.id
                    WHERE held.key_id = key.id
                ) AS link
                JOIN unkey.permissions AS permission ON permission.id = link.permission_id
                GROUP BY permission.slug))
        FROM unkey.keys AS key
        JOIN unkey.apis AS api ON api.id = key.api_id
        LEFT JOIN unkey.credits AS credits ON credits.key_id = key.id
        WHERE key.hash = $1",
        &[arg(hash.as_bytes().as_slice())],
    )
}
