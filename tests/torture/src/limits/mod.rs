//! Many clients against the same limits: no interleaving lets through more than a sliding window does, whatever the clock says.

mod model;

use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use fastrand::Rng;
use postgres::{Client, Statement};

use crate::client::{Result, connect, joined, or_exit};
use model::{Call, Log};

#[derive(Debug, Args)]
pub struct Options {
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Steps of a clock that all clients share, backwards too.
    #[arg(long, default_value_t = 60)]
    steps: usize,
    /// Calls of each client by the real clock.
    #[arg(long, default_value_t = 400)]
    calls: usize,
}

const LIMIT: i64 = 40;
/// The shortest window there is.
const DURATION: i64 = 1000;
/// 2031-01-01, in milliseconds.
const BEGIN: i64 = 1_924_992_000_000;
/// Calls of each client between two steps.
const CALLS: usize = 5;

pub fn run(options: &Options, seed: u64) -> Result<()> {
    let mut client = connect(None)?;
    client.batch_execute("DROP EXTENSION IF EXISTS unkey CASCADE; CREATE EXTENSION unkey")?;
    by_steps(options, seed, false)?;
    by_steps(options, seed, true)?;
    by_real_clock(options)
}

fn limiter(client: &mut Client) -> Result<Statement> {
    let sql = "SELECT success FROM unkey_limit('torture', $1, $2, $3 * interval '1 ms')";
    Ok(client.prepare_typed(
        sql,
        &[postgres::types::Type::TEXT, postgres::types::Type::INT8, postgres::types::Type::FLOAT8],
    )?)
}

fn passes(client: &mut Client, limiter: &Statement, identifier: &str) -> Result<bool> {
    Ok(client.query_one(limiter, &[&identifier, &LIMIT, &(DURATION as f64)])?.try_get(0)?)
}

/// Clocks of the steps: on within a window, into the next, far ahead, and back.
fn clocks(options: &Options, seed: u64) -> Vec<i64> {
    let mut rng = Rng::with_seed(seed);
    let mut now = BEGIN;
    (0..options.steps)
        .map(|_| {
            now += match rng.u8(0..10) {
                0..4 => rng.i64(0..DURATION / 2),
                4..7 => rng.i64(DURATION / 2..DURATION * 3 / 2),
                7 => 3 * DURATION,
                8 => -rng.i64(0..DURATION),
                _ => -rng.i64(DURATION..4 * DURATION),
            };
            now
        })
        .collect()
}

/// All clients call at the same time by the same clock: as many pass as the model has room for. With aborts, whose counts are
/// given back but were in the way meanwhile, no more than that.
fn by_steps(options: &Options, seed: u64, aborts: bool) -> Result<()> {
    let clocks = &clocks(options, seed);
    let passed: &Vec<AtomicI64> = &clocks.iter().map(|_| AtomicI64::new(0)).collect();
    let barrier = &Barrier::new(options.clients);
    thread::scope(|scope| {
        let client = |number| {
            let rng = Rng::with_seed(seed.wrapping_add(number as u64));
            scope.spawn(move || or_exit(step_by_step(rng, barrier, clocks, passed, aborts)))
        };
        let clients: Vec<_> = (0..options.clients).map(client).collect();
        clients.into_iter().for_each(joined);
    });
    let mut log = Log::new(DURATION);
    let (calls, mut total, mut full) = ((options.clients * CALLS) as i64, 0, 0);
    for (step, (clock, passed)) in clocks.iter().zip(passed).enumerate() {
        let (passed, room) = (passed.load(Ordering::Relaxed), (LIMIT - log.used(*clock)).clamp(0, calls));
        if passed > room || (!aborts && passed < room) {
            return Err(format!("step {step} at {clock}: {passed} passed, there was room for {room}").into());
        }
        log.admit(*clock, passed);
        total += passed;
        full += usize::from(room < calls);
    }
    println!(
        "{} steps of the clock{}: {total} passed, {full} times not all",
        clocks.len(),
        if aborts { " with aborts" } else { "" }
    );
    if full == 0 { Err("the limit was never reached".into()) } else { Ok(()) }
}

/// One client through all steps; all clients begin a step together.
fn step_by_step(
    mut rng: Rng,
    barrier: &Barrier,
    clocks: &[i64],
    passed: &[AtomicI64],
    aborts: bool,
) -> Result<()> {
    let mut client = connect(None)?;
    let limiter = limiter(&mut client)?;
    let identifier = if aborts { "aborts" } else { "steps" };
    for (clock, passed) in clocks.iter().zip(passed) {
        client.batch_execute(&format!("SET unkey.clock = {clock}"))?;
        barrier.wait();
        for _ in 0..CALLS {
            let is_kept = !(aborts && rng.bool());
            client.batch_execute("BEGIN")?;
            let has_passed = passes(&mut client, &limiter, identifier)?;
            client.batch_execute(if is_kept { "COMMIT" } else { "ROLLBACK" })?;
            passed.fetch_add(i64::from(has_passed && is_kept), Ordering::Relaxed);
        }
        barrier.wait();
    }
    Ok(())
}

/// By the real clock, for which only is known when a call began and ended.
fn by_real_clock(options: &Options) -> Result<()> {
    let calls = thread::scope(|scope| {
        let clients: Vec<_> = (0..options.clients)
            .map(|_| {
                scope.spawn(|| -> Result<Vec<Call>> {
                    let mut client = connect(None)?;
                    let limiter = limiter(&mut client)?;
                    (0..options.calls)
                        .map(|_| {
                            let began = now();
                            let has_passed = passes(&mut client, &limiter, "real")?;
                            Ok(Call { began, ended: now(), has_passed })
                        })
                        .collect()
                })
            })
            .collect();
        clients.into_iter().map(joined).collect::<Result<Vec<_>>>()
    })?;
    let calls: Vec<Call> = calls.into_iter().flatten().collect();
    let passed = calls.iter().filter(|call| call.has_passed).count();
    println!("{} calls by the real clock: {passed} passed", calls.len());
    model::too_many(&calls, LIMIT, DURATION).map_or(Ok(()), |problem| Err(problem.into()))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}
