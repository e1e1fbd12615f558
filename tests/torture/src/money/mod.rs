//! Many clients spend credits, in every way a transaction can end. Afterwards each balance is what was given less what
//! was spent, as far as the clients know what was.

mod crash;
mod ledger;
mod refills;
mod spender;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use fastrand::Rng;
use postgres::Client;

use crate::client::{Clock, Result, connect, joined};
use crash::Server;
use ledger::Ledger;
use spender::Spender;

#[derive(Debug, Args)]
pub struct Options {
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// How long they spend.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Days on which refills are due at the same moment for all clients.
    #[arg(long, default_value_t = 10)]
    days: u32,
    /// How often the server is killed; the clients spend as long as that takes.
    #[arg(long, default_value_t = 0)]
    crashes: u32,
    /// Data directory of the server to kill.
    #[arg(long, requires = "start")]
    data: Option<String>,
    /// Command that starts the server again.
    #[arg(long)]
    start: Option<String>,
}

/// What all threads share.
struct Run {
    crashes: u32,
    seed: u64,
    clock: Clock,
    /// (id, text)
    keys: Vec<(String, String)>,
    ledger: Ledger,
    attempts: AtomicU64,
    refused: AtomicU64,
    is_over: AtomicBool,
}

impl Run {
    /// Choices of one thread.
    fn rng(&self, thread: usize) -> Rng {
        Rng::with_seed(self.seed.wrapping_add(thread as u64))
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// Credits at the beginning: more than can be spent, and soon gone.
const INITIAL: [i64; 8] = [1_000_000_000, 1_000_000_000, 1_000_000_000, 1_000_000_000, 2000, 500, 100, 3];

pub fn run(options: &Options, seed: u64) -> Result<()> {
    let mut client = connect(None)?;
    client.batch_execute("DROP EXTENSION IF EXISTS unkey CASCADE; CREATE EXTENSION unkey")?;
    let api: String = client.query_one("SELECT unkey_create_api('torture')", &[])?.try_get(0)?;
    let keys = INITIAL.iter().map(|credits| {
        let row = client
            .query_one("SELECT key_id, key FROM unkey_create_key($1, credits => $2)", &[&api, credits])?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    });
    let run = Run {
        crashes: options.crashes,
        seed,
        clock: Clock::start(),
        keys: keys.collect::<Result<_>>()?,
        ledger: Ledger::new(&INITIAL),
        attempts: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    drop(client);
    match (options.crashes, &options.data, &options.start) {
        (0, ..) => spend(options, &run, terminate_now_and_then)?,
        (crashes, Some(data), Some(start)) => {
            let server = Server::new(data, start);
            crash::with_limits(
                &run,
                |run| spend(options, run, |run, _| server.kill_at_random(run, crashes)),
                &server,
            )?;
        }
        _ => return Err("--crashes needs --data and --start".into()),
    }
    let mut client = connect(None)?;
    let balances = run.keys.iter().map(|(key_id, _)| balance(&mut client, key_id));
    run.ledger.audit(&balances.collect::<Result<Vec<_>>>()?)?;
    let [attempts, refused] = [&run.attempts, &run.refused].map(|sum| sum.load(Ordering::Relaxed));
    println!("{attempts} transactions, {refused} refused; {}", run.ledger);
    if attempts < 100 {
        return Err("hardly anybody did anything".into());
    }
    if options.crashes > 0 { Ok(()) } else { refills::run(&mut client, &api, options, seed) }
}

fn balance(client: &mut Client, key_id: &str) -> Result<i64> {
    Ok(client.query_one("SELECT remaining FROM unkey.credits WHERE key_id = $1", &[&key_id])?.try_get(0)?)
}

/// Everybody spends while `trouble` is made; until that is over.
fn spend(options: &Options, run: &Run, trouble: impl FnOnce(&Run, &Options) -> Result<()>) -> Result<()> {
    thread::scope(|scope| {
        let spenders: Vec<_> = (0..options.clients)
            .map(|number| {
                scope.spawn(move || {
                    let mut spender = Spender::new(run, number);
                    while !run.is_over() {
                        spender.act()?;
                    }
                    Ok(())
                })
            })
            .collect();
        let made = trouble(run, options);
        run.is_over.store(true, Ordering::Relaxed);
        spenders.into_iter().try_for_each(joined).and(made)
    })
}

/// Ends sessions at random: some of them are committing.
fn terminate_now_and_then(run: &Run, options: &Options) -> Result<()> {
    let mut client = connect(None)?;
    let mut rng = run.rng(5000);
    let end = Instant::now() + Duration::from_secs(options.seconds);
    while Instant::now() < end {
        client.batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'torture' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
        )?;
        thread::sleep(Duration::from_millis(rng.u64(100..400)));
    }
    Ok(())
}
