//! A server that is killed under load, again and again.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use super::Run;
use crate::client::{Result, connect, joined};
use crate::history::Time;

pub struct Server {
    data: PathBuf,
    /// Command that starts it.
    start: String,
    kills: Mutex<Vec<Time>>,
}

/// How long a server may take to be there again.
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    pub fn new(data: &str, start: &str) -> Self {
        Self { data: data.into(), start: start.to_owned(), kills: Mutex::new(Vec::new()) }
    }

    /// Kills the server or one of its sessions at this many random moments, and has it come back each time.
    pub fn kill_at_random(&self, run: &Run, crashes: u32) -> Result<()> {
        let mut rng = run.rng(7000);
        for crash in 1..=crashes {
            thread::sleep(Duration::from_millis(rng.u64(100..1500)));
            let whole = rng.bool();
            let pid = if whole { Some(self.postmaster()?) } else { some_session() };
            let Some(pid) = pid else { continue };
            self.kills.lock().unwrap_or_else(PoisonError::into_inner).push(run.clock.now());
            kill(pid);
            self.wait(whole)?;
            println!("    {crash} of {crashes}: killed {}", if whole { "the server" } else { "a session" });
        }
        thread::sleep(Duration::from_millis(200));
        Ok(())
    }

    fn postmaster(&self) -> Result<u32> {
        let text = fs::read_to_string(self.data.join("postmaster.pid"))?;
        Ok(text.lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Waits until there is a server again; `start`s it if it can't come back by itself.
    fn wait(&self, start: bool) -> Result<()> {
        let begin = Instant::now();
        while connect(None).is_err() {
            if begin.elapsed() > PATIENCE {
                return Err("the server does not come back".into());
            }
            // In vain as long as something of the old one is there.
            if start {
                Command::new("sh")
                    .args(["-c", &self.start])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()?;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn some_session() -> Option<u32> {
    let row = connect(None).ok()?.query_one(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'torture' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
        &[],
    );
    row.ok()?.try_get::<_, i32>(0).ok().map(i32::unsigned_abs)
}

fn kill(pid: u32) {
    let _ = Command::new("kill").arg("-9").arg(pid.to_string()).stderr(Stdio::null()).status();
}

/// What a crash may forget of long windows: what was counted since the worker last saved them, and that takes a moment.
const LOSS: Time = 12_000_000_000;
const LIMIT: i64 = 1_000_000_000;

/// What one client counted against a limit.
#[derive(Debug, Default)]
struct Counted {
    /// When each was acknowledged.
    known: Vec<Time>,
    doubtful: i64,
}

/// Counts against a limit for as long as `work` takes, and then looks what the server still knows of it.
pub fn with_limits(run: &Run, work: impl FnOnce(&Run) -> Result<()>, server: &Server) -> Result<()> {
    let counted = thread::scope(|scope| {
        let counting = scope.spawn(|| count(run));
        work(run).map(|()| joined(counting))
    })?;
    let used = LIMIT - check(&mut connect(None)?, 0)?;
    let kills = server.kills.lock().unwrap_or_else(PoisonError::into_inner);
    let is_safe = |time: &&Time| !kills.iter().any(|kill| (kill.saturating_sub(LOSS)..*kill).contains(*time));
    let safe = counted.known.iter().filter(is_safe).count() as i64;
    let most = counted.known.len() as i64 + counted.doubtful;
    println!("a limit knows of {used}, of {safe} to {most} that were counted");
    if (safe..=most).contains(&used) {
        Ok(())
    } else {
        Err("a limit lost more than it may, or counted what nobody did".into())
    }
}

fn check(client: &mut Client, cost: i64) -> Result<i64> {
    let sql = "SELECT remaining FROM unkey_limit('torture', 'crash', $1, interval '7 days', $2)";
    Ok(client.query_one(sql, &[&LIMIT, &cost])?.try_get(0)?)
}

fn count(run: &Run) -> Counted {
    let mut counted = Counted::default();
    while !run.is_over() {
        let Ok(mut client) = connect(None) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        while !run.is_over() {
            if check(&mut client, 1).is_err() {
                counted.doubtful += 1;
                break;
            }
            counted.known.push(run.clock.now());
            thread::sleep(Duration::from_millis(1));
        }
    }
    counted
}
