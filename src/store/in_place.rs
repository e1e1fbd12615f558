//! One row changed without the executor.
//!
//! For the spend of every metered verification, where preparing a statement, and collecting for triggers what they then do not
//! want, costs several times more than the change. It is what UPDATE does in READ COMMITTED to the one row that a key finds:
//! wait for whoever changes it now, judge the newest version, write the next one, and enter it in the index unless it fits on
//! its page. Whatever else an UPDATE would have to see to (a trigger, an index, a rule, a policy or a constraint of
//! somebody's own, another isolation level, a sharded table) is left to a statement.

use std::cell::Cell;
use std::ptr::null_mut;

use pgrx::pg_sys;
use pgrx::pg_sys::{LockTupleMode, TM_Result};

use super::probe::{Table, under_latest};
use super::relations;
use super::row::Row;
use crate::error::Outcome;

/// A table with one index, its primary key on one text column.
pub struct Place {
    pub table: Table,
    /// Columns of the table.
    pub columns: u16,
    /// CHECK constraints of the table. None is tested here: a judge writes nothing that they refuse.
    pub checks: u16,
}

/// What a judge makes of the newest version of a row: new values by column number, from 1, and the answer.
pub type Judgement<T> = Option<(Vec<(i32, pg_sys::Datum)>, T)>;

/// What came of it.
#[derive(Debug)]
pub enum Change<T> {
    /// The row is changed.
    Made(T),
    /// There is no such row, or the judge wants none of it.
    Refused,
    /// It takes a statement. Nothing was done.
    Unfit,
}

/// Changes the row of this key as `judge` says.
pub fn change<T>(place: &Place, key: &str, judge: impl Fn(&Row) -> Judgement<T>) -> Outcome<Change<T>> {
    if !is_plain_transaction() || relations::are_sharded()? {
        return Ok(Change::Unfit);
    }
    let oid = relations::oid(place.table.name)?;
    // SAFETY: opened with the lock of an UPDATE, which is held to the end of the transaction; closed below, or after an ERROR by
    // the resource owner.
    unsafe {
        let heap = pg_sys::table_open(oid, LOCK);
        let change = if is_plain(place, heap) { write(place, heap, key, judge) } else { Ok(Change::Unfit) };
        pg_sys::table_close(heap, pg_sys::NoLock as pg_sys::LOCKMODE);
        change
    }
}

const LOCK: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;

/// Tries until nobody else came first.
///
/// # Safety
/// The relation is open with [`LOCK`], and plain.
unsafe fn write<T>(
    place: &Place,
    heap: pg_sys::Relation,
    key: &str,
    judge: impl Fn(&Row) -> Judgement<T>,
) -> Outcome<Change<T>> {
    let mut contested = false;
    loop {
        let find = |latest: &super::probe::Latest| {
            latest.by_text(place.table, key, |row| Ok((row.copy(), judge(row))))
        };
        let Some(found) = under_latest(find)? else { return Ok(Change::Unfit) };
        let Some((old, Some((values, answer)))) = found.into_iter().next() else {
            return Ok(Change::Refused);
        };
        // SAFETY: the copy is of a row of this relation, in the current memory context.
        let result = unsafe {
            match contested {
                // In line with everybody who waits for it, so that each has a turn.
                true => match lock(heap, old) {
                    TM_Result::TM_Ok => replace(place, heap, old, &values)?,
                    other => other,
                },
                false => replace(place, heap, old, &values)?,
            }
        };
        match result {
            TM_Result::TM_Ok => return Ok(Change::Made(answer)),
            TM_Result::TM_Updated => contested = true,
            TM_Result::TM_Deleted => return Ok(Change::Refused),
            // Changed by the statement that runs this: what becomes of that, a statement knows.
            _ => return Ok(Change::Unfit),
        }
    }
}

