//! What a worker does now and then besides writing events.

use std::time::{Duration, Instant};

use pgrx::warning;

use super::leave;
use super::transaction::transaction;
use crate::shared::events::databases::Database;
use crate::store::maintenance;
use crate::{counters, settings};

/// When what was done last, and how the database was configured when the worker started.
#[derive(Default)]
pub struct Upkeep {
    /// `None` before the first time, which is due at once: there may be no partition for today.
    maintained: Option<Instant>,
    saved: Option<Instant>,
    settings: Option<String>,
    is_outdated: bool,
    warned: String,
}

/// How often rate limits are saved: what a crash may forget of long windows.
const SAVE_INTERVAL: Duration = Duration::from_secs(10);

impl Upkeep {
    /// Does what is due.
    pub fn run_due(&mut self, database: &'static Database) {
        if self.until_save().is_zero() {
            self.saved = Some(Instant::now());
            self.save_counters();
        }
        if self.until_maintenance().is_some_and(|rest| rest.is_zero()) {
            self.maintained = Some(Instant::now());
            self.maintain(database);
        }
    }

    /// How long until something is due.
    pub fn until_due(&self) -> Duration {
        let save = self.until_save();
        self.until_maintenance().map_or(save, |maintenance| maintenance.min(save))
    }

    /// Does what has to be done before the worker ends.
    pub fn finish(&mut self) {
        self.save_counters();
    }

    /// Whether the settings of the database are others than those this process started with, so that a new one is needed.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    fn until_save(&self) -> Duration {
        self.saved.map_or(Duration::ZERO, |at| SAVE_INTERVAL.saturating_sub(at.elapsed()))
    }

    fn save_counters(&mut self) {
        if let Err(problem) = transaction(c"unkey: saving rate limits", counters::save) {
            self.warn("rate limits are not saved", problem.message);
        }
    }

    /// `None` for never.
    fn until_maintenance(&self) -> Option<Duration> {
        let interval = Duration::from_secs(settings::maintenance_interval()?);
        Some(self.maintained.map_or(Duration::ZERO, |at| interval.saturating_sub(at.elapsed())))
    }

    fn maintain(&mut self, database: &'static Database) {
        let done = leave::unless_asked(database, || {
            transaction(c"unkey: SELECT unkey.maintain()", || {
                let settings = maintenance::settings_of_database()?;
                maintenance::run_once()?;
                Ok(settings)
            })
        });
        match done {
            Ok(now) => {
                let known = self.settings.get_or_insert_with(|| now.clone().unwrap_or_default());
                self.is_outdated = now.is_some_and(|now| now != *known);
                self.warned.clear();
            }
            Err(_) if leave::is_asked(database) => {}
            Err(problem) => self.warn("maintenance failed", problem.message),
        }
    }

    /// Says what went wrong, once until something else does.
    fn warn(&mut self, what: &str, problem: String) {
        if problem != self.warned {
            warning!("{what}: {problem}");
            self.warned = problem;
        }
    }
}
