//! Locks that keep two of a kind of upkeep apart, until the transaction ends.
//!
//! They are advisory locks of a class of their own: those of `pg_advisory_lock` are everybody's, so whoever may connect
//! could hold them for good and bring upkeep to a standstill.

use pgrx::pg_sys;
use unkey_core::key::Hash;

/// Tells these from the locks of Postgres' functions, whose classes are 1 and 2.
const CLASS: u16 = 0x756b;

/// Takes the lock with this name and answers whether it could; if it is not to wait, at once.
pub fn take(name: &str, wait: bool) -> bool {
    let [a, b, c, d, e, f, g, h, ..] = *Hash::of(name).as_bytes();
    // SAFETY: the tag outlives the call. A lock that is not released goes with the (sub)transaction.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: u32::from_be_bytes([a, b, c, d]),
            locktag_field3: u32::from_be_bytes([e, f, g, h]),
            locktag_field4: CLASS,
            locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        };
        let taken = pg_sys::LockAcquire(&tag, pg_sys::ExclusiveLock as i32, false, !wait);
        taken != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    }
}
