//! Mistakes of the caller: one table of code, title, SQLSTATE and HTTP status.
//!
//! A verdict ("this key is not valid") is data and never an [`Error`]. An `Error` says that the question
//! itself was wrong, names the argument where there is one, and hints at the way out.

use std::borrow::Cow;
use std::fmt;

use crate::redacted::redacted;

/// What kind of mistake was made. [`Kind::facts`] is the table that every face of the product reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An argument is out of range, malformed or contradicts another one.
    InvalidInput,
    /// A required argument is NULL.
    MissingInput,
    /// The permission query of a verification can't be parsed.
    PermissionsQuerySyntax,
    /// No such API.
    ApiNotFound,
    /// No such key.
    KeyNotFound,
    /// No such identity.
    IdentityNotFound,
    /// No such permission.
    PermissionNotFound,
    /// No such role.
    RoleNotFound,
    /// A permission with this slug exists already.
    PermissionExists,
    /// A role with this name exists already.
    RoleExists,
    /// The request is fine but the state it needs is not there.
    PreconditionFailed,
    /// Delete protection is on.
    ProtectedResource,
    /// The operating system gave no random bytes.
    NoRandomness,
    /// An identity with this external id exists already.
    IdentityExists,
    /// No such rate limit namespace.
    NamespaceNotFound,
    /// The rate limit namespace was deleted.
    NamespaceGone,
    /// No such override.
    OverrideNotFound,
    /// Something would have to be counted or made in a transaction that can't write.
    ReadOnly,
    /// No root key was sent.
    AuthenticationMissing,
    /// What was sent as root key has not the form of one.
    AuthenticationMalformed,
    /// No such root key.
    RootKeyUnknown,
    /// The root key is disabled.
    RootKeyDisabled,
    /// The root key has expired, or may not do this at all.
    Forbidden,
    /// The root key lacks a permission.
    InsufficientPermissions,
    /// No such operation.
    OperationNotFound,
    /// An analytics query that can't be parsed or uses what is not allowed.
    InvalidAnalyticsQuery,
    /// An analytics query names a table that is not one of the views.
    InvalidAnalyticsTable,
    /// An analytics query calls a function that is not allowed.
    InvalidAnalyticsFunction,
    /// An analytics query is no SELECT.
    InvalidAnalyticsQueryType,
    /// An analytics query asks for a keyspace that does not exist.
    KeyspaceNotFound,
    /// An analytics query ran too long.
    QueryTimeout,
    /// An analytics query returned too many rows.
    QueryRows,
    /// An analytics query returned too many bytes.
    QueryMemory,
    /// Root keys can do nothing at present.
    WorkspaceDisabled,
    /// All root keys together call too often.
    WorkspaceRateLimited,
    /// The path takes another HTTP method.
    MethodNotAllowed,
    /// The body of an HTTP request is no UTF-8 or ended early.
    BodyUnreadable,
    /// The body of an HTTP request is longer than the server takes.
    BodyTooLarge,
    /// An HTTP request took too long to arrive, or what became of it can't be told.
    RequestTimeout,
    /// The server or its database can't take the call now, and nothing of it was kept.
    Unavailable,
    /// Something on our side is broken, and nothing of the call was kept.
    Unexpected,
}

/// The fixed facts of a [`Kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Stable code, the last part of Unkey's error type URL.
    pub code: &'static str,
    /// Short human title of the HTTP error.
    pub title: &'static str,
    /// SQLSTATE raised over SQL.
    pub sqlstate: &'static str,
    /// HTTP status of the v2 dialect.
    pub status: u16,
}

