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
        Self::of_bytes(&text_array(texts))
    }

    /// A value that is laid out already.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut words = vec![0u64; bytes.len().div_ceil(size_of::<u64>())].into_boxed_slice();
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(size_of::<u64>())) {
            let mut whole = [0; size_of::<u64>()];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        Self(words)
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

/// Bytes of the length in front of a value of variable length.
const LENGTH: usize = size_of::<u32>();
/// Where elements of a `text[]` begin.
const ALIGNED: usize = size_of::<u32>();

/// The bytes of a `text[]` without NULLs.
pub fn text_array<T: AsRef<str>>(texts: &[T]) -> Vec<u8> {
    array(texts.len(), texts.iter().map(|text| Some(text.as_ref())))
}

/// The bytes of a `text[]`.
pub fn optional_text_array(texts: &[Option<&str>]) -> Vec<u8> {
    array(texts.len(), texts.iter().copied())
}

/// Those of a `double precision[]` of one element at least.
pub fn double_array(numbers: &[f64]) -> Vec<u8> {
    let mut array = head(pg_sys::FLOAT8OID, numbers.len(), None);
    numbers.iter().for_each(|number| array.extend_from_slice(&number.to_ne_bytes()));
    with_length(array)
}

/// Of one dimension, or of none if it is empty; laid out as `utils/array.h` describes it.
fn array<'a>(count: usize, texts: impl Iterator<Item = Option<&'a str>> + Clone) -> Vec<u8> {
    let element = |text: &str| (LENGTH + text.len()).next_multiple_of(ALIGNED);
    let has_nulls = texts.clone().any(|text| text.is_none());
    let present = has_nulls.then(|| bits(count, texts.clone().map(|text| text.is_some())));
    let mut array = head(pg_sys::TEXTOID, count, present.as_deref());
    array.reserve_exact(texts.clone().flatten().map(element).sum());
    for text in texts.flatten() {
        // The last one is not padded.
        array.resize(array.len().next_multiple_of(ALIGNED), 0);
        array.extend_from_slice(&length(text.len()));
        array.extend_from_slice(text.as_bytes());
    }
    with_length(array)
}

/// What stands before the elements of an array: lengths, and which of them are there, unless all are.
fn head(of: pg_sys::Oid, count: usize, present: Option<&[u8]>) -> Vec<u8> {
    const NUMBERS: usize = LENGTH + 5 * size_of::<u32>();
    let begin = |present: &[u8]| (NUMBERS + present.len()).next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize);
    let mut head = vec![0; LENGTH]; // once it is known
    let mut integer = |number: usize| head.extend_from_slice(&(number as u32).to_ne_bytes());
    integer(usize::from(count > 0)); // dimensions
    integer(present.map_or(0, begin));
    integer(of.to_u32() as usize);
    if count > 0 {
        integer(count);
        integer(1); // counted from
    }
    if let Some(present) = present {
        head.extend_from_slice(present);
        head.resize(begin(present), 0);
    }
    head
}

/// One bit for each, the first one lowest.
fn bits(count: usize, each: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bits = vec![0; count.div_ceil(8)];
    for (at, _) in each.enumerate().filter(|(_, is_set)| *is_set) {
        bits[at / 8] |= 1 << (at % 8);
    }
    bits
}

fn with_length(mut value: Vec<u8>) -> Vec<u8> {
    let content = value.len() - LENGTH;
    value[..LENGTH].copy_from_slice(&length(content));
    value
}

/// The length in front of a value whose content has so many bytes (`SET_VARSIZE_4B` of `varatt.h`).
pub fn length(content: usize) -> [u8; LENGTH] {
    let bytes = (LENGTH + content) as u32;
    if cfg!(target_endian = "big") { bytes & 0x3fff_ffff } else { bytes << 2 }.to_ne_bytes()
}

/// The same in one byte, for a value that need not be aligned, if it is short enough (`SET_VARSIZE_1B`).
pub fn short_length(content: usize) -> Option<u8> {
    let bytes = u8::try_from(1 + content).ok().filter(|&bytes| bytes <= 0x7f)?;
    Some(if cfg!(target_endian = "big") { bytes | 0x80 } else { bytes << 1 | 1 })
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
