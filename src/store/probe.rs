//! Rows by index, without the executor.
//!
//! For the few reads of every verification, where preparing a plan for execution costs more than the rows. As in
//! Postgres' own catalogue look-ups, relations are locked while they are open, scans run under a registered snapshot,
//! and after an ERROR the resource owner releases all of it, so nothing here needs a destructor.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;

use pgrx::{IntoDatum, Uuid, pg_sys};

use super::relations;
use super::row::{Column, Row};
use crate::error::Outcome;

/// A table and the index by whose first columns its rows are found.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static CStr,
    pub index: &'static CStr,
}

/// One consistent state of the database: all that is committed by now, and all that this transaction did. Keeps the
/// tables that were read open, so that reading again costs the rows alone.
pub struct Latest {
    snapshot: pg_sys::Snapshot,
    /// Whether what is read is the state of now; a serializable transaction has one snapshot for good, and a parallel query one.
    is_current: bool,
    /// Whether others may read something else: a row that this transaction wrote was read, or one is not there that another refers to.
    in_doubt: Cell<bool>,
    /// How many messages about relations had been heard before the snapshot was taken.
    messages: u64,
    /// Tables that were locked before; nobody has made one of them anew since.
    locked: Vec<&'static CStr>,
    /// Whether another may have been made anew after the snapshot and before it was locked: its rows are younger then.
    is_outdated: Cell<bool>,
    open: RefCell<Vec<Open>>,
}

/// A table and its index while they are open.
struct Open {
    index: &'static CStr,
    heap: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    keys: Vec<pg_sys::ScanKeyData>,
    /// The page of the visibility map that was read last.
    map: pg_sys::Buffer,
}

/// What an indexed column has to equal: the function that compares, and the value.
struct Equals(u32, Option<pg_sys::Datum>);

impl Equals {
    fn text(value: &str) -> Self {
        Self(pg_sys::F_TEXTEQ, value.into_datum())
    }
}

/// Runs reads under one snapshot; `None` where tables may be elsewhere. They are run again if one of them had to wait for whoever made
/// a table anew, whose rows that snapshot does not show.
pub fn under_latest<T>(reads: impl Fn(&Latest) -> Outcome<T>) -> Outcome<Option<T>> {
    if relations::are_sharded()? {
        return Ok(None);
    }
    let mut locked = Vec::new();
    loop {
        let (result, opened) = under_snapshot(locked, &reads);
        match opened {
            Some(opened) if result.is_ok() => locked = opened,
            _ => return result.map(Some),
        }
    }
}

/// Runs reads under one snapshot; the tables that are locked now if it was too old for one of them.
fn under_snapshot<T>(
    locked: Vec<&'static CStr>,
    reads: impl Fn(&Latest) -> Outcome<T>,
) -> (Outcome<T>, Option<Vec<&'static CStr>>) {
    // A parallel query is given no newer snapshot than its own.
    // SAFETY: reads a backend-local variable.
    let is_parallel = unsafe { pg_sys::IsInParallelMode() };
    let is_current = !is_serializable() && !is_parallel;
    // SAFETY: the snapshot is registered while `reads` runs, and unregistered after all that was read under it is closed;
    // on an ERROR the resource owner does both.
    unsafe {
        let messages = relations::messages();
        let snapshot = match is_current {
            true => pg_sys::GetLatestSnapshot(),
            false if is_parallel => pg_sys::GetActiveSnapshot(),
            false => pg_sys::GetTransactionSnapshot(),
        };
        let latest = Latest {
            snapshot: pg_sys::RegisterSnapshot(snapshot),
            is_current,
            in_doubt: Cell::new(false),
            messages,
            locked,
            is_outdated: Cell::new(false),
            open: RefCell::default(),
        };
        let result = reads(&latest);
        let is_outdated = is_current && latest.is_outdated.get();
        let opened = is_outdated.then(|| latest.open.borrow().iter().map(|open| open.index).collect());
        latest.open.into_inner().into_iter().for_each(|open| open.close());
        pg_sys::UnregisterSnapshot(latest.snapshot);
        (result, opened)
    }
}

/// Whether this transaction is serializable, so that what it reads must count as read, each time, at its one snapshot.
pub fn is_serializable() -> bool {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 }
}

