//! The executor's side: the node while a query runs.

use std::ffi::c_void;
use std::ptr;

use pgrx::pg_sys::{self, NodeTag};
use pgrx::{FromDatum, PgMemoryContexts};

use super::{Methods, NAME, line, pointer};
use crate::error::{Outcome, raise};
use crate::sql::verify::{COLUMNS, Row, key_texts, question, row};
use crate::store::list::cells;
use crate::verify::{self, Answer};

/// Arguments of either function.
const ARGUMENTS: usize = 8;

pub(super) static SCAN: Methods<pg_sys::CustomScanMethods> =
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

/// The node while a query runs.
#[repr(C)]
pub(super) struct State {
    custom: pg_sys::CustomScanState,
    /// Whether the function takes many keys.
    takes_many: bool,
    /// NULL for an argument that is.
    arguments: [*mut pg_sys::ExprState; ARGUMENTS],
    /// The parameters of the plan that the arguments use; NULL for none.
    parameters: *mut pg_sys::Bitmapset,
    /// The columns wanted, from 0.
    columns: [usize; COLUMNS],
    count: usize,
    /// The row handed on; its values are part of the answers, or good until the next one.
    pub(super) row: *mut pg_sys::TupleTableSlot,
    /// Whether rows are written as [`line`]s, and the slot only says that there is one.
    pub(super) writes_lines: bool,
    /// NULL until the function was called; dropped with the memory of the query.
    answers: *mut Vec<Answer>,
    called: bool,
    /// Number of the row that was handed on last, from 1; 0 before the first, one more than there are after the last.
    at: usize,
}

/// The node, if it is one of ours and hands its rows on as they are.
pub(super) unsafe fn as_they_are<'a>(node: *mut pg_sys::PlanState) -> Option<&'a mut State> {
    // SAFETY: a node of a running query, or none.
    unsafe {
        let plan_state = node.as_ref()?;
        let is_custom = plan_state.type_ == NodeTag::T_CustomScanState;
        let is_ours = is_custom && ptr::eq((*node.cast::<pg_sys::CustomScanState>()).methods, &EXECUTION.0);
        let is_plain = plan_state.ps_ProjInfo.is_null() && plan_state.qual.is_null();
        (is_ours && is_plain).then(|| &mut *node.cast::<State>())
    }
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
    _estate: *mut pg_sys::EState,
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
        // Nothing changes for a node that no parameter comes to.
        if !(*scan).scan.plan.extParam.is_null() {
            pg_sys::expression_tree_walker(call.cast(), Some(find_parameters), state.cast());
        }
        (*state).takes_many = (*call).funcretset;
        let columns = cells((*scan).custom_private);
        for (column, place) in columns.iter().zip(&mut (*state).columns) {
            *place = column.int_value as usize - 1;
        }
        (*state).count = columns.len();
        (*state).row = (*node).ss.ss_ScanTupleSlot;
    }
}

/// Adds the parameters that an expression uses to those of the state, as `finalize_primnode` finds them.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn find_parameters(node: *mut pg_sys::Node, state: *mut c_void) -> bool {
    // SAFETY: called by Postgres' walker with nodes of the plan, and by it and `begin` with the node made by `create`.
    unsafe {
        if node.is_null() {
            return false;
        }
        let found = state.cast::<State>();
        if (*node).type_ == NodeTag::T_Param {
            let parameter = node.cast::<pg_sys::Param>();
            if (*parameter).paramkind == pg_sys::ParamKind::PARAM_EXEC {
                (*found).parameters = pg_sys::bms_add_member((*found).parameters, (*parameter).paramid);
            }
            return false;
        }
        if (*node).type_ == NodeTag::T_SubPlan {
            let estate = (*found).custom.ss.ps.state;
            let plans = cells((*(*estate).es_plannedstmt).subplans);
            let at = (*node.cast::<pg_sys::SubPlan>()).plan_id as usize - 1;
            let plan = plans.get(at).and_then(|cell| pointer::<pg_sys::Plan>(cell).as_ref());
            if let Some(plan) = plan {
                (*found).parameters = pg_sys::bms_add_members((*found).parameters, plan.extParam);
            }
        }
        pg_sys::expression_tree_walker(node, Some(find_parameters), state)
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
        let allowed = pg_sys::object_aclcheck(pg_sys::ProcedureRelationId, function, user, execute);
        if allowed != pg_sys::AclResult::ACLCHECK_OK {
            pg_sys::aclcheck_error(
                allowed,
                pg_sys::ObjectType::OBJECT_FUNCTION,
                pg_sys::get_func_name(function),
            );
        }
    }
}

