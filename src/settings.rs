//! Settings `unkey.*`: one static, one documented getter each.

pub mod web_request;

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::store::session;

static CLOCK: GucSetting<f64> = GucSetting::<f64>::new(0.0);
static CACHE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(8 * 1024);
static ALLOW_SESSION: GucSetting<bool> = GucSetting::<bool>::new(false);
static SESSION_MARK: GucSetting<bool> = GucSetting::<bool>::new(false);
static SCAN: GucSetting<bool> = GucSetting::<bool>::new(true);
static RECORD_VERIFICATIONS: GucSetting<bool> = GucSetting::<bool>::new(true);
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * DAY);
static ROLLUP_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(400 * DAY);
static IDEMPOTENCY_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(DAY);
static MASTER_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static COUNTERS: GucSetting<Counters> = GucSetting::<Counters>::new(Counters::Auto);
static COUNTER_SLOTS: GucSetting<i32> = GucSetting::<i32>::new(65_536);
static ANALYTICS_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(30_000);
static ANALYTICS_MAX_ROWS: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static ANALYTICS_MAX_BYTES: GucSetting<i32> = GucSetting::<i32>::new(16 * 1024 * 1024);
static EVENT_BUFFER: GucSetting<i32> = GucSetting::<i32>::new(16 * 1024);
static EVENT_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1000);
static MAINTENANCE_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(60);

/// In minutes, the longest unit a setting can have.
const DAY: i32 = 24 * 60;

/// `unkey.clock`: a fixed time for tests, in milliseconds since the Unix epoch; 0 (default) is the real clock.
/// Only superusers may set it, since it decides about expiry.
pub fn fixed_clock() -> Option<i64> {
    let milliseconds = CLOCK.get();
    (milliseconds > 0.0).then_some(milliseconds as i64)
}

/// `unkey.cache_size`: bytes of memory that a session may use to keep what it knows of keys; 0 for none.
pub fn cache_size() -> usize {
    CACHE_SIZE.get().unsigned_abs() as usize * 1024
}

/// `unkey.scan`: whether the planner may answer `FROM unkey_verify_key(…)` by a node of ours; as the `enable_…` settings of
/// Postgres, for comparing.
pub fn scan() -> bool {
    SCAN.get()
}

/// `unkey.allow_session`: whether unkey_authenticate may keep a principal beyond its transaction. Only superusers may set it:
/// in a pool whose clients share connections, one client would choose who the next one is.
pub fn allow_session() -> bool {
    ALLOW_SESSION.get()
}

/// `unkey.record_verifications`: whether events are recorded for analytics.
pub fn record_verifications() -> bool {
    RECORD_VERIFICATIONS.get()
}

/// `unkey.idempotency_retention`: for how long the answer of a request is kept for its retries, in milliseconds.
pub fn idempotency_retention() -> i64 {
    i64::from(IDEMPOTENCY_RETENTION.get()) * 60_000
}

/// `unkey.master_key_file`: the file of master keys for recoverable keys, absolute or in the data directory; `None`
/// (default) for no recoverable keys. Only the server's configuration sets it, only superusers and members of
/// pg_read_all_settings see it.
pub fn master_key_file() -> Option<CString> {
    MASTER_KEY_FILE.get().filter(|path| !path.is_empty())
}

/// Where rate limits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum Counters {
    /// In shared memory if the library is preloaded, in the table otherwise.
    #[name = c"auto"]
    Auto,
    /// In the table.
    #[name = c"table"]
    Table,
}

/// `unkey.counters`: where rate limits are counted, `auto` (default) or `table`. Only superusers may set it: sessions that
/// disagree count apart.
pub fn counters() -> Counters {
    COUNTERS.get()
}

/// `unkey.counter_slots`: how many rate-limit counters shared memory has room for, 64 bytes each. Only the server's
/// configuration sets it, and only a restart changes it.
pub fn counter_slots() -> usize {
    COUNTER_SLOTS.get().unsigned_abs() as usize
}

