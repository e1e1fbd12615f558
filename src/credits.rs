//! Credits of one key: balance and refill.

use unkey_core::Error;
use unkey_core::credits::{Balance, Change as BalanceChange, Operation};
use unkey_core::document::{CreditsPatch, Patch};

use crate::clock;
use crate::error::Outcome;
use crate::store::credits;
use crate::store::key::Key;
use crate::store::keys::{self, Changes};

/// Applies a change of credits to a key locked with its balance: the balance at once, the refill to `changes`.
pub fn change(key: &Key, patch: &Patch<CreditsPatch>, changes: &mut Changes, now: i64) -> Outcome<()> {
    match patch {
        Patch::Keep => Ok(()),
        Patch::Clear => make_unlimited(key, changes),
        Patch::Set(credits) if credits.remaining == Patch::Clear => make_unlimited(key, changes),
        Patch::Set(credits) => {
            if let Some(refill) = credits.refill()?.change() {
                changes.set_refill(refill);
            }
            // Settled under the old refill, so that a new one can't come due for the past.
            match (credits.remaining.value(), key.balance(now)) {
                (Some(&remaining), balance) => {
                    store_balance(key, balance, BalanceChange::Set(remaining), now)?;
                    Ok(())
                }
                (None, Some(balance)) => credits::put(&key.id, &balance),
                (None, None) => Ok(()),
            }
        }
    }
}

fn make_unlimited(key: &Key, changes: &mut Changes) -> Outcome<()> {
    changes.set_refill(None);
    credits::remove(&key.id)
}

fn store_balance(key: &Key, balance: Option<Balance>, change: BalanceChange, now: i64) -> Outcome<i64> {
    let empty = Balance { remaining: 0, settled_at: now, last_refill_at: None };
    let balance = balance.unwrap_or(empty).apply(change);
    credits::put(&key.id, &balance)?;
    Ok(balance.remaining)
}

/// Changes the balance of a key locked with it, and answers it; `None` for unlimited.
pub fn update(key: &Key, operation: Operation) -> Outcome<Option<i64>> {
    let now = clock::now();
    let change = match operation {
        Operation::SetUnlimited { forget_refill } => {
            let mut changes = Changes::default();
            if forget_refill {
                changes.set_refill(None);
            }
            credits::remove(&key.id)?;
            keys::update(&key.id, &changes, now)?;
            return Ok(None);
        }
        Operation::Set(value) => BalanceChange::Set(value),
        Operation::Increment(value) => BalanceChange::Increment(value),
        Operation::Decrement(value) => BalanceChange::Decrement(value),
    };
    let balance = key.balance(now);
    if balance.is_none() && !matches!(change, BalanceChange::Set(_)) {
        let error =
            Error::invalid("operation", format!("can't change the unlimited credits of key '{}'", key.id));
        return Err(error.hint("Use 'set' to give the key a balance first.").into());
    }
    Ok(Some(store_balance(key, balance, change, now)?))
}
