//! A scan node of our own for `FROM unkey_verify_key(…)`.
//!
//! Postgres answers a function in FROM by way of a composite value, a store of rows and a description of the row type made
//! anew for each execution, which together cost several times what a known key does. This node asks [`verify`] for the columns
//! that the query wants and hands them on as they are. It takes part in plain queries only; wherever anything else is
//! wanted (whole rows, row locks, function statistics, somebody's hook that watches function calls), the function is called.
//!
//! What `nodeFunctionscan.c` promises holds here too: EXECUTE is checked when the query starts, the function is called once for
//! each set of arguments, and a rescan without new arguments repeats its row.

use std::ffi::CStr;
use std::ptr;

use pgrx::FromDatum;
use pgrx::pg_sys::{self, NodeTag};

use super::verify::{COLUMNS, Row, question, row};
use crate::error::{Outcome, raise};
use crate::store::relations::row_type;
use crate::{settings, verify};

/// Arguments of `unkey_verify_key`.
const ARGUMENTS: usize = 8;
/// `ClanguageId` of Postgres' `pg_language_d.h`.
const C_LANGUAGE: u32 = 13;
const VERIFY_KEY: &str = "unkey_verify_key_wrapper";
const NAME: &CStr = c"unkey_verify_key";

/// Tables of functions, which Postgres wants to stay where they are.
struct Methods<T>(T);

// SAFETY: never written; what they point to is static.
unsafe impl<T> Sync for Methods<T> {}

static PATH: Methods<pg_sys::CustomPathMethods> = Methods(pg_sys::CustomPathMethods {
    CustomName: NAME.as_ptr(),
    PlanCustomPath: Some(plan),
    ReparameterizeCustomPathByChild: None,
});

static SCAN: Methods<pg_sys::CustomScanMethods> =
    Methods(pg_sys::CustomScanMethods { CustomName: NAME.as_ptr(), CreateCustomScanState: Some(create) });

static EXECUTION: Methods<pg_sys::CustomExecMethods> = Methods(pg_sys::CustomExecMethods {
    CustomName: NAME.as_ptr(),
    BeginCustomScan: Some(begin),
    ExecCustomScan: Some(execute),
    EndCustomScan: Some(end),
    ReScanCustomScan: Some(rescan),
    MarkPosCustomScan: None,
    RestrPosCustomScan: None,
    EstimateDSMCustomScan: None,
    InitializeDSMCustomScan: None,
    ReInitializeDSMCustomScan: None,
    InitializeWorkerCustomScan: None,
    ShutdownCustomScan: None,
    ExplainCustomScan: None,
});

static mut NEXT_HOOK: pg_sys::set_rel_pathlist_hook_type = None;

/// Lets the planner know of the node. Once, when the library is loaded.
pub fn register() {
    // SAFETY: a backend has one thread; hooks are chained as Postgres asks.
    unsafe {
        NEXT_HOOK = pg_sys::set_rel_pathlist_hook;
        pg_sys::set_rel_pathlist_hook = Some(offer);
        pg_sys::RegisterCustomScanMethods(&SCAN.0);
    }
}

/// What a list of Postgres holds.
unsafe fn cells<'a>(list: *mut pg_sys::List) -> &'a [pg_sys::ListCell] {
    // SAFETY: no list, or one that its owner leaves alone meanwhile.
    unsafe { list.as_ref() }
        .map_or(&[], |list| unsafe { std::slice::from_raw_parts(list.elements, list.length as usize) })
}

/// A cell of a list of nodes of this kind.
fn pointer<T>(cell: &pg_sys::ListCell) -> *mut T {
    // SAFETY: every bit pattern is a pointer.
    unsafe { cell.ptr_value }.cast()
}

/// Offers the node for a function in FROM, if it is ours and the query plain.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn offer(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    relid: pg_sys::Index,
    entry: *mut pg_sys::RangeTblEntry,
) {
    // SAFETY: called by the planner with nodes of its own, after it made the paths that it knows.
    unsafe {
        if let Some(next) = NEXT_HOOK {
            next(root, rel, relid, entry);
        }
        let Some(call) = call_of(entry) else { return };
        let Some(symbol) = symbol_of(call) else { return };
        // Or Postgres would call it once for equal arguments of different rows, volatile as it is.
        (*rel).lateral_vars = ptr::null_mut();
        if symbol != VERIFY_KEY || !settings::scan() || !is_plain(root) || wants_whole_rows(rel, relid) {
            return;
        }
        let Some(usual) = cells((*rel).pathlist).first().map(pointer::<pg_sys::Path>) else { return };
        let path = pg_sys::palloc0(size_of::<pg_sys::CustomPath>()).cast::<pg_sys::CustomPath>();
        (*path).path = pg_sys::Path {
            type_: NodeTag::T_CustomPath,
            pathtype: NodeTag::T_CustomScan,
            // Cheaper by more than the planner takes for the same.
            total_cost: (*usual).startup_cost + ((*usual).total_cost - (*usual).startup_cost) / 2.0,
            startup_cost: (*usual).startup_cost / 2.0,
            ..*usual
        };
        (*path).flags = pg_sys::CUSTOMPATH_SUPPORT_PROJECTION;
        (*path).custom_private = pg_sys::lappend(ptr::null_mut(), call.cast());
        (*path).methods = &PATH.0;
        pg_sys::add_path(rel, path.cast());
    }
}

