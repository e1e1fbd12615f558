//! What clients know they have spent.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

/// Of one key. A client that does not hear of its commit leaves a doubt.
#[derive(Debug, Default)]
struct Account {
    initial: i64,
    added: AtomicI64,
    spent: AtomicI64,
    doubtful: AtomicI64,
}

/// Of all keys, by their slots.
#[derive(Debug)]
pub struct Ledger(Vec<Account>);

/// Credits of one transaction: (slot, credits).
pub type Spends = Vec<(usize, i64)>;

impl Ledger {
    pub fn new(initial: &[i64]) -> Self {
        Self(initial.iter().map(|&initial| Account { initial, ..Account::default() }).collect())
    }

    pub fn add(&self, slot: usize, credits: i64) {
        self.0[slot].added.fetch_add(credits, Ordering::Relaxed);
    }

    /// Commits of these spends were acknowledged.
    pub fn spent(&self, spends: &Spends) {
        spends.iter().for_each(|&(slot, credits)| {
            self.0[slot].spent.fetch_add(credits, Ordering::Relaxed);
        });
    }

    /// These may have been committed, or not.
    pub fn doubtful(&self, spends: &Spends) {
        spends.iter().for_each(|&(slot, credits)| {
            self.0[slot].doubtful.fetch_add(credits, Ordering::Relaxed);
        });
    }

    /// What is wrong with these balances, if anything.
    pub fn audit(&self, balances: &[i64]) -> Result<(), String> {
        let wrong: Vec<String> =
            self.0.iter().zip(balances).filter_map(|(account, &balance)| account.wrong(balance)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("balances are wrong: {}", wrong.join("; "))) }
    }
}

impl Account {
    fn wrong(&self, balance: i64) -> Option<String> {
        let [added, spent, doubtful] =
            [&self.added, &self.spent, &self.doubtful].map(|sum| sum.load(Ordering::Relaxed));
        let most = self.initial + added - spent;
        let least = most - doubtful;
        let is_right = balance >= 0 && (least..=most).contains(&balance);
        (!is_right).then(|| {
            format!(
                "{balance} left of {} + {added}, {spent} spent, {doubtful} in doubt: {least} to {most}",
                self.initial
            )
        })
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let sum = |of: fn(&Account) -> &AtomicI64| {
            self.0.iter().map(|account| of(account).load(Ordering::Relaxed)).sum::<i64>()
        };
        write!(
            f,
            "{} credits spent, {} in doubt",
            sum(|account| &account.spent),
            sum(|account| &account.doubtful)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_credits_that_are_lost_or_come_from_nowhere() {
        let ledger = Ledger::new(&[10]);
        ledger.spent(&vec![(0, 4)]);
        ledger.doubtful(&vec![(0, 2)]);
        ledger.add(0, 1);
        assert!(ledger.audit(&[7]).is_ok());
        assert!(ledger.audit(&[5]).is_ok());
        assert!(ledger.audit(&[8]).is_err());
        assert!(ledger.audit(&[4]).is_err());
        assert!(Ledger::new(&[0]).audit(&[-1]).is_err());
    }
}
