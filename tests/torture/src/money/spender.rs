//! A client that spends: alone, in transactions that commit or don't, in each other's way, and gone in the middle.

use std::sync::atomic::Ordering;

use fastrand::Rng;
use postgres::{Client, Statement};

use super::{Run, ledger::Spends};
use crate::client::{Result, connect};

struct Session {
    client: Client,
    one: Statement,
    batch: Statement,
}

impl Session {
    fn new() -> Result<Self> {
        let mut client = connect(None)?;
        let one = client.prepare("SELECT code, credits FROM unkey_verify_key($1, cost => $2)")?;
        let batch = client.prepare("SELECT code, credits FROM unkey_verify_keys($1, cost => $2)")?;
        Ok(Self { client, one, batch })
    }
}

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A statement of its own.
    Alone,
    /// Several keys in one statement of its own.
    Batch,
    /// Adds credits.
    TopUp,
    /// A transaction that commits.
    Commits,
    RollsBack,
    /// The client is gone before the end.
    Leaves,
    /// A part of it is rolled back to a savepoint.
    TakesBack,
    /// Two keys in any order: some end as victims of a deadlock.
    Twice,
    /// Under a statement_timeout.
    Hurried,
}

/// As often as each stands here.
const KINDS: [Kind; 15] = [
    Kind::Alone,
    Kind::Alone,
    Kind::Alone,
    Kind::Batch,
    Kind::Batch,
    Kind::TopUp,
    Kind::Commits,
    Kind::RollsBack,
    Kind::Leaves,
    Kind::TakesBack,
    Kind::TakesBack,
    Kind::Twice,
    Kind::Twice,
    Kind::Hurried,
    Kind::Hurried,
];

pub struct Spender<'a> {
    run: &'a Run,
    rng: Rng,
    /// `None` while there is no connection.
    session: Option<Session>,
}

/// How an attempt went wrong.
enum Trouble {
    /// The database said so: nothing of the transaction stays.
    Refused,
    /// Nobody said anything: a commit that was under way may have happened.
    Silence,
    /// The run has found something.
    Fault(String),
}

impl From<postgres::Error> for Trouble {
    fn from(error: postgres::Error) -> Self {
        // A server that is told to die ends its sessions with class 57P; they may have been committing.
        match error.code() {
            Some(code) if !code.code().starts_with("57P") => Self::Refused,
            _ => Self::Silence,
        }
    }
}

type Attempt<T> = std::result::Result<T, Trouble>;

impl<'a> Spender<'a> {
    pub fn new(run: &'a Run, number: usize) -> Self {
        Self { run, rng: run.rng(number), session: None }
    }

    /// One transaction of some kind; its outcome is in the ledger.
    pub fn act(&mut self) -> Result<()> {
        let Some(mut session) = self.connected() else { return Ok(()) };
        let mut pending = Spends::new();
        let kind = self.rng.choice(KINDS).unwrap_or(Kind::Alone);
        let tried = self.attempt(&mut session, kind, &mut pending);
        self.run.attempts.fetch_add(1, Ordering::Relaxed);
        match tried {
            Ok(true) => self.run.ledger.spent(&pending),
            Ok(false) => {}
            Err(Trouble::Refused) => {
                self.run.refused.fetch_add(1, Ordering::Relaxed);
                if session.client.batch_execute("ROLLBACK").is_err() {
                    return Ok(());
                }
            }
            Err(Trouble::Silence) => {
                self.run.ledger.doubtful(&pending);
                return Ok(());
            }
            Err(Trouble::Fault(fault)) => return Err(fault.into()),
        }
        if kind != Kind::Leaves {
            self.session = Some(session);
        }
        Ok(())
    }

    fn connected(&mut self) -> Option<Session> {
        self.session.take().or_else(|| {
            let session = Session::new().ok();
            if session.is_none() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            session
        })
    }

    /// Answers whether `pending` was committed. What is in doubt after a silence stays in `pending`.
    fn attempt(&mut self, session: &mut Session, kind: Kind, pending: &mut Spends) -> Attempt<bool> {
        match kind {
            Kind::Alone => return self.spend_alone(session, pending).map(|()| true),
            Kind::Batch => return self.spend_batch(session, pending).map(|()| true),
            Kind::TopUp => return self.add_credits(session).map(|()| true),
            _ => session.client.batch_execute("BEGIN")?,
        }
        // Nothing of a transaction is in doubt before its COMMIT.
        self.work(session, kind, pending).map_err(|trouble| cleared(pending, trouble))?;
        match kind {
            Kind::Leaves => return Ok(false),
            Kind::RollsBack => session.client.batch_execute("ROLLBACK").map(|()| false),
            _ => session.client.batch_execute("COMMIT").map(|()| true),
        }
        .map_err(Trouble::from)
    }

