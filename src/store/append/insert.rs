//! Straight into a plain table: what COPY does with rows once it has read them (`CopyFrom` of `copyfrom.c`), without a text to
//! read, partitions to find and constraints to look for.

use std::ffi::CStr;

use pgrx::tupdesc::PgTupleDesc;
use pgrx::{IntoDatum, PgMemoryContexts, pg_sys};

use super::{Column, Row, Target, relation};
use crate::error::Outcome;
use crate::store::list::cells;
use crate::store::value;

const LOCK: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
const NO_LOCK: pg_sys::LOCKMODE = pg_sys::NoLock as pg_sys::LOCKMODE;

/// Rows written at a time: a few pages full. Of more slots the resource owner would look through all for each, since it finds
/// row types by their address (`ResourceArrayAdd` of `resowner.c`) and theirs is the same.
const PORTION: usize = 64;

/// A table that wants nothing but its rows: no trigger, constraint or generated column, and indexes that only find.
pub(super) struct Plain {
    relation: pg_sys::Relation,
    indexes: Vec<Index>,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    /// How many of the slots hold rows that are not written yet.
    filled: usize,
    values: Values,
}

#[derive(Clone, Copy)]
struct Index {
    relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
}

impl Plain {
    /// Locks the table until the transaction ends and opens it; `None` if it is not plain.
    pub(super) fn open(target: &Target, columns: &[Column]) -> Outcome<Option<Self>> {
        // SAFETY: inside a transaction; relations are looked at while they are open and locked, the parent first, as whoever
        // drops a partition locks them. After an ERROR the resource owner closes them.
        unsafe {
            let mut partitioned = None;
            if target.partition.is_some() {
                let Some(parent) = relation(target.table) else { return Ok(None) };
                partitioned = Some(pg_sys::table_open(parent, LOCK));
            }
            let has_triggers = partitioned.is_some_and(|parent| !(*parent).trigdesc.is_null());
            let table = target.partition.unwrap_or(target.table);
            let opened = if has_triggers { None } else { open(table, partitioned.is_some(), columns) };
            if let Some(parent) = partitioned {
                pg_sys::table_close(parent, NO_LOCK);
            }
            Ok(opened)
        }
    }

    /// Appends rows.
    pub(super) fn append<T>(&mut self, rows: impl Iterator<Item = T>, write: impl Fn(&mut dyn Row, T)) {
        for row in rows {
            self.values.row.clear();
            write(&mut self.values, row);
            // SAFETY: the slots are of this table, and values were checked to be of its types when it was opened.
            unsafe { self.fill() };
            if self.filled == PORTION {
                // SAFETY: as above.
                unsafe { self.flush() };
            }
        }
        // SAFETY: as above.
        unsafe { self.flush() };
    }

    /// Puts the row just written into the next slot.
    unsafe fn fill(&mut self) {
        // SAFETY: as the caller promises.
        unsafe {
            if self.slots.len() == self.filled {
                self.slots.push(pg_sys::table_slot_create(self.relation, std::ptr::null_mut()));
            }
            let Some(&slot) = self.slots.get(self.filled) else { return };
            for (at, value) in self.values.row.iter().enumerate() {
                *(*slot).tts_values.add(at) = value.unwrap_or(pg_sys::Datum::null());
                *(*slot).tts_isnull.add(at) = value.is_none();
            }
            pg_sys::ExecStoreVirtualTuple(slot);
            self.filled += 1;
        }
    }

    /// Writes what is in the slots, then their index entries.
    unsafe fn flush(&mut self) {
        // SAFETY: as the caller promises. Slots know where their rows are once they are written.
        unsafe {
            if self.filled > 0 {
                let command = pg_sys::GetCurrentCommandId(true);
                let (slots, count) = (self.slots.as_mut_ptr(), self.filled as i32);
                let options = pg_sys::TABLE_INSERT_SKIP_FSM as i32;
                let insert = (*(*self.relation).rd_tableam).multi_insert;
                pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    insert.map(|insert| {
                        insert(self.relation, slots, count, command, options, std::ptr::null_mut());
                    })
                });
            }
            for &slot in self.slots.iter().take(self.filled) {
                self.indexes.iter().for_each(|index| index.insert(self.relation, slot));
                if let Some(clear) = (*(*slot).tts_ops).clear {
                    clear(slot);
                }
            }
            self.filled = 0;
            self.values.clear();
        }
    }

    /// Closes the table, which stays locked.
    pub(super) fn close(mut self) {
        // SAFETY: opened by [`Self::open`], and nobody uses the slots and relations afterwards.
        unsafe {
            self.slots.drain(..).for_each(|slot| pg_sys::ExecDropSingleTupleTableSlot(slot));
            self.indexes.drain(..).for_each(|index| index.close());
            pg_sys::table_close(self.relation, NO_LOCK);
        }
    }
}

/// # Safety
/// Inside a transaction.
unsafe fn open(name: &CStr, is_partition: bool, columns: &[Column]) -> Option<Plain> {
    // SAFETY: as the caller promises; the relation is open and locked.
    unsafe {
        let relation = pg_sys::table_open(relation(name)?, LOCK);
        let indexes = if is_plain(relation, is_partition, columns) { Index::all(relation) } else { None };
        if indexes.is_none() {
            pg_sys::table_close(relation, NO_LOCK);
        }
        Some(Plain {
            relation,
            indexes: indexes?,
            slots: Vec::new(),
            filled: 0,
            values: Values::new(columns.len()),
        })
    }
}

