//! Connections and time.

use std::env::var;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::history::Time;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A session in the database of PGHOST and friends, or in the same one behind another socket.
pub fn connect(host: Option<&str>) -> Result<Client> {
    let mut config = Config::new();
    config
        .host(&host.map_or_else(|| var("PGHOST"), |host| Ok(host.to_owned()))?)
        .user(&var("PGUSER").unwrap_or_else(|_| "postgres".to_owned()))
        .dbname(&var("PGDATABASE").unwrap_or_else(|_| "torture".to_owned()))
        .application_name("torture");
    if let Ok(port) = var("PGPORT") {
        config.port(port.parse()?);
    }
    Ok(config.connect(NoTls)?)
}

/// The one clock of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(self) -> Time {
        self.0.elapsed().as_nanos() as Time
    }
}

/// Whether somebody else was in the way, so that the transaction has to be begun again.
pub fn is_conflict(error: &postgres::Error) -> bool {
    let conflicts = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| conflicts.contains(&code))
}

/// What a thread answered; a panic in one is a panic here.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// For threads that wait for each other: one that fails would leave the others waiting, so it ends the process.
pub fn or_exit<T>(done: Result<T>) -> T {
    done.unwrap_or_else(|problem| {
        eprintln!("error: {problem}");
        std::process::exit(1)
    })
}
