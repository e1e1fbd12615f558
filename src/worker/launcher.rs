//! The launcher starts workers where they are wanted. It alone does, so there is one place that knows how often, and no
//! session ever waits for a process.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, SignalWakeFlags};
use pgrx::{IntoDatum, pg_sys, warning};

use super::{is_shutting_down, look_round, pause};
use crate::shared::events::databases::{Database, LIMIT};
use crate::shared::events::pool::{self, Shared};
use crate::shared::stats::{self, Stat};

/// A worker that ended is not started again sooner.
const BREATH: Duration = Duration::from_secs(1);
/// Nobody complains of a missing process before.
const GRACE: Duration = Duration::from_secs(10);
/// In how many databases it is looked for the extension at a time: there may be far more than processes.
const AT_ONCE: usize = 3;

/// The launcher, without a database.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn unkey_launcher_main(_arg: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let Some(shared) = pool::get() else { return };
    BackgroundWorker::connect_worker_to_spi(None, None);
    // SAFETY: a variable of this process.
    shared.pool.launcher.store(unsafe { pg_sys::MyLatch }, Ordering::Release);
    let mut launcher = Launcher {
        shared,
        unknown: databases().into(),
        looked_at: Vec::new(),
        started: HashMap::new(),
        missing: HashMap::new(),
        has_missed: false,
        was_crowded: false,
    };
    while !is_shutting_down() {
        launcher.look_at_some();
        let is_waiting = launcher.start_wanted() || !launcher.looked_at.is_empty();
        launcher.warn_if_crowded();
        pause(if is_waiting { BREATH } else { Duration::from_secs(60) });
        look_round();
    }
    shared.pool.launcher.store(std::ptr::null_mut(), Ordering::Release);
    // SAFETY: ends this process. Not with success, after which it would never be started again.
    unsafe { pg_sys::proc_exit(1) };
}

struct Launcher {
    shared: Shared,
    /// Where nobody has looked for the extension yet.
    unknown: VecDeque<u32>,
    /// Where somebody does, since when.
    looked_at: Vec<(u32, Instant)>,
    /// When each worker was started last.
    started: HashMap<u32, Instant>,
    /// Since when there is no process for a worker; `None` once it is counted.
    missing: HashMap<u32, Option<Instant>>,
    has_missed: bool,
    was_crowded: bool,
}

impl Launcher {
    /// Wants workers in the next databases: where there is no extension, they leave at once and give the place back.
    fn look_at_some(&mut self) {
        let shared = self.shared;
        self.looked_at.retain(|(oid, since)| is_undecided(shared, *oid, *since));
        while self.looked_at.len() < AT_ONCE {
            let Some(oid) = self.unknown.pop_front() else { break };
            let Some(database) = shared.add_database(oid) else { return self.unknown.push_front(oid) };
            database.wanted.store(true, Ordering::Relaxed);
            self.looked_at.push((oid, Instant::now()));
        }
    }

    fn warn_if_crowded(&mut self) {
        if self.shared.pool.is_crowded.load(Ordering::Relaxed)
            && !std::mem::replace(&mut self.was_crowded, true)
        {
            warning!("unkey has workers for {LIMIT} databases: there are more with the extension");
        }
    }

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
        if oid == 0 {
            return true;
        }
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
                self.missing.remove(&oid);
                stats::add(Stat::WorkersStarted, 1);
            }
            Err(_) => {
                database.wanted.store(true, Ordering::Relaxed);
                self.complain(oid);
            }
        }
        started.is_ok()
    }

    /// Counts a worker that is missing for long, once until it was there.
    fn complain(&mut self, oid: u32) {
        let missing = self.missing.entry(oid).or_insert_with(|| Some(Instant::now()));
        if missing.take_if(|since| since.elapsed() > GRACE).is_none() {
            return;
        }
        stats::add(Stat::WorkersMissing, 1);
        if !std::mem::replace(&mut self.has_missed, true) {
            warning!("no process is free for an unkey worker: raise max_worker_processes");
        }
    }
}

/// Whether it is not known yet if a database has the extension: its worker is waited for or has just been started.
fn is_undecided(shared: Shared, oid: u32, since: Instant) -> bool {
    shared.database(oid).is_some_and(|database| {
        match (database.wanted.load(Ordering::Relaxed), database.worker()) {
            (true, Some(_)) => false,
            (true, None) => !database.is_held(),
            (false, _) => since.elapsed() < GRACE,
        }
    })
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
