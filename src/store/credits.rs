//! Balances: one narrow row per metered key.

use unkey_core::credits::{Balance, Refill};
use unkey_core::verdict::Spent;

use super::statement::{View, arg, is_read_only, row, run};
use crate::actor::{Doing, while_doing};
use crate::error::{Failure, Outcome};

/// Spends `cost` if the balance covers it; a cost of 0 only reads. `None` if the key has no balance.
pub fn spend(key_id: &str, refill: Option<&Refill>, cost: i64, now: i64) -> Outcome<Option<Spent>> {
    let refill = refill.map(|refill| (refill.due(now), refill.amount)).unzip();
    // A transaction that can't write looks first: it need not be refused when there is nothing to spend.
    let mut look_first = cost <= 0 || is_read_only();
    for _ in 0..ROUNDS {
        if !look_first {
            if let Some(remaining) = take(key_id, refill, cost, now)? {
                return Ok(Some(Spent { covered: true, remaining }));
            }
            if refill.0.is_some() && fill(key_id, refill, now)? {
                continue;
            }
        }
        look_first = false;
        match read(key_id, refill)? {
            // Somebody filled the balance between the two statements, so the refusal no longer holds.
            Some(remaining) if cost > 0 && remaining >= cost => continue,
            remaining => return Ok(remaining.map(|remaining| Spent { covered: cost <= 0, remaining })),
        }
    }
    Err(Failure::Internal(format!("the balance of key {key_id} covers the cost, but can't be changed")))
}

/// How often a spend begins again because somebody else changed the balance meanwhile. Only a trigger of somebody's that
/// refuses the change without an error comes so far.
const ROUNDS: usize = 1000;

/// When a refill was last due, and its amount.
type Due = (Option<i64>, Option<i64>);

/// Takes `cost` from a balance that covers it, unless a refill is due that would raise it.
fn take(key_id: &str, (due, amount): Due, cost: i64, now: i64) -> Outcome<Option<i64>> {
    // Every metered verification comes here, so a key without refill has the shorter statement.
    while_doing(Doing::Detail, || match due {
        None => row(
            View::Latest,
            "UPDATE unkey.credits SET remaining = remaining - $2
            WHERE key_id = $1 AND remaining >= $2 RETURNING remaining",
            &[arg(key_id), arg(cost)],
        ),
        Some(due) => row(
            View::Latest,
            "UPDATE unkey.credits
            SET remaining = remaining - $4, settled_at = GREATEST(settled_at, unkey.from_ms($5))
            WHERE key_id = $1 AND remaining >= $4 AND (settled_at >= unkey.from_ms($2) OR remaining >= $3)
            RETURNING remaining",
            &[arg(key_id), arg(due), arg(amount), arg(cost), arg(now)],
        ),
    })
}

/// Applies a due refill that raises the balance; whether there was one. A statement of its own, for the audit log.
fn fill(key_id: &str, (due, amount): Due, now: i64) -> Outcome<bool> {
    let filled: Option<i64> = while_doing(Doing::Upkeep, || {
        row(
            View::Latest,
            "UPDATE unkey.credits
            SET remaining = $3, settled_at = unkey.from_ms($4), last_refill_at = unkey.from_ms($4)
            WHERE key_id = $1 AND settled_at < unkey.from_ms($2) AND remaining < $3
            RETURNING 1",
            &[arg(key_id), arg(due), arg(amount), arg(now)],
        )
    })?;
    Ok(filled.is_some())
}

/// The balance after refills: the same rule as `Balance::settle`, in SQL.
fn read(key_id: &str, (due, amount): Due) -> Outcome<Option<i64>> {
    row(
        View::Latest,
        "SELECT CASE WHEN settled_at < unkey.from_ms($2) AND remaining < $3 THEN $3 ELSE remaining END
        FROM unkey.credits WHERE key_id = $1",
        &[arg(key_id), arg(due), arg(amount)],
    )
}

/// Stores a balance, making the row if there is none.
pub fn put(key_id: &str, balance: &Balance) -> Outcome<()> {
    run(
        "INSERT INTO unkey.credits (key_id, remaining, settled_at, last_refill_at)
        VALUES ($1, $2, unkey.from_ms($3), unkey.from_ms($4))
        ON CONFLICT (key_id) DO UPDATE SET remaining = EXCLUDED.remaining, settled_at = EXCLUDED.settled_at,
            last_refill_at = EXCLUDED.last_refill_at",
        &[arg(key_id), arg(balance.remaining), arg(balance.settled_at), arg(balance.last_refill_at)],
    )
}

/// Locks balances until the transaction ends, in the order of their key ids.
pub fn reserve(key_ids: &[&str]) -> Outcome<()> {
    if key_ids.is_empty() {
        return Ok(());
    }
    run(
        "SELECT 1 FROM unkey.credits WHERE key_id = ANY($1) ORDER BY key_id FOR NO KEY UPDATE",
        &[arg(key_ids.to_vec())],
    )
}

/// Makes the key unlimited.
pub fn remove(key_id: &str) -> Outcome<()> {
    run("DELETE FROM unkey.credits WHERE key_id = $1", &[arg(key_id)])
}