/// The call, if the entry is one single function.
unsafe fn call_of(entry: *mut pg_sys::RangeTblEntry) -> Option<*mut pg_sys::FuncExpr> {
    // SAFETY: as for `offer`; lists of a function entry hold what the parser puts there.
    unsafe {
        if (*entry).rtekind != pg_sys::RTEKind::RTE_FUNCTION || (*entry).funcordinality {
            return None;
        }
        let [function] = cells((*entry).functions) else { return None };
        let call = (*pointer::<pg_sys::RangeTblFunction>(function)).funcexpr;
        ((*call).type_ == NodeTag::T_FuncExpr).then_some(call.cast())
    }
}

/// Whether rows are only read, and nobody watches or counts calls of functions.
unsafe fn is_plain(root: *mut pg_sys::PlannerInfo) -> bool {
    // SAFETY: as for `offer`; the rest are backend-local variables.
    unsafe {
        let query = (*root).parse;
        let (access_hook, call_hook) = (pg_sys::object_access_hook, pg_sys::fmgr_hook);
        (*query).rowMarks.is_null()
            && matches!((*query).commandType, pg_sys::CmdType::CMD_SELECT | pg_sys::CmdType::CMD_INSERT)
            && access_hook.is_none()
            && call_hook.is_none()
            && pg_sys::pgstat_track_functions == pg_sys::TrackFunctionsLevel::TRACK_FUNC_OFF as i32
    }
}

/// Symbol of the function, if this library has it and its answers differ from call to call.
unsafe fn symbol_of(call: *mut pg_sys::FuncExpr) -> Option<String> {
    // SAFETY: the row of pg_proc is read before it is released; prosrc is never NULL.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::PROCOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, (*call).funcid.into());
        if tuple.is_null() {
            return None;
        }
        let row = pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_proc>(tuple);
        let candidate = (*row).prolang == pg_sys::Oid::from(C_LANGUAGE)
            && (*row).provolatile == pg_sys::PROVOLATILE_VOLATILE as i8;
        let mut is_null = false;
        let symbol = pg_sys::SysCacheGetAttr(cache, tuple, pg_sys::Anum_pg_proc_prosrc as i16, &mut is_null);
        let symbol = candidate.then(|| String::from_datum(symbol, is_null)).flatten();
        pg_sys::ReleaseSysCache(tuple);
        symbol.filter(|symbol| symbol.starts_with("unkey_") && symbol.ends_with("_wrapper"))
    }
}

/// Tells the planner how many rows a function answers whose first argument is an array: one for each element. Being asked at
/// all, it is loaded before a query with a function of ours is planned, and so is this node.
pub fn support(request: *mut pg_sys::Node) -> pg_sys::Datum {
    // SAFETY: called by the planner with a request, whose tag says what it is.
    unsafe {
        if (*request).type_ != NodeTag::T_SupportRequestRows {
            return pg_sys::Datum::null();
        }
        let rows = request.cast::<pg_sys::SupportRequestRows>();
        let call = (*rows).node.cast::<pg_sys::FuncExpr>();
        if (*call).xpr.type_ != NodeTag::T_FuncExpr {
            return pg_sys::Datum::null();
        }
        let Some(array) = cells((*call).args).first().map(pointer::<pg_sys::Node>) else {
            return pg_sys::Datum::null();
        };
        if pg_sys::exprType(array) != pg_sys::TEXTARRAYOID {
            return pg_sys::Datum::null();
        }
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        let length = f64::from(pg_sys::estimate_array_length(array));
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        let length = pg_sys::estimate_array_length((*rows).root, array);
        (*rows).rows = length;
        request.into()
    }
}

