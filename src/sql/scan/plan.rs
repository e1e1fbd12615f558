//! The planner's side: when the node is offered, and what its plan says.

use std::ffi::c_void;
use std::ptr;

use pgrx::FromDatum;
use pgrx::pg_sys::{self, NodeTag};

use super::node::SCAN;
use super::{Methods, NAME, pointer};
use crate::error::raise;
use crate::settings;
use crate::sql::verify::COLUMNS;
use crate::store::list::cells;
use crate::store::relations::row_type;

/// `ClanguageId` of Postgres' `pg_language_d.h`.
const C_LANGUAGE: u32 = 13;
const FUNCTIONS: [&str; 2] = ["unkey_verify_key_wrapper", "unkey_verify_keys_wrapper"];

static PATH: Methods<pg_sys::CustomPathMethods> = Methods(pg_sys::CustomPathMethods {
    CustomName: NAME.as_ptr(),
    PlanCustomPath: Some(plan),
    ReparameterizeCustomPathByChild: None,
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
        // A sub-select is planned as a copy, and stays here as it was parsed.
        let is_lateral = !(*rel).lateral_relids.is_null();
        if is_lateral && pg_sys::range_table_entry_walker(entry, Some(is_call_of_ours), ptr::null_mut(), 0) {
            // Or Postgres would answer from memory for equal values of different rows, volatile as these are.
            (*(*rel).reltarget).has_volatile_expr = pg_sys::VolatileFunctionStatus::VOLATILITY_VOLATILE;
        }
        let Some(call) = call_of(entry) else { return };
        let Some(symbol) = symbol_of(call) else { return };
        let is_ours = FUNCTIONS.contains(&symbol.as_str());
        if !is_ours || !settings::scan() || !is_plain(root) || wants_whole_rows(rel, relid) {
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
        (*path).flags = pg_sys::CUSTOMPATH_SUPPORT_PROJECTION | pg_sys::CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
        (*path).custom_private = pg_sys::lappend(ptr::null_mut(), call.cast());
        (*path).methods = &PATH.0;
        pg_sys::add_path(rel, path.cast());
    }
}

/// Whether this is a call of a function of ours whose answers differ from call to call, or holds one.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn is_call_of_ours(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: called by Postgres' walkers with nodes of a query.
    unsafe {
        if node.is_null() {
            return false;
        }
        match (*node).type_ {
            NodeTag::T_Query => pg_sys::query_tree_walker(node.cast(), Some(is_call_of_ours), context, 0),
            NodeTag::T_FuncExpr if symbol_of(node.cast()).is_some() => true,
            _ => pg_sys::expression_tree_walker(node, Some(is_call_of_ours), context),
        }
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
        // Postgres' own, without a look-up.
        if (*call).funcid.to_u32() < pg_sys::FirstNormalObjectId {
            return None;
        }
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

/// Numbers of the columns that a list names, if it is nothing but names and there is no condition: rows in this order are
/// handed on as they are.
unsafe fn columns_listed(
    tlist: *mut pg_sys::List,
    condition: *mut pg_sys::List,
    relid: pg_sys::Index,
) -> Option<Vec<i32>> {
    // SAFETY: a list of TargetEntry nodes.
    let column = |cell: &pg_sys::ListCell| unsafe {
        let entry = &*pointer::<pg_sys::TargetEntry>(cell);
        let variable = entry.expr.cast::<pg_sys::Var>();
        let is_column = (*variable).xpr.type_ == NodeTag::T_Var && (*variable).varno as u32 == relid;
        (is_column && !entry.resjunk).then(|| i32::from((*variable).varattno))
    };
    // SAFETY: no list, or one of the planner.
    let columns: Option<Vec<i32>> = unsafe { cells(tlist) }.iter().map(column).collect();
    columns.filter(|columns| condition.is_null() && (1..=COLUMNS).contains(&columns.len()))
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
        let columns = columns_listed(tlist, (*scan).scan.plan.qual, (*rel).relid);
        let columns = columns.unwrap_or_else(|| columns_read(rel, (*rel).relid));
        for (at, column) in columns.into_iter().enumerate() {
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
