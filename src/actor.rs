//! Who is behind a change, for the audit log: a root key, or else the database role.
//!
//! Kept in the backend's memory and not in a setting, which any SQL could forge.

use std::cell::RefCell;

/// The root key on whose behalf the v2 dialect runs, and the request it came with.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    pub root_key_id: String,
    pub root_key_name: Option<String>,
    /// Shared by all entries of the request.
    pub request_id: String,
    pub remote_ip: Option<String>,
    pub user_agent: Option<String>,
}

thread_local! {
    static CURRENT: RefCell<Option<Actor>> = const { RefCell::new(None) };
}

/// Runs an operation on behalf of an actor; whoever acted before does so again afterwards, also after an error.
pub fn acting_as<T>(actor: Actor, operation: impl FnOnce() -> T) -> T {
    struct Before(Option<Actor>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(Some(actor)));
    operation()
}

/// The actor of the running operation; `None` for plain SQL, where the database role acts.
pub fn current() -> Option<Actor> {
    CURRENT.with_borrow(Clone::clone)
}
