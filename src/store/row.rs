//! A row that a [probe](super::probe) found, and its columns.

use std::ffi::CStr;

use pgrx::{FromDatum, direct_function_call, pg_sys};
use serde::de::DeserializeOwned;

use super::relations;
use super::value::Json;
use crate::error::Outcome;

/// One row, as long as the scan stands on it.
pub struct Row(pub(super) *mut pg_sys::TupleTableSlot);

/// A column of a row that is not NULL.
#[derive(Clone, Copy)]
pub struct Column(pub(super) pg_sys::Datum);

impl Row {
    /// Whether this transaction wrote it.
    pub fn is_own(&self) -> bool {
        // SAFETY: the slot holds a row of a table, whose header Postgres shows without copying it; nothing is free to fetch.
        unsafe {
            if pg_sys::GetTopTransactionIdIfAny() == pg_sys::InvalidTransactionId {
                return false;
            }
            let mut is_copy = false;
            let tuple = pg_sys::ExecFetchSlotHeapTuple(self.0, false, &mut is_copy);
            pg_sys::TransactionIdIsCurrentTransactionId((*(*tuple).t_data).t_choice.t_heap.t_xmin)
        }
    }

    /// A copy of it, as it stands in the table.
    pub fn copy(&self) -> pg_sys::HeapTuple {
        // SAFETY: as above; the copy is in the current memory context.
        unsafe {
            let mut is_copy = false;
            pg_sys::heap_copytuple(pg_sys::ExecFetchSlotHeapTuple(self.0, false, &mut is_copy))
        }
    }

    /// The columns that are not NULL, with their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Column)> {
        // SAFETY: the slot is deformed, and its descriptor and arrays have as many entries as attributes; names are
        // NUL-terminated and ASCII in this schema.
        let (desc, values, nulls) = unsafe {
            let slot = &*self.0;
            let count = (*slot.tts_tupleDescriptor).natts as usize;
            (
                slot.tts_tupleDescriptor,
                std::slice::from_raw_parts(slot.tts_values, count),
                std::slice::from_raw_parts(slot.tts_isnull, count),
            )
        };
        values.iter().zip(nulls).enumerate().filter(|(_, (_, null))| !**null).map(move |(at, (value, _))| {
            // SAFETY: as above.
            let name = unsafe { CStr::from_ptr((*relations::attribute(desc, at)).attname.data.as_ptr()) };
            (name.to_str().unwrap_or_default(), Column(*value))
        })
    }

    /// The column of this name as a text; empty if NULL.
    pub fn text(&self, name: &str) -> String {
        self.columns()
            .find(|(column, _)| *column == name)
            .map(|(_, column)| column.text())
            .unwrap_or_default()
    }
}

impl Column {
    /// A `text` column.
    pub fn text(self) -> String {
        // SAFETY: callers name the type of the column that the DDL gives it.
        unsafe { String::from_datum(self.0, false) }.unwrap_or_default()
    }

    /// A `boolean` column.
    pub fn boolean(self) -> bool {
        self.0.value() as u8 != 0
    }

    /// A `bigint`, `integer` or `smallint` column.
    pub fn integer(self) -> i64 {
        self.0.value() as i64
    }

    /// A `timestamptz` column in Postgres' own unit.
    pub fn microseconds(self) -> pg_sys::TimestampTz {
        self.0.value() as i64
    }

    /// A `timestamptz` column, in milliseconds since the Unix epoch.
    pub fn milliseconds(self) -> i64 {
        crate::clock::to_ms(self.0.value() as i64)
    }

    /// A `jsonb` column; `None` for an empty object or array.
    pub fn json(self) -> Option<Json> {
        // SAFETY: as above.
        unsafe { Json::unless_empty(self.0) }
    }

    /// An array column, read from JSON.
    pub fn array<T: DeserializeOwned>(self) -> Outcome<Vec<T>> {
        // SAFETY: as above; array_to_json needs nothing but the array.
        let json = unsafe { direct_function_call::<String>(pg_sys::array_to_json, &[Some(self.0)]) };
        Ok(serde_json::from_str(&json.unwrap_or_default())?)
    }
}