/// `unkey.analytics_timeout`: how long an analytics query may run, in milliseconds; 0 for any time.
pub fn analytics_timeout() -> i32 {
    ANALYTICS_TIMEOUT.get()
}

/// `unkey.analytics_max_rows`: how many rows an analytics query may answer.
pub fn analytics_max_rows() -> u32 {
    ANALYTICS_MAX_ROWS.get().unsigned_abs()
}

/// `unkey.analytics_max_bytes`: how many bytes of JSON an analytics query may answer.
pub fn analytics_max_bytes() -> usize {
    ANALYTICS_MAX_BYTES.get().unsigned_abs() as usize
}

/// `unkey.event_buffer`: how many bytes of shared memory hold events on their way to tables; 0 for none.
pub fn event_buffer() -> usize {
    EVENT_BUFFER.get().unsigned_abs() as usize * 1024
}

/// `unkey.event_interval`: how often a worker writes events to tables, in milliseconds.
pub fn event_interval() -> u64 {
    EVENT_INTERVAL.get().unsigned_abs().into()
}

/// `unkey.maintenance_interval`: how often a worker runs `unkey.maintain()`, in seconds; `None` for never.
pub fn maintenance_interval() -> Option<u64> {
    Some(MAINTENANCE_INTERVAL.get().unsigned_abs().into()).filter(|seconds| *seconds > 0)
}

/// What concerns shared memory for events and its workers.
fn register_workers() {
    GucRegistry::define_int_guc(
        c"unkey.event_buffer",
        c"Shared memory for events on their way to tables, such as 16MB; 0 writes them directly.",
        c"Has an effect only if the library is preloaded. Changing it takes a restart.",
        &EVENT_BUFFER,
        0,
        1024 * 1024,
        at_start(),
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"unkey.event_interval",
        c"How often events are written from memory to tables, such as 1s.",
        c"Also how long it takes until they show. More at a time cost less each.",
        &EVENT_INTERVAL,
        10,
        60_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"unkey.maintenance_interval",
        c"How often the worker of a database runs unkey.maintain(), such as 1min; 0 for never.",
        c"There are workers only if the library is preloaded.",
        &MAINTENANCE_INTERVAL,
        0,
        24 * 60 * 60,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
}

fn register_counters() {
    GucRegistry::define_enum_guc(
        c"unkey.counters",
        c"Where rate limits are counted: auto (shared memory if the library is preloaded) or table.",
        c"Only superusers may set it: sessions that disagree count apart.",
        &COUNTERS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"unkey.counter_slots",
        c"How many rate-limit counters shared memory has room for, 64 bytes each.",
        c"Takes effect when the server starts with the library in shared_preload_libraries.",
        &COUNTER_SLOTS,
        128,
        16_777_216,
        at_start(),
        GucFlags::default(),
    );
}

/// Who sets what only a start of the server can change. Postgres knows such settings of preloaded libraries alone; without
/// preload they are known all the same, so that a configuration that names them is not refused, and change nothing.
fn at_start() -> GucContext {
    // SAFETY: reads a flag that the server sets while it loads libraries.
    let is_starting = unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress };
    if is_starting { GucContext::Postmaster } else { GucContext::Sighup }
}

/// What concerns a principal that is kept for the session.
fn register_session() {
    GucRegistry::define_bool_guc(
        c"unkey.allow_session",
        c"Whether unkey_authenticate(..., session => true) may keep a principal beyond its transaction.",
        c"Not where clients share the connections of a pool. Only superusers may set it, for a role or a database.",
        &ALLOW_SESSION,
        GucContext::Suset,
        GucFlags::default(),
    );
    // SAFETY: the hook has the signature of one, and only resets what is kept for the session.
    unsafe {
        GucRegistry::define_bool_guc_with_hooks(
            session::MARK,
            c"Whether something is kept for the session; changing it forgets that.",
            c"Set by unkey_authenticate.",
            &SESSION_MARK,
            GucContext::Userset,
            GucFlags::NO_SHOW_ALL | GucFlags::DISALLOW_IN_FILE,
            None,
            Some(session::marked),
            None,
        );
    }
}