/// The next row: as it is, or by Postgres' machinery for conditions and projections.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn execute(node: *mut pg_sys::CustomScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: called by the executor with the node made by `create`.
    unsafe {
        if as_they_are(node.cast()).is_none() {
            return pg_sys::ExecScan(&mut (*node).ss, Some(next), Some(recheck));
        }
        pg_sys::check_for_interrupts!();
        let context = (*(*node).ss.ps.ps_ExprContext).ecxt_per_tuple_memory;
        if !(*context).isReset {
            pg_sys::MemoryContextReset(context);
        }
        step(node.cast())
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn next(node: *mut pg_sys::ScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: `ExecScan` hands on its node.
    unsafe { step(node.cast()) }
}

/// The next row, or none.
unsafe fn step(state: *mut State) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the node is that of `create`.
    unsafe {
        let state = &mut *state;
        raise(|| {
            if !std::mem::replace(&mut state.called, true) {
                call(state)?;
            }
            hand_on(state)
        })
    }
}

/// Calls the function and keeps its answers.
unsafe fn call(state: &mut State) -> Outcome<()> {
    // SAFETY: expressions are evaluated in memory that is good until the next row is asked for, and the answers hold nothing
    // of it; theirs is dropped with the memory of the query.
    unsafe {
        let [key, permissions, cost, ratelimits, tags, api_id, ip, migration_id] =
            state.arguments.map(|argument| Argument { argument, state });
        let context = (*state.custom.ss.ps.ps_ExprContext).ecxt_per_tuple_memory;
        let before = pg_sys::MemoryContextSwitchTo(context);
        let question = question(
            permissions.value(),
            cost.value(),
            ratelimits.value(),
            tags.value(),
            api_id.value(),
            ip.value(),
            migration_id.value(),
        )?;
        let answers = if state.takes_many {
            verify::verify_all(&key_texts(key.value())?, &question)?
        } else {
            vec![verify::verify(key.value(), &question)?]
        };
        pg_sys::MemoryContextSwitchTo(before);
        if state.answers.is_null() {
            let context = (*state.custom.ss.ps.state).es_query_cxt;
            state.answers = PgMemoryContexts::For(context).leak_and_drop_on_delete(Vec::new());
        }
        *state.answers = answers;
    }
    Ok(())
}

/// The row of the next answer, or of the one before where a cursor goes backwards, for as long as nobody asks for another one.
unsafe fn hand_on(state: &mut State) -> Outcome<*mut pg_sys::TupleTableSlot> {
    // SAFETY: the slot has as many columns as are wanted, of the types that they have.
    unsafe {
        let Some(answers) = state.answers.as_ref() else { return Ok(ptr::null_mut()) };
        state.at = match (*state.custom.ss.ps.state).es_direction {
            pg_sys::ScanDirection::BackwardScanDirection => state.at.saturating_sub(1),
            _ => answers.len().min(state.at) + 1,
        };
        let answer = state.at.checked_sub(1).and_then(|before| answers.get(before));
        let Some(answer) = answer else { return Ok(ptr::null_mut()) };
        let slot = state.row;
        if state.writes_lines {
            line::write(answer, &state.columns[..state.count])?;
            let has_a_row = u32::from((*slot).tts_flags) & pg_sys::TTS_FLAG_EMPTY == 0;
            return Ok(if has_a_row { slot } else { pg_sys::ExecStoreAllNullTuple(slot) });
        }
        let context = (*state.custom.ss.ps.ps_ExprContext).ecxt_per_tuple_memory;
        let before = pg_sys::MemoryContextSwitchTo(context);
        let Row { values, nulls } = row(answer)?;
        pg_sys::MemoryContextSwitchTo(before);
        clear(slot);
        for (at, &column) in state.columns.iter().take(state.count).enumerate() {
            *(*slot).tts_values.add(at) = values.get(column).copied().unwrap_or(pg_sys::Datum::null());
            *(*slot).tts_isnull.add(at) = nulls.get(column).copied().unwrap_or(true);
        }
        Ok(pg_sys::ExecStoreVirtualTuple(slot))
    }
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

/// Asked instead of `next` by older minors of Postgres where a row that others changed is looked at again, also in sub-selects.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn recheck(
    node: *mut pg_sys::ScanState,
    _slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: `ExecScan` hands on its node; the row is in its slot.
    unsafe { !step(node.cast()).is_null() }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::CustomScanState) {
    // SAFETY: called by the executor with the node made by `create`.
    unsafe {
        let state = node.cast::<State>();
        // Others change what becomes of the row, not what it is.
        if pg_sys::bms_overlap((*node).ss.ps.chgParam, (*state).parameters) {
            (*state).called = false;
        }
        (*state).at = 0;
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
