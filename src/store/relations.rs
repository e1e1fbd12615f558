//! Relations of the extension by name.
//!
//! Postgres tells every backend which relations changed, so that what is known here is looked up again. The same messages say which
//! keys changed ([`changes`]).

use std::cell::{Cell, RefCell};
use std::ffi::CStr;

use pgrx::pg_sys;

use super::changes::{self, Generation, Topic};
use super::watch::{self, Watch};
use crate::error::{Failure, Outcome};

/// A relation of schema `unkey` whose oid is known.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static CStr,
    oid: pg_sys::Oid,
}

/// What can't be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stale {
    Nothing,
    /// What is known of triggers.
    Triggers,
    Everything,
}

thread_local! {
    /// Descriptors of composite types, in memory that outlives transactions.
    static ROW_TYPES: RefCell<Vec<(&'static CStr, pg_sys::TupleDesc)>> = const { RefCell::new(Vec::new()) };
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
    /// Whether something among [`KNOWN`] changed, so that nothing of it can be relied on.
    static STALE: Cell<Stale> = const { Cell::new(Stale::Everything) };
    /// Whether all changes are told of, as was found last.
    static WATCH: Cell<Option<Watch>> = const { Cell::new(None) };
    /// Whether the names of [`know`] are among [`KNOWN`].
    static KNOWS_ALL: Cell<bool> = const { Cell::new(false) };
    /// Whether tables may be elsewhere; `None` to look again.
    static SHARDED: Cell<Option<bool>> = const { Cell::new(None) };
    /// How many messages were heard of what tables are: columns, indexes, constraints, triggers.
    static DEFINITIONS: Cell<u64> = const { Cell::new(0) };
    /// How many messages were heard of relations, whichever.
    static MESSAGES: Cell<u64> = const { Cell::new(0) };
    static OWNER: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

/// Tables of what every use of a key may change, which nobody keeps: a message about one, which VACUUM sends too, says nothing about keys.
const BUSY: [&CStr; 6] =
    [c"credits", c"credits_pkey", c"counters", c"counters_pkey", c"saved_counters", c"saved_counters_pkey"];

/// Asks Postgres to be told of changed relations. Once, when the library is loaded.
pub fn watch() {
    // SAFETY: takes a function that lives as long as the library, which is never unloaded.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(changed), pg_sys::Datum::null()) }
}

/// Runs wherever Postgres reads its messages, so it only sets flags. No relation means all.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn changed(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    MESSAGES.set(MESSAGES.get() + 1);
    if let Some(topic) = Topic::numbered(relation)
        && !is_lost()
    {
        changes::hear_of(topic);
    }
    KNOWN.with(|known| {
        // Nothing here holds it while Postgres is called; should that ever change, everything is forgotten.
        let Ok(mut known) = known.try_borrow_mut() else { return forget() };
        let is_meant = |known: &Known| relation == pg_sys::InvalidOid || known.oid == relation;
        if !known.iter().any(is_meant) {
            return;
        }
        DEFINITIONS.set(DEFINITIONS.get() + 1);
        SHARDED.set(None);
        let says_which = known.iter().any(|known| known.name == changes::COMMON);
        for known in known.iter().filter(|known| is_meant(known) && !BUSY.contains(&known.name)) {
            if ![changes::ANY, changes::COMMON].contains(&known.name) {
                STALE.set(Stale::Everything);
            }
            let is_nothing_new = says_which && known.name == changes::ANY;
            if !is_nothing_new && !is_lost() {
                changes::hear_of_all();
            }
        }
        if STALE.get() == Stale::Nothing
            && known.iter().any(|known| is_meant(known) && known.name == c"credits")
        {
            STALE.set(Stale::Triggers);
        }
        known.retain(|known| !(is_meant(known) && BUSY.contains(&known.name)));
    });
}

/// For the test that must find out: a message is lost now and then.
#[cfg(feature = "faulty-cache")]
fn is_lost() -> bool {
    thread_local! {
        static MESSAGES: Cell<u32> = const { Cell::new(0) };
    }
    MESSAGES.set(MESSAGES.get() + 1);
    MESSAGES.get().is_multiple_of(4)
}

#[cfg(not(feature = "faulty-cache"))]
const fn is_lost() -> bool {
    false
}

fn forget() {
    STALE.set(Stale::Everything);
    SHARDED.set(None);
    DEFINITIONS.set(DEFINITIONS.get() + 1);
    changes::hear_of_all();
}

/// What was heard of keys, of anybody's commits and of what this transaction changed. Reads Postgres' messages first.
pub fn generation() -> Outcome<Generation> {
    // SAFETY: inside a transaction, as everything here.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    refresh()?;
    Ok(changes::last_generation())
}

/// Whether tables may be elsewhere: Citus leaves stale rows in the tables it shards.
pub fn are_sharded() -> Outcome<bool> {
    refresh()?;
    Ok(SHARDED.get().unwrap_or_else(look_for_shards))
}

fn look_for_shards() -> bool {
    // Before the look-up: what changes during it is looked at again.
    SHARDED.set(Some(false));
    let found = named(c"pg_dist_partition", pg_sys::PG_CATALOG_NAMESPACE.into()).is_some();
    SHARDED.set(SHARDED.get().map(|_| found));
    found
}

/// Stands still as long as nothing was heard of what the tables that were asked for are. A table must be open, with a lock, before this
/// is asked: whoever waits for a lock hears of what was done under it when it is granted.
pub fn definitions() -> u64 {
    DEFINITIONS.get()
}

/// Stands still as long as nothing was heard of any relation: the one that is being opened may not be known here yet.
pub fn messages() -> u64 {
    MESSAGES.get()
}

/// Whoever owns the tables, and so may do with them what their functions do.
pub fn owner() -> Outcome<pg_sys::Oid> {
    refresh()?;
    Ok(OWNER.get())
}

/// The oid of a table or index of schema `unkey`.
pub fn oid(name: &'static CStr) -> Outcome<pg_sys::Oid> {
    find(name)?.ok_or_else(|| missing(name))
}

/// The same; `None` if there is none, as the extension is not updated yet.
pub fn find(name: &'static CStr) -> Outcome<Option<pg_sys::Oid>> {
    refresh()?;
    let known =
        KNOWN.with_borrow(|known| known.iter().find(|known| known.name == name).map(|known| known.oid));
    Ok(known.or_else(|| learn(name)))
}

/// Looks up these too, once until something changes: a message about a relation counts from then on only.
pub fn know(names: impl Iterator<Item = &'static CStr>) -> Outcome<()> {
    refresh()?;
    if !KNOWS_ALL.get() {
        // Before the look-ups: what changes during them has it look again.
        KNOWS_ALL.set(true);
        for name in names {
            oid(name)?;
        }
    }
    Ok(())
}

/// The descriptor of a composite type of schema `unkey`, good until the next look-up of anything here.
pub fn row_type(name: &'static CStr) -> Outcome<pg_sys::TupleDesc> {
    let relation = oid(name)?;
    let known =
        ROW_TYPES.with_borrow(|types| types.iter().find(|known| known.0 == name).map(|known| known.1));
    if let Some(desc) = known {
        return Ok(desc);
    }
    // SAFETY: the relation is that of a composite type; its descriptor is copied before it is released.
    let desc = unsafe {
        let row_type = pg_sys::get_rel_type_id(relation);
        let shared = pg_sys::lookup_rowtype_tupdesc(row_type, -1);
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let desc = pg_sys::CreateTupleDescCopy(shared);
        pg_sys::MemoryContextSwitchTo(context);
        pgrx::tupdesc::release_tupdesc(shared);
        desc
    };
    ROW_TYPES.with_borrow_mut(|types| types.push((name, desc)));
    Ok(desc)
}

/// What a descriptor says of a column, from 0.
///
/// # Safety
/// `at` is below the number of attributes.
pub unsafe fn attribute(desc: pg_sys::TupleDesc, at: usize) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller promises. From 18 on, the attributes stand behind as many compact ones.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        let first = (*desc).attrs.as_ptr();
        #[cfg(feature = "pg18")]
        let first = (*desc)
            .compact_attrs
            .as_ptr()
            .add((*desc).natts as usize)
            .cast::<pg_sys::FormData_pg_attribute>();
        first.add(at)
    }
}

