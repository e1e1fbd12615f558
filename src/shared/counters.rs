//! Rate-limit counters in shared memory.

/// # Safety
/// In the hook that asks for shared memory.
pub(super) unsafe fn request() {}

/// # Safety
/// In the hook that finds shared memory, with its lock held.
pub(super) unsafe fn startup() {}
