//! Commands about whole databases fail while anybody is connected to them. A worker is, so it steps aside for them.

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pgrx::{PgTryBuilder, is_a, pg_sys};

use super::pause;
use crate::shared::events::pool;

thread_local! {
    static NEXT: Cell<pg_sys::ProcessUtility_hook_type> = const { Cell::new(None) };
    /// The database that this session keeps without a worker; 0 for none.
    static HELD: Cell<u32> = const { Cell::new(0) };
}

/// How long a worker may take to leave.
const PATIENCE: Duration = Duration::from_secs(4);

/// Has Postgres tell of commands.
pub fn register() {
    // SAFETY: the server has one thread while it loads libraries; hooks are chained as Postgres asks.
    unsafe {
        NEXT.set(pg_sys::ProcessUtility_hook);
        pg_sys::ProcessUtility_hook = Some(run);
    }
}

unsafe extern "C-unwind" {
    /// As declared in `tcop/utility.h`, and not through pgrx, whose errors know nothing of constraints, columns and positions.
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        receiver: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// Any command. Without a guard, so that an ERROR passes as Postgres raised it: nothing here is to be dropped then.
#[allow(clippy::too_many_arguments, reason = "the hook's arguments")]
unsafe extern "C-unwind" fn run(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: what Postgres gave, handed on unchanged.
    unsafe {
        let next = if is_about_databases((*statement).utilityStmt) {
            run_guarded
        } else {
            NEXT.get().unwrap_or(standard_ProcessUtility)
        };
        next(statement, text, read_only, context, parameters, environment, receiver, completion);
    }
}

/// A command about databases.
#[allow(clippy::too_many_arguments, reason = "the hook's arguments")]
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn run_guarded(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    let proceed = || {
        let next = NEXT.get().unwrap_or(standard_ProcessUtility);
        // SAFETY: what Postgres gave, handed on unchanged; an ERROR comes back as a panic, so that what is to follow does.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                next(statement, text, read_only, context, parameters, environment, receiver, completion);
            });
        }
    };
    // SAFETY: Postgres gives a statement.
    match unsafe { concerned((*statement).utilityStmt) } {
        Some(command) => without_worker(command, proceed),
        None => proceed(),
    }
}

/// # Safety
/// The node is a utility statement.
unsafe fn is_about_databases(node: *mut pg_sys::Node) -> bool {
    use pg_sys::NodeTag::{T_AlterDatabaseStmt, T_CreatedbStmt, T_DropdbStmt, T_RenameStmt};
    // SAFETY: as the caller promises.
    let tag = unsafe { (*node).type_ };
    matches!(tag, T_DropdbStmt | T_RenameStmt | T_AlterDatabaseStmt | T_CreatedbStmt)
}

/// A command, and the database that must be without connections for it.
struct Command {
    database: u32,
    drops: bool,
}

/// # Safety
/// The node is a utility statement.
unsafe fn concerned(node: *mut pg_sys::Node) -> Option<Command> {
    // SAFETY: nodes have the type that their tag says, and names are C strings or NULL.
    unsafe {
        let mut copies = false;
        let (name, drops) = if is_a(node, pg_sys::NodeTag::T_DropdbStmt) {
            ((*node.cast::<pg_sys::DropdbStmt>()).dbname, true)
        } else if is_a(node, pg_sys::NodeTag::T_RenameStmt) {
            let rename = &*node.cast::<pg_sys::RenameStmt>();
            let is_database = rename.renameType == pg_sys::ObjectType::OBJECT_DATABASE;
            (if is_database { rename.subname } else { std::ptr::null_mut() }, false)
        } else if is_a(node, pg_sys::NodeTag::T_AlterDatabaseStmt) {
            let alter = &*node.cast::<pg_sys::AlterDatabaseStmt>();
            (option(alter.options, c"tablespace").map_or(std::ptr::null_mut(), |_| alter.dbname), false)
        } else if is_a(node, pg_sys::NodeTag::T_CreatedbStmt) {
            let template = option((*node.cast::<pg_sys::CreatedbStmt>()).options, c"template");
            let default = c"template1".as_ptr().cast_mut();
            copies = true;
            (template.map_or(default, |option| pg_sys::defGetString(option)), false)
        } else {
            return None;
        };
        if name.is_null() || !pg_sys::IsTransactionState() {
            return None;
        }
        let oid = pg_sys::get_database_oid(name, true);
        let may = oid != pg_sys::InvalidOid && if copies { may_copy(oid) } else { is_owner(oid) };
        may.then_some(Command { database: oid.to_u32(), drops })
    }
}

