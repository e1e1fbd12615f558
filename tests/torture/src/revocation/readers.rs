//! Those who verify: one key or many, in every kind of transaction, on the primary or a standby.

use std::sync::atomic::Ordering;

use fastrand::Rng;
use postgres::{Client, Row, Statement};

use super::Run;
use super::model::{Answer, Code, Key, PERMISSIONS, SHARED_ROLE};
use crate::client::{Result, connect, is_conflict};
use crate::history::{Floor, Lsn, Time};

/// An answer, and when it was asked for and there.
#[derive(Debug, Clone)]
pub struct Observation {
    pub slot: usize,
    /// The permission asked for.
    pub asked: Option<u8>,
    pub floor: Floor,
    pub seen: Time,
    pub answer: Answer,
    /// What the asking transaction had made of the key itself.
    pub own: Option<Box<Key>>,
}

const COLUMNS: &str =
    "code, name, permissions, roles, (ratelimits->0->>'limit')::bigint, (identity->'meta'->>'n')::bigint";
/// An address that no blocking list lets through.
const IP: &str = "198.51.100.7";

fn answer(row: &Row) -> Result<Answer> {
    let code: &str = row.try_get(0)?;
    let known = Code::ALL.iter().find(|(_, word)| *word == code);
    let (code, _) = known.ok_or_else(|| format!("a verification answered {code}"))?;
    let name: Option<&str> = row.try_get(1)?;
    let permissions: Option<Vec<&str>> = row.try_get(2)?;
    let roles: Option<Vec<&str>> = row.try_get(3)?;
    let roles = roles.unwrap_or_default();
    let bit = |slug: &&str| PERMISSIONS.iter().position(|known| known == slug).map_or(0, |bit| 1 << bit);
    Ok(Answer {
        code: *code,
        name: name.map_or(Ok(0), str::parse)?,
        permissions: permissions.unwrap_or_default().iter().map(bit).sum(),
        has_own_role: roles.iter().any(|role| role.starts_with("torture.own")),
        has_shared_role: roles.contains(&SHARED_ROLE),
        limit: row.try_get::<_, Option<i64>>(4)?.unwrap_or(0) as u32,
        meta: row.try_get::<_, Option<i64>>(5)?.unwrap_or(0) as u32,
    })
}

fn query(asked: Option<u8>) -> Option<String> {
    asked.map(|bit| format!("torture.p{bit}"))
}

/// A session that verifies.
pub struct Session {
    pub client: Client,
    one: Statement,
    batch: Statement,
    set: Statement,
}

impl Session {
    pub fn new(host: Option<&str>) -> Result<Self> {
        let mut client = connect(host)?;
        let mut prepare = |from: &str| client.prepare(&format!("SELECT {COLUMNS} FROM {from}"));
        let one = prepare(&format!("unkey_verify_key($1, $2, ip => '{IP}')"))?;
        let batch = prepare(&format!("unkey_verify_keys($1, $2, ip => '{IP}')"))?;
        let set = prepare(&format!(
            "unnest($1::text[]) AS wanted (key), unkey_verify_key(wanted.key, $2, ip => '{IP}')"
        ))?;
        Ok(Self { client, one, batch, set })
    }