impl Latest {
    /// Whether what was read so far is the same for every session: nothing of an older state, nothing uncommitted.
    pub fn may_be_kept(&self) -> bool {
        self.is_current && !self.in_doubt.get() && !self.is_outdated.get()
    }

    /// Says that a row is not there that another one refers to. Constraints see to it that it is, but not where rows are replicated, which
    /// may bring the one long before the other.
    pub fn miss(&self) {
        self.in_doubt.set(true);
    }

    /// Reads the rows whose indexed column equals a text.
    pub fn by_text<T>(
        &self,
        table: Table,
        key: &str,
        read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.each(table, &[Equals::text(key)], read)
    }

    /// Reads the rows whose indexed column equals some bytes.
    pub fn by_bytes<T>(
        &self,
        table: Table,
        key: &[u8],
        read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.each(table, &[Equals(pg_sys::F_BYTEAEQ, key.into_datum())], read)
    }

    /// Reads the rows whose indexed column equals a boolean.
    pub fn by_boolean<T>(
        &self,
        table: Table,
        key: bool,
        read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.each(table, &[Equals(pg_sys::F_BOOLEQ, key.into_datum())], read)
    }

    /// Reads the rows whose indexed column equals a UUID.
    pub fn by_uuid<T>(
        &self,
        table: Table,
        key: Uuid,
        read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.each(table, &[Equals(pg_sys::F_UUID_EQ, key.into_datum())], read)
    }

    /// Reads the rows whose indexed columns equal two texts and a number.
    pub fn by_texts_and_number<T>(
        &self,
        table: Table,
        [first, second]: [&str; 2],
        number: i64,
        read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        let number = Equals(pg_sys::F_INT8EQ, number.into_datum());
        self.each(table, &[Equals::text(first), Equals::text(second), number], read)
    }

    fn each<T>(
        &self,
        table: Table,
        equals: &[Equals],
        mut read: impl FnMut(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        let mut all = self.open.borrow_mut();
        let Some(open) = self.begin(&mut all, table, equals, false)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        // SAFETY: scan and slot are open and fit each other; the scan keys have the types of the index's columns.
        unsafe {
            while pg_sys::index_getnext_slot(
                open.scan,
                pg_sys::ScanDirection::ForwardScanDirection,
                open.slot,
            ) {
                pg_sys::slot_getsomeattrs_int(open.slot, (*(*open.heap).rd_att).natts);
                let row = Row(open.slot);
                self.in_doubt.set(self.in_doubt.get() || row.is_own());
                found.push(read(&row)?);
            }
        }
        Ok(found)
    }

    /// Reads the texts in the second column of an index on two, whose first column equals a text. Rows that everybody sees
    /// are not looked for in the table, as in an index-only scan (`nodeIndexonlyscan.c`).
    pub fn seconds(&self, table: Table, key: &str) -> Outcome<Vec<String>> {
        let mut all = self.open.borrow_mut();
        let Some(open) = self.begin(&mut all, table, &[Equals::text(key)], true)? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        // SAFETY: scan and slot are open and fit each other; an index tuple is good until the scan goes on.
        unsafe {
            loop {
                let at = pg_sys::index_getnext_tid(open.scan, pg_sys::ScanDirection::ForwardScanDirection);
                let Some(at) = at.as_ref() else { return Ok(found) };
                if !self.is_seen_by_all(open, at) {
                    if !pg_sys::index_fetch_heap(open.scan, open.slot) {
                        continue;
                    }
                    self.in_doubt.set(self.in_doubt.get() || Row(open.slot).is_own());
                }
                found.push(second((*open.scan).xs_itup, (*open.scan).xs_itupdesc));
            }
        }
    }

    /// Whether all rows of a row's page are seen by everybody. A serializable transaction must read the row itself, so that it
    /// counts as read.
    ///
    /// # Safety
    /// The table is open.
    unsafe fn is_seen_by_all(&self, open: &mut Open, at: &pg_sys::ItemPointerData) -> bool {
        let page = (u32::from(at.ip_blkid.bi_hi) << 16) | u32::from(at.ip_blkid.bi_lo);
        // SAFETY: as the caller promises; the pin on the page of the map is kept until the table is closed.
        let status = unsafe { pg_sys::visibilitymap_get_status(open.heap, page, &mut open.map) };
        self.is_current && u32::from(status) & pg_sys::VISIBILITYMAP_ALL_VISIBLE != 0
    }

    /// Begins to look for rows whose indexed columns equal these values; `in_index` if the index tuples are wanted.
    fn begin<'a>(
        &self,
        all: &'a mut Vec<Open>,
        table: Table,
        equals: &[Equals],
        in_index: bool,
    ) -> Outcome<Option<&'a mut Open>> {
        let at = match all.iter().position(|open| std::ptr::eq(open.index, table.index)) {
            Some(at) => at,
            None => {
                all.push(self.open(table, equals)?);
                all.len() - 1
            }
        };
        let Some(open) = all.get_mut(at) else { return Ok(None) };
        for (key, Equals(_, value)) in open.keys.iter_mut().zip(equals) {
            key.sk_argument = value.unwrap_or(pg_sys::Datum::null());
        }
        let (keys, count) = (open.keys.as_mut_ptr(), open.keys.len() as i32);
        // SAFETY: the scan is open; its keys have the types of the index's columns. The index makes room for tuples as it begins.
        unsafe {
            (*open.scan).xs_want_itup = in_index;
            pg_sys::index_rescan(open.scan, keys, count, std::ptr::null_mut(), 0);
        }
        Ok(Some(open))
    }

    fn open(&self, table: Table, equals: &[Equals]) -> Outcome<Open> {
        let heap = relations::oid(table.name)?;
        // SAFETY: both relations are opened with a lock and closed by `close`; the scan keys have the operators and
        // collations of the index's columns; the slot fits the table and is dropped before it is closed.
        unsafe {
            let heap = pg_sys::table_open(heap, LOCK);
            // Only now: until the table is locked, REINDEX CONCURRENTLY may put another one in its place.
            let index = pg_sys::index_open(relations::oid(table.index)?, LOCK);
            if relations::messages() != self.messages && !self.locked.contains(&table.index) {
                self.is_outdated.set(true);
            }
            let key = |(at, Equals(equals, _)): (usize, &Equals)| {
                scan_key(at, *equals, *(*index).rd_indcollation.add(at))
            };
            let keys: Vec<_> = equals.iter().enumerate().map(key).collect();
            let count = keys.len() as i32;
            #[cfg(not(feature = "pg18"))]
            let scan = pg_sys::index_beginscan(heap, index, self.snapshot, count, 0);
            #[cfg(feature = "pg18")]
            let scan = pg_sys::index_beginscan(heap, index, self.snapshot, std::ptr::null_mut(), count, 0);
            let slot = pg_sys::table_slot_create(heap, std::ptr::null_mut());
            let map = pg_sys::InvalidBuffer as pg_sys::Buffer;
            Ok(Open { index: table.index, heap, scan, slot, keys, map })
        }
    }
}