/// Numbers of the columns that the query reads, from 1; 0 is the row as a whole.
unsafe fn columns_read(rel: *mut pg_sys::RelOptInfo, relid: pg_sys::Index) -> Vec<i32> {
    // SAFETY: as for `offer`.
    unsafe {
        let mut read = ptr::null_mut();
        pg_sys::pull_varattnos((*(*rel).reltarget).exprs.cast(), relid, &mut read);
        for restriction in cells((*rel).baserestrictinfo).iter().map(pointer::<pg_sys::RestrictInfo>) {
            pg_sys::pull_varattnos((*restriction).clause.cast(), relid, &mut read);
        }
        let mut columns = Vec::new();
        let mut member = -1;
        loop {
            member = pg_sys::bms_next_member(read, member);
            if member < 0 {
                return columns;
            }
            columns.push(member + pg_sys::FirstLowInvalidHeapAttributeNumber);
        }
    }
}

unsafe fn wants_whole_rows(rel: *mut pg_sys::RelOptInfo, relid: pg_sys::Index) -> bool {
    // SAFETY: as for `offer`.
    unsafe { columns_read(rel, relid) }.iter().any(|&column| column < 1 || column as usize > COLUMNS)
}

/// Makes the plan: the call as its expression, the columns read as its row.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn plan(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    best: *mut pg_sys::CustomPath,
    tlist: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    _plans: *mut pg_sys::List,
) -> *mut pg_sys::Plan {
    // SAFETY: called by the planner with the path made by `offer`; the row type is that of our function.
    unsafe {
        let scan = pg_sys::palloc0(size_of::<pg_sys::CustomScan>()).cast::<pg_sys::CustomScan>();
        (*scan).scan.plan.type_ = NodeTag::T_CustomScan;
        (*scan).scan.plan.targetlist = tlist;
        (*scan).scan.plan.qual = pg_sys::extract_actual_clauses(clauses, false);
        (*scan).flags = (*best).flags;
        (*scan).custom_exprs = (*best).custom_private;
        (*scan).methods = &SCAN.0;
        let desc = raise(|| row_type(c"verification"));
        for (at, column) in columns_read(rel, (*rel).relid).into_iter().enumerate() {
            let attribute = pgrx::tupdesc::PgTupleDesc::from_pg_unchecked(desc);
            let Some(attribute) = attribute.get(column as usize - 1).copied() else { continue };
            let variable = pg_sys::makeVar(
                (*rel).relid as i32,
                column as pg_sys::AttrNumber,
                attribute.atttypid,
                attribute.atttypmod,
                attribute.attcollation,
                0,
            );
            let entry = pg_sys::makeTargetEntry(
                variable.cast(),
                at as pg_sys::AttrNumber + 1,
                ptr::null_mut(),
                false,
            );
            (*scan).custom_scan_tlist = pg_sys::lappend((*scan).custom_scan_tlist, entry.cast());
            (*scan).custom_private = pg_sys::lappend_int((*scan).custom_private, column);
        }
        scan.cast()
    }
}

