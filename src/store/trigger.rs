//! What a trigger function is told.

use std::ffi::CStr;

use pgrx::{FromDatum, pg_sys};

use crate::error::{Failure, Outcome};

/// The row that a trigger fired for: the new one of an INSERT, else the old one. None after TRUNCATE.
pub struct ChangedRow {
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
}

/// The row that the running trigger fired for.
///
/// # Errors
/// If the function was not called as a trigger.
pub fn changed_row(fcinfo: pg_sys::FunctionCallInfo) -> Outcome<ChangedRow> {
    // SAFETY: fcinfo is that of the running call; its context says whether it is that of a trigger.
    unsafe {
        let context = (*fcinfo).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            return Err(Failure::NotATrigger);
        }
        let data = context.cast::<pg_sys::TriggerData>();
        Ok(ChangedRow { tuple: (*data).tg_trigtuple, desc: (*(*data).tg_relation).rd_att })
    }
}

impl ChangedRow {
    /// A `text` column of the row; empty if NULL or without a row.
    ///
    /// # Errors
    /// If the table has no such column, so that the trigger is none of ours.
    pub fn text(&self, name: &CStr) -> Outcome<String> {
        if self.tuple.is_null() {
            return Ok(String::new());
        }
        let mut is_null = false;
        // SAFETY: the descriptor is that of the row's table, and says that the column is there and text.
        let text = unsafe {
            let column = pg_sys::SPI_fnumber(self.desc, name.as_ptr());
            if column < 1 || pg_sys::SPI_gettypeid(self.desc, column) != pg_sys::TEXTOID {
                return Err(Failure::NotATrigger);
            }
            let value = pg_sys::SPI_getbinval(self.tuple, self.desc, column, &mut is_null);
            String::from_datum(value, is_null)
        };
        Ok(text.unwrap_or_default())
    }
}
