//! Arguments and results that pgrx has no ready type for.
//!
//! Documents, lists and addresses cross as text printed by Postgres itself, so that a value that Rust can't hold
//! (deep nesting, huge numbers, arrays of arrays) is a mistake with a name and not a panic.

use std::ffi::{CStr, c_char};

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, PgTupleDesc, direct_function_call, pg_sys};
use serde::Serialize;
use serde_json::value::RawValue;
use unkey_core::{Error, Result};

use crate::clock;
use crate::error::{Failure, Outcome};
use crate::store::relations::row_type;
use crate::store::statement::{arg, composites};

/// A composite value of the type that the function's DDL names.
pub struct Composite(pub pg_sys::Datum);

// SAFETY: the datum is a composite value in the function's own memory context.
unsafe impl BoxRet for Composite {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as above.
        unsafe { fcinfo.return_raw_datum(self.0) }
    }
}

// SAFETY: names the SQL type; DDL is written by hand.
unsafe impl SqlTranslatable for Composite {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Composite);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("record"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("record")));
}

/// The rows of a set, all written in one call of the function. One call for each row would pin the search path as often.
pub struct Rows(*mut pg_sys::ReturnSetInfo);

impl Rows {
    /// For a function whose DDL says RETURNS SETOF a composite type.
    pub fn of(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: fcinfo is that of the running call; Postgres makes store and descriptor, or raises an ERROR where the
        // query has no place for a set.
        unsafe {
            pg_sys::InitMaterializedSRF(fcinfo, 0);
            Self((*fcinfo).resultinfo.cast())
        }
    }

    /// Adds a row: the columns of the composite type in their order.
    pub fn add(&mut self, values: &[Option<pg_sys::Datum>]) -> Outcome<()> {
        let (mut datums, mut nulls) = unzipped(values);
        self.put(&mut datums, &mut nulls)
    }

    /// The same of values as Postgres takes them: as many as there are columns.
    pub fn put(&mut self, datums: &mut [pg_sys::Datum], nulls: &mut [bool]) -> Outcome<()> {
        // SAFETY: the store takes a copy; both arrays are as long as the descriptor.
        unsafe {
            let Self(info) = *self;
            let desc = (*info).setDesc;
            if usize::try_from((*desc).natts) != Ok(datums.len()) {
                return Err(unexpected());
            }
            pg_sys::tuplestore_putvalues((*info).setResult, desc, datums.as_mut_ptr(), nulls.as_mut_ptr());
        }
        Ok(())
    }
}

// SAFETY: the rows are where Postgres looks for them.
unsafe impl BoxRet for Rows {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        fcinfo.return_null()
    }
}

// SAFETY: names the SQL type; DDL is written by hand.
unsafe impl SqlTranslatable for Rows {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Rows);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("record"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::SetOf(SqlMappingRef::literal("record")));
}

macro_rules! printed {
    ($(#[$doc:meta])* $name:ident, $sql:literal, $print:path) => {
        $(#[$doc])*
        pub struct $name(String);

        impl FromDatum for $name {
            unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
                if is_null {
                    return None;
                }
                // SAFETY: the function's DDL gives this argument the type that the printing function takes.
                unsafe { $print(datum) }.map(Self)
            }
        }

        // SAFETY: only reads the argument through FromDatum.
        unsafe impl<'fcx> ArgAbi<'fcx> for $name {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                // SAFETY: as the caller promises; a NULL never comes here, since every use is an Option.
                unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(String::new()))
            }
        }

        // SAFETY: names the SQL type; DDL is written by hand.
        unsafe impl SqlTranslatable for $name {
            const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!($name);
            const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
            const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal($sql));
            const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
                Ok(ReturnsRef::One(SqlMappingRef::literal($sql)));
        }
    };
}

printed!(
    /// A `jsonb` argument as text.
    Document, "jsonb", print_jsonb
);
printed!(
    /// A `text[]` or `cidr[]` argument as JSON.
    List, "text[]", print_array
);
printed!(
    /// An `inet` argument as text.
    Address, "inet", print_inet
);

unsafe fn print_jsonb(datum: pg_sys::Datum) -> Option<String> {
    // SAFETY: jsonb_out detoasts and returns a C string.
    unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(datum)]) }.map(owned)
}

unsafe fn print_inet(datum: pg_sys::Datum) -> Option<String> {
    // SAFETY: inet_out returns a C string.
    unsafe { direct_function_call::<&CStr>(pg_sys::inet_out, &[Some(datum)]) }.map(owned)
}

unsafe fn print_array(datum: pg_sys::Datum) -> Option<String> {
    // SAFETY: array_to_json needs nothing but the array, whose header names its element type.
    unsafe { direct_function_call::<String>(pg_sys::array_to_json, &[Some(datum)]) }
}

fn owned(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}

impl Document {
    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The document, kept as it was written.
    pub fn raw(self) -> Outcome<Box<RawValue>> {
        Ok(RawValue::from_string(self.0)?)
    }
}

impl Address {
    /// The text.
    pub fn text(self) -> String {
        self.0
    }
}

impl List {
    /// The elements.
    ///
    /// # Errors
    /// If one is NULL, or the array has more than one dimension.
    pub fn strings(&self, argument: &'static str) -> Result<Vec<String>> {
        let elements = self.elements(argument)?.into_iter().enumerate();
        elements
            .map(|(at, element)| element.ok_or_else(|| Error::missing(format!("{argument}[{at}]"))))
            .collect()
    }

    /// The elements, NULL among them.
    pub fn elements(&self, argument: &'static str) -> Result<Vec<Option<String>>> {
        serde_json::from_str(&self.0)
            .map_err(|_| Error::invalid(argument, "must be an array of one dimension"))
    }
}