impl Kind {
    /// The table: code, title, SQLSTATE, HTTP status.
    pub const fn facts(self) -> Facts {
        const fn row(code: &'static str, title: &'static str, sqlstate: &'static str, status: u16) -> Facts {
            Facts { code, title, sqlstate, status }
        }
        match self {
            Self::InvalidInput => row("unkey/application/invalid_input", "Bad Request", "22023", 400),
            Self::MissingInput => row("unkey/application/invalid_input", "Bad Request", "22004", 400),
            Self::PermissionsQuerySyntax => {
                row("user/bad_request/permissions_query_syntax_error", "Bad Request", "42601", 400)
            }
            Self::ApiNotFound => row("unkey/data/api_not_found", "Not Found", "42704", 404),
            Self::KeyNotFound => row("unkey/data/key_not_found", "Not Found", "42704", 404),
            Self::IdentityNotFound => row("unkey/data/identity_not_found", "Not Found", "42704", 404),
            Self::PermissionNotFound => row("unkey/data/permission_not_found", "Not Found", "42704", 404),
            Self::RoleNotFound => row("unkey/data/role_not_found", "Not Found", "42704", 404),
            Self::PermissionExists => {
                row("unkey/data/permission_already_exists", "Conflicting Resource", "23505", 409)
            }
            Self::RoleExists => row("unkey/data/role_already_exists", "Conflicting Resource", "23505", 409),
            Self::PreconditionFailed => {
                row("unkey/application/precondition_failed", "Precondition Failed", "55000", 412)
            }
            Self::ProtectedResource => {
                row("unkey/application/protected_resource", "Resource is protected", "55000", 412)
            }
            Self::NoRandomness => {
                row("unkey/application/unexpected_error", "Internal Server Error", "58000", 500)
            }
            Self::IdentityExists => {
                row("unkey/data/identity_already_exists", "Conflicting Resource", "23505", 409)
            }
            Self::NamespaceNotFound => {
                row("unkey/data/ratelimit_namespace_not_found", "Not Found", "42704", 404)
            }
            Self::NamespaceGone => row("unkey/data/ratelimit_namespace_gone", "Resource Gone", "55000", 410),
            Self::OverrideNotFound => {
                row("unkey/data/ratelimit_override_not_found", "Not Found", "42704", 404)
            }
            Self::ReadOnly => {
                row("unkey/application/service_unavailable", "Service Unavailable", "25006", 503)
            }
            Self::AuthenticationMissing => row("unkey/authentication/missing", "Bad Request", "28000", 400),
            Self::AuthenticationMalformed => {
                row("unkey/authentication/malformed", "Bad Request", "28000", 400)
            }
            Self::RootKeyUnknown => row("unkey/authentication/key_not_found", "Unauthorized", "28000", 401),
            Self::RootKeyDisabled => row("unkey/authorization/key_disabled", "Key is disabled", "28000", 403),
            Self::Forbidden => row("unkey/authorization/forbidden", "Forbidden", "42501", 403),
            Self::InsufficientPermissions => {
                row("unkey/authorization/insufficient_permissions", "Insufficient Permissions", "42501", 403)
            }
            Self::OperationNotFound => row("unkey/application/not_found", "Not Found", "42883", 404),
            Self::InvalidAnalyticsQuery => {
                row("user/bad_request/invalid_analytics_query", "Bad Request", "42601", 400)
            }
            Self::InvalidAnalyticsTable => {
                row("user/bad_request/invalid_analytics_table", "Bad Request", "42501", 400)
            }
            Self::InvalidAnalyticsFunction => {
                row("user/bad_request/invalid_analytics_function", "Bad Request", "42501", 400)
            }
            Self::InvalidAnalyticsQueryType => {
                row("user/bad_request/invalid_analytics_query_type", "Bad Request", "42501", 400)
            }
            Self::KeyspaceNotFound => row("unkey/data/key_space_not_found", "Not Found", "42704", 404),
            Self::QueryTimeout => {
                row("user/unprocessable_entity/query_execution_timeout", "Unprocessable Entity", "57014", 422)
            }
            Self::QueryRows => row(
                "user/unprocessable_entity/query_rows_limit_exceeded",
                "Unprocessable Entity",
                "54000",
                422,
            ),
            Self::WorkspaceDisabled => {
                row("unkey/authorization/workspace_disabled", "Workspace is disabled", "55000", 403)
            }
            Self::WorkspaceRateLimited => {
                row("user/too_many_requests/workspace_rate_limited", "Too Many Requests", "53400", 429)
            }
            Self::MethodNotAllowed => {
                row("user/bad_request/method_not_allowed", "Method Not Allowed", "0A000", 405)
            }
            Self::BodyUnreadable => {
                row("user/bad_request/request_body_unreadable", "Bad Request", "22021", 400)
            }
            Self::BodyTooLarge => {
                row("user/bad_request/request_body_too_large", "Request Entity Too Large", "54000", 413)
            }
            Self::RequestTimeout => row("user/bad_request/request_timeout", "Request Timeout", "57014", 408),
            Self::Unavailable => {
                row("unkey/application/service_unavailable", "Service Unavailable", "57P03", 503)
            }
            Self::Unexpected => {
                row("unkey/application/unexpected_error", "Internal Server Error", "XX000", 500)
            }
            Self::QueryMemory => row(
                "user/unprocessable_entity/query_memory_limit_exceeded",
                "Unprocessable Entity",
                "54000",
                422,
            ),
        }
    }
}

/// A mistake of the caller, ready to be shown on any face. Never holds a plaintext key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Which mistake.
    pub kind: Kind,
    /// The argument it is about, as a path: `ratelimits[2].duration`.
    pub argument: Option<Cow<'static, str>>,
    /// One sentence saying what is wrong; names the argument.
    pub message: String,
    /// One sentence saying what would be right.
    pub hint: Option<String>,
}

/// Result of an operation that a caller can get wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A value to repeat in a message: quoted, without what may be a key, and cut after 64 characters.
pub fn quoted(text: &str) -> String {
    let text = redacted(text);
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}

/// Most characters of a path or a problem that a message shows: both can repeat what was sent, which has no end.
const LONGEST: usize = 400;

