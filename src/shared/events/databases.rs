//! The databases in which events are recorded, each with its worker.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering, fence};

use pgrx::pg_sys;

use super::pool::{Shared, locked};

/// How many there can be; events of further ones are written directly.
pub const LIMIT: usize = 128;

/// All of them.
#[repr(C)]
pub struct Databases([Database; LIMIT]);

/// A database. All zeroes is an unused place.
#[repr(C, align(64))]
pub struct Database {
    oid: AtomicU32,
    /// Process of its worker; 0 while it has none.
    worker: AtomicI32,
    latch: AtomicPtr<pg_sys::Latch>,
    /// Sessions that may still publish events.
    writers: AtomicU32,
    /// It should have a worker.
    pub wanted: AtomicBool,
    /// Its worker waits for whoever publishes next.
    asleep: AtomicBool,
    /// Somebody asked the worker to hurry.
    pub urgent: AtomicBool,
    /// How many commands want it to have no worker.
    held: AtomicU32,
}

impl Shared {
    /// The databases there are.
    pub fn databases(self) -> impl Iterator<Item = &'static Database> {
        self.pool.databases.0.iter().filter(|database| database.oid() != 0)
    }

    /// The place of a database that has one.
    pub fn database(self, oid: u32) -> Option<&'static Database> {
        self.databases().find(|database| database.oid() == oid)
    }

    /// The place of a database, which gets one unless all are taken.
    pub fn add_database(self, oid: u32) -> Option<&'static Database> {
        self.database(oid).or_else(|| self.told(locked(self, || self.place(oid))))
    }

    /// The same for a session that may publish events there, which keeps the place until it leaves.
    pub fn join_database(self, oid: u32) -> Option<&'static Database> {
        self.told(locked(self, || self.place(oid).inspect(|database| database.join())))
    }

    /// Sends the worker of a database that has a place away until [`Database::unhold`].
    pub fn hold_database(self, oid: u32) -> Option<&'static Database> {
        let held = locked(self, || self.database(oid).inspect(|database| database.hold()));
        held.inspect(|database| database.wake())
    }

    /// With the lock of the pool.
    fn place(self, oid: u32) -> Option<&'static Database> {
        self.database(oid).or_else(|| {
            let unused = self.pool.databases.0.iter().find(|database| database.oid() == 0)?;
            unused.oid.store(oid, Ordering::Release);
            Some(unused)
        })
    }

    /// Lets the launcher know if there was no place.
    fn told(self, place: Option<&'static Database>) -> Option<&'static Database> {
        if place.is_none() && !self.pool.is_crowded.swap(true, Ordering::Relaxed) {
            self.wake_launcher();
        }
        place
    }

    /// Gives up what is published in a database, which has no tables for it.
    pub fn forget_events(self, oid: u32) {
        for chunk in self.of(oid) {
            locked(self, || {
                if chunk.is_of(oid) {
                    chunk.consume(chunk.published());
                }
            });
            self.free_if_done(chunk);
        }
    }

    /// Forgets a database that is gone, with its events.
    pub fn forget_database(self, oid: u32) {
        self.forget_events(oid);
        let Some(database) = self.database(oid) else { return };
        locked(self, || database.clear());
    }

    /// The worker of a database without the extension ends. Others need the place, unless somebody here does.
    pub fn give_back(self, database: &Database) {
        locked(self, || {
            database.dismiss();
            database.wanted.store(false, Ordering::Relaxed);
            if database.writers() == 0 && !database.is_held() {
                database.clear();
            }
        });
    }

    /// Asks for a worker, unless that was asked before.
    pub fn want_worker(self, database: &Database) {
        if !database.wanted.swap(true, Ordering::Relaxed) {
            self.wake_launcher();
        }
    }

    /// Asks for a worker of the database of this session, unless it has one.
    pub fn want_worker_here(self) {
        // SAFETY: reads a variable of this process.
        let here = self.add_database(unsafe { pg_sys::MyDatabaseId.to_u32() });
        if let Some(database) = here.filter(|database| database.worker().is_none()) {
            self.want_worker(database);
        }
    }

    /// Makes the launcher look again at what is wanted.
    pub fn wake_launcher(self) {
        wake(&self.pool.launcher);
    }
}

impl Database {
    pub fn oid(&self) -> u32 {
        self.oid.load(Ordering::Acquire)
    }

    /// Process of the worker.
    pub fn worker(&self) -> Option<i32> {
        Some(self.worker.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    /// Makes the place as new, with the lock of the pool.
    fn clear(&self) {
        self.wanted.store(false, Ordering::Relaxed);
        self.urgent.store(false, Ordering::Relaxed);
        self.writers.store(0, Ordering::Relaxed);
        self.held.store(0, Ordering::Relaxed);
        self.oid.store(0, Ordering::Release);
    }

    /// Makes this process the worker; `false` if there is another one, or shall be none.
    pub fn employ(&self, shared: Shared, oid: u32) -> bool {
        locked(shared, || {
            let free = self.oid() == oid && self.worker().is_none() && !self.is_held();
            if free {
                // SAFETY: reads variables of this process.
                let (pid, latch) = unsafe { (pg_sys::MyProcPid, pg_sys::MyLatch) };
                self.latch.store(latch, Ordering::Release);
                self.worker.store(pid, Ordering::Release);
            }
            free
        })
    }

    /// Says that this process is the worker no more.
    pub fn dismiss(&self) {
        // SAFETY: reads a variable of this process.
        let pid = unsafe { pg_sys::MyProcPid };
        if self.worker() == Some(pid) {
            self.latch.store(std::ptr::null_mut(), Ordering::Release);
            self.worker.store(0, Ordering::Release);
        }
    }

    /// Counts this session among those that may publish.
    fn join(&self) {
        self.writers.fetch_add(1, Ordering::AcqRel);
    }

    /// The session will publish no more.
    pub fn leave(&self) {
        less(&self.writers);
    }

    /// Sessions that may still publish.
    pub fn writers(&self) -> u32 {
        self.writers.load(Ordering::Acquire)
    }

    /// Wakes the worker.
    pub fn wake(&self) {
        wake(&self.latch);
    }

    /// Asks the worker not to wait for company.
    pub fn hurry(&self) {
        if !self.urgent.swap(true, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Whether the worker is asked to hurry.
    pub fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// The worker does what it was asked to hurry for.
    pub fn calm(&self) {
        self.urgent.store(false, Ordering::Relaxed);
    }

    /// Waits, as the worker, while others know that they have to wake it.
    pub fn sleep_until_notified(&self, wait: impl FnOnce()) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        wait();
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Tells the worker that there is something, if it sleeps until then.
    pub fn notify(&self) {
        // Either this sees that the worker sleeps, or the worker sees what was published.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.wake();
        }
    }

    fn hold(&self) {
        self.held.fetch_add(1, Ordering::AcqRel);
    }

    /// The worker may come back.
    pub fn unhold(&self) {
        less(&self.held);
    }

    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire) != 0
    }
}

/// One less, but never below nothing: a database that is gone was forgotten.
fn less(count: &AtomicU32) {
    let _ = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
}

fn wake(latch: &AtomicPtr<pg_sys::Latch>) {
    let latch = latch.load(Ordering::Acquire);
    if !latch.is_null() {
        // SAFETY: a latch of some process's slot in shared memory, which is never given back; at worst the wrong process
        // looks round once.
        unsafe { pg_sys::SetLatch(latch) };
    }
}
