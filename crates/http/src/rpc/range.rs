//! Which of the rows are asked for, and which the reply has.

use axum::http::StatusCode;

use super::error::{Error, Result};
use super::sql::Sql;

/// Rows from `offset` on, at most `limit` of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Range {
    offset: u64,
    limit: Option<u64>,
}

impl Range {
    /// From `limit=`, `offset=` and the header `Range: 0-9`; what both ask for counts. A header that can't be read is none.
    pub fn parse(limit: Option<&str>, offset: Option<&str>, header: Option<&str>) -> Result<Self> {
        let limit = limit.map(|text| number("limit", text)).transpose()?;
        let offset = offset.map(|text| number("offset", text)).transpose()?.unwrap_or(0);
        let asked = Self { offset, limit };
        match header.and_then(bounds) {
            None => Ok(asked),
            Some((first, Some(last))) if last < first => {
                Err(Error::range("the first row of the Range header is after its last"))
            }
            Some((first, last)) => Ok(asked.within(first, last)),
        }
    }

    fn within(self, first: u64, last: Option<u64>) -> Self {
        let offset = self.offset.max(first);
        let end = self.limit.map(|limit| self.offset.saturating_add(limit));
        let end = [end, last.map(|last| last.saturating_add(1))].into_iter().flatten().min();
        Self { offset, limit: end.map(|end| end.saturating_sub(offset)) }
    }

    /// Writes ` LIMIT … OFFSET …`, as far as there are any.
    pub fn write(self, sql: &mut Sql) {
        if let Some(limit) = self.limit {
            sql.push(&format!(" LIMIT {}", limit.min(i64::MAX as u64)));
        }
        if self.offset > 0 {
            sql.push(&format!(" OFFSET {}", self.offset.min(i64::MAX as u64)));
        }
    }

    /// `Content-Range` of a reply with so many rows, of so many in all if they were counted.
    pub fn content(self, rows: u64, total: Option<u64>) -> String {
        let total = total.map_or("*".to_owned(), |total| total.to_string());
        match rows.checked_sub(1) {
            None => format!("*/{total}"),
            Some(more) => format!("{}-{}/{total}", self.offset, self.offset.saturating_add(more)),
        }
    }

    /// Status of such a reply.
    ///
    /// # Errors
    /// 416 if it begins after the last row.
    pub fn status(self, rows: u64, total: Option<u64>) -> Result<StatusCode> {
        match total {
            Some(total) if self.offset > total => Err(Error::range(format!(
                "the range begins after {} rows, and there are {total} rows",
                self.offset
            ))),
            Some(total) if rows < total => Ok(StatusCode::PARTIAL_CONTENT),
            _ => Ok(StatusCode::OK),
        }
    }
}

fn number(name: &str, text: &str) -> Result<u64> {
    text.trim().parse().map_err(|_| {
        if text.trim().strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok()) {
            return Error::range(format!("{name} must not be negative"));
        }
        Error::parameter(name, "expected a number")
    })
}

/// `0-9` or `10-`, with or without `items=`.
fn bounds(header: &str) -> Option<(u64, Option<u64>)> {
    let header = header.strip_prefix("items=").unwrap_or(header);
    let (first, last) = header.split_once('-')?;
    let first = first.trim().parse().ok()?;
    match last.trim() {
        "" => Some((first, None)),
        last => Some((first, Some(last.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(limit: Option<&str>, offset: Option<&str>, header: Option<&str>) -> String {
        let mut sql = Sql::default();
        Range::parse(limit, offset, header).unwrap().write(&mut sql);
        sql.text().to_owned()
    }

    #[test]
    fn parameters_and_header_restrict_each_other() {
        assert_eq!(written(None, None, None), "");
        assert_eq!(written(Some("5"), Some("2"), None), " LIMIT 5 OFFSET 2");
        assert_eq!(written(None, None, Some("0-9")), " LIMIT 10");
        assert_eq!(written(None, None, Some("items=10-")), " OFFSET 10");
        assert_eq!(written(Some("5"), Some("2"), Some("4-100")), " LIMIT 3 OFFSET 4");
        assert_eq!(written(Some("5"), None, Some("7-9")), " LIMIT 0 OFFSET 7");
        assert_eq!(written(Some("0"), None, Some("nonsense")), " LIMIT 0");
        assert_eq!(written(Some("18446744073709551615"), None, None), " LIMIT 9223372036854775807");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let code = |limit, header| Range::parse(limit, None, header).unwrap_err().body.code;
        assert_eq!(code(Some("x"), None), "PGRST100");
        assert_eq!(code(Some("-1"), None), "PGRST103");
        assert_eq!(code(None, Some("5-2")), "PGRST103");
    }

    #[test]
    fn a_reply_says_which_rows_it_has() {
        let range = Range { offset: 2, limit: None };
        assert_eq!(range.content(3, None), "2-4/*");
        assert_eq!(range.content(3, Some(9)), "2-4/9");
        assert_eq!(range.content(0, Some(0)), "*/0");
        assert_eq!(range.status(3, None).unwrap(), 200);
        assert_eq!(range.status(3, Some(9)).unwrap(), 206);
        assert_eq!(range.status(0, Some(1)).unwrap_err().status, 416);
        assert_eq!(Range::default().status(5, Some(5)).unwrap(), 200);
        assert_eq!(Range::default().status(0, Some(0)).unwrap(), 200);
    }
}
