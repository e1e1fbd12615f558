//! Shared memory: what all sessions of the server have in common. It is there only if the library stands in
//! `shared_preload_libraries`; everything that uses it has a way without.
//!
//! Nothing here knows tables. Sizes come from settings that only a restart changes.

pub mod counters;
pub mod events;
pub mod stats;

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr::NonNull;

use pgrx::pg_sys;

thread_local! {
    static NEXT_REQUEST: Cell<pg_sys::shmem_request_hook_type> = const { Cell::new(None) };
    static NEXT_STARTUP: Cell<pg_sys::shmem_startup_hook_type> = const { Cell::new(None) };
}

/// Asks for shared memory. Does nothing unless the server itself is loading the library.
pub fn register() {
    // SAFETY: the server has one thread while it loads libraries; hooks are chained as Postgres asks.
    unsafe {
        if !pg_sys::process_shared_preload_libraries_in_progress {
            return;
        }
        NEXT_REQUEST.set(pg_sys::shmem_request_hook);
        pg_sys::shmem_request_hook = Some(request);
        NEXT_STARTUP.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_startup_hook = Some(startup);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: called by Postgres when memory and locks may be asked for, which is now.
    unsafe {
        if let Some(next) = NEXT_REQUEST.get() {
            next();
        }
        stats::request();
        counters::request();
        events::request();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: called by Postgres once the memory is there; the lock keeps others from making the same.
    unsafe {
        if let Some(next) = NEXT_STARTUP.get() {
            next();
        }
        let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        stats::startup();
        counters::startup();
        events::startup();
        pg_sys::LWLockRelease(lock);
    }
}

/// `AddinShmemInitLock` of Postgres' `lwlocknames.h`: the same number in all majors.
const ADDIN_SHMEM_INIT_LOCK: usize = 21;

/// The piece of shared memory of this name, and whether it was there before. New memory is zero.
///
/// # Safety
/// In [`startup`], after [`reserve`] of as many bytes.
unsafe fn attach(name: &CStr, bytes: usize) -> Option<(NonNull<u8>, bool)> {
    let mut found = false;
    // SAFETY: as the caller promises; Postgres aligns the piece to a cache line.
    unsafe {
        let piece = pg_sys::ShmemInitStruct(name.as_ptr(), bytes, &mut found).cast::<u8>();
        if !found {
            piece.write_bytes(0, bytes);
        }
        NonNull::new(piece).map(|piece| (piece, found))
    }
}

/// Asks for a piece of shared memory.
///
/// # Safety
/// In [`request`].
unsafe fn reserve(bytes: usize) {
    // SAFETY: as the caller promises.
    unsafe { pg_sys::RequestAddinShmemSpace(bytes) }
}
