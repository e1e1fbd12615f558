//! Balances: one narrow row per metered key.

use std::collections::{BTreeMap, HashMap};

use unkey_core::credits::{Balance, Refill};
use unkey_core::verdict::Spent;
use unkey_core::{Error, Kind};

use super::in_place::{self, Change, Judgement, Place};
use super::probe::Table;
use super::row::Row;
use super::statement::{View, arg, column, is_read_only, row, rows, run};
use crate::actor::{Doing, while_doing};
use crate::clock::to_microseconds;
use crate::error::{Failure, Outcome};

/// Spends `cost` if the balance covers it; a cost of 0 only reads. `None` if the key has no balance.
fn spend(key_id: &str, refill: Option<&Refill>, cost: i64, now: i64) -> Outcome<Option<Spent>> {
    let refill = refill.map(|refill| (refill.due(now), refill.amount)).unzip();
    // A transaction that can't write looks first: it need not be refused when there is nothing to spend.
    let mut look_first = cost <= 0 || is_read_only();
    for _ in 0..ROUNDS {
        if !look_first {
            if is_read_only() {
                return Err(read_only().into());
            }
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

fn read_only() -> Error {
    Error::new(Kind::ReadOnly, "credits can't be spent in a read-only transaction").hint(
        "Ask again in a transaction that may write, on the primary; with a cost of 0 the call only looks.",
    )
}

/// How often a spend begins again because somebody else changed the balance meanwhile. Only a trigger of somebody's that
/// refuses the change without an error comes so far.
const ROUNDS: usize = 1000;

/// When a refill was last due, and its amount.
type Due = (Option<i64>, Option<i64>);

const CREDITS: Place =
    Place { table: Table { name: c"credits", index: c"credits_pkey" }, columns: 4, checks: 1 };
const REMAINING: i32 = 2;
const SETTLED_AT: i32 = 3;

/// Takes `cost` from a balance that covers it, unless a refill is due that would raise it.
fn take(key_id: &str, due: Due, cost: i64, now: i64) -> Outcome<Option<i64>> {
    match in_place::change(&CREDITS, key_id, |row| taken(row, due, cost, now))? {
        Change::Made(remaining) => Ok(Some(remaining)),
        Change::Refused => Ok(None),
        Change::Unfit => take_by_statement(key_id, due, cost, now),
    }
}

/// The same as [`take_by_statement`], of one row.
fn taken(row: &Row, (due, amount): Due, cost: i64, now: i64) -> Judgement<i64> {
    let (mut remaining, mut settled_at) = (0, 0);
    for (name, column) in row.columns() {
        match name {
            "remaining" => remaining = column.integer(),
            "settled_at" => settled_at = column.microseconds(),
            _ => {}
        }
    }
    let left = remaining.checked_sub(cost).filter(|left| *left >= 0)?;
    let mut values = vec![(REMAINING, left.into())];
    if let (Some(due), Some(amount)) = (due, amount) {
        if settled_at < to_microseconds(due) && remaining < amount {
            return None;
        }
        values.push((SETTLED_AT, settled_at.max(to_microseconds(now)).into()));
    }
    Some((values, left))
}

fn take_by_statement(key_id: &str, (due, amount): Due, cost: i64, now: i64) -> Outcome<Option<i64>> {
    // A key without refill has the shorter statement.
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

/// Locks a balance until the transaction ends.
pub fn reserve(key_id: &str) -> Outcome<()> {
    run("SELECT 1 FROM unkey.credits WHERE key_id = $1 FOR NO KEY UPDATE", &[arg(key_id)])
}

/// The balances that a call has locked and knows. What it spends of them is written by [`Balances::store`].
#[derive(Debug, Default)]
pub struct Balances(HashMap<String, Locked>);

#[derive(Debug)]
struct Locked {
    remaining: i64,
    spent: i64,
}

impl Balances {
    /// Locks balances until the transaction ends, in the order of their key ids. Those with a refill are locked and not
    /// kept: whether one is due is decided where it is made.
    pub fn lock(&mut self, keys: &BTreeMap<&str, Option<Refill>>) -> Outcome<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let locked: Vec<(String, i64)> = rows(
            View::Latest,
            "SELECT json_build_array(key_id, remaining)
            FROM unkey.credits WHERE key_id = ANY($1) ORDER BY key_id FOR NO KEY UPDATE",
            &[arg(keys.keys().copied().collect::<Vec<_>>())],
        )?;
        let kept = locked.into_iter().filter(|(key_id, _)| keys.get(key_id.as_str()) == Some(&None));
        self.0.extend(kept.map(|(key_id, remaining)| (key_id, Locked { remaining, spent: 0 })));
        Ok(())
    }

    /// Spends `cost` if the balance covers it; a cost of 0 only reads. `None` if the key has no balance.
    pub fn spend(
        &mut self,
        key_id: &str,
        refill: Option<&Refill>,
        cost: i64,
        now: i64,
    ) -> Outcome<Option<Spent>> {
        let Some(locked) = self.0.get_mut(key_id) else { return spend(key_id, refill, cost, now) };
        let covered = cost <= locked.remaining;
        if covered {
            locked.remaining -= cost;
            locked.spent += cost;
        }
        Ok(Some(Spent { covered, remaining: locked.remaining }))
    }

    /// Writes what was spent.
    pub fn store(&self) -> Outcome<()> {
        let spent: Vec<(&str, i64)> = self
            .0
            .iter()
            .filter(|(_, locked)| locked.spent > 0)
            .map(|(key_id, locked)| (key_id.as_str(), locked.spent))
            .collect();
        if spent.is_empty() {
            return Ok(());
        }
        // By position and not by a join, whose plan depends on how many balances there were when it was made.
        let written: Vec<i64> = while_doing(Doing::Detail, || {
            rows(
                View::Latest,
                "UPDATE unkey.credits SET remaining = remaining - ($2)[array_position($1, key_id)]
                WHERE key_id = ANY ($1) RETURNING 1",
                &[column(&spent, |(key_id, _)| *key_id), column(&spent, |(_, spent)| *spent)],
            )
        })?;
        if written.len() == spent.len() {
            return Ok(());
        }
        Err(Failure::Internal("a balance covers the cost, but can't be changed".into()))
    }
}

/// Makes the key unlimited.
pub fn remove(key_id: &str) -> Outcome<()> {
    run("DELETE FROM unkey.credits WHERE key_id = $1", &[arg(key_id)])
}