/// The node while a query runs.
#[repr(C)]
struct State {
    custom: pg_sys::CustomScanState,
    /// NULL for an argument that is.
    arguments: [*mut pg_sys::ExprState; ARGUMENTS],
    /// The columns wanted, from 0.
    columns: [usize; COLUMNS],
    count: usize,
    /// The row, once the function was called.
    row: *mut pg_sys::TupleTableSlot,
    called: bool,
    handed_on: bool,
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn create(_scan: *mut pg_sys::CustomScan) -> *mut pg_sys::Node {
    // SAFETY: zeroes are a state; it begins with the node that Postgres knows.
    unsafe {
        let state = pg_sys::palloc0(size_of::<State>()).cast::<State>();
        (*state).custom.ss.ps.type_ = NodeTag::T_CustomScanState;
        (*state).custom.methods = &EXECUTION.0;
        state.cast()
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn begin(
    node: *mut pg_sys::CustomScanState,
    estate: *mut pg_sys::EState,
    _flags: i32,
) {
    // SAFETY: called by the executor with the node made by `create` and the plan made by `plan`.
    unsafe {
        let state = node.cast::<State>();
        let scan = (*node).ss.ps.plan.cast::<pg_sys::CustomScan>();
        let Some(call) = cells((*scan).custom_exprs).first().map(pointer::<pg_sys::FuncExpr>) else { return };
        check_execute((*call).funcid);
        let arguments = cells((*call).args).iter().map(pointer::<pg_sys::Expr>);
        for (argument, place) in arguments.zip(&mut (*state).arguments) {
            let is_null =
                (*argument).type_ == NodeTag::T_Const && (*argument.cast::<pg_sys::Const>()).constisnull;
            if !is_null {
                *place = pg_sys::ExecInitExpr(argument, node.cast());
            }
        }
        let columns = cells((*scan).custom_private);
        for (column, place) in columns.iter().zip(&mut (*state).columns) {
            *place = column.int_value as usize - 1;
        }
        (*state).count = columns.len();
        let desc = (*(*node).ss.ss_ScanTupleSlot).tts_tupleDescriptor;
        (*state).row = pg_sys::ExecInitExtraTupleSlot(estate, desc, &raw const pg_sys::TTSOpsVirtual);
    }
}

/// Raises unless the current user may call the function.
unsafe fn check_execute(function: pg_sys::Oid) {
    // SAFETY: looks the privilege up in the catalogue cache.
    unsafe {
        let (user, execute) = (pg_sys::GetUserId(), pg_sys::ACL_EXECUTE as pg_sys::AclMode);
        #[cfg(feature = "pg15")]
        let allowed = pg_sys::pg_proc_aclcheck(function, user, execute);
        #[cfg(not(feature = "pg15"))]
        let allowed = pg_sys::object_aclcheck(pg_sys::ProcedureRelationId.into(), function, user, execute);
        if allowed != pg_sys::AclResult::ACLCHECK_OK {
            pg_sys::aclcheck_error(
                allowed,
                pg_sys::ObjectType::OBJECT_FUNCTION,
                pg_sys::get_func_name(function),
            );
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn execute(node: *mut pg_sys::CustomScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: called by the executor; conditions and projection are its own business.
    unsafe { pg_sys::ExecScan(&mut (*node).ss, Some(next), Some(recheck)) }
}

/// The one row, then none.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn next(node: *mut pg_sys::ScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the node is that of `create`.
    unsafe {
        let state = &mut *node.cast::<State>();
        if std::mem::replace(&mut state.handed_on, true) {
            return ptr::null_mut();
        }
        if !std::mem::replace(&mut state.called, true) {
            raise(|| call(state));
        }
        state.row
    }
}

/// Calls the function and keeps its row, independent of anything it was made from.
unsafe fn call(state: &mut State) -> Outcome<()> {
    // SAFETY: expressions are evaluated in memory that is good until the next row is asked for; the slot has as many
    // columns as are wanted, of the types that they have.
    unsafe {
        let context = (*state.custom.ss.ps.ps_ExprContext).ecxt_per_tuple_memory;
        let before = pg_sys::MemoryContextSwitchTo(context);
        let arguments = state.arguments.map(|argument| Argument { argument, state });
        let [key, permissions, cost, ratelimits, tags, api_id, ip, migration_id] = arguments;
        let question = question(
            permissions.value(),
            cost.value(),
            ratelimits.value(),
            tags.value(),
            api_id.value(),
            ip.value(),
            migration_id.value(),
        )?;
        let answer = verify::verify(key.value(), &question)?;
        let Row { values, nulls } = row(&answer)?;
        let slot = state.row;
        clear(slot);
        for (at, &column) in state.columns.iter().take(state.count).enumerate() {
            *(*slot).tts_values.add(at) = values.get(column).copied().unwrap_or(pg_sys::Datum::null());
            *(*slot).tts_isnull.add(at) = nulls.get(column).copied().unwrap_or(true);
        }
        pg_sys::ExecStoreVirtualTuple(slot);
        if let Some(materialize) = (*(*slot).tts_ops).materialize {
            materialize(slot);
        }
        pg_sys::MemoryContextSwitchTo(before);
    }
    Ok(())
}

/// Postgres' `ExecClearTuple`, which is an inline function.
unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the slot is one of the running query.
    if let Some(clear) = unsafe { (*(*slot).tts_ops).clear } {
        // SAFETY: as above.
        unsafe { clear(slot) };
    }
}

/// An argument of the running query.
#[derive(Clone, Copy)]
struct Argument<'a> {
    argument: *mut pg_sys::ExprState,
    state: &'a State,
}

impl Argument<'_> {
    /// # Safety
    /// `T` reads the type that the function's DDL gives the argument.
    unsafe fn value<T: FromDatum>(&self) -> Option<T> {
        // SAFETY: as the caller promises; the expression was made for this node.
        unsafe {
            let evaluate = self.argument.as_mut()?.evalfunc?;
            let mut is_null = false;
            let datum = evaluate(self.argument, self.state.custom.ss.ps.ps_ExprContext, &mut is_null);
            T::from_datum(datum, is_null)
        }
    }
}

/// Only asked where rows are locked, where this node takes no part.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn recheck(
    _node: *mut pg_sys::ScanState,
    _slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    true
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::CustomScanState) {
    // SAFETY: called by the executor with the node made by `create`.
    unsafe {
        let state = node.cast::<State>();
        if !(*node).ss.ps.chgParam.is_null() {
            (*state).called = false;
        }
        (*state).handed_on = false;
        pg_sys::ExecScanReScan(&mut (*node).ss);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn end(node: *mut pg_sys::CustomScanState) {
    // SAFETY: called by the executor with the node made by `create`.
    unsafe {
        let state = node.cast::<State>();
        if !(*state).row.is_null() {
            clear((*state).row);
        }
    }
}
