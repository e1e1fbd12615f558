//! Who is behind a change, and what the change is part of, for the audit log.
//!
//! Kept in the backend's memory and not in a setting, which any SQL could forge.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The root key on whose behalf the v2 dialect runs, and the request it came with.
#[derive(Debug, Default)]
pub struct Actor {
    pub root_key_id: String,
    pub root_key_name: Option<String>,
    /// Shared by all entries of the request.
    pub request_id: String,
    pub remote_ip: Option<String>,
    pub user_agent: Option<String>,
}

/// What a statement is part of, where its table and rows don't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Nothing else: a change by the actor.
    Change,
    /// A reroll ends the old key.
    Reroll,
    /// The system does what is due: a refill, the end of a migration.
    Upkeep,
    /// The row is told of with another one, or a verification spends: no entry.
    Detail,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Actor>>> = const { RefCell::new(None) };
    static DOING: Cell<Doing> = const { Cell::new(Doing::Change) };
}

/// Runs an operation on behalf of an actor; whoever acted before does so again afterwards, also after an error.
pub fn acting_as<T>(actor: Rc<Actor>, operation: impl FnOnce() -> T) -> T {
    struct Before(Option<Rc<Actor>>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(Some(actor)));
    operation()
}

/// The actor of the running operation; `None` for plain SQL, where the database role acts.
pub fn current() -> Option<Rc<Actor>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs statements that are part of something; what it was before holds again afterwards, also after an error.
pub fn while_doing<T>(what: Doing, statements: impl FnOnce() -> T) -> T {
    struct Before(Doing);
    impl Drop for Before {
        fn drop(&mut self) {
            DOING.set(self.0);
        }
    }
    let _before = Before(DOING.replace(what));
    statements()
}

/// What the running statement is part of.
pub fn doing() -> Doing {
    DOING.get()
}