fn shortened(text: &str) -> String {
    let text = redacted(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// An argument as messages name it. One that is not a name of ours is a path, which repeats names that were sent.
fn path(argument: impl Into<Cow<'static, str>>) -> Cow<'static, str> {
    match argument.into() {
        Cow::Owned(path) => shortened(&path).into(),
        name @ Cow::Borrowed(_) => name,
    }
}

impl Error {
    /// A mistake without an argument or hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, argument: None, message: redacted(&message.into()).into_owned(), hint: None }
    }

    /// `argument` is out of range or malformed; `problem` continues the sentence: "must be …".
    pub fn invalid(argument: impl Into<Cow<'static, str>>, problem: impl fmt::Display) -> Self {
        let argument = path(argument);
        let message = format!("{argument} {}", shortened(&problem.to_string()));
        Self { kind: Kind::InvalidInput, argument: Some(argument), message, hint: None }
    }

    /// `argument` is required but NULL.
    pub fn missing(argument: impl Into<Cow<'static, str>>) -> Self {
        let argument = path(argument);
        let message = format!("{argument} must not be null");
        Self { kind: Kind::MissingInput, argument: Some(argument), message, hint: None }
    }

    /// The same error about an argument that another face of the product calls otherwise.
    pub fn renamed(mut self, name: impl FnOnce(&str) -> String) -> Self {
        let Some(old) = self.argument.take() else { return self };
        let new = name(&old);
        if let Some(problem) = self.message.strip_prefix(old.as_ref()) {
            self.message = format!("{new}{problem}");
        }
        self.argument = Some(new.into());
        self
    }

    /// The same error with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kind; 41] = [
        Kind::InvalidInput,
        Kind::MissingInput,
        Kind::PermissionsQuerySyntax,
        Kind::ApiNotFound,
        Kind::KeyNotFound,
        Kind::IdentityNotFound,
        Kind::PermissionNotFound,
        Kind::RoleNotFound,
        Kind::PermissionExists,
        Kind::RoleExists,
        Kind::PreconditionFailed,
        Kind::ProtectedResource,
        Kind::NoRandomness,
        Kind::IdentityExists,
        Kind::NamespaceNotFound,
        Kind::NamespaceGone,
        Kind::OverrideNotFound,
        Kind::ReadOnly,
        Kind::AuthenticationMissing,
        Kind::AuthenticationMalformed,
        Kind::RootKeyUnknown,
        Kind::RootKeyDisabled,
        Kind::Forbidden,
        Kind::InsufficientPermissions,
        Kind::OperationNotFound,
        Kind::InvalidAnalyticsQuery,
        Kind::InvalidAnalyticsTable,
        Kind::InvalidAnalyticsFunction,
        Kind::InvalidAnalyticsQueryType,
        Kind::KeyspaceNotFound,
        Kind::QueryTimeout,
        Kind::QueryRows,
        Kind::QueryMemory,
        Kind::WorkspaceDisabled,
        Kind::WorkspaceRateLimited,
        Kind::MethodNotAllowed,
        Kind::BodyUnreadable,
        Kind::BodyTooLarge,
        Kind::RequestTimeout,
        Kind::Unavailable,
        Kind::Unexpected,
    ];

    #[test]
    fn what_was_sent_is_repeated_only_up_to_a_length() {
        let error = Error::invalid("è".repeat(1000), "é".repeat(1000));
        assert_eq!(error.argument.map(|path| path.chars().count()), Some(LONGEST + 1));
        assert_eq!(error.message.chars().count(), 2 * (LONGEST + 1) + 1);
        assert_eq!(Error::invalid("body.x", "must be y").message, "body.x must be y");
    }

    #[test]
    fn sqlstates_are_five_digits_or_capitals() {
        for facts in ALL.map(Kind::facts) {
            assert_eq!(facts.sqlstate.len(), 5);
            assert!(facts.sqlstate.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        }
    }

    #[test]
    fn the_callers_mistakes_are_4xx_with_a_sqlstate_of_their_own_class() {
        for facts in ALL.map(Kind::facts) {
            let classes: &[&str] = match facts.status {
                400 => &["22", "28", "42"],
                401 => &["28"],
                403 => &["28", "42", "55"],
                404 => &["42"],
                405 => &["0A"],
                408 => &["57"],
                413 => &["54"],
                410 => &["55"],
                422 => &["54", "57"],
                429 => &["53"],
                409 => &["23"],
                412 => &["55"],
                503 => &["25", "57"],
                _ => &["58", "XX"],
            };
            assert!(classes.contains(&&facts.sqlstate[..2]), "{facts:?}");
        }
    }

    #[test]
    fn repeated_values_are_cut() {
        assert_eq!(quoted("key_1"), "'key_1'");
        assert_eq!(quoted(&"é".repeat(65)).chars().count(), 64 + 3);
    }

    #[test]
    fn messages_name_the_argument() {
        assert_eq!(Error::missing("key_id").message, "key_id must not be null");
        assert_eq!(Error::invalid("limit", "must be at least 1").message, "limit must be at least 1");
        let renamed = Error::missing("api_id").renamed(|_| "body.apiId".into());
        assert_eq!(renamed.message, "body.apiId must not be null");
        assert_eq!(renamed.argument.as_deref(), Some("body.apiId"));
    }
}
