//! Pages of lists.

use unkey_core::validate;

use crate::error::Outcome;

/// One page of a list, and where the next one begins.
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Cursor of the last row if there are more.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Loads a page of `limit` rows, 1 to 100. `load` takes how many rows to fetch at most, `cursor` tells after which
    /// row the next page begins.
    pub fn load(
        limit: i64,
        load: impl FnOnce(i64) -> Outcome<Vec<T>>,
        cursor: impl FnOnce(&T) -> String,
    ) -> Outcome<Self> {
        validate::page(limit)?;
        let mut rows = load(limit + 1)?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| has_more).map(cursor);
        Ok(Self { rows, next })
    }
}
