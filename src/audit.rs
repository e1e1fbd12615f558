//! The audit log. Changes of tables are recorded by triggers (`sql/base/40_audit.sql`); this says on whose behalf, and
//! records what changes no table.

use std::cell::RefCell;

use unkey_core::{id, network};

use crate::actor::{self, Doing};
use crate::clock;
use crate::error::Outcome;
use crate::store::audit;
use crate::store::session::{login_role, role, transaction};

/// Who is behind a change, as the log names it.
#[derive(Debug, Default)]
pub struct Who {
    /// `rootKey`, `role` or `system`.
    pub kind: &'static str,
    pub id: String,
    pub name: Option<String>,
    pub remote_ip: Option<String>,
    pub user_agent: Option<String>,
    /// Shared by all entries of a request, or else of a transaction.
    pub correlation_id: String,
}

/// Who is behind what runs now.
pub fn who() -> Outcome<Who> {
    let request = actor::current();
    let correlation_id = match &request {
        Some(request) => request.request_id.clone(),
        None => of_transaction()?,
    };
    if actor::doing() == Doing::Upkeep {
        return Ok(Who { kind: "system", id: "unkey".into(), correlation_id, ..Who::default() });
    }
    Ok(match request {
        Some(request) => Who {
            kind: "rootKey",
            id: request.root_key_id.clone(),
            name: request.root_key_name.clone(),
            remote_ip: request.remote_ip.clone().filter(|ip| network::read(ip).is_some()),
            user_agent: request.user_agent.clone(),
            correlation_id,
        },
        None => Who { kind: "role", id: role(), name: Some(login_role()), correlation_id, ..Who::default() },
    })
}

thread_local! {
    /// The last transaction that had entries, and the id they share.
    static CORRELATION: RefCell<(u64, String)> = RefCell::default();
}

fn of_transaction() -> Outcome<String> {
    let transaction = transaction();
    let known = CORRELATION.with_borrow(|(of, id)| (*of == transaction).then(|| id.clone()));
    if let Some(id) = known {
        return Ok(id);
    }
    let id = id::new("txn", clock::now())?;
    CORRELATION.set((transaction, id.clone()));
    Ok(id)
}

/// Records what changes no table: `record("key.decrypt", "key", key_id)`.
pub fn record(event: &str, target_type: &str, target_id: &str) -> Outcome<()> {
    audit::record(event, target_type, target_id)
}
