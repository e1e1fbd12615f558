//! Values of Postgres in memory of ours, so that they outlive the call that read them.

use std::cell::OnceCell;
use std::ffi::CStr;

use pgrx::{IntoDatum, pg_sys};
use serde_json::value::RawValue;

use crate::error::{Failure, Outcome};

/// A value of a type of variable length, as Postgres lays it out.
#[derive(Debug)]
pub struct Varlena(Box<[u64]>);

impl Varlena {
    /// A copy, taken out of its compressed or external form.
    ///
    /// # Safety
    /// The datum is a value of a type of variable length.
    pub unsafe fn copy(datum: pg_sys::Datum) -> Self {
        // SAFETY: as the caller promises; what Postgres takes apart is as long as its header says, and both pieces of
        // memory are different.
        unsafe {
            let plain = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            let bytes = pgrx::varlena::varsize_any(plain);
            let mut words = vec![0u64; bytes.div_ceil(size_of::<u64>())].into_boxed_slice();
            std::ptr::copy_nonoverlapping(plain.cast::<u8>(), words.as_mut_ptr().cast::<u8>(), bytes);
            Self(words)
        }
    }

    /// A `text`.
    pub fn text(text: &str) -> Self {
        // SAFETY: pgrx makes a text of it.
        unsafe { Self::copy(text.into_datum().unwrap_or(pg_sys::Datum::null())) }
    }

    /// A `text[]`.
    pub fn texts<T: AsRef<str>>(texts: &[T]) -> Self {
        let texts: Vec<_> = texts.iter().map(|text| Some(text.as_ref())).collect();
        // SAFETY: an array is of variable length.
        unsafe { Self::copy(text_array(&texts)) }
    }

    /// The value, good for as long as this is.
    pub fn datum(&self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.0.as_ptr())
    }

    /// A copy in the current memory context.
    pub fn copied(&self) -> pg_sys::Datum {
        // SAFETY: memory of the size asked for, or an ERROR.
        unsafe {
            let copy = pg_sys::palloc(self.bytes()).cast::<u64>();
            std::ptr::copy_nonoverlapping(self.0.as_ptr(), copy, self.0.len());
            pg_sys::Datum::from(copy)
        }
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// A `text[]` in the current memory context.
pub fn text_array(texts: &[Option<&str>]) -> pg_sys::Datum {
    let present: Vec<u8> =
        if texts.contains(&None) { texts.chunks(8).map(present).collect() } else { Vec::new() };
    let bytes = texts.iter().flatten().map(|text| element_bytes(text)).sum();
    array(pg_sys::TEXTOID, texts.len(), &present, bytes, |array| {
        for text in texts.iter().flatten() {
            array.extend_from_slice(&length_word(pg_sys::VARHDRSZ + text.len()).to_ne_bytes());
            array.extend_from_slice(text.as_bytes());
            array.resize(array.len().next_multiple_of(size_of::<u32>()), 0);
        }
    })
}

/// Which of up to eight are there, the first by the lowest bit.
fn present(texts: &[Option<&str>]) -> u8 {
    (0..).zip(texts).map(|(at, text)| u8::from(text.is_some()) << at).sum()
}

/// Bytes that a text takes in a `text[]`.
pub fn element_bytes(text: &str) -> usize {
    (pg_sys::VARHDRSZ + text.len()).next_multiple_of(size_of::<u32>())
}

/// The length of a value of variable length as its first four bytes tell it (`SET_VARSIZE_4B` of `postgres.h`).
const fn length_word(bytes: usize) -> u32 {
    if cfg!(target_endian = "little") { (bytes as u32) << 2 } else { bytes as u32 }
}

/// A `double precision[]` in the current memory context.
pub fn double_array(numbers: &[f64]) -> pg_sys::Datum {
    array(pg_sys::FLOAT8OID, numbers.len(), &[], size_of_val(numbers), |array| {
        numbers.iter().for_each(|number| array.extend_from_slice(&number.to_ne_bytes()));
    })
}

/// An array of one dimension, counted from 1, or an empty one, as Postgres' `utils/array.h` lays it out: to have it made by
/// `construct_md_array` takes a value for each element first, to copy it from there.
///
/// `present` has a bit for each element unless all are; `write` adds the values of those, which take so many bytes.
fn array(
    of: pg_sys::Oid,
    count: usize,
    present: &[u8],
    bytes: usize,
    write: impl FnOnce(&mut Vec<u8>),
) -> pg_sys::Datum {
    const HEADER: usize = size_of::<pg_sys::ArrayType>() + 2 * size_of::<i32>();
    let begin = (HEADER + present.len()).next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize);
    let offset = if present.is_empty() { 0 } else { begin };
    let mut array = Vec::with_capacity(begin + bytes);
    let mut integer = |number: usize| array.extend_from_slice(&(number as i32).to_ne_bytes());
    [usize::from(count > 0), offset, of.to_u32() as usize].into_iter().for_each(&mut integer);
    if count > 0 {
        [count, 1].into_iter().for_each(integer);
        array.extend_from_slice(present);
        array.resize(begin - pg_sys::VARHDRSZ, 0);
        write(&mut array);
    }
    // Its length comes first, as that of any value.
    array.as_slice().into_datum().unwrap_or(pg_sys::Datum::null())
}