    /// Verifies keys in one statement. Each is looked at as of its own moment, all of them after the statement began.
    fn ask(
        &mut self,
        run: &Run,
        slots: &[usize],
        asked: Option<u8>,
        floor: Floor,
        seen: &mut Vec<Observation>,
    ) -> Result<()> {
        let texts: Vec<&str> = slots.iter().map(|&slot| run.names[slot].text.as_str()).collect();
        let rows = match texts.as_slice() {
            [text] => self.client.query(&self.one, &[text, &query(asked)]),
            texts if texts.len() % 2 == 0 => self.client.query(&self.batch, &[&texts, &query(asked)]),
            texts => self.client.query(&self.set, &[&texts, &query(asked)]),
        }?;
        let now = run.clock.now();
        for (&slot, row) in slots.iter().zip(&rows) {
            seen.push(Observation { slot, asked, floor, seen: now, answer: answer(row)?, own: None });
        }
        run.answers.fetch_add(rows.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Verifies one key.
    pub fn single(
        &mut self,
        run: &Run,
        slot: usize,
        asked: Option<u8>,
        seen: &mut Vec<Observation>,
    ) -> Result<()> {
        self.ask(run, &[slot], asked, Floor::Time(run.clock.now()), seen)
    }

    /// Verifies a key that this transaction has changed: it must see its own change.
    pub fn own(&mut self, run: &Run, slot: usize, key: &Key, seen: &mut Vec<Observation>) -> Result<()> {
        let from = seen.len();
        self.single(run, slot, None, seen)?;
        seen.iter_mut().skip(from).for_each(|observation| observation.own = Some(Box::new(key.clone())));
        Ok(())
    }
}

/// A reader until there are enough answers.
pub fn read(run: &Run, number: usize) -> Result<Vec<Observation>> {
    let standby = run.options.standby.as_deref().filter(|_| number.is_multiple_of(2));
    let mut session = Session::new(standby)?;
    let mut rng = run.rng(3000 + number);
    let mut seen = Vec::new();
    while run.answers.load(Ordering::Relaxed) < run.options.verifications {
        let done = match (standby.is_some(), rng.u8(0..10)) {
            (true, _) => on_standby(run, &mut session, &mut rng, &mut seen),
            (false, 0..6) => {
                let (slot, asked) = (rng.usize(0..run.names.len()), permission(&mut rng));
                session.single(run, slot, asked, &mut seen)
            }
            (false, 6) => several(run, &mut session, &mut rng, &mut seen),
            (false, 7 | 8) => repeatable(run, &mut session, &mut rng, &mut seen),
            (false, _) => serializable(run, &mut session, &mut rng, &mut seen),
        };
        if let Err(error) = done {
            match error.downcast_ref::<postgres::Error>() {
                Some(known) if is_conflict(known) => session.client.batch_execute("ROLLBACK")?,
                _ => return Err(error),
            }
        }
    }
    Ok(seen)
}

fn permission(rng: &mut Rng) -> Option<u8> {
    rng.bool().then(|| rng.u8(0..4))
}

/// Some keys, each once and in order, so that nobody waits for each other in a circle.
fn some(run: &Run, rng: &mut Rng, at_most: usize) -> Vec<usize> {
    let mut slots: Vec<usize> = (0..rng.usize(2..=at_most)).map(|_| rng.usize(0..run.names.len())).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn several(run: &Run, session: &mut Session, rng: &mut Rng, seen: &mut Vec<Observation>) -> Result<()> {
    let (slots, asked) = (some(run, rng, 8), permission(rng));
    session.ask(run, &slots, asked, Floor::Time(run.clock.now()), seen)
}

/// A transaction with an old snapshot still gets the state as of now.
fn repeatable(run: &Run, session: &mut Session, rng: &mut Rng, seen: &mut Vec<Observation>) -> Result<()> {
    session.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM unkey.apis")?;
    for slot in some(run, rng, 4) {
        session.single(run, slot, permission(rng), seen)?;
    }
    Ok(session.client.batch_execute("COMMIT")?)
}

/// A serializable transaction gets the state of its snapshot.
fn serializable(run: &Run, session: &mut Session, rng: &mut Rng, seen: &mut Vec<Observation>) -> Result<()> {
    let floor = Floor::Time(run.clock.now());
    session.client.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM unkey.apis")?;
    let (snapshot, from) = (run.clock.now(), seen.len());
    for slot in some(run, rng, 3) {
        session.ask(run, &[slot], permission(rng), floor, seen)?;
    }
    seen.iter_mut().skip(from).for_each(|observation| observation.seen = snapshot);
    Ok(session.client.batch_execute("COMMIT")?)
}

/// What has been replayed counts; and what has not may.
fn on_standby(run: &Run, session: &mut Session, rng: &mut Rng, seen: &mut Vec<Observation>) -> Result<()> {
    let replayed = session.client.query_one("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint", &[])?;
    let floor = Floor::Lsn(replayed.try_get::<_, i64>(0)? as Lsn);
    let (slots, asked) = if rng.bool() {
        (some(run, rng, 4), permission(rng))
    } else {
        (vec![rng.usize(0..run.names.len())], permission(rng))
    };
    session.ask(run, &slots, asked, floor, seen)
}