/// The second text of an index tuple.
///
/// # Safety
/// The tuple is of an index whose second column is a text.
unsafe fn second(tuple: pg_sys::IndexTuple, desc: pg_sys::TupleDesc) -> String {
    let mut values = [pg_sys::Datum::null(); pg_sys::INDEX_MAX_KEYS as usize];
    let mut nulls = [true; pg_sys::INDEX_MAX_KEYS as usize];
    // SAFETY: as the caller promises; an index has no more columns than there is room for.
    unsafe { pg_sys::index_deform_tuple(tuple, desc, values.as_mut_ptr(), nulls.as_mut_ptr()) };
    Column(values[1]).text()
}

/// The key for an index's column, without a value.
fn scan_key(at: usize, equals: u32, collation: pg_sys::Oid) -> pg_sys::ScanKeyData {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: looks up a function of Postgres' own by its id.
    unsafe {
        pg_sys::ScanKeyEntryInitialize(
            &mut key,
            0,
            at as pg_sys::AttrNumber + 1,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::InvalidOid,
            collation,
            pg_sys::Oid::from(equals),
            pg_sys::Datum::null(),
        );
    }
    key
}

const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;

impl Open {
    /// The locks stay until the transaction ends, as those of any query, and go all at once.
    ///
    /// # Safety
    /// In the transaction that opened it; nothing of it is used any more.
    unsafe fn close(self) {
        // SAFETY: as the caller promises.
        unsafe {
            let index = (*self.scan).indexRelation;
            pg_sys::index_endscan(self.scan);
            if self.map != pg_sys::InvalidBuffer as pg_sys::Buffer {
                pg_sys::ReleaseBuffer(self.map);
            }
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
            pg_sys::table_close(self.heap, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
    }
}
