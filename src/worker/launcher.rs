//! The launcher starts workers where they are wanted. It alone does, so there is one place that knows how often, and no
//! session ever waits for a process.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, SignalWakeFlags};
use pgrx::{IntoDatum, pg_sys, warning};

use super::{is_shutting_down, look_round, pause};
use crate::shared::events::databases::Database;
use crate::shared::events::pool::{self, Shared};
use crate::shared::stats::{self, Stat};

/// A worker that ended is not started again sooner.
const BREATH: Duration = Duration::from_secs(1);
/// Nobody complains of a missing process before.
const GRACE: Duration = Duration::from_secs(10);

/// The launcher, without a database.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn unkey_launcher_main(_arg: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let Some(shared) = pool::get() else { return };
    BackgroundWorker::connect_worker_to_spi(None, None);
    // SAFETY: a variable of this process.
    shared.pool.launcher.store(unsafe { pg_sys::MyLatch }, Ordering::Release);
    for oid in databases() {
        if let Some(database) = shared.add_database(oid) {
            database.wanted.store(true, Ordering::Relaxed);
        }
    }
    let mut launcher = Launcher { shared, started: HashMap::new(), missing: None, warned: false };
    while !is_shutting_down() {
        let is_waiting = launcher.start_wanted();
        pause(if is_waiting { BREATH } else { Duration::from_secs(60) });
        look_round();
    }
    shared.pool.launcher.store(std::ptr::null_mut(), Ordering::Release);
    // SAFETY: ends this process. Not with success, after which it would never be started again.
    unsafe { pg_sys::proc_exit(1) };
}

struct Launcher {
    shared: Shared,
    /// When each worker was started last.
    started: HashMap<u32, Instant>,
    /// Since when there is no process for a worker.
    missing: Option<Instant>,
    warned: bool,
}

impl Launcher {
    /// Starts the workers that are wanted; answers whether some must wait.
    fn start_wanted(&mut self) -> bool {
        let wanted = |database: &&Database| {
            database.wanted.load(Ordering::Relaxed) && database.worker().is_none() && !database.is_held()
        };
        let all: Vec<_> = self.shared.databases().filter(wanted).collect();
        // Each is tried, so that one that can't be started does not keep others waiting.
        all.into_iter().filter(|database| !self.start(database)).count() > 0
    }

    fn start(&mut self, database: &Database) -> bool {
        let oid = database.oid();
        if self.started.get(&oid).is_some_and(|at| at.elapsed() < BREATH) {
            return false;
        }
        self.started.insert(oid, Instant::now());
        database.wanted.store(false, Ordering::Relaxed);
        let started = BackgroundWorkerBuilder::new("unkey worker")
            .set_type("unkey worker")
            .set_library("unkey")
            .set_function("unkey_worker_main")
            .set_argument(i64::from(oid).into_datum())
            .enable_spi_access()
            .load_dynamic();
        match started {
            Ok(_) => {
                self.missing = None;
                stats::add(Stat::WorkersStarted, 1);
            }
            Err(_) => {
                database.wanted.store(true, Ordering::Relaxed);
                self.complain();
            }
        }
        started.is_ok()
    }

    fn complain(&mut self) {
        stats::add(Stat::WorkersMissing, 1);
        let since = *self.missing.get_or_insert_with(Instant::now);
        if since.elapsed() > GRACE && !std::mem::replace(&mut self.warned, true) {
            warning!("no process is free for an unkey worker: raise max_worker_processes");
        }
    }
}

/// The databases that can have a worker: no templates, and connections are allowed.
fn databases() -> Vec<u32> {
    const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    let mut found = Vec::new();
    // SAFETY: a scan of a shared catalogue inside a transaction, as the autovacuum launcher does it.
    unsafe {
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, LOCK);
        let nothing = std::ptr::null_mut();
        let scan =
            pg_sys::systable_beginscan(relation, pg_sys::InvalidOid, false, nothing, 0, std::ptr::null_mut());
        while let Some(tuple) = pg_sys::systable_getnext(scan).as_mut() {
            let database = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            if database.datallowconn && !database.datistemplate {
                found.push(database.oid.to_u32());
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, LOCK);
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
    }
    found
}
