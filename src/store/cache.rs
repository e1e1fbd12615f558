//! Records of keys, root keys and the workspace, kept in the session.
//!
//! A key is forgotten when a [message](super::changes) says that it or its identity changed, and everything when one says that any key may have.
//! Bounded by `unkey.cache_size`; what was not used for longest goes first. A key that is not there is not kept, so a new key
//! needs no message.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::hash::Hash as Hashable;
use std::rc::Rc;

use lru::LruCache;
use pgrx::pg_sys;
use unkey_core::key::Hash;

use super::changes::{self, Generation};
use super::probe::is_serializable;
use super::record::{Api, Record};
use super::relations;
use super::root_keys::RootKey;
use super::session::{self, Ended};
use super::workspace::Workspace;
use crate::error::Outcome;
use crate::settings;
use crate::shared::stats::{self, Stat};

/// Something of a catalogue that many keys share.
#[derive(Debug, Clone)]
pub enum Shared {
    Api(Rc<Api>),
    Texts(Rc<[String]>),
}

impl Shared {
    fn bytes(&self) -> usize {
        let content = match self {
            Self::Api(api) => size_of::<Api>() + size_of_val(&*api.allowlist),
            Self::Texts(texts) => texts.iter().map(|text| size_of::<String>() + text.len()).sum(),
        };
        content + 256
    }
}

/// Entries up to a number of bytes.
struct Bounded<K: Hashable + Eq, V> {
    entries: LruCache<K, (V, usize)>,
    bytes: usize,
}

impl<K: Hashable + Eq, V> Bounded<K, V> {
    fn new() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }

    /// Keeps an entry if it fits at all, and drops others so that it does.
    fn put(&mut self, key: K, value: V, bytes: usize, limit: usize) {
        if bytes > limit {
            return;
        }
        self.bytes += bytes;
        stats::add(Stat::CacheBytes, bytes as u64);
        if let Some((_, old)) = self.entries.put(key, (value, bytes)) {
            self.dropped(old);
        }
        while self.bytes > limit {
            let Some((_, (_, old))) = self.entries.pop_lru() else { return };
            self.dropped(old);
            stats::add(Stat::CacheEvictions, 1);
        }
    }

    fn forget(&mut self, key: &K) {
        if let Some((_, bytes)) = self.entries.pop(key) {
            self.dropped(bytes);
        }
    }

    fn dropped(&mut self, bytes: usize) {
        self.bytes -= bytes;
        stats::take(Stat::CacheBytes, bytes as u64);
    }

    fn clear(&mut self) {
        if self.bytes > 0 {
            self.entries.clear();
            self.dropped(self.bytes);
        }
    }
}

/// A key, and how much was heard of it when it was read.
struct Kept {
    record: Rc<Record>,
    heard: u32,
}

struct Cache {
    generation: u64,
    keys: Bounded<Hash, Kept>,
    shared: Bounded<(&'static CStr, String), Shared>,
    root_keys: Bounded<Hash, Rc<RootKey>>,
    /// What is known of it; that there is none is worth knowing too.
    workspace: Option<Option<Workspace>>,
}

impl Cache {
    /// Empties it if any key may have changed.
    fn at(&mut self, generation: Generation) {
        if self.generation == generation.common {
            return;
        }
        self.generation = generation.common;
        if self.bytes() > 0 {
            stats::add(Stat::CacheInvalidations, 1);
        }
        self.clear();
    }

    /// The key with this hash, if it is known and did not change.
    fn key(&mut self, hash: &Hash) -> Option<Rc<Record>> {
        let (kept, _) = self.keys.entries.get(hash)?;
        if kept.record.topics.heard() == kept.heard {
            return Some(kept.record.clone());
        }
        self.keys.forget(hash);
        stats::add(Stat::CacheInvalidations, 1);
        None
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.shared.clear();
        self.root_keys.clear();
        self.workspace = None;
    }

