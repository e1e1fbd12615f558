//! Many rows at once into a table of schema `unkey`, at a fraction of the price of INSERT.
//!
//! A plain table takes them [directly](insert). For any other, with a trigger, a constraint or whatever else somebody gave it, the
//! machinery of [COPY](copy) does all that an INSERT would.

mod copy;
mod insert;

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::error::Outcome;

/// Where rows go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub table: &'static CStr,
    /// The partition of the table in which all the rows belong, if that is known.
    pub partition: Option<&'a CStr>,
}

/// A column that rows have.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static CStr,
    pub kind: Kind,
    /// Whether rows may have none.
    pub is_optional: bool,
}

pub const fn column(name: &'static CStr, kind: Kind) -> Column {
    Column { name, kind, is_optional: false }
}

pub const fn optional(name: &'static CStr, kind: Kind) -> Column {
    Column { name, kind, is_optional: true }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `text`
    Text,
    /// `text[]`
    Texts,
    /// `double precision[]`
    Doubles,
    /// `bigint`
    Long,
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `unkey.instant`
    Instant,
}

impl Kind {
    /// Whether a column of this type takes it as it is: no domain of somebody's own has a say.
    fn is_of(self, of: pg_sys::Oid) -> bool {
        match self {
            // SAFETY: looks types up in the catalogue cache.
            Self::Instant => unsafe { of == instant() && pg_sys::getBaseType(of) == self.base() },
            _ => of == self.base(),
        }
    }

    /// The type without its domain.
    fn base(self) -> pg_sys::Oid {
        match self {
            Self::Text => pg_sys::TEXTOID,
            Self::Texts => pg_sys::TEXTARRAYOID,
            Self::Doubles => pg_sys::FLOAT8ARRAYOID,
            Self::Long => pg_sys::INT8OID,
            Self::Double => pg_sys::FLOAT8OID,
            Self::Boolean => pg_sys::BOOLOID,
            Self::Instant => pg_sys::TIMESTAMPTZOID,
        }
    }
}

/// A row to which its columns are added, in their order.
pub trait Row {
    /// A `text`.
    fn text(&mut self, text: &str);
    /// A `text` that may be NULL.
    fn optional(&mut self, text: Option<&str>);
    /// A `text[]`.
    fn texts(&mut self, texts: &[Option<&str>]);
    /// A `double precision[]` of one element at least.
    fn doubles(&mut self, numbers: &[f64]);
    /// A `bigint`.
    fn long(&mut self, number: i64);
    /// A `double precision`.
    fn double(&mut self, number: f64);
    /// A `boolean`.
    fn boolean(&mut self, value: bool);
    /// An `unkey.instant`, in Postgres' microseconds.
    fn instant(&mut self, at: i64);
}

/// Appends rows; `write` adds the columns of one.
pub fn append<T>(
    target: &Target,
    columns: &[Column],
    rows: impl Iterator<Item = T>,
    write: impl Fn(&mut dyn Row, T),
) -> Outcome<()> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    match insert::Plain::open(target, columns)? {
        Some(mut plain) => {
            plain.append(rows, write);
            plain.close();
            Ok(())
        }
        None => copy::append(target.table, columns, rows, write),
    }
}

/// Whether nobody gave the table anything that wants to see its rows, so that they can go elsewhere as well.
pub fn is_plain(target: &Target, columns: &[Column]) -> Outcome<bool> {
    Ok(insert::Plain::open(target, columns)?.map(|table| table.close()).is_some())
}

/// The domain `unkey.instant`.
///
/// # Safety
/// Inside a transaction.
unsafe fn instant() -> pg_sys::Oid {
    // SAFETY: as the caller promises; the name is a C string.
    unsafe {
        pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::TYPENAMENSP as i32,
            pg_sys::Anum_pg_type_oid as pg_sys::AttrNumber,
            pg_sys::Datum::from(c"instant".as_ptr()),
            pg_sys::get_namespace_oid(c"unkey".as_ptr(), true).into(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        )
    }
}

/// A relation of schema `unkey`.
fn relation(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: looks names up in the catalogue cache; they are C strings.
    let oid = unsafe {
        pg_sys::get_relname_relid(name.as_ptr(), pg_sys::get_namespace_oid(c"unkey".as_ptr(), true))
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}
