//! How a query starts that is nothing but [a scan of ours](super): without another description of its row.
//!
//! Postgres describes the row of a node twice for each execution, looking up the type of each column in its catalogue, which
//! together costs twice what verifying a known key does. Here such a query is started with a plan that has no columns, and
//! gets the description that Postgres made when the session ran the same list of columns for the first time.

use std::cell::RefCell;
use std::ffi::{CStr, c_void};
use std::ptr;

use pgrx::pg_sys::{self, CmdType, NodeTag};

use super::node::{SCAN, State};
use super::pointer;
use crate::store::list::cells;
use crate::store::relations::attribute;

/// How many descriptions a session keeps; they are never forgotten, so that whoever reads one need not ask.
const DESCRIPTIONS: usize = 32;

thread_local! {
    static KNOWN: RefCell<Vec<pg_sys::TupleDesc>> = const { RefCell::new(Vec::new()) };
}

static mut NEXT_HOOK: pg_sys::ExecutorStart_hook_type = None;

/// Lets the executor know of it. Once, when the library is loaded.
pub fn register() {
    // SAFETY: a backend has one thread; hooks are chained as Postgres asks.
    unsafe {
        NEXT_HOOK = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
    }
}

unsafe extern "C-unwind" {
    // As Postgres declares them, and not through pgrx: its errors know nothing of constraints, columns and positions, and become
    // panics, which this hook has no guard for.
    fn standard_ExecutorStart(query: *mut pg_sys::QueryDesc, flags: i32);
    fn ExecInitExtraTupleSlot(
        state: *mut pg_sys::EState,
        desc: pg_sys::TupleDesc,
        kind: *const pg_sys::TupleTableSlotOps,
    ) -> *mut pg_sys::TupleTableSlot;
    fn CreateTupleDescCopy(desc: pg_sys::TupleDesc) -> pg_sys::TupleDesc;
    fn palloc(size: usize) -> *mut c_void;
}

/// Any query. Without a guard, so that an ERROR passes as Postgres raised it: nothing here is to be dropped then.
unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    // SAFETY: what Postgres gave, handed on; the plan that stands in for the query's own is memory of as long a life.
    unsafe {
        let next = NEXT_HOOK.unwrap_or(standard_ExecutorStart);
        let Some(scan) = scan_alone(query, flags) else { return next(query, flags) };
        let Some(desc) = known(scan) else {
            next(query, flags);
            return learn((*query).tupDesc);
        };
        let plan = (*query).plannedstmt;
        (*query).plannedstmt = without_columns(plan, scan);
        next(query, flags);
        (*query).plannedstmt = plan;
        (*query).tupDesc = desc;
        let state = (*query).planstate.cast::<State>();
        (*state).row = ExecInitExtraTupleSlot((*query).estate, desc, &raw const pg_sys::TTSOpsVirtual);
    }
}

/// The scan, if the query is to run, nobody watches its nodes, and its rows are those of the scan.
unsafe fn scan_alone<'a>(query: *mut pg_sys::QueryDesc, flags: i32) -> Option<&'a pg_sys::CustomScan> {
    // SAFETY: a query that is about to start has a plan, unless it is a utility command.
    unsafe {
        let plan = (*query).plannedstmt.as_ref()?.planTree;
        if plan.is_null() || (*plan).type_ != NodeTag::T_CustomScan {
            return None;
        }
        let scan = &*plan.cast::<pg_sys::CustomScan>();
        let is_ours = ptr::eq(scan.methods, &SCAN.0);
        let is_plain = flags == 0
            && (*query).operation == CmdType::CMD_SELECT
            && (*query).instrument_options == 0
            && scan.scan.plan.qual.is_null();
        (is_ours && is_plain && hands_on_as_read(scan)).then_some(scan)
    }
}

/// Whether the columns wanted are those that the scan reads, in the same order.
unsafe fn hands_on_as_read(scan: &pg_sys::CustomScan) -> bool {
    // SAFETY: the list of a plan holds nothing but TargetEntry nodes.
    let is_read = |(at, column): (usize, &pg_sys::ListCell)| unsafe {
        let entry = &*pointer::<pg_sys::TargetEntry>(column);
        let variable = entry.expr.cast::<pg_sys::Var>();
        (*variable).xpr.type_ == NodeTag::T_Var && (*variable).varattno as usize == at + 1 && !entry.resjunk
    };
    // SAFETY: lists of a plan, which stay as they are.
    let (columns, read) = unsafe { (cells(scan.scan.plan.targetlist), cells(scan.custom_scan_tlist)) };
    !columns.is_empty() && columns.len() == read.len() && columns.iter().enumerate().all(is_read)
}

/// What Postgres would make of the scan's columns, if it has made it before.
unsafe fn known(scan: &pg_sys::CustomScan) -> Option<pg_sys::TupleDesc> {
    // SAFETY: the list was looked at by `scan_alone`.
    let columns = unsafe { cells(scan.scan.plan.targetlist) };
    // SAFETY: as above; descriptions that are kept are never freed.
    KNOWN.with_borrow(|known| known.iter().copied().find(|&desc| unsafe { describes(desc, columns) }))
}

/// Whether it says of each column what `ExecTypeFromTL` would.
unsafe fn describes(desc: pg_sys::TupleDesc, columns: &[pg_sys::ListCell]) -> bool {
    // SAFETY: each entry is that of a column, as `scan_alone` found; a name is a C string, or NULL for none.
    let says = |(at, column): (usize, &pg_sys::ListCell)| unsafe {
        let entry = &*pointer::<pg_sys::TargetEntry>(column);
        let variable = &*entry.expr.cast::<pg_sys::Var>();
        let attribute = &*attribute(desc, at);
        let name = if entry.resname.is_null() { c"" } else { CStr::from_ptr(entry.resname) };
        name == CStr::from_ptr(attribute.attname.data.as_ptr())
            && variable.vartype == attribute.atttypid
            && variable.vartypmod == attribute.atttypmod
            && variable.varcollid == attribute.attcollation
    };
    // SAFETY: a description.
    unsafe { (*desc).natts as usize == columns.len() && columns.iter().enumerate().all(says) }
}

/// Keeps a copy of a description, if there is room.
unsafe fn learn(desc: pg_sys::TupleDesc) {
    if KNOWN.with_borrow(Vec::len) == DESCRIPTIONS {
        return;
    }
    // SAFETY: the description of a query that was just started; the copy belongs to nobody, and is not counted.
    let copy = unsafe {
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let copy = CreateTupleDescCopy(desc);
        pg_sys::MemoryContextSwitchTo(before);
        copy
    };
    KNOWN.with_borrow_mut(|known| known.push(copy));
}

/// The plan with a scan that has no columns, so that nothing is described.
unsafe fn without_columns(
    plan: *mut pg_sys::PlannedStmt,
    scan: &pg_sys::CustomScan,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: nodes are copied as they are; what they point to outlives the query, as the plan itself does.
    unsafe {
        let bare = copied(scan);
        (*bare).scan.plan.targetlist = ptr::null_mut();
        (*bare).custom_scan_tlist = ptr::null_mut();
        let plan = copied(&*plan);
        (*plan).planTree = bare.cast();
        plan
    }
}

/// A copy in the memory where the query is, of the node alone.
unsafe fn copied<T>(node: &T) -> *mut T {
    // SAFETY: fresh memory of this size.
    unsafe {
        let copy = palloc(size_of::<T>()).cast::<T>();
        ptr::copy_nonoverlapping(node, copy, 1);
        copy
    }
}