    fn bytes(&self) -> usize {
        self.keys.bytes + self.shared.bytes + self.root_keys.bytes
    }
}

thread_local! {
    static CACHE: RefCell<Option<Cache>> = const { RefCell::new(None) };
}

fn with<T>(generation: Generation, f: impl FnOnce(&mut Cache) -> T) -> T {
    CACHE.with_borrow_mut(|cache| {
        let cache = cache.get_or_insert_with(|| {
            // SAFETY: takes a function that lives as long as the library; once per session.
            unsafe { pg_sys::before_shmem_exit(Some(leave), pg_sys::Datum::null()) };
            Cache {
                generation: generation.common,
                keys: Bounded::new(),
                shared: Bounded::new(),
                root_keys: Bounded::new(),
                workspace: None,
            }
        });
        cache.at(generation);
        f(cache)
    })
}

/// Keeps what was loaded in this generation, if that still is the current one, and the next one will be heard of.
fn keep(generation: Generation, put: impl FnOnce(&mut Cache)) {
    if generation == changes::last_generation() && relations::are_watched() {
        note_writer();
        with(generation, put);
    }
}

thread_local! {
    /// Whether this transaction kept something that it read when it had written.
    static READ_BY_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// A statement that fails may have deleted or moved rows unseen and said nothing of it yet, as triggers fire at its end. So what a
/// transaction reads while it writes is forgotten should anything of it be undone.
fn note_writer() {
    // SAFETY: reads a backend-local variable.
    let transaction = unsafe { pg_sys::GetTopTransactionIdIfAny() };
    if transaction != pg_sys::InvalidTransactionId {
        READ_BY_WRITER.set(true);
        session::watch(ended);
    }
}

fn ended(what: Ended) {
    match what {
        Ended::Committed => READ_BY_WRITER.set(false),
        Ended::Aborted | Ended::InnerAborted(_) if READ_BY_WRITER.take() => changes::hear_of_all(),
        _ => {}
    }
}

/// The key with this hash, if it is known and nothing changed since.
pub fn key(hash: &Hash) -> Outcome<Option<Rc<Record>>> {
    if is_off() {
        return Ok(None);
    }
    let generation = relations::generation()?;
    let found = with(generation, |cache| cache.key(hash));
    count(found.is_some());
    Ok(found)
}

/// The same for several.
pub fn keys(hashes: &[Hash]) -> Outcome<Vec<Option<Rc<Record>>>> {
    if is_off() {
        return Ok(vec![None; hashes.len()]);
    }
    let generation = relations::generation()?;
    Ok(with(generation, |cache| {
        let find = |hash| {
            let found = cache.key(hash);
            count(found.is_some());
            found
        };
        hashes.iter().map(find).collect()
    }))
}

/// A serializable transaction reads for itself, so that what it reads counts as read.
fn is_off() -> bool {
    let is_off = settings::cache_size() == 0;
    if is_off {
        CACHE.with_borrow_mut(|cache| cache.as_mut().map(Cache::clear));
    }
    is_off || is_serializable()
}

thread_local! {
    static HITS: Cell<u64> = const { Cell::new(0) };
}

/// Hits are counted for all sessions together now and then: all of them adding to one number each time would wait for
/// each other.
fn count(hit: bool) {
    if hit && HITS.get() < 1000 {
        HITS.set(HITS.get() + 1);
    } else {
        stats::add(if hit { Stat::CacheHits } else { Stat::CacheMisses }, 1);
        flush();
    }
}

/// Makes the figures exact as far as this session goes.
pub fn flush() {
    stats::add(Stat::CacheHits, HITS.take());
}

/// Takes what this session holds out of the figures when it ends.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn leave(_code: i32, _arg: pg_sys::Datum) {
    flush();
    if let Ok(Some(cache)) =
        CACHE.try_with(|cache| cache.try_borrow_mut().ok().and_then(|mut cache| cache.take()))
    {
        stats::take(Stat::CacheBytes, cache.bytes() as u64);
    }
}

/// Keeps a key that was loaded in this generation, if that still is the current one.
pub fn put_key(generation: Generation, hash: &Hash, record: &Rc<Record>) {
    keep(generation, |cache| {
        let kept = Kept { record: record.clone(), heard: record.topics.heard() };
        cache.keys.put(*hash, kept, record.bytes(), settings::cache_size());
    });
}

/// What a catalogue has by this index under this id, if it is known.
pub fn shared(generation: Generation, index: &'static CStr, id: &str) -> Option<Shared> {
    with(generation, |cache| {
        cache.shared.entries.get(&(index, id.to_owned())).map(|(value, _)| value.clone())
    })
}

/// Keeps something that was loaded in this generation, if that still is the current one.
pub fn put_shared(generation: Generation, index: &'static CStr, id: &str, value: Shared) {
    keep(generation, |cache| {
        // A quarter beside the keys: catalogues are small, and every key that is loaded needs them.
        let limit = settings::cache_size() / 4;
        let bytes = value.bytes() + id.len();
        cache.shared.put((index, id.to_owned()), value, bytes, limit);
    });
}

/// The root key with this hash, if it is known and nothing changed since.
pub fn root_key(hash: &Hash) -> Outcome<Option<Rc<RootKey>>> {
    if is_off() {
        return Ok(None);
    }
    let generation = relations::generation()?;
    Ok(with(generation, |cache| cache.root_keys.entries.get(hash).map(|(known, _)| known.clone())))
}

/// Keeps a root key that was loaded in this generation, if that still is the current one.
pub fn put_root_key(generation: Generation, hash: &Hash, root_key: &Rc<RootKey>) {
    keep(generation, |cache| {
        cache.root_keys.put(*hash, root_key.clone(), root_key.bytes(), settings::cache_size() / 4);
    });
}

/// The workspace, or that there is none, if it is known and nothing changed since.
pub fn workspace() -> Outcome<Option<Option<Workspace>>> {
    if is_off() {
        return Ok(None);
    }
    let generation = relations::generation()?;
    Ok(with(generation, |cache| cache.workspace))
}

/// Keeps the workspace that was loaded in this generation, if that still is the current one.
pub fn put_workspace(generation: Generation, workspace: Option<Workspace>) {
    keep(generation, |cache| cache.workspace = Some(workspace));
}