/// Whether Postgres lets the current user rename, move or drop a database. Otherwise it says so, and the worker stays.
fn is_owner(database: pg_sys::Oid) -> bool {
    // SAFETY: reads the catalogue inside a transaction.
    unsafe {
        let user = pg_sys::GetUserId();
        #[cfg(feature = "pg15")]
        return pg_sys::pg_database_ownercheck(database, user);
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, user);
    }
}

/// Whether Postgres lets the current user make a database after this one.
fn may_copy(database: pg_sys::Oid) -> bool {
    // SAFETY: reads the catalogue inside a transaction; the tuple is there until it is released.
    unsafe {
        if !pg_sys::have_createdb_privilege() {
            return false;
        }
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::DATABASEOID as i32, database.into());
        let Some(found) = tuple.as_ref() else { return false };
        let row =
            pg_sys::GETSTRUCT(std::ptr::from_ref(found).cast_mut()).cast::<pg_sys::FormData_pg_database>();
        let is_template = (*row).datistemplate;
        pg_sys::ReleaseSysCache(tuple);
        is_template || is_owner(database)
    }
}

/// # Safety
/// A list of options, each with a name.
unsafe fn option(options: *mut pg_sys::List, name: &CStr) -> Option<*mut pg_sys::DefElem> {
    // SAFETY: as the caller promises; an empty list is NULL.
    unsafe {
        let length = options.as_ref().map_or(0, |list| list.length);
        (0..length)
            .map(|at| (*(*options).elements.add(at as usize)).ptr_value.cast::<pg_sys::DefElem>())
            .find(|option| CStr::from_ptr((**option).defname) == name && !(**option).arg.is_null())
    }
}

/// Runs a command while its database has no worker. One comes back afterwards, if the database is still there.
fn without_worker(command: Command, proceed: impl FnOnce()) {
    release_at_exit();
    let place = pool::get().and_then(|shared| Some((shared, shared.hold_database(command.database)?)));
    let Some((shared, database)) = place else { return proceed() };
    HELD.set(command.database);
    PgTryBuilder::new(AssertUnwindSafe(|| {
        let begin = Instant::now();
        while database.worker().is_some() && begin.elapsed() < PATIENCE {
            pause(Duration::from_millis(5));
            pgrx::check_for_interrupts!();
        }
        proceed();
        if command.drops {
            shared.forget_database(command.database);
        }
    }))
    .finally(release)
    .execute();
}

/// The database that is held may have a worker again.
fn release() {
    let held = HELD.take();
    let place = pool::get().and_then(|shared| Some((shared, shared.database(held)?)));
    if let Some((shared, database)) = place {
        database.unhold();
        database.wanted.store(true, Ordering::Relaxed);
        shared.wake_launcher();
    }
}

/// A session that is ended gets no further: a FATAL error unwinds nothing.
fn release_at_exit() {
    thread_local! {
        static WATCHING: Cell<bool> = const { Cell::new(false) };
    }
    if !WATCHING.replace(true) {
        // SAFETY: stays for the life of the process, and comes after the end of its last transaction.
        unsafe { pg_sys::on_shmem_exit(Some(at_exit), pg_sys::Datum::null()) };
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _arg: pg_sys::Datum) {
    release();
}