/// An array argument whose elements have variable length, read one by one and not printed: `text[]`, `inet[]`.
/// `None` if it has more than one dimension.
pub struct Elements<T>(Option<Vec<Option<T>>>);

impl<T: FromDatum> FromDatum for Elements<T> {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the function's DDL gives this argument an array of the type that `T` reads; Postgres copies it out of
        // its compressed form, and makes both arrays as long as the count that it gives.
        let elements = unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            if (*array).ndim > 1 {
                return Some(Self(None));
            }
            let (mut elements, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            let align = pg_sys::TYPALIGN_INT as c_char;
            let of = (*array).elemtype;
            pg_sys::deconstruct_array(array, of, -1, false, align, &mut elements, &mut nulls, &mut count);
            let at = |at| T::from_datum(*elements.add(at), *nulls.add(at));
            (0..count as usize).map(at).collect()
        };
        Some(Self(Some(elements)))
    }
}

// SAFETY: only reads the argument through FromDatum.
unsafe impl<'fcx, T: FromDatum> ArgAbi<'fcx> for Elements<T> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller promises; a NULL never comes here, since every use is an Option.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Self(None))
    }
}

// SAFETY: names the SQL type; DDL is written by hand.
unsafe impl<T> SqlTranslatable for Elements<T> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Elements);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("anyarray"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("anyarray")));
}

impl<T> Elements<T> {
    /// The elements, NULL among them.
    ///
    /// # Errors
    /// If the array has more than one dimension.
    pub fn each(self, argument: &'static str) -> Result<Vec<Option<T>>> {
        self.0.ok_or_else(|| Error::invalid(argument, "must be an array of one dimension"))
    }
}

/// The elements of an optional list; none if it is NULL.
pub fn strings(argument: &'static str, list: Option<List>) -> Result<Vec<String>> {
    list.map_or(Ok(Vec::new()), |list| list.strings(argument))
}

/// Milliseconds since the Unix epoch of an optional instant.
pub fn instant(at: Option<TimestampWithTimeZone>) -> Option<i64> {
    at.map(clock::milliseconds)
}

/// Milliseconds of an interval; a month is 30 days. Out of range saturates.
pub fn milliseconds(interval: &Interval) -> i64 {
    let milliseconds = interval.as_micros().div_euclid(1000);
    i64::try_from(milliseconds).unwrap_or(if milliseconds < 0 { i64::MIN } else { i64::MAX })
}

/// A composite value of a type of schema `unkey`, from values as Postgres takes them.
pub fn row_of(name: &'static CStr, datums: &mut [pg_sys::Datum], nulls: &mut [bool]) -> Outcome<Composite> {
    let desc = row_type(name)?;
    // SAFETY: both arrays are as long as the descriptor, which is kept as long as the type is as it was; the tuple is made
    // in the function's memory context, and HeapTupleHeaderGetDatum only stamps and returns it.
    unsafe {
        if usize::try_from((*desc).natts) != Ok(datums.len()) {
            return Err(unexpected());
        }
        let tuple = pg_sys::heap_form_tuple(desc, datums.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(Composite(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)))
    }
}

/// The row type that the running function's DDL names.
pub fn columns_of(fcinfo: pg_sys::FunctionCallInfo) -> Outcome<PgTupleDesc<'static>> {
    let mut desc = std::ptr::null_mut();
    // SAFETY: fcinfo is that of the running call; Postgres gives a copy of the descriptor, which we own.
    unsafe {
        pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut desc);
        (!desc.is_null()).then(|| PgTupleDesc::from_pg_is_copy(desc)).ok_or_else(unexpected)
    }
}

/// A composite value of these columns.
pub fn composite_of(columns: &PgTupleDesc, values: &[Option<pg_sys::Datum>]) -> Outcome<Composite> {
    if columns.len() != values.len() {
        return Err(unexpected());
    }
    let (mut datums, mut nulls) = unzipped(values);
    // SAFETY: both arrays are as long as the descriptor; the tuple is made in the function's memory context, and
    // HeapTupleHeaderGetDatum only stamps and returns it.
    unsafe {
        let tuple = pg_sys::heap_form_tuple(columns.as_ptr(), datums.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(Composite(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)))
    }
}

/// Values as Postgres takes them: datums, and which of them are NULL.
fn unzipped(values: &[Option<pg_sys::Datum>]) -> (Vec<pg_sys::Datum>, Vec<bool>) {
    values.iter().map(|value| (value.unwrap_or(pg_sys::Datum::null()), value.is_none())).unzip()
}

fn unexpected() -> Failure {
    Failure::Internal("the function's result type is not as this library expects".into())
}

/// Names a composite type of the schema, and how a JSON document becomes one.
macro_rules! composite {
    ($type:literal) => {
        concat!("SELECT row FROM json_populate_recordset(NULL::unkey.", $type, ", $1::json) AS row")
    };
}
pub(super) use composite;

/// Composite values from a statement of [`composite!`].
pub fn many<T: Serialize>(statement: &'static str, values: &[T]) -> Outcome<Vec<Composite>> {
    let made = composites(statement, &[arg(serde_json::to_string(values)?)])?;
    Ok(made.into_iter().map(Composite).collect())
}

/// One composite value from a statement of [`composite!`].
pub fn one<T: Serialize>(statement: &'static str, value: &T) -> Outcome<Composite> {
    let found = many(statement, std::slice::from_ref(value))?.into_iter().next();
    found.ok_or_else(|| Failure::Internal("a composite value was not made".into()))
}