/// Locks a version as an UPDATE that leaves the key alone does, and waits for whoever has it.
///
/// # Safety
/// The tuple is one of this open relation.
unsafe fn lock(heap: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> TM_Result::Type {
    let mut buffer = pg_sys::InvalidBuffer as pg_sys::Buffer;
    let mut failure = pg_sys::TM_FailureData::default();
    let mut locked = pg_sys::HeapTupleData::default();
    // SAFETY: as the caller promises; only the place of the tuple is read, and the buffer that is pinned is released.
    unsafe {
        locked.t_self = (*tuple).t_self;
        let result = pg_sys::heap_lock_tuple(
            heap,
            &mut locked,
            pg_sys::GetCurrentCommandId(true),
            LockTupleMode::LockTupleNoKeyExclusive,
            pg_sys::LockWaitPolicy::LockWaitBlock,
            false,
            &mut buffer,
            &mut failure,
        );
        pg_sys::ReleaseBuffer(buffer);
        result
    }
}

/// Writes the next version.
///
/// # Safety
/// The tuple is one of this open relation, and the values have the types of their columns.
unsafe fn replace(
    place: &Place,
    heap: pg_sys::Relation,
    old: pg_sys::HeapTuple,
    values: &[(i32, pg_sys::Datum)],
) -> Outcome<TM_Result::Type> {
    let (mut columns, mut datums): (Vec<_>, Vec<_>) = values.iter().copied().unzip();
    let mut nulls = vec![false; values.len()];
    let mut failure = pg_sys::TM_FailureData::default();
    let mut mode = LockTupleMode::LockTupleNoKeyExclusive;
    // SAFETY: as the caller promises; lists and tuples are in the current memory context. The next command, and with it the
    // next verification of this statement, sees what was written.
    unsafe {
        let new = pg_sys::heap_modify_tuple_by_cols(
            old,
            (*heap).rd_att,
            values.len() as i32,
            columns.as_mut_ptr(),
            datums.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        #[cfg(not(feature = "pg15"))]
        let mut indexes = pg_sys::TU_UpdateIndexes::TU_None;
        let result = pg_sys::heap_update(
            heap,
            &mut (*old).t_self,
            new,
            pg_sys::GetCurrentCommandId(true),
            null_mut(),
            true,
            &mut failure,
            &mut mode,
            #[cfg(not(feature = "pg15"))]
            &mut indexes,
        );
        if result == TM_Result::TM_Ok {
            if u32::from((*(*new).t_data).t_infomask2) & pg_sys::HEAP_ONLY_TUPLE == 0 {
                enter(place, heap, new)?;
            }
            pg_sys::CommandCounterIncrement();
        }
        Ok(result)
    }
}

/// Enters a version that did not fit on its page in the index.
///
/// # Safety
/// The tuple was just written to this open relation.
unsafe fn enter(place: &Place, heap: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> Outcome<()> {
    let oid = relations::oid(place.table.index)?;
    // SAFETY: as the caller promises; the index is opened as an UPDATE does. Its one column is the first that it names, which
    // is never NULL.
    unsafe {
        let index = pg_sys::index_open(oid, LOCK);
        let info = pg_sys::BuildIndexInfo(index);
        let mut is_null = false;
        let column = i32::from((*info).ii_IndexAttrNumbers[0]);
        let mut key = pg_sys::heap_getattr(tuple, column, (*heap).rd_att, &mut is_null);
        pg_sys::index_insert(
            index,
            &mut key,
            &mut is_null,
            &mut (*tuple).t_self,
            heap,
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES,
            true,
            info,
        );
        pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
    Ok(())
}

/// Whether this transaction judges the newest version of a row, as UPDATE does in READ COMMITTED only.
fn is_plain_transaction() -> bool {
    // SAFETY: reads backend-local variables.
    unsafe {
        pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32
            && !pg_sys::XactReadOnly
            && !pg_sys::IsInParallelMode()
    }
}

thread_local! {
    /// The table that was looked at last, how much was heard of tables by then, and what was found: nothing changes about a table
    /// without a message.
    static LOOKED_AT: Cell<Option<(pg_sys::Oid, u64, bool)>> = const { Cell::new(None) };
}

/// Whether an UPDATE of this table has nothing to see to but the row, and the index.
///
/// # Safety
/// The relation is open with a lock.
unsafe fn is_plain(place: &Place, heap: pg_sys::Relation) -> bool {
    // SAFETY: as the caller promises; a relation that is open has a valid descriptor.
    unsafe {
        let now = ((*heap).rd_id, relations::definitions());
        match LOOKED_AT.get() {
            Some((oid, definitions, plain)) if (oid, definitions) == now => plain,
            _ => {
                let plain = has_nothing_more(place, heap) && !has_foreign_triggers(heap);
                LOOKED_AT.set(Some((now.0, now.1, plain)));
                plain
            }
        }
    }
}

/// # Safety
/// As [`is_plain`].
unsafe fn has_nothing_more(place: &Place, heap: pg_sys::Relation) -> bool {
    // SAFETY: as the caller promises; the list of indexes is a copy.
    unsafe {
        let row = &*(*heap).rd_rel;
        let constraints = (*(*heap).rd_att).constr.as_ref();
        let indexes = pg_sys::RelationGetIndexList(heap);
        let count = indexes.as_ref().map_or(0, |list| list.length);
        pg_sys::list_free(indexes);
        row.relkind as u8 == pg_sys::RELKIND_RELATION
            && std::ptr::eq((*heap).rd_tableam, pg_sys::GetHeapamTableAmRoutine())
            && row.relnatts as u16 == place.columns
            && constraints.is_some_and(|all| all.num_check == place.checks && !all.has_generated_stored)
            && count == 1
            && !(row.relhasrules || row.relrowsecurity || row.relispartition || row.relhassubclass)
    }
}

/// Whether triggers are to see an UPDATE that are not of the extension, whose own want nothing of what is done here.
///
/// # Safety
/// As [`is_plain`].
unsafe fn has_foreign_triggers(heap: pg_sys::Relation) -> bool {
    // SAFETY: as the caller promises; the descriptor has as many triggers as it says.
    unsafe {
        let Some(all) = (*heap).trigdesc.as_ref() else { return false };
        let triggers = std::slice::from_raw_parts(all.triggers, all.numtriggers as usize);
        let own = pg_sys::get_namespace_oid(c"unkey".as_ptr(), true);
        triggers
            .iter()
            .filter(|trigger| trigger.tgtype as u32 & pg_sys::TRIGGER_TYPE_UPDATE != 0)
            .any(|trigger| !trigger.tgisinternal && pg_sys::get_func_namespace(trigger.tgfoid) != own)
    }
}
