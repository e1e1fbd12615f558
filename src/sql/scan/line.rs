//! A row as clients get it that want text: the body of a DataRow message (chapter "Message Formats" of Postgres'
//! documentation), written from what a session keeps of a key instead of printed anew each time.

use std::cell::RefCell;
use std::ffi::CStr;

use pgrx::{IntoDatum, direct_function_call, pg_sys};
use unkey_core::verdict::Code;

use crate::clock;
use crate::error::Outcome;
use crate::sql::printed;
use crate::sql::verify::texts;
use crate::store::value::Json;
use crate::verify::{self, Answer, Found};

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes these columns of an answer, each as Postgres prints it, over what was written before.
pub(super) fn write(answer: &Answer, columns: &[usize]) -> Outcome<()> {
    LINE.with_borrow_mut(|line| {
        let mut line = Line(line);
        line.begin(columns.len());
        columns.iter().try_for_each(|&column| line.column(answer, column))
    })
}

/// Sends what was written last.
pub(super) fn send() {
    LINE.with_borrow_mut(|line| {
        let mut message = pg_sys::StringInfoData {
            data: line.as_mut_ptr().cast(),
            len: line.len() as i32,
            maxlen: line.capacity() as i32,
            cursor: i32::from(b'D'),
        };
        // SAFETY: what `pq_beginmessage_reuse` would make of it; it is only read.
        unsafe { pg_sys::pq_endmessage_reuse(&mut message) };
    });
}

struct Line<'a>(&'a mut Vec<u8>);

impl Line<'_> {
    fn begin(&mut self, columns: usize) {
        self.0.clear();
        self.0.extend_from_slice(&(columns as i16).to_be_bytes());
    }

    fn text(&mut self, text: &[u8]) -> Outcome<()> {
        self.0.extend_from_slice(&(text.len() as i32).to_be_bytes());
        self.0.extend_from_slice(text);
        Ok(())
    }

    fn null(&mut self) -> Outcome<()> {
        self.0.extend_from_slice(&(-1i32).to_be_bytes());
        Ok(())
    }

    fn optional(&mut self, text: Option<&[u8]>) -> Outcome<()> {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    fn boolean(&mut self, value: bool) -> Outcome<()> {
        self.text(if value { b"t" } else { b"f" })
    }

    /// A column of `unkey.verification`, from 0.
    fn column(&mut self, answer: &Answer, column: usize) -> Outcome<()> {
        let code = verify::code(answer);
        match (column, answer) {
            (0, _) => self.boolean(code == Code::Valid),
            (1, _) => self.text(code.as_str().as_bytes()),
            (_, None) => self.null(),
            (_, Some(found)) => self.column_of(found, column),
        }
    }

    fn column_of(&mut self, found: &Found, column: usize) -> Outcome<()> {
        let key = &found.key;
        match column {
            2 => self.text(key.id.as_bytes()),
            3 => self.optional(key.name.as_deref().map(str::as_bytes)),
            4 => {
                let meta = key.meta.as_ref().map(Json::text).transpose()?;
                self.optional(meta.map(|meta| meta.get().as_bytes()))
            }
            5 => self.instant(key.expires),
            6 => {
                self.optional(found.credits.map(|credits| credits.to_string()).as_deref().map(str::as_bytes))
            }
            7 => self.boolean(key.enabled),
            8 => self.optional(texts(key)?.roles.as_deref()),
            9 => self.optional(texts(key)?.permissions.as_deref()),
            10 => self.optional(texts(key)?.identity.as_deref()),
            _ if found.ratelimits.is_empty() => self.null(),
            _ => self.measured(|line| printed::limits(&found.ratelimits, line)),
        }
    }

    /// As the session's DateStyle and TimeZone want it.
    fn instant(&mut self, at: Option<i64>) -> Outcome<()> {
        let at = at.and_then(clock::timestamp).into_datum();
        // SAFETY: the function takes a timestamptz and returns a C string.
        let text =
            at.and_then(|at| unsafe { direct_function_call::<&CStr>(pg_sys::timestamptz_out, &[Some(at)]) });
        self.optional(text.map(CStr::to_bytes))
    }

    /// A column whose length is known once it is written.
    fn measured(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Outcome<()>) -> Outcome<()> {
        let begin = self.0.len();
        self.text(b"")?;
        write(self.0)?;
        let length = (self.0.len() - begin - size_of::<i32>()) as i32;
        if let Some(place) = self.0.get_mut(begin..begin + size_of::<i32>()) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }
}
