//! How events look in memory: in records of one limit or of verifications that have most in common, each with its length, what
//! kind it is, numbers, then texts, each with its length. Written where it stays, and read from there.

use unkey_core::id;

use super::events::{LimitEvent, VerificationEvent};

/// What events of one call have in common.
pub struct Common<'a> {
    /// Made by whoever reads the event if there is none.
    pub request_id: Option<&'a str>,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
    /// Whether the v2 dialect asked.
    pub is_api: bool,
    /// Number of the database role that asked.
    pub role: u32,
}

/// An event as it is read; texts are where they were written.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    Verification(Verification<'a>),
    Limit(Limit<'a>),
}

impl<'a> Record<'a> {
    pub fn verification(&self) -> Option<&Verification<'a>> {
        match self {
            Self::Verification(event) => Some(event),
            Self::Limit(_) => None,
        }
    }

    pub fn limit(&self) -> Option<&Limit<'a>> {
        match self {
            Self::Limit(event) => Some(event),
            Self::Verification(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Verification<'a> {
    pub time: i64,
    pub role: u32,
    pub is_api: bool,
    pub spent_credits: i64,
    pub latency_ms: f64,
    pub request_id: Option<&'a str>,
    pub key_space_id: &'a str,
    pub api_id: &'a str,
    pub key_id: &'a str,
    pub identity_id: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub outcome: &'a str,
    pub tags: Tags<'a>,
}

impl Verification<'_> {
    /// Which dialect asked.
    pub fn source(&self) -> &'static str {
        if self.is_api { "api" } else { "sql" }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    pub time: i64,
    pub passed: bool,
    pub limit: i64,
    pub remaining: i64,
    pub reset: i64,
    pub tokens: i64,
    pub latency_ms: f64,
    pub request_id: Option<&'a str>,
    pub namespace_id: &'a str,
    pub identifier: &'a str,
    pub override_id: Option<&'a str>,
}

/// The tags of an event, as they stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tags<'a> {
    pub count: usize,
    texts: &'a [u8],
}

impl<'a> Tags<'a> {
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut reader = Reader(self.texts);
        (0..self.count).map_while(move |_| reader.text())
    }
}

/// The length of a text that is none.
const NONE: u16 = u16::MAX;
const VERIFICATIONS: u8 = 0;
const LIMIT: u8 = 1;

/// Writes verifications, in records of those that follow each other and have most in common; answers how many memory took.
pub fn put_verifications(
    common: &Common,
    events: &[VerificationEvent],
    mut append: impl FnMut(usize, &mut dyn FnMut(&mut [u8])) -> bool,
) -> usize {
    let mut taken = 0;
    for alike in events.chunk_by(are_alike) {
        let mut rest = alike;
        while !rest.is_empty() {
            let (record, others) = rest.split_at(fitting(rest));
            if !put_alike(common, record, &mut append) {
                return taken;
            }
            taken += record.len();
            rest = others;
        }
    }
    taken
}

/// Whether two events of one call differ in nothing but their key and its identity, and the ids of their requests.
fn are_alike(first: &VerificationEvent, second: &VerificationEvent) -> bool {
    first.request_id.is_some() == second.request_id.is_some()
        && first.spent_credits == second.spent_credits
        && first.latency_ms.to_bits() == second.latency_ms.to_bits()
        && first.outcome == second.outcome
        && first.api_id() == second.api_id()
        && first.key_space_id() == second.key_space_id()
        && first.tags == second.tags
}

/// Bytes of a record from which on no event is added to it, so that little of a chunk stays empty.
const ENOUGH: usize = 1024;

/// How many events make a record, from the first on.
fn fitting(events: &[VerificationEvent]) -> usize {
    let mut bytes = 0;
    let has_room = |event: &&VerificationEvent| {
        let before = bytes;
        bytes += own_texts(event).map_or(0, <[u8]>::len);
        before < ENOUGH
    };
    events.iter().take_while(has_room).count()
}

