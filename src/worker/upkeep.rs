//! What a worker does now and then besides writing events.

use std::time::{Duration, Instant};

use pgrx::warning;

use super::transaction::transaction;
use crate::settings;
use crate::store::maintenance;

/// When what was done last, and how the database was configured when the worker started.
#[derive(Default)]
pub struct Upkeep {
    /// `None` before the first time, which is due at once: there may be no partition for today.
    maintained: Option<Instant>,
    settings: Option<String>,
    is_outdated: bool,
    warned: String,
}

/// When there is nothing else to wait for.
const A_MINUTE: Duration = Duration::from_secs(60);

impl Upkeep {
    /// Does what is due. A further duty goes here.
    pub fn run_due(&mut self) {
        if self.until_maintenance().is_some_and(|rest| rest.is_zero()) {
            self.maintained = Some(Instant::now());
            self.maintain();
        }
    }

    /// How long until something is due.
    pub fn until_due(&self) -> Duration {
        self.until_maintenance().unwrap_or(A_MINUTE)
    }

    /// Does what has to be done before the worker ends. A further duty goes here.
    pub fn finish(&mut self) {}

    /// Whether the settings of the database are others than those this process started with, so that a new one is needed.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// `None` for never.
    fn until_maintenance(&self) -> Option<Duration> {
        let interval = Duration::from_secs(settings::maintenance_interval()?);
        Some(self.maintained.map_or(Duration::ZERO, |at| interval.saturating_sub(at.elapsed())))
    }

    fn maintain(&mut self) {
        let done = transaction(c"unkey: SELECT unkey.maintain()", || {
            let settings = maintenance::settings_of_database()?;
            maintenance::run_once()?;
            Ok(settings)
        });
        match done {
            Ok(now) => {
                let known = self.settings.get_or_insert_with(|| now.clone().unwrap_or_default());
                self.is_outdated = now.is_some_and(|now| now != *known);
                self.warned.clear();
            }
            Err(problem) if problem.message != self.warned => {
                warning!("maintenance failed: {}", problem.message);
                self.warned = problem.message;
            }
            Err(_) => {}
        }
    }
}