    /// What a transaction does between its BEGIN and its end.
    fn work(&mut self, session: &mut Session, kind: Kind, pending: &mut Spends) -> Attempt<()> {
        if kind == Kind::Hurried {
            let time = self.rng.u8(1..20);
            session.client.batch_execute(&format!("SET LOCAL statement_timeout = {time}"))?;
        }
        self.spend(session, None, pending)?;
        if kind == Kind::Twice {
            self.spend(session, None, pending)?;
        }
        if kind == Kind::TakesBack {
            session.client.batch_execute("SAVEPOINT s")?;
            self.spend(session, None, &mut Spends::new())?;
            session.client.batch_execute("ROLLBACK TO s")?;
        }
        Ok(())
    }

    fn spend_alone(&mut self, session: &mut Session, pending: &mut Spends) -> Attempt<()> {
        let (slot, cost) = (self.slot(), self.cost());
        // In doubt until there is an answer.
        pending.push((slot, cost));
        let mut known = Spends::new();
        self.spend(session, Some((slot, cost)), &mut known)?;
        *pending = known;
        Ok(())
    }

    fn slot(&mut self) -> usize {
        self.rng.usize(0..self.run.keys.len())
    }

    fn cost(&mut self) -> i64 {
        self.rng.choice([0, 1, 1, 2, 7]).unwrap_or(1)
    }

    fn spend(
        &mut self,
        session: &mut Session,
        what: Option<(usize, i64)>,
        pending: &mut Spends,
    ) -> Attempt<()> {
        let (slot, cost) = what.unwrap_or_else(|| (self.slot(), self.cost()));
        let row = session.client.query_one(&session.one, &[&self.run.keys[slot].1, &cost])?;
        pending.extend(self.judge(slot, cost, row.try_get(0)?, row.try_get(1)?)?);
        Ok(())
    }

    fn spend_batch(&mut self, session: &mut Session, pending: &mut Spends) -> Attempt<()> {
        let cost = self.cost();
        let slots: Vec<usize> = (0..self.rng.usize(2..6)).map(|_| self.slot()).collect();
        let texts: Vec<&str> = slots.iter().map(|&slot| self.run.keys[slot].1.as_str()).collect();
        pending.extend(slots.iter().map(|&slot| (slot, cost)));
        let rows = session.client.query(&session.batch, &[&texts, &cost])?;
        pending.clear();
        for (&slot, row) in slots.iter().zip(&rows) {
            pending.extend(self.judge(slot, cost, row.try_get(0)?, row.try_get(1)?)?);
        }
        Ok(())
    }

    /// What an answer says was spent.
    fn judge(
        &self,
        slot: usize,
        cost: i64,
        code: &str,
        credits: Option<i64>,
    ) -> Attempt<Option<(usize, i64)>> {
        match (code, credits) {
            (_, Some(credits)) if credits < 0 => Err(Trouble::Fault(format!("a key has {credits} credits"))),
            ("VALID", Some(_)) => Ok(Some((slot, cost))),
            ("USAGE_EXCEEDED", Some(credits)) if credits < cost => Ok(None),
            _ => Err(Trouble::Fault(format!("{code} with {credits:?} credits left for a cost of {cost}"))),
        }
    }

    fn add_credits(&mut self, session: &mut Session) -> Attempt<()> {
        let slot = self.slot();
        let credits = self.rng.i64(1..5);
        // A doubt about what is added would be a doubt in the other direction.
        if self.run.crashes > 0 {
            return Ok(());
        }
        let sql = "SELECT unkey_update_credits($1, 'increment', $2)";
        session.client.execute(sql, &[&self.run.keys[slot].0, &credits])?;
        self.run.ledger.add(slot, credits);
        Ok(())
    }
}

/// Nothing of an unfinished transaction is in doubt.
fn cleared(pending: &mut Spends, trouble: Trouble) -> Trouble {
    pending.clear();
    trouble
}
