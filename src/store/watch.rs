//! Whether the triggers that tell of changes (`sql/base/29_key_changes.sql`) all fire, and always.
//!
//! `ALTER TABLE … DISABLE TRIGGER USER`, as for a large import, is easily followed by `ENABLE TRIGGER USER`: then they no longer fire where replicated
//! changes are applied. What nobody tells of, nobody may keep.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

/// The tables, and whether a new row counts as well. First the one that is asked for most.
pub(super) const TABLES: [(&CStr, bool); 11] = [
    (c"credits", true),
    (c"keys", false),
    (c"apis", false),
    (c"identities", false),
    (c"roles", false),
    (c"permissions", false),
    (c"role_permissions", false),
    (c"key_roles", true),
    (c"key_permissions", true),
    (c"root_keys", false),
    (c"workspace", false),
];

const CHANGED: &CStr = c"key_changed";
const LINKED: &CStr = c"key_linked";
/// 0.1.0 has none.
const MOVED: &CStr = c"key_moved";
const TRUNCATED: &CStr = c"keys_truncated";

thread_local! {
    static WARNED: Cell<bool> = const { Cell::new(false) };
}

/// What was found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watch {
    /// Whether all of them always fire.
    pub is_complete: bool,
    /// Another one after any change of a trigger, though it was taken back since.
    version: u64,
}

/// Looks at these tables. Says so, once in a session, if a trigger does not always fire.
pub(super) fn look(tables: impl Iterator<Item = (&'static CStr, bool, pg_sys::Oid)>) -> Watch {
    let mut version = 0;
    let repairs: Vec<_> =
        tables.filter_map(|(name, links, oid)| repair(name, links, oid, &mut version)).collect();
    if !repairs.is_empty() && !WARNED.replace(true) {
        let problem = "sessions keep no keys, because not all triggers that tell of changes always fire";
        ErrorReport::new(PgSqlErrorCode::ERRCODE_WARNING, problem, "unkey")
            .set_hint(format!("{};", repairs.join("; ")))
            .report(PgLogLevel::WARNING);
    }
    Watch { is_complete: repairs.is_empty(), version }
}

/// The statement after which all of a table do, if they do not.
fn repair(name: &CStr, links: bool, table: pg_sys::Oid, version: &mut u64) -> Option<String> {
    let mut missing = vec![CHANGED, TRUNCATED];
    if links {
        missing.push(LINKED);
    }
    each_trigger(table, |trigger, always, writer| {
        *version = version.wrapping_mul(31).wrapping_add(writer.into());
        if always {
            missing.retain(|name| *name != trigger);
        } else if trigger == MOVED {
            missing.push(MOVED);
        }
    });
    let missing: Vec<_> =
        missing.iter().map(|name| format!("ENABLE ALWAYS TRIGGER {}", name.to_string_lossy())).collect();
    let statement = || format!("ALTER TABLE unkey.{} {}", name.to_string_lossy(), missing.join(", "));
    (!missing.is_empty()).then(statement)
}

/// Calls with the name of each trigger of a table, whether it always fires, and the number of the transaction that made it so. The table itself is neither opened nor locked.
fn each_trigger(table: pg_sys::Oid, mut see: impl FnMut(&CStr, bool, u32)) {
    const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: a scan of a catalogue by its index, inside a transaction; a row is good until the scan goes on.
    unsafe {
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_trigger_tgrelid as pg_sys::AttrNumber,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::F_OIDEQ.into(),
            table.into(),
        );
        let catalogue = pg_sys::table_open(pg_sys::TriggerRelationId, LOCK);
        let index = pg_sys::TriggerRelidNameIndexId.into();
        let scan = pg_sys::systable_beginscan(catalogue, index, true, null_mut(), 1, &mut key);
        while let Some(tuple) = pg_sys::systable_getnext(scan).as_mut() {
            let trigger = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_trigger>();
            let always = trigger.tgenabled as u8 == pg_sys::TRIGGER_FIRES_ALWAYS;
            let writer = (*tuple.t_data).t_choice.t_heap.t_xmin;
            see(CStr::from_ptr(trigger.tgname.data.as_ptr()), always, writer.into_inner());
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalogue, LOCK);
    }
}
