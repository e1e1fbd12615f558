//! Many connections verify keys while others change everything about them. Each answer is held against what was true
//! at some moment between the question and the answer: a key that was revoked before the question is never valid.

mod changes;
mod check;
mod model;
mod readers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use fastrand::Rng;
use postgres::Client;

use crate::client::{Clock, Result, connect, is_conflict, joined};
use crate::history::{History, Lsn};
use changes::Names;
use check::{Histories, Report};
use model::{Api, Key, PERMISSIONS, SHARED_ROLE};
use readers::{Observation, Session};

#[derive(Debug, Args)]
pub struct Options {
    /// Answers to check.
    #[arg(long, default_value_t = 20_000)]
    verifications: u64,
    #[arg(long, default_value_t = 24)]
    keys: usize,
    /// Connections that change keys.
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Connections that verify.
    #[arg(long, default_value_t = 8)]
    readers: usize,
    /// Directory of a standby's socket: half of the readers ask there.
    #[arg(long)]
    standby: Option<String>,
    /// The extension is built to forget nothing it should: the run succeeds if that is found out.
    #[arg(long)]
    expect_violations: bool,
}

/// What all threads share.
struct Run<'a> {
    options: &'a Options,
    clock: Clock,
    seed: u64,
    names: Vec<Names>,
    /// Answers so far.
    answers: AtomicU64,
    is_over: AtomicBool,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Choices of one thread.
    fn rng(&self, thread: usize) -> Rng {
        Rng::with_seed(self.seed.wrapping_add(thread as u64))
    }
}

