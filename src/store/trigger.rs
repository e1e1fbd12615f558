//! What a trigger function is told.

use pgrx::{FromDatum, pg_sys};

use super::relations;
use crate::error::{Failure, Outcome};

/// The row that a trigger fired for, before and after. Neither after TRUNCATE.
pub struct ChangedRow {
    table: pg_sys::Oid,
    versions: [pg_sys::HeapTuple; 2],
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
        let (table, versions) = ((*data).tg_relation, [(*data).tg_trigtuple, (*data).tg_newtuple]);
        Ok(ChangedRow { table: (*table).rd_id, versions, desc: (*table).rd_att })
    }
}

impl ChangedRow {
    /// The ids of the keys or identities that it was of, and is; none if the table's rows are not of one, and after TRUNCATE.
    pub fn whose(&self) -> Outcome<Vec<String>> {
        let is_own = [relations::oid(c"keys")?, relations::oid(c"identities")?].contains(&self.table);
        let column = if is_own { c"id" } else { c"key_id" };
        // SAFETY: the descriptor is that of the row's table, and says that the column is there and text.
        let mut ids: Vec<_> = unsafe {
            let number = pg_sys::SPI_fnumber(self.desc, column.as_ptr());
            if number < 1 || pg_sys::SPI_gettypeid(self.desc, number) != pg_sys::TEXTOID {
                return Ok(Vec::new());
            }
            let text = |&version: &pg_sys::HeapTuple| {
                let mut is_null = false;
                let value = pg_sys::SPI_getbinval(version, self.desc, number, &mut is_null);
                String::from_datum(value, is_null)
            };
            self.versions.iter().filter(|version| !version.is_null()).filter_map(text).collect()
        };
        ids.dedup();
        Ok(ids)
    }
}