/// Writes one record; `false` if memory does not take it.
fn put_alike(common: &Common, events: &[VerificationEvent], append: impl Append) -> bool {
    let Some(first) = events.first() else { return true };
    put(append, |out| {
        out.byte(VERIFICATIONS);
        out.byte(u8::from(common.is_api || first.request_id.is_some()));
        out.number(common.now.to_ne_bytes());
        out.number(common.role.to_ne_bytes());
        out.number(first.spent_credits.to_ne_bytes());
        out.number(first.latency_ms.to_ne_bytes());
        out.text(common.request_id);
        out.joined(api_texts(first));
        out.text(Some(first.outcome));
        out.number((first.tags.len() as u16).to_ne_bytes());
        first.tags.iter().for_each(|tag| out.text(Some(tag)));
        for event in events {
            out.text(event.request_id);
            out.joined(own_texts(event));
        }
    })
}

/// What every verification of a key says of its API; `None` if memory does not take it.
fn api_texts<'a>(event: &VerificationEvent<'a>) -> Option<&'a [u8]> {
    let make = || joined([Some(event.key_space_id()), Some(event.api_id())]);
    event.key.api.event_texts.get_or_init(make).as_deref()
}

/// What every verification of a key says of it alone; `None` if memory does not take it.
fn own_texts<'a>(event: &VerificationEvent<'a>) -> Option<&'a [u8]> {
    let make = || joined([Some(event.key_id()), event.identity_id(), event.external_id()]);
    event.key.event_texts.get_or_init(make).as_deref()
}

/// Texts one after the other, as [`Writer::text`] writes them.
fn joined<const N: usize>(texts: [Option<&str>; N]) -> Option<Box<[u8]>> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&length(text)?.to_ne_bytes());
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    Some(bytes.into())
}

/// The length in front of a text; `None` if the text is too long for one.
fn length(text: Option<&str>) -> Option<u16> {
    match text {
        Some(text) => u16::try_from(text.len()).ok().filter(|length| *length != NONE),
        None => Some(NONE),
    }
}

/// Writes a call of the limiter; `false` if memory does not take it.
pub fn put_limit(common: &Common, event: &LimitEvent, append: impl Append) -> bool {
    put(append, |out| {
        out.byte(LIMIT);
        out.byte(u8::from(event.passed));
        out.number(common.now.to_ne_bytes());
        for number in [event.limit, event.remaining, event.reset, event.tokens] {
            out.number(number.to_ne_bytes());
        }
        out.number(event.latency_ms.to_ne_bytes());
        out.text(common.request_id);
        out.text(Some(event.namespace_id));
        out.text(Some(event.identifier));
        out.text(event.override_id);
    })
}

/// Where records go: makes room of a length and has it written to.
pub trait Append: FnOnce(usize, &mut dyn FnMut(&mut [u8])) -> bool {}
impl<T: FnOnce(usize, &mut dyn FnMut(&mut [u8])) -> bool> Append for T {}

/// Says the same twice: first to learn its length, then to write it.
fn put(append: impl Append, say: impl Fn(&mut Writer)) -> bool {
    let mut measure = Writer { room: &mut [], at: 4, fits: true };
    say(&mut measure);
    let length = measure.at;
    measure.fits
        && append(length, &mut |room| {
            let mut writer = Writer { room, at: 0, fits: true };
            writer.number((length as u32).to_ne_bytes());
            say(&mut writer);
        })
}

/// Writes into a room, or only counts if it has none.
struct Writer<'a> {
    room: &'a mut [u8],
    at: usize,
    fits: bool,
}

