//! Who the session acts for: the key that it authenticated with.
//!
//! It is in the memory of the backend and nowhere else, so no SQL can make it up: neither by a setting nor by calling anything
//! without the text of a key. A verdict holds for its transaction. One kept for the session is looked up anew
//! in each transaction that asks, so that a key that was revoked is nobody from then on.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use unkey_core::key::Hash;
use unkey_core::permission::Expression;
use unkey_core::verdict::Code;
use unkey_core::{Error, Kind};

use crate::error::Outcome;
use crate::question::Question;
use crate::settings;
use crate::store::keys;
use crate::store::record::Record;
use crate::store::session::{self, Ended};
use crate::store::value::Varlena;
use crate::verify::{self, Answer};

/// A key that was found valid, and what was asked about it.
pub struct Principal {
    hash: Hash,
    question: Question,
    key: Rc<Record>,
    pub columns: Columns,
    /// Permission queries that were asked before, with their answers: a policy asks once for each row.
    asked: RefCell<Vec<(String, bool)>>,
}

/// What the SQL face answers of it; `None` for NULL.
pub struct Columns {
    pub key_id: Varlena,
    pub identity_id: Option<Varlena>,
    pub external_id: Option<Varlena>,
}

/// For how long a verdict is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// To the end of the transaction.
    Transaction,
    /// Until [`logout`].
    Session,
}

/// Who is authenticated. The transaction's own goes before the session's.
#[derive(Clone, Default)]
struct State {
    transaction: Option<Rc<Principal>>,
    session: Option<Rc<Principal>>,
}

/// How many answers a principal remembers.
const REMEMBERED: usize = 16;

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
    /// What is to be restored when a (sub)transaction of this depth aborts; in ascending order.
    static BEFORE: RefCell<Vec<(i32, State)>> = const { RefCell::new(Vec::new()) };
    /// Whether the session's principal was looked up in this transaction.
    static IS_FRESH: Cell<bool> = const { Cell::new(false) };
}

/// Verifies a key; if it is valid, the session acts for it from now on, otherwise for nobody.
pub fn authenticate(text: Option<&str>, question: Question, keep: Keep) -> Outcome<Answer> {
    if keep == Keep::Session && !settings::allow_session() {
        return Err(session_not_allowed().into());
    }
    let answer = verify::verify(text, &question)?;
    adopt(text, question, &answer, keep);
    Ok(answer)
}

/// Has the session act for the key of a valid answer, or for nobody.
pub fn adopt(text: Option<&str>, question: Question, answer: &Answer, keep: Keep) {
    let valid = answer.as_ref().filter(|found| found.code == Code::Valid);
    let principal = text
        .zip(valid)
        .map(|(text, found)| Rc::new(Principal::new(Hash::of(text), question, found.key.clone())));
    let before = STATE.with_borrow(Clone::clone);
    let after = match (principal, keep) {
        (None, _) => State::default(),
        (principal, Keep::Transaction) => State { transaction: principal, ..before },
        (principal, Keep::Session) => State { transaction: None, session: principal },
    };
    change(after);
    if keep == Keep::Session {
        IS_FRESH.set(true);
        session::mark();
    }
}

fn session_not_allowed() -> Error {
    let message = "session => true is not allowed here: unkey.allow_session is off";
    Error { argument: Some("session".into()), ..Error::new(Kind::PreconditionFailed, message) }.hint(
        "Where no pool shares connections between clients: ALTER ROLE app SET unkey.allow_session = on.",
    )
}

/// Forgets whom the session acts for.
pub fn logout() {
    change(State::default());
}

/// Whom the session acts for now; `None` for nobody.
pub fn current() -> Outcome<Option<Rc<Principal>>> {
    let State { transaction, session } = STATE.with_borrow(Clone::clone);
    match (transaction, session) {
        (None, Some(session)) if !IS_FRESH.get() => refreshed(&session),
        (transaction, session) => Ok(transaction.or(session)),
    }
}

/// The session's principal as its key is now; nobody if that is no longer valid.
fn refreshed(principal: &Principal) -> Outcome<Option<Rc<Principal>>> {
    let Principal { hash, question, .. } = principal;
    let found = keys::by_hash(hash)?;
    let stands = found.as_ref().map_or(Ok(false), |key| verify::stands(key, question))?;
    let session = found.filter(|_| stands).map(|key| Rc::new(Principal::new(*hash, question.clone(), key)));
    STATE.with_borrow_mut(|state| state.session.clone_from(&session));
    IS_FRESH.set(true);
    Ok(session)
}

impl Principal {
    fn new(hash: Hash, question: Question, key: Rc<Record>) -> Self {
        let identity = key.identity.as_ref();
        let columns = Columns {
            key_id: Varlena::text(&key.id),
            identity_id: identity.map(|identity| Varlena::text(&identity.id)),
            external_id: identity.map(|identity| Varlena::text(&identity.external_id)),
        };
        Self { hash, question, key, columns, asked: RefCell::default() }
    }

    /// The key as it was found.
    pub fn key(&self) -> &Record {
        &self.key
    }

    /// Whether its permissions satisfy a query.
    pub fn can(&self, query: &str) -> Outcome<bool> {
        if let Some((_, can)) = self.asked.borrow().iter().find(|(text, _)| text == query) {
            return Ok(*can);
        }
        let can =
            Expression::parse(query)?.evaluate(|slug| self.key.permissions.iter().any(|held| held == slug));
        let mut asked = self.asked.borrow_mut();
        if asked.len() == REMEMBERED {
            asked.clear();
        }
        asked.push((query.to_owned(), can));
        Ok(can)
    }

    /// Whether it has a role.
    pub fn has_role(&self, name: &str) -> bool {
        self.key.roles.iter().any(|role| role == name)
    }
}

/// Makes a state the current one, to be taken back if the (sub)transaction aborts.
fn change(after: State) {
    session::watch(ended);
    let level = session::nest_level();
    let before = STATE.replace(after);
    BEFORE.with_borrow_mut(|saved| {
        if saved.last().is_none_or(|(at, _)| *at < level) {
            saved.push((level, before));
        }
    });
}

/// What becomes of it at the end of a transaction, of a subtransaction, or when the session's settings are reset.
fn ended(what: Ended) {
    match what {
        Ended::Committed => {
            BEFORE.with_borrow_mut(Vec::clear);
            begin_anew();
        }
        Ended::Aborted => {
            restore(1);
            begin_anew();
        }
        Ended::InnerCommitted(level) => BEFORE.with_borrow_mut(|saved| {
            let own = saved.pop_if(|(at, _)| *at == level);
            if let Some((_, before)) = own.filter(|_| saved.last().is_none_or(|(at, _)| *at < level - 1)) {
                saved.push((level - 1, before));
            }
        }),
        Ended::InnerAborted(level) => {
            restore(level);
            // A look-up inside may have seen what is now undone.
            IS_FRESH.set(false);
        }
        Ended::Reset => STATE.set(State::default()),
    }
}

/// Puts back what was the state before this depth.
fn restore(level: i32) {
    let before = BEFORE.with_borrow_mut(|saved| {
        let first = saved.iter().position(|(at, _)| *at >= level)?;
        saved.drain(first..).next()
    });
    if let Some((_, before)) = before {
        STATE.set(before);
    }
}

fn begin_anew() {
    STATE.with_borrow_mut(|state| state.transaction = None);
    IS_FRESH.set(false);
}
