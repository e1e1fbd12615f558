//! Where the rows of a query go that is nothing but [a scan of ours](super): to the client, as lines that are ready.
//!
//! Postgres prints each column of each row, having looked up how for each execution. Anything but text for a client in the
//! database's own encoding goes the usual way.

use std::ptr;

use pgrx::pg_sys::{self, CommandDest};

use super::line;
use super::node::{State, as_they_are};

/// Stands in for the receiver of the portal while the query runs.
#[repr(C)]
struct Receiver {
    face: pg_sys::DestReceiver,
    usual: *mut pg_sys::DestReceiver,
}

static mut NEXT_HOOK: pg_sys::ExecutorRun_hook_type = None;

/// Lets the executor know of it. Once, when the library is loaded.
pub fn register() {
    // SAFETY: a backend has one thread; hooks are chained as Postgres asks.
    unsafe {
        NEXT_HOOK = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(run);
    }
}

/// Defines the hook with the arguments that this version of Postgres has behind the direction.
macro_rules! hook {
    ($($argument:ident: $type:ty),*) => {
        unsafe extern "C-unwind" {
            /// As declared in `executor/executor.h`, and not through pgrx, whose errors know nothing of constraints, columns
            /// and positions.
            fn standard_ExecutorRun(
                query: *mut pg_sys::QueryDesc,
                direction: pg_sys::ScanDirection::Type,
                $($argument: $type),*
            );
        }

        /// Any query. Without a guard, so that an ERROR passes as Postgres raised it: nothing here is to be dropped then.
        unsafe extern "C-unwind" fn run(
            query: *mut pg_sys::QueryDesc,
            direction: pg_sys::ScanDirection::Type,
            $($argument: $type),*
        ) {
            // SAFETY: what Postgres gave, handed on with a receiver that lives until it is done. After an ERROR nobody
            // runs this query any more.
            unsafe {
                let next = NEXT_HOOK.unwrap_or(standard_ExecutorRun);
                let Some(state) = sends_lines(query) else { return next(query, direction, $($argument),*) };
                let usual = (*query).dest;
                let mut receiver = Receiver { face: FACE, usual };
                receiver.face.mydest = (*usual).mydest;
                (*query).dest = (&raw mut receiver).cast();
                state.writes_lines = true;
                next(query, direction, $($argument),*);
                state.writes_lines = false;
                (*query).dest = usual;
            }
        }
    };
}

#[cfg(not(feature = "pg18"))]
hook!(count: u64, execute_once: bool);
#[cfg(feature = "pg18")]
hook!(count: u64);

/// The node of a query whose rows go to its client as they are.
unsafe fn sends_lines<'a>(query: *mut pg_sys::QueryDesc) -> Option<&'a mut State> {
    // SAFETY: Postgres gives a query that was started, and the portal that runs, whose formats are as many as its columns.
    unsafe {
        let state = as_they_are((*query).planstate)?;
        let portal = pg_sys::ActivePortal.as_ref()?;
        let is_for_client =
            matches!((*(*query).dest).mydest, CommandDest::DestRemote | CommandDest::DestRemoteExecute);
        let is_plain = (*query).operation == pg_sys::CmdType::CMD_SELECT
            && ptr::eq(portal.queryDesc, query)
            && (*(*query).estate).es_junkFilter.is_null()
            && pg_sys::pg_get_client_encoding() == pg_sys::GetDatabaseEncoding();
        let columns = (*(*query).tupDesc).natts as usize;
        let is_text = portal.formats.is_null()
            || std::slice::from_raw_parts(portal.formats, columns).iter().all(|&format| format == 0);
        (is_for_client && is_plain && is_text).then_some(state)
    }
}

const FACE: pg_sys::DestReceiver = pg_sys::DestReceiver {
    receiveSlot: Some(receive),
    rStartup: Some(start),
    rShutdown: Some(shut),
    rDestroy: None,
    mydest: CommandDest::DestRemote,
};

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn receive(
    _slot: *mut pg_sys::TupleTableSlot,
    _receiver: *mut pg_sys::DestReceiver,
) -> bool {
    line::send();
    true
}

/// Describes the row where the portal wants that.
unsafe extern "C-unwind" fn start(
    receiver: *mut pg_sys::DestReceiver,
    operation: i32,
    desc: pg_sys::TupleDesc,
) {
    // SAFETY: the executor gives the receiver of the query; the usual one is that of the portal.
    unsafe {
        let usual = (*receiver.cast::<Receiver>()).usual;
        if let Some(start) = (*usual).rStartup {
            start(usual, operation, desc);
        }
    }
}

unsafe extern "C-unwind" fn shut(receiver: *mut pg_sys::DestReceiver) {
    // SAFETY: as above.
    unsafe {
        let usual = (*receiver.cast::<Receiver>()).usual;
        if let Some(shut) = (*usual).rShutdown {
            shut(usual);
        }
    }
}