/// Limits of analytics queries. They protect the server from whoever may query, so only superusers set them.
fn register_analytics() {
    GucRegistry::define_int_guc(
        c"unkey.analytics_timeout",
        c"How long an analytics query may run, in milliseconds; 0 for any time.",
        c"Concerns unkey_get_verifications and unkey_get_ratelimits. Only superusers may set it.",
        &ANALYTICS_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"unkey.analytics_max_rows",
        c"How many rows an analytics query may answer.",
        c"A query with more fails. Only superusers may set it.",
        &ANALYTICS_MAX_ROWS,
        1,
        10_000_000,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"unkey.analytics_max_bytes",
        c"How many bytes of JSON an analytics query may answer.",
        c"A query with more fails. Only superusers may set it.",
        &ANALYTICS_MAX_BYTES,
        1024,
        1024 * 1024 * 1024,
        GucContext::Suset,
        GucFlags::UNIT_BYTE,
    );
}

/// Registers all settings; the prefix is reserved last, so that a misspelt one is an error.
pub fn register() {
    GucRegistry::define_float_guc(
        c"unkey.clock",
        c"Fixed time for tests, in milliseconds since the Unix epoch; 0 is the real clock.",
        c"Every unkey function takes its time from here. Only superusers may set it.",
        &CLOCK,
        0.0,
        // Beyond this a double no longer holds every millisecond.
        9_007_199_254_740_992.0,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"unkey.cache_size",
        c"Memory that a session may use to keep what it knows of keys; 0 for none.",
        c"A key takes about 2 kB. Whatever the size, a change of a key counts from its commit on.",
        &CACHE_SIZE,
        0,
        // As for work_mem, so that bytes fit any number.
        1024 * 1024,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_bool_guc(
        c"unkey.scan",
        c"Whether the planner may answer FROM unkey_verify_key(...) by a scan node of the extension.",
        c"For comparing; the answers are the same.",
        &SCAN,
        GucContext::Userset,
        GucFlags::default(),
    );
    register_session();
    GucRegistry::define_bool_guc(
        c"unkey.record_verifications",
        c"Whether verifications and calls of the limiter are recorded for analytics and last_used_at.",
        c"A superuser may set it for a session.",
        &RECORD_VERIFICATIONS,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"unkey.retention",
        c"How long single events are kept, such as 30d; unkey.maintain() drops whole days beyond.",
        c"1 day to 4000 years; read by unkey.maintain() alone.",
        &RETENTION,
        DAY,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_int_guc(
        c"unkey.rollup_retention",
        c"How long events per hour and per day are kept, such as 400d; unkey.maintain() deletes those beyond.",
        c"1 day to 4000 years; read by unkey.maintain() alone.",
        &ROLLUP_RETENTION,
        DAY,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_int_guc(
        c"unkey.idempotency_retention",
        c"How long the answer of a request is kept for its retries, such as 24h; unkey.maintain() deletes those beyond.",
        c"1 minute to 4000 years. A request that is retried later is done again.",
        &IDEMPOTENCY_RETENTION,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_string_guc(
        c"unkey.master_key_file",
        c"File of master keys for recoverable keys, absolute or in the data directory; empty for no recoverable keys.",
        c"One key of 32 bytes per line as base64 or hexadecimal text, the current one first, then older ones that may still decrypt.",
        &MASTER_KEY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    register_counters();
    register_analytics();
    register_workers();
    web_request::register();
    // SAFETY: takes a NUL-terminated string, called once while the library loads.
    unsafe { pgrx::pg_sys::MarkGUCPrefixReserved(c"unkey".as_ptr()) };
}
