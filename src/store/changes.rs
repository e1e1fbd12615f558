//! What is said and heard of changes to keys.
//!
//! The triggers of `sql/base/29_key_changes.sql` have Postgres tell every backend that a relation changed, at the commit that changed
//! a key and in the order of its own catalogue caches; on a standby as it replays that commit. Such a message is the number of a
//! relation and nothing more. That of one key or identity is a number that no relation has, made of the id; `unkey.common_changes`
//! stands for whatever else keys refer to, and for many of them at once. `unkey.key_changes` is named with either, for libraries of
//! 0.1.0, which forget all keys then; so does this one until the update has brought the other relation.

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;
use unkey_core::key::Hash;

use super::relations;
use crate::error::Outcome;

/// The relation whose invalidation says that any key may have changed.
pub(super) const COMMON: &CStr = c"common_changes";
/// The one that says that some key changed.
pub(super) const ANY: &CStr = c"key_changes";

/// How many messages were heard. What is kept about a key is good as long as `common` and what was heard of its [`Topics`]
/// stand still.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// Those that any key may be concerned by.
    pub common: u64,
    /// Those of single keys and identities.
    single: u64,
}

/// What a message is of: a key or identity. Some share one, and are forgotten together.
#[derive(Debug, Clone, Copy)]
pub struct Topic(usize);

/// Few enough to count them in every session.
const TOPICS: usize = 4096;
/// The number of the first one: beyond those that relations get in practice. Should one have such a number after all, a key is
/// forgotten when the relation changes, and the relation is looked up again when the key does.
const FIRST: u32 = 0xf000_0000;
/// Keys and identities of which a transaction says that they changed; it says of more that any may have. Every message is read by every
/// session, and a few thousand unread ones have Postgres throw all its caches away.
const MANY: u32 = 32;

thread_local! {
    static GENERATION: Cell<Generation> = const { Cell::new(Generation { common: 0, single: 0 }) };
    static HEARD: [Cell<u32>; TOPICS] = const { [const { Cell::new(0) }; TOPICS] };
    /// The transaction that said last that one changed, and of how many it did.
    static SAID: Cell<(pg_sys::TransactionId, u32)> = const { Cell::new((pg_sys::InvalidTransactionId, 0)) };
}

impl Topic {
    /// That of the key or identity with this id; the same in all sessions of all versions.
    pub fn of(id: &str) -> Self {
        let [first, second, ..] = *Hash::of(id).as_bytes();
        Self(usize::from(u16::from_be_bytes([first, second])) % TOPICS)
    }

    fn number(self) -> pg_sys::Oid {
        pg_sys::Oid::from(FIRST + self.0 as u32)
    }

    /// That of a message, unless it is of something else.
    pub(super) fn numbered(number: pg_sys::Oid) -> Option<Self> {
        let topic = number.to_u32().checked_sub(FIRST)? as usize;
        (topic < TOPICS).then_some(Self(topic))
    }
}

/// Those of a key and of its identity.
#[derive(Debug, Default, Clone, Copy)]
pub struct Topics(pub [Option<Topic>; 2]);

impl Topics {
    /// How many messages were heard of either.
    pub fn heard(self) -> u32 {
        let heard = |topic: Topic| HEARD.with(|heard| heard.get(topic.0).map_or(0, Cell::get));
        self.0.into_iter().flatten().map(heard).fold(0, u32::wrapping_add)
    }
}

/// What was heard so far, without looking for messages.
pub fn last_generation() -> Generation {
    GENERATION.get()
}

/// Counts a message that any key may be concerned by.
pub(super) fn hear_of_all() {
    let heard = GENERATION.get();
    GENERATION.set(Generation { common: heard.common + 1, ..heard });
}

/// Counts a message of a single key or identity.
pub(super) fn hear_of(topic: Topic) {
    HEARD.with(|all| {
        all.get(topic.0).into_iter().for_each(|heard| heard.set(heard.get().wrapping_add(1)));
    });
    let heard = GENERATION.get();
    GENERATION.set(Generation { single: heard.single + 1, ..heard });
}

/// Says at the commit of this transaction, to all sessions here and on standbys, that any key may have changed; to this
/// session with its next statement.
pub fn announce() -> Outcome<()> {
    let any = relations::oid(ANY)?;
    let common = relations::find(COMMON)?;
    // SAFETY: takes oids of relations that the extension keeps; only queues messages. A standby can't write, so nothing
    // comes here.
    unsafe {
        common.into_iter().for_each(|common| pg_sys::CacheInvalidateRelcacheByRelid(common));
        pg_sys::CacheInvalidateRelcacheByRelid(any);
    }
    Ok(())
}

/// Says in the same way that this key or identity changed.
pub fn announce_one(id: &str) -> Outcome<()> {
    if relations::find(COMMON)?.is_none() || is_one_of_many() {
        return announce();
    }
    let any = relations::oid(ANY)?;
    // SAFETY: the copy of a row of pg_class is changed and freed here; of such a row, the message takes the number, and that
    // it is of this database. Only queues messages.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
        let none = pg_sys::Datum::null();
        let tuple = pg_sys::SearchSysCacheCopy(cache, any.into(), none, none, none);
        if tuple.is_null() {
            return Err(relations::missing(ANY));
        }
        let row = pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_class>(tuple);
        (*row).oid = Topic::of(id).number();
        pg_sys::CacheInvalidateRelcacheByTuple(tuple);
        pg_sys::heap_freetuple(tuple);
        pg_sys::CacheInvalidateRelcacheByRelid(any);
    }
    Ok(())
}

/// Counts those of which this transaction says something; whether they are too many by now.
fn is_one_of_many() -> bool {
    // SAFETY: reads a backend-local variable.
    let transaction = unsafe { pg_sys::GetTopTransactionIdIfAny() };
    let said = match SAID.get() {
        (last, said) if last == transaction => said.saturating_add(1),
        _ => 1,
    };
    SAID.set((transaction, said));
    said > MANY
}