/// # Safety
/// The relation is open.
unsafe fn is_plain(relation: pg_sys::Relation, is_partition: bool, columns: &[Column]) -> bool {
    // SAFETY: as the caller promises; `constr` is NULL where there are none.
    unsafe {
        let (class, desc) = (&*(*relation).rd_rel, (*relation).rd_att);
        let attributes = PgTupleDesc::from_pg_unchecked(desc);
        let is_column = |(attribute, column): (&pg_sys::FormData_pg_attribute, &Column)| {
            let takes_it =
                column.kind.is_of(attribute.atttypid) && !(column.is_optional && attribute.attnotnull);
            let is_stored = !attribute.attisdropped && attribute.attgenerated == 0;
            takes_it && is_stored && CStr::from_ptr(attribute.attname.data.as_ptr()) == column.name
        };
        class.relkind == pg_sys::RELKIND_RELATION as i8
            && class.relispartition == is_partition
            && !class.relrowsecurity
            && (*relation).trigdesc.is_null()
            && (*desc).constr.as_ref().is_none_or(|constraints| constraints.num_check == 0)
            && attributes.len() == columns.len()
            && attributes.iter().zip(columns).all(is_column)
    }
}

impl Index {
    /// The indexes of a table, opened; `None` if one could refuse a row or has to compute something of it.
    unsafe fn all(table: pg_sys::Relation) -> Option<Vec<Self>> {
        // SAFETY: the table is open and locked, as its indexes are then.
        unsafe {
            let list = pg_sys::RelationGetIndexList(table);
            let open = |cell: &pg_sys::ListCell| {
                let relation = pg_sys::index_open(cell.oid_value, LOCK);
                Self { relation, info: pg_sys::BuildIndexInfo(relation) }
            };
            let indexes: Vec<Self> = cells(list).iter().map(open).collect();
            if indexes.iter().all(|index| index.only_finds()) {
                return Some(indexes);
            }
            indexes.into_iter().for_each(|index| index.close());
            None
        }
    }

    fn only_finds(self) -> bool {
        // SAFETY: made by `BuildIndexInfo` in the current memory context.
        let info = unsafe { &*self.info };
        info.ii_Expressions.is_null()
            && info.ii_Predicate.is_null()
            && info.ii_ExclusionOps.is_null()
            && !info.ii_Unique
    }

    /// Adds the entry of a row that is in the table.
    unsafe fn insert(self, table: pg_sys::Relation, slot: *mut pg_sys::TupleTableSlot) {
        let mut values = [pg_sys::Datum::null(); pg_sys::INDEX_MAX_KEYS as usize];
        let mut nulls = [false; pg_sys::INDEX_MAX_KEYS as usize];
        // SAFETY: as `ExecInsertIndexTuples` does it; there is no expression that would need a state to be evaluated. An index that
        // is being built takes no rows yet.
        unsafe {
            if !(*self.info).ii_ReadyForInserts {
                return;
            }
            let (values, nulls) = (values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::FormIndexDatum(self.info, slot, std::ptr::null_mut(), values, nulls);
            pg_sys::index_insert(
                self.relation,
                values,
                nulls,
                &mut (*slot).tts_tid,
                table,
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
                false,
                self.info,
            );
        }
    }

    unsafe fn close(self) {
        // SAFETY: open, and not used afterwards.
        unsafe {
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            pg_sys::index_insert_cleanup(self.relation, self.info);
            pg_sys::index_close(self.relation, NO_LOCK);
        }
    }
}

/// Values as Postgres takes them.
struct Values {
    /// Of the row at hand; `None` for NULL.
    row: Vec<Option<pg_sys::Datum>>,
    /// Where those of variable length are until they are written.
    memory: PgMemoryContexts,
}

impl Values {
    fn new(columns: usize) -> Self {
        Self { row: Vec::with_capacity(columns), memory: PgMemoryContexts::new("unkey events") }
    }

    fn clear(&mut self) {
        // SAFETY: made by us, and rows that are written are copied.
        unsafe { self.memory.reset() };
    }

    fn put(&mut self, value: impl Into<pg_sys::Datum>) {
        self.row.push(Some(value.into()));
    }

    /// A value that is made in memory of its own.
    fn make(&mut self, make: impl FnOnce() -> Option<pg_sys::Datum>) {
        // SAFETY: nothing that Postgres looks after is made there but the value.
        let made = unsafe { self.memory.switch_to(|_| make()) };
        self.row.push(made);
    }
}

impl Row for Values {
    fn text(&mut self, text: &str) {
        self.make(|| text.into_datum());
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.row.push(None),
        }
    }

    fn texts(&mut self, texts: &[Option<&str>]) {
        self.make(|| Some(value::text_array(texts)));
    }

    fn doubles(&mut self, numbers: &[f64]) {
        self.make(|| Some(value::double_array(numbers)));
    }

    fn long(&mut self, number: i64) {
        self.put(number);
    }

    fn double(&mut self, number: f64) {
        self.put(number.to_bits() as usize);
    }

    fn boolean(&mut self, value: bool) {
        self.put(value);
    }

    fn instant(&mut self, at: i64) {
        self.long(at);
    }
}
