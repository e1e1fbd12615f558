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
    let elements = Elements::of(texts);
    // SAFETY: `text` is of variable length and aligned as an integer.
    unsafe { array(elements.datums(texts), pg_sys::TEXTOID, -1, false, pg_sys::TYPALIGN_INT) }
}

/// Values of type `text` one after the other: memory for each of them would cost more than all the rest of an array.
struct Elements(Vec<u32>);

impl Elements {
    fn words(text: &str) -> usize {
        (pg_sys::VARHDRSZ + text.len()).div_ceil(size_of::<u32>())
    }

    fn of(texts: &[Option<&str>]) -> Self {
        let mut words = vec![0; texts.iter().flatten().map(|text| Self::words(text)).sum()];
        let mut rest = words.as_mut_slice();
        for text in texts.iter().flatten() {
            let Some((element, others)) = rest.split_at_mut_checked(Self::words(text)) else { break };
            let bytes = pg_sys::VARHDRSZ + text.len();
            let element = element.as_mut_ptr().cast::<u8>();
            // SAFETY: there are as many words as the header and the text need, aligned as a header has to be.
            unsafe {
                pgrx::varlena::set_varsize_4b(element.cast(), bytes as i32);
                std::ptr::copy_nonoverlapping(text.as_ptr(), element.add(pg_sys::VARHDRSZ), text.len());
            }
            rest = others;
        }
        Self(words)
    }

    /// Those of the same texts, good for as long as this is.
    fn datums(&self, texts: &[Option<&str>]) -> impl Iterator<Item = Option<pg_sys::Datum>> {
        let mut at = 0;
        texts.iter().map(move |text| {
            let element = self.0.get(at..)?.as_ptr();
            at += text.map(Self::words)?;
            Some(pg_sys::Datum::from(element))
        })
    }
}

/// A `double precision[]` in the current memory context.
pub fn double_array(numbers: &[f64]) -> pg_sys::Datum {
    let elements = numbers.iter().map(|number| number.into_datum());
    // SAFETY: `double precision` has eight bytes, which pgrx passes by value.
    unsafe { array(elements, pg_sys::FLOAT8OID, 8, true, pg_sys::TYPALIGN_DOUBLE) }
}

/// An array of one dimension, counted from 1, or an empty one.
///
/// # Safety
/// The elements are of the type, and the rest is what `pg_type` says of it.
unsafe fn array(
    elements: impl Iterator<Item = Option<pg_sys::Datum>>,
    of: pg_sys::Oid,
    length: i32,
    by_value: bool,
    align: u8,
) -> pg_sys::Datum {
    let (mut values, mut nulls): (Vec<_>, Vec<_>) =
        elements.map(|value| (value.unwrap_or(pg_sys::Datum::null()), value.is_none())).unzip();
    let (values, nulls, mut count) = (values.as_mut_ptr(), nulls.as_mut_ptr(), values.len() as i32);
    // SAFETY: as the caller promises; there are as many values as nulls, and Postgres copies them.
    pg_sys::Datum::from(unsafe {
        pg_sys::construct_md_array(values, nulls, 1, &mut count, &mut 1, of, length, by_value, align as _)
    })
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