impl Writer<'_> {
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(room) = self.room.get_mut(self.at..self.at + bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    fn number<const N: usize>(&mut self, number: [u8; N]) {
        self.bytes(&number);
    }

    /// Texts that stand one after the other already.
    fn joined(&mut self, texts: Option<&[u8]>) {
        self.fits &= texts.is_some();
        self.bytes(texts.unwrap_or_default());
    }

    fn text(&mut self, text: Option<&str>) {
        let length = length(text);
        self.fits &= length.is_some();
        self.number(length.unwrap_or_default().to_ne_bytes());
        self.bytes(text.unwrap_or_default().as_bytes());
    }
}

/// The events of records that stand one after the other.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let (mut rest, mut alike) = (Reader(bytes), None);
    std::iter::from_fn(move || {
        loop {
            if let Some(event) = alike.as_mut().and_then(Alike::next) {
                return Some(Record::Verification(event));
            }
            let mut fields = rest.record()?;
            match fields.byte()? {
                VERIFICATIONS => alike = Some(fields.alike()?),
                _ => return fields.limit().map(Record::Limit),
            }
        }
    })
}

/// Verifications of one record: what they have in common, and what is each one's own.
struct Alike<'a> {
    common: Verification<'a>,
    each: Reader<'a>,
}

impl<'a> Alike<'a> {
    fn next(&mut self) -> Option<Verification<'a>> {
        Some(Verification {
            request_id: self.each.optional()?.or(self.common.request_id),
            key_id: self.each.text()?,
            identity_id: self.each.optional()?,
            external_id: self.each.optional()?,
            ..self.common
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.number().map(|[byte]| byte)
    }

    fn long(&mut self) -> Option<i64> {
        self.number().map(i64::from_ne_bytes)
    }

    /// `None` at the end, `Some(None)` for a text that is none.
    fn optional(&mut self) -> Option<Option<&'a str>> {
        match self.number().map(u16::from_ne_bytes)? {
            NONE => Some(None),
            // SAFETY: written from a str by [`Writer::text`], in this server and since it started.
            length => Some(Some(unsafe { std::str::from_utf8_unchecked(self.take(usize::from(length))?) })),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        self.optional().flatten()
    }

    /// What stands in the next record.
    fn record(&mut self) -> Option<Self> {
        let length = self.number().map(u32::from_ne_bytes)? as usize;
        self.take(length.checked_sub(4)?).map(Reader)
    }

    fn alike(mut self) -> Option<Alike<'a>> {
        let common = Verification {
            is_api: self.byte()? != 0,
            time: self.long()?,
            role: self.number().map(u32::from_ne_bytes)?,
            spent_credits: self.long()?,
            latency_ms: self.number().map(f64::from_ne_bytes)?,
            request_id: self.optional()?,
            key_space_id: self.text()?,
            api_id: self.text()?,
            outcome: self.text()?,
            tags: self.tags()?,
            key_id: "",
            identity_id: None,
            external_id: None,
        };
        Some(Alike { common, each: self })
    }

    fn tags(&mut self) -> Option<Tags<'a>> {
        let count = self.number().map(u16::from_ne_bytes)?.into();
        let begin = self.0;
        (0..count).try_for_each(|_| self.text().map(drop))?;
        Some(Tags { count, texts: begin.get(..begin.len() - self.0.len())? })
    }

    fn limit(&mut self) -> Option<Limit<'a>> {
        Some(Limit {
            passed: self.byte()? != 0,
            time: self.long()?,
            limit: self.long()?,
            remaining: self.long()?,
            reset: self.long()?,
            tokens: self.long()?,
            latency_ms: self.number().map(f64::from_ne_bytes)?,
            request_id: self.optional()?,
            namespace_id: self.text()?,
            identifier: self.text()?,
            override_id: self.optional()?,
        })
    }
}

/// The id of a request that has none: unique, not secret.
pub fn request_id(now: i64) -> String {
    // SAFETY: a generator of this process, which Postgres seeds when the process starts.
    let random = unsafe { pgrx::pg_sys::pg_prng_uint64(&raw mut pgrx::pg_sys::pg_global_prng_state) };
    id::with_random("req", now, random.to_be_bytes())
}