pub fn run(options: &Options, seed: u64) -> Result<()> {
    let mut client = connect(None)?;
    let names = set_up(&mut client, options.keys)?;
    if let Some(standby) = &options.standby {
        wait_for(&mut client, standby)?;
    }
    drop(client);
    let run = Run {
        options,
        clock: Clock::start(),
        seed,
        names,
        answers: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let (histories, observations) = thread::scope(|scope| {
        let writers: Vec<_> = (0..options.writers)
            .map(|n| {
                scope.spawn({
                    let run = &run;
                    move || change_keys(run, n)
                })
            })
            .collect();
        let shared = scope.spawn(|| change_shared(&run));
        let readers: Vec<_> = (0..options.readers)
            .map(|n| {
                scope.spawn({
                    let run = &run;
                    move || readers::read(run, n)
                })
            })
            .collect();
        let observations: Vec<_> = readers.into_iter().map(joined).collect();
        run.is_over.store(true, Ordering::Relaxed);
        let histories = writers.into_iter().map(joined).collect::<Result<Vec<_>>>().and_then(|written| {
            let (shared_role, api, meta) = joined(shared)?;
            let mut keys: Vec<_> = (0..options.keys).map(|_| History::new(Key::bare(0, 0))).collect();
            let mut all = Vec::new();
            for (slot, history, own) in written.into_iter().flatten() {
                keys[slot] = history;
                all.extend(own);
            }
            Ok((Histories { keys, shared_role, api, meta }, all))
        });
        (histories, observations)
    });
    let (histories, mut all) = histories?;
    for observations in observations {
        all.extend(observations?);
    }
    let mut report = check::check(&histories, &all);
    report.hits = hits(&mut connect(None)?)?;
    conclude(options, &report)
}

/// Answers so far from what a session kept.
fn hits(client: &mut Client) -> Result<u64> {
    let row = client.query_one("SELECT value::bigint FROM unkey.stats WHERE name = 'cache_hits'", &[])?;
    Ok(row.try_get::<_, i64>(0)? as u64)
}

fn conclude(options: &Options, report: &Report) -> Result<()> {
    println!("{report}");
    match (report.violations, options.expect_violations) {
        (0, true) => Err("a cache that forgets nothing was not found out".into()),
        (0, false) => report.complaint().map_or(Ok(()), |complaint| Err(complaint.into())),
        (_, true) => Ok(()),
        (number, false) => Err(format!("{number} answers were not true at any moment").into()),
    }
}

fn set_up(client: &mut Client, keys: usize) -> Result<Vec<Names>> {
    let one =
        |client: &mut Client, sql: &str| -> Result<String> { Ok(client.query_one(sql, &[])?.try_get(0)?) };
    client.batch_execute("DROP EXTENSION IF EXISTS unkey CASCADE; CREATE EXTENSION unkey")?;
    let api_id = one(client, "SELECT unkey_create_api('torture')")?;
    for slug in PERMISSIONS {
        one(client, &format!("SELECT unkey_create_permission('{slug}')"))?;
    }
    one(client, &format!("SELECT unkey_create_role('{SHARED_ROLE}')"))?;
    let identity_id = one(client, r#"SELECT unkey_create_identity('torture', '{"n": 0}')"#)?;
    (0..keys)
        .map(|slot| {
            let own_role = format!("torture.own{slot}");
            one(client, &format!("SELECT unkey_create_role('{own_role}')"))?;
            let row = client.query_one(
                "SELECT key_id, key FROM unkey_create_key($1, external_id => 'torture')",
                &[&api_id],
            )?;
            Ok(Names {
                key_id: row.try_get(0)?,
                text: row.try_get(1)?,
                api_id: api_id.clone(),
                identity_id: identity_id.clone(),
                own_role,
            })
        })
        .collect()
}

/// Waits until a standby has all that there is now.
fn wait_for(client: &mut Client, standby: &str) -> Result<()> {
    let position: String = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[])?.try_get(0)?;
    let has_replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(30) {
        // The database itself may not be there yet.
        let there = connect(Some(standby))
            .and_then(|mut client| Ok(client.query_one(&has_replayed, &[])?.try_get(0)?));
        if there.unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err("the standby does not follow".into())
}

/// A writer's session.
struct Writer<'a> {
    session: Session,
    run: &'a Run<'a>,
}

impl<'a> Writer<'a> {
    fn new(run: &'a Run<'a>) -> Result<Self> {
        let mut session = Session::new(None)?;
        session.client.batch_execute("SET lock_timeout = '10s'")?;
        Ok(Self { session, run })
    }

    /// Commits statements and notes the change, unless somebody else was in the way. `before` runs in the middle.
    fn commit<S>(
        &mut self,
        statements: &[String],
        after: S,
        history: &mut History<S>,
        before: impl FnOnce(&mut Session) -> Result<()>,
    ) -> Result<bool> {
        self.session.client.batch_execute("BEGIN")?;
        if let Err(error) = self.session.client.batch_execute(&statements.join(";")) {
            self.session.client.batch_execute("ROLLBACK")?;
            return if is_conflict(&error) {
                Ok(false)
            } else {
                Err(format!("{error:?}: {statements:?}").into())
            };
        }
        before(&mut self.session)?;
        let began = self.run.clock.now();
        self.session.client.batch_execute("COMMIT")?;
        let ended = self.run.clock.now();
        history.push(after, began, ended, self.position()?);
        Ok(true)
    }

    /// Where the log is now, if a standby follows it.
    fn position(&mut self) -> Result<Lsn> {
        if self.run.options.standby.is_none() {
            return Ok(0);
        }
        let row =
            self.session.client.query_one("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint", &[])?;
        Ok(row.try_get::<_, i64>(0)? as Lsn)
    }
}

type Written = Vec<(usize, History<Key>, Vec<Observation>)>;

/// Changes the keys of one writer until the run is over.
fn change_keys(run: &Run, number: usize) -> Result<Written> {
    let mut rng = run.rng(1000 + number);
    let mut writer = Writer::new(run)?;
    let mut mine: Written = (number..run.options.keys)
        .step_by(run.options.writers)
        .map(|slot| (slot, History::new(Key::bare(0, 0)), Vec::new()))
        .collect();
    while !run.is_over() && !mine.is_empty() {
        let chosen = rng.usize(0..mine.len());
        let (slot, history, seen) = &mut mine[chosen];
        let names = &run.names[*slot];
        let change = changes::next(&mut rng, names, history.last());
        if change.rolls_back {
            // What the transaction sees of itself is gone with it.
            writer.session.client.batch_execute(&format!("BEGIN; {}", change.statements.join(";")))?;
            writer.session.own(run, *slot, &change.after, seen)?;
            writer.session.client.batch_execute("ROLLBACK")?;
            writer.session.single(run, *slot, None, seen)?;
        } else {
            let (looks, after) = (rng.u8(0..4) == 0, change.after.clone());
            writer.commit(&change.statements, change.after, history, |session| {
                if looks { session.own(run, *slot, &after, seen) } else { Ok(()) }
            })?;
        }
        thread::sleep(Duration::from_micros(rng.u64(0..100_000)));
    }
    Ok(mine)
}

type Shared = (History<u8>, History<Api>, History<u32>);

/// Changes what all keys share, more seldom.
fn change_shared(run: &Run) -> Result<Shared> {
    let mut rng = run.rng(2000);
    let mut writer = Writer::new(run)?;
    let (mut role, mut api, mut meta) =
        (History::new(0), History::new(Api { enabled: true, blocked: false }), History::new(0));
    let api_id = run.names.first().map_or("", |names| names.api_id.as_str());
    while !run.is_over() {
        match rng.u8(0..4) {
            0 | 1 => {
                let bit = rng.u8(0..4);
                let after = role.last() ^ (1 << bit);
                let statement = changes::role_link(SHARED_ROLE, bit, after & (1 << bit) != 0);
                writer.commit(&[statement], after, &mut role, |_| Ok(()))?;
            }
            2 => {
                let after = rng.u32(1..);
                let patch = format!(r#"{{"meta": {{"n": {after}}}}}"#);
                let statement = if rng.bool() {
                    format!("SELECT unkey_update_identity('torture', '{patch}')")
                } else {
                    format!(
                        r#"UPDATE unkey.identities SET meta = '{{"n": {after}}}' WHERE external_id = 'torture'"#
                    )
                };
                writer.commit(&[statement], after, &mut meta, |_| Ok(()))?;
            }
            _ => {
                // Off for a moment only: keys that all answer the same show little.
                for after in api_states(&mut rng) {
                    let (enabled, blocked) = (after.enabled, if after.blocked { "192.0.2.1" } else { "" });
                    let list = if blocked.is_empty() { String::new() } else { format!(r#""{blocked}""#) };
                    let patch = format!(r#"{{"enabled": {enabled}, "ipWhitelist": [{list}]}}"#);
                    let statement = format!("SELECT unkey_update_api('{api_id}', '{patch}')");
                    writer.commit(&[statement], after, &mut api, |_| Ok(()))?;
                    thread::sleep(Duration::from_micros(rng.u64(0..2000)));
                }
            }
        }
        thread::sleep(Duration::from_micros(rng.u64(0..200_000)));
    }
    Ok((role, api, meta))
}

fn api_states(rng: &mut Rng) -> [Api; 2] {
    let on = Api { enabled: true, blocked: false };
    [if rng.bool() { Api { enabled: false, ..on } } else { Api { blocked: true, ..on } }, on]
}
