//! By the machinery of COPY: partitions are found, constraints checked, triggers run and indexes kept as for any INSERT. As
//! logical replication does it when it fills a table.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;

use pgrx::pg_sys;

use super::{Column, Row};
use crate::error::{Failure, Outcome};

/// A row in the binary format of COPY.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn field(&mut self, bytes: &[u8]) {
        self.integer(bytes.len() as i32);
        self.0.extend_from_slice(bytes);
    }

    fn integer(&mut self, number: i32) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn array<T>(&mut self, of: pg_sys::Oid, elements: &[T], put: impl Fn(&mut Self, &T)) {
        let begin = self.0.len();
        self.integer(0); // the length, once it is known
        self.integer(i32::from(!elements.is_empty())); // dimensions
        self.integer(1); // there may be NULLs
        self.integer(of.to_u32() as i32);
        if !elements.is_empty() {
            self.integer(elements.len() as i32);
            self.integer(1); // counted from
        }
        elements.iter().for_each(|element| put(self, element));
        let length = (self.0.len() - begin - 4) as i32;
        if let Some(place) = self.0.get_mut(begin..begin + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

impl Row for Fields<'_> {
    fn text(&mut self, text: &str) {
        self.field(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.integer(-1),
        }
    }

    fn texts(&mut self, texts: &[Option<&str>]) {
        self.array(pg_sys::TEXTOID, texts, |fields, text| fields.optional(*text));
    }

    fn doubles(&mut self, numbers: &[f64]) {
        self.array(pg_sys::FLOAT8OID, numbers, |fields, number| fields.double(*number));
    }

    fn long(&mut self, number: i64) {
        self.field(&number.to_be_bytes());
    }

    fn double(&mut self, number: f64) {
        self.field(&number.to_be_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.field(&[u8::from(value)]);
    }

    fn instant(&mut self, at: i64) {
        self.long(at);
    }
}

/// What COPY still has to read.
struct Source<'a> {
    buffer: Vec<u8>,
    at: usize,
    /// Writes one more row; `false` after the last.
    next: &'a mut dyn FnMut(&mut Vec<u8>) -> bool,
    is_at_end: bool,
}

thread_local! {
    /// Of the COPY that runs, since its callback has no argument for it.
    static SOURCE: Cell<*mut c_void> = const { Cell::new(null_mut()) };
}

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// How much is made ready at a time.
const PORTION: usize = 64 * 1024;

/// Appends rows, of which there is at least one.
pub(super) fn append<T>(
    table: &CStr,
    columns: &[Column],
    mut rows: impl Iterator<Item = T>,
    write: impl Fn(&mut dyn Row, T),
) -> Outcome<()> {
    let mut next = |buffer: &mut Vec<u8>| {
        let Some(row) = rows.next() else { return false };
        buffer.extend_from_slice(&(columns.len() as i16).to_be_bytes());
        write(&mut Fields(buffer), row);
        true
    };
    let mut source = Source { buffer: HEADER.to_vec(), at: 0, next: &mut next, is_at_end: false };
    SOURCE.set((&raw mut source).cast());
    // SAFETY: the source outlives the COPY; after an ERROR nobody asks for it, since the next COPY brings its own.
    let result = unsafe { copy(table, columns) };
    SOURCE.set(null_mut());
    result
}

/// # Safety
/// Inside a transaction with a snapshot, with the source set.
unsafe fn copy(table: &CStr, columns: &[Column]) -> Outcome<()> {
    const LOCK: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: as the caller promises. The table is locked until the transaction ends and open until the COPY is over; on an
    // ERROR the resource owner closes it. Lists and their nodes are in the current memory context.
    unsafe {
        let missing = || Failure::Internal(format!("{table:?} is missing"));
        let oid = super::relation(table).ok_or_else(missing)?;
        let relation = pg_sys::table_open(oid, LOCK);
        let state = pg_sys::make_parsestate(null_mut());
        pg_sys::addRangeTableEntryForRelation(state, relation, LOCK as c_int, null_mut(), false, false);
        let names = columns.iter().fold(null_mut(), |list, column| {
            pg_sys::lappend(list, pg_sys::makeString(pg_sys::pstrdup(column.name.as_ptr())).cast())
        });
        let format = pg_sys::makeDefElem(
            pg_sys::pstrdup(c"format".as_ptr()),
            pg_sys::makeString(pg_sys::pstrdup(c"binary".as_ptr())).cast(),
            -1,
        );
        let options = pg_sys::lappend(null_mut(), format.cast());
        let copy = pg_sys::BeginCopyFrom(
            state,
            relation,
            null_mut(),
            std::ptr::null(),
            false,
            Some(read),
            names,
            options,
        );
        pg_sys::CopyFrom(copy);
        pg_sys::EndCopyFrom(copy);
        pg_sys::free_parsestate(state);
        pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        Ok(())
    }
}

/// Hands COPY what comes next.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn read(to: *mut c_void, _at_least: c_int, at_most: c_int) -> c_int {
    // SAFETY: set by [`append`] for as long as the COPY runs, and used by nobody else meanwhile.
    let Some(source) = (unsafe { SOURCE.get().cast::<Source>().as_mut() }) else { return 0 };
    if source.at == source.buffer.len() {
        source.refill();
    }
    let rest = source.buffer.get(source.at..).unwrap_or_default();
    let length = rest.len().min(at_most.max(0) as usize);
    // SAFETY: Postgres has room for `at_most` bytes there.
    unsafe { to.cast::<u8>().copy_from_nonoverlapping(rest.as_ptr(), length) };
    source.at += length;
    length as c_int
}

impl Source<'_> {
    fn refill(&mut self) {
        self.buffer.clear();
        self.at = 0;
        while !self.is_at_end && self.buffer.len() < PORTION {
            if !(self.next)(&mut self.buffer) {
                self.is_at_end = true;
                self.buffer.extend_from_slice(&TRAILER);
            }
        }
    }
}