/// A JSON document: text for who prints it, `jsonb` for Postgres; either is made from the other when it is first asked for.
#[derive(Debug, Default)]
pub struct Json {
    text: OnceCell<Box<RawValue>>,
    stored: OnceCell<Varlena>,
}

impl Json {
    /// From a `jsonb` value; `None` for an empty object or array.
    ///
    /// # Safety
    /// The datum is a `jsonb`.
    pub unsafe fn unless_empty(datum: pg_sys::Datum) -> Option<Self> {
        // SAFETY: as the caller promises. The length of a `jsonb` is followed by flags and the number of its members.
        let (stored, header) = unsafe {
            let stored = Varlena::copy(datum);
            let header = *stored.datum().cast_mut_ptr::<u32>().add(1);
            (stored, header)
        };
        (header & pg_sys::JB_CMASK > 0)
            .then(|| Self { text: OnceCell::new(), stored: OnceCell::from(stored) })
    }

    /// The text.
    pub fn text(&self) -> Outcome<&RawValue> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = RawValue::from_string(self.print())?;
        Ok(self.text.get_or_init(|| text))
    }

    fn print(&self) -> String {
        let Some(stored) = self.stored.get() else { return "null".to_owned() };
        // SAFETY: jsonb_out takes a jsonb and returns a C string.
        let text = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(stored.datum())]) };
        text.map_or_else(|| "null".to_owned(), |text| text.to_string_lossy().into_owned())
    }

    /// The `jsonb`.
    pub fn stored(&self) -> Outcome<&Varlena> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let stored = jsonb(self.text.get().map_or("null", |text| text.get()))?;
        Ok(self.stored.get_or_init(|| stored))
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        self.text.get().map_or(0, |text| text.get().len()) + self.stored.get().map_or(0, Varlena::bytes)
    }
}

impl From<Box<RawValue>> for Json {
    fn from(text: Box<RawValue>) -> Self {
        Self { text: OnceCell::from(text), stored: OnceCell::new() }
    }
}

/// JSON text as a `jsonb` value.
pub fn jsonb(text: &str) -> Outcome<Varlena> {
    let text =
        std::ffi::CString::new(text).map_err(|_| Failure::Internal("JSON text has a NUL byte".into()))?;
    // SAFETY: jsonb_in takes a C string and returns a jsonb, or raises an ERROR.
    unsafe {
        let datum = pgrx::direct_function_call_as_datum(
            pg_sys::jsonb_in,
            &[Some(pg_sys::Datum::from(text.as_ptr()))],
        );
        datum
            .map(|datum| Varlena::copy(datum))
            .ok_or_else(|| Failure::Internal("JSON text is no document".into()))
    }
}
