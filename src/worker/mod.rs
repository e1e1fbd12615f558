//! Processes of our own, if the library is preloaded: one [`launcher`] for the server, and one worker for each database
//! that has the extension, which writes events from memory to tables and runs what is due now and then ([`upkeep`]).
//!
//! A worker is there because something is to be done: the launcher starts one in every database when the server starts,
//! and it ends itself where there is no extension; later ones are wanted by who records an event or counts in memory. It leaves when the
//! server or somebody asks it to, when the extension is dropped, and while its database is renamed or dropped ([`utility`]).

mod launcher;
mod leave;
mod rounds;
mod salvage;
mod transaction;
mod upkeep;
mod utility;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags};
use pgrx::pg_sys;

use crate::settings;
use crate::shared::events::databases::Database;
use crate::shared::events::pool::{self, Shared};
use crate::shared::events::reader;
use rounds::{Round, Rounds};
use upkeep::Upkeep;

/// Has the server start the launcher. Does nothing unless the server itself is loading the library, nor for `pg_upgrade`,
/// which copies catalogue and tables at different times: nobody may change either meanwhile.
pub fn register() {
    // SAFETY: reads variables of Postgres.
    if unsafe { !pg_sys::process_shared_preload_libraries_in_progress || pg_sys::IsBinaryUpgrade } {
        return;
    }
    utility::register();
    BackgroundWorkerBuilder::new("unkey launcher")
        .set_type("unkey launcher")
        .set_library("unkey")
        .set_function("unkey_launcher_main")
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(Duration::from_secs(5)))
        .enable_spi_access()
        .load();
}

/// How long a worker that is to leave waits for sessions to end that may still publish, as long as some do.
const PATIENCE: Duration = Duration::from_secs(3);

/// The worker of the database with this number.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn unkey_worker_main(database: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let oid = pg_sys::Oid::from(database.value() as u32);
    let Some(shared) = pool::get() else { return };
    let place = shared.database(oid.to_u32()).filter(|database| database.employ(shared, oid.to_u32()));
    let Some(database) = place else { return };
    // SAFETY: stays for the life of the process; the place of the database outlives it.
    unsafe {
        pg_sys::on_shmem_exit(Some(dismiss), pg_sys::Datum::from(std::ptr::from_ref(database) as usize))
    };
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(oid), None);
    transaction::prepare_session();
    Worker { shared, database, rounds: Rounds::default(), upkeep: Upkeep::default() }.run();
}

/// The worker ends, however it does.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn dismiss(_code: i32, database: pg_sys::Datum) {
    // SAFETY: what [`unkey_worker_main`] gave.
    unsafe { database.cast_mut_ptr::<Database>().as_ref() }.into_iter().for_each(Database::dismiss);
    if let Some(shared) = pool::get() {
        shared.wake_launcher();
    }
}

struct Worker {
    shared: Shared,
    database: &'static Database,
    rounds: Rounds,
    upkeep: Upkeep,
}

impl Worker {
    fn run(mut self) {
        let mut is_first = true;
        loop {
            let round = self.rounds.next(self.database);
            if matches!(round, Round::Gone) {
                self.shared.forget_events(self.database.oid());
                return self.shared.give_back(self.database);
            }
            // If it ends in any way but this, it is to come back.
            if std::mem::take(&mut is_first) {
                self.database.wanted.store(true, Ordering::Relaxed);
                self.shared.wake_launcher();
            }
            if self.database.is_held() || self.upkeep.is_outdated() {
                return;
            }
            if is_shutting_down() {
                return self.finish();
            }
            self.upkeep.run_due(self.database);
            if !leave::is_asked(self.database) {
                self.wait(&round);
            }
            look_round();
        }
    }

    /// Waits until there is something to do. What comes soon after something else is taken together with it.
    fn wait(&self, round: &Round) {
        let interval = Duration::from_millis(settings::event_interval());
        match round {
            Round::Failed(pause) => self.sleep(*pause, |_| false),
            Round::Written | Round::Busy => self.sleep(interval, Database::is_urgent),
            Round::Nothing | Round::Gone => {
                self.database.sleep_until_notified(|| {
                    if reader::published().is_empty() {
                        pause(self.upkeep.until_due());
                    }
                });
                self.sleep(interval, Database::is_urgent);
            }
        }
    }

    /// Sleeps this long, unless the worker is to leave or something can't wait.
    fn sleep(&self, time: Duration, cannot_wait: fn(&Database) -> bool) {
        let end = Instant::now() + time;
        while let Some(rest) = end.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            if leave::is_asked(self.database) || cannot_wait(self.database) {
                break;
            }
            pause(rest);
            look_round();
        }
    }

    /// The server may be shutting down: writes what is still published until nobody can publish any more.
    fn finish(mut self) {
        let (mut writers, mut since) = (self.database.writers(), Instant::now());
        while writers > 0 && since.elapsed() < PATIENCE && !self.database.is_held() {
            pause(Duration::from_millis(20));
            let before = std::mem::replace(&mut writers, self.database.writers());
            if writers < before {
                since = Instant::now();
            }
            if self.database.is_urgent() {
                self.rounds.next(self.database);
            }
        }
        self.rounds.last(self.database);
        self.upkeep.finish();
    }
}

fn is_shutting_down() -> bool {
    // SAFETY: reads a variable that the signal handler sets.
    unsafe { (&raw const pg_sys::ShutdownRequestPending).read_volatile() != 0 }
}

/// Waits for the latch of this process, or this long.
fn pause(time: Duration) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1);
    // SAFETY: the latch of this process.
    unsafe {
        pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
}

/// Does what other processes ask of this one: barriers, and reading the configuration again.
fn look_round() {
    pgrx::check_for_interrupts!();
    // SAFETY: outside a transaction, as Postgres' own loops do it.
    unsafe {
        if (&raw const pg_sys::ConfigReloadPending).read_volatile() != 0 {
            (&raw mut pg_sys::ConfigReloadPending).write_volatile(0);
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}