/// Whether all changes are told of, as far as is known now.
pub fn are_watched() -> bool {
    STALE.get() == Stale::Nothing && WATCH.get().is_some_and(|watch| watch.is_complete)
}

fn look_for_triggers() {
    // Before the look-up: what changes during it is looked at again.
    if STALE.get() == Stale::Triggers {
        STALE.set(Stale::Nothing);
    }
    let before = WATCH.take();
    let known = |name| {
        KNOWN.with_borrow(|known| known.iter().find(|known| known.name == name).map(|known| known.oid))
    };
    let tables = watch::TABLES.into_iter().filter_map(|(name, links)| {
        let oid = known(name).or_else(|| learn(name))?;
        Some((name, links, oid))
    });
    let now = watch::look(tables);
    WATCH.set(Some(now));
    // Some may have been switched off for a while, and what changed meanwhile was not told.
    if before != Some(now) || !now.is_complete {
        changes::hear_of_all();
    }
}

/// Looks everything up again if something changed.
fn refresh() -> Outcome<()> {
    match STALE.get() {
        Stale::Nothing => return Ok(()),
        Stale::Triggers => {
            look_for_triggers();
            return Ok(());
        }
        Stale::Everything => {}
    }
    KNOWN.take();
    for (_, desc) in ROW_TYPES.take() {
        // SAFETY: a copy of ours, which nobody refers to between calls.
        unsafe { pg_sys::FreeTupleDesc(desc) };
    }
    // Before the look-ups: what changes during them makes it stale again.
    STALE.set(Stale::Nothing);
    KNOWS_ALL.set(false);
    DEFINITIONS.set(DEFINITIONS.get() + 1);
    changes::hear_of_all();
    learn(changes::COMMON);
    let found = learn(changes::ANY)
        .ok_or_else(|| missing(changes::ANY))
        .and_then(|_| learn(c"keys").ok_or_else(|| missing(c"keys")))
        .and_then(|keys| {
            look_for_shards();
            OWNER.set(owner_of(keys)?);
            look_for_triggers();
            Ok(())
        });
    if found.is_err() {
        STALE.set(Stale::Everything);
    }
    found
}

fn learn(name: &'static CStr) -> Option<pg_sys::Oid> {
    // SAFETY: looks a name up in the catalogue cache; the name is a C string.
    let namespace = unsafe { pg_sys::get_namespace_oid(c"unkey".as_ptr(), true) };
    let oid = named(name, namespace)?;
    KNOWN.with_borrow_mut(|known| known.push(Known { name, oid }));
    Some(oid)
}

fn named(name: &CStr, namespace: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: as above.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), namespace) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

fn owner_of(relation: pg_sys::Oid) -> Outcome<pg_sys::Oid> {
    // SAFETY: reads the row of pg_class in the catalogue cache before it is released.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, relation.into());
        if tuple.is_null() {
            return Err(missing(c"keys"));
        }
        let row = pgrx::pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_class>(tuple);
        let owner = (*row).relowner;
        pg_sys::ReleaseSysCache(tuple);
        Ok(owner)
    }
}

/// That a relation of the extension is not there.
pub(super) fn missing(name: &CStr) -> Failure {
    Failure::Internal(format!("relation unkey.{} is missing", name.to_string_lossy()))
}
