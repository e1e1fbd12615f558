//! What a value may be, as data: [`validate`](crate::validate) checks it, and the API's description shows it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::{Result, key, network, validate};

type Argument = Cow<'static, str>;

/// A text of so many characters.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// Which ones.
    pub of: Characters,
}

/// Of which characters a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// Any.
    Any,
    /// Any that a text in Postgres can have.
    Storable,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `.`, `_` and `-`.
    Name,
    /// As a name, and the first is a letter.
    Identifier,
    /// As a name, and `:`, `*` and `/`.
    Slug,
}

/// An integer.
#[derive(Debug, Clone, Copy)]
pub struct Integer {
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
}

/// So many entries, each of which may be so.
#[derive(Debug, Clone, Copy)]
pub struct List<T> {
    /// Fewest entries.
    pub min: usize,
    /// Most entries.
    pub max: usize,
    /// Each of them.
    pub of: T,
}

/// An object of at most so many top-level members.
#[derive(Debug, Clone, Copy)]
pub struct Members(pub usize);

/// Whatever its type allows.
#[derive(Debug, Clone, Copy)]
pub struct Anything;

/// An address or a CIDR range.
#[derive(Debug, Clone, Copy)]
pub struct Network;

/// An instant in milliseconds since the Unix epoch: 1970 to 2100.
#[derive(Debug, Clone, Copy)]
pub struct Instant;

/// What values of a type may be.
pub trait Rule<T: ?Sized> {
    /// Refuses any other.
    fn admit(&self, argument: &'static str, value: &T) -> Result<()>;
}

const fn text(min: usize, max: usize, of: Characters) -> Text {
    Text { min, max, of }
}

const fn at_most<T>(max: usize, of: T) -> List<T> {
    List { min: 0, max, of }
}

const fn from(min: i64) -> Integer {
    Integer { min, max: i64::MAX }
}

/// An id.
pub const ID: Text = text(3, 255, Characters::Word);
/// Name of an API.
pub const API_NAME: Text = text(3, 255, Characters::Identifier);
/// Prefix of a key.
pub const PREFIX: Text = text(1, 16, Characters::Word);
/// Default prefix of an API's keys.
pub const DEFAULT_PREFIX: Text = text(1, 8, Characters::Word);
/// Random bytes of a key.
pub const BYTES: Integer = Integer { min: 16, max: 255 };
/// Text of a key.
pub const KEY: Text = text(1, key::MAX_LENGTH, Characters::Any);
/// Name of a key or root key.
pub const KEY_NAME: Text = text(1, 255, Characters::Any);
/// Visible beginning of an imported key.
pub const START: Text = text(0, 50, Characters::Any);
/// What a client names a request by, to retry it.
pub const IDEMPOTENCY_KEY: Text = text(1, 255, Characters::Any);
/// External id of an identity.
pub const EXTERNAL_ID: Text = text(1, 255, Characters::Name);
/// `meta`.
pub const META: Members = Members(validate::MAX_META_PROPERTIES);
/// An instant in milliseconds since the Unix epoch.
pub const TIME: Instant = Instant;
/// How long an old key lives on after a reroll, in milliseconds.
pub const GRACE: Integer = Instant::RANGE;
/// Names or ids of roles.
pub const ROLES: List<Text> = at_most(validate::MAX_ROLES, text(1, 512, Characters::Any));
/// Name, slug or id of a role or permission.
pub const REFERENCE: Text = text(1, 512, Characters::Any);
/// Name of a role.
pub const ROLE_NAME: Text = text(1, 512, Characters::Identifier);
/// Names of roles that are made when missing.
pub const NEW_ROLES: List<Text> = at_most(validate::MAX_ROLES, ROLE_NAME);
/// Slugs or ids of permissions.
pub const PERMISSIONS: List<Text> = at_most(validate::MAX_PERMISSIONS, text(1, 128, Characters::Slug));
/// The same for a new key, where Unkey allows 100 characters only.
pub const NEW_KEY_PERMISSIONS: List<Text> =
    at_most(validate::MAX_PERMISSIONS, text(1, 100, Characters::Slug));
/// Slug of a permission made by name.
pub const PERMISSION_SLUG: Text = text(1, 128, Characters::Identifier);
/// Display name of a permission.
pub const PERMISSION_NAME: Text = text(1, 512, Characters::Any);
/// Description of a permission or role.
pub const DESCRIPTION: Text = text(0, 512, Characters::Any);
/// Permissions of a root key.
pub const GRANTS: List<Anything> = at_most(validate::MAX_PERMISSIONS, Anything);
/// Tags of a verification.
pub const TAGS: List<Text> = at_most(validate::MAX_TAGS, text(1, 512, Characters::Any));
/// Keyspaces that a verification accepts.
pub const KEYSPACES: List<Text> = List { min: 1, max: 5, of: text(1, 100, Characters::Any) };
/// A migration that a verification finishes.
pub const MIGRATION: Text = text(0, 256, Characters::Any);
/// Id of a migration.
pub const MIGRATION_ID: Text = text(1, 256, Characters::Any);
/// Networks of an allow-list.
pub const NETWORKS: List<Network> = at_most(validate::MAX_NETWORKS, Network);
/// Limits of a key or identity.
pub const RATELIMITS: List<Anything> = at_most(validate::MAX_RATELIMITS, Anything);
/// Name of a limit of a key or identity.
pub const LIMIT_NAME: Text = text(1, 128, Characters::Any);
/// Name of a limit that a verification names.
pub const REQUESTED_LIMIT_NAME: Text = text(1, 255, Characters::Any);
/// Name or id of a namespace.
pub const NAMESPACE: Text = text(1, 255, Characters::Storable);
/// Who is limited, or a pattern of it.
pub const LIMIT_IDENTIFIER: Text = text(1, 255, Characters::Storable);
/// Checks of one call.
pub const CHECKS: List<Anything> = List { min: 1, max: validate::MAX_CHECKS, of: Anything };
/// Window of a limit in milliseconds.
pub const DURATION: Integer = from(validate::MIN_DURATION);
/// Window of a check in milliseconds.
pub const CHECK_DURATION: Integer =
    Integer { min: validate::MIN_DURATION, max: validate::MAX_LIMIT_DURATION };
/// Cost of one verification in credits.
pub const COST: Integer = Integer { min: 0, max: validate::MAX_COST };
/// A number of things that can be none.
pub const COUNT: Integer = from(0);
/// A number of things that can't be none.
pub const POSITIVE: Integer = from(1);
/// Day of a monthly refill.
pub const DAY: Integer = Integer { min: 1, max: 31 };
/// A text to find in a list.
pub const SEARCH: Text = text(0, 256, Characters::Any);
/// Address that a scanner asks about what it found.
pub const VERIFY_URL: Text = text(1, 2048, Characters::Any);
/// Where a page of a list ended.
pub const CURSOR: Text = text(0, 1024, Characters::Any);
/// Rows of one page.
pub const PAGE: Integer = Integer { min: 1, max: validate::MAX_PAGE };

impl Text {
    /// Refuses any other text.
    pub fn check(&self, argument: impl Into<Argument>, text: &str) -> Result<()> {
        let argument = argument.into();
        validate::length(argument.clone(), text, self.min, self.max)?;
        self.of.check(argument, text)
    }
}

impl Characters {
    fn check(self, argument: Argument, text: &str) -> Result<()> {
        if self == Self::Identifier && !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(Error::invalid(argument, "must start with a letter"));
        }
        match text.chars().find(|&character| !self.contain(character)) {
            None => Ok(()),
            Some(character) => Err(Error::invalid(argument, format_args!("must not contain {character:?}"))
                .hint(format!("Allowed are {}.", self.names()))),
        }
    }

    fn contain(self, character: char) -> bool {
        let word = character.is_ascii_alphanumeric() || character == '_';
        match self {
            Self::Any => true,
            Self::Storable => character != '\0',
            Self::Word => word,
            Self::Name | Self::Identifier => word || matches!(character, '.' | '-'),
            Self::Slug => word || matches!(character, '.' | '-' | ':' | '*' | '/'),
        }
    }

    fn names(self) -> &'static str {
        match self {
            Self::Any => "all characters",
            Self::Storable => "all characters but NUL",
            Self::Word => "letters, digits and '_'",
            Self::Name | Self::Identifier => "letters, digits, '.', '_' and '-'",
            Self::Slug => "letters, digits, '.', '_', '-', ':', '*' and '/'",
        }
    }

    /// A regular expression for whole texts of these characters; none for any.
    pub fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Storable => Some(r"^[^\u0000]*$"),
            Self::Word => Some("^[A-Za-z0-9_]*$"),
            Self::Name => Some("^[A-Za-z0-9._-]*$"),
            Self::Identifier => Some("^[A-Za-z][A-Za-z0-9._-]*$"),
            Self::Slug => Some("^[A-Za-z0-9._:*/-]*$"),
        }
    }
}

impl Instant {
    pub(crate) const RANGE: Integer = Integer { min: 0, max: validate::MAX_TIME };

    /// Whether it is one of these.
    pub fn contains(&self, milliseconds: i64) -> bool {
        Self::RANGE.contains(milliseconds)
    }
}

impl Rule<String> for Text {
    fn admit(&self, argument: &'static str, text: &String) -> Result<()> {
        self.check(argument, text)
    }
}

impl Rule<i64> for Integer {
    fn admit(&self, argument: &'static str, value: &i64) -> Result<()> {
        self.check(argument, *value)
    }
}

impl Rule<i64> for Instant {
    fn admit(&self, argument: &'static str, milliseconds: &i64) -> Result<()> {
        validate::time(argument, *milliseconds)
    }
}

impl Rule<Vec<String>> for List<Text> {
    fn admit(&self, argument: &'static str, list: &Vec<String>) -> Result<()> {
        self.check(argument, list)
    }
}

impl Rule<Vec<String>> for List<Network> {
    fn admit(&self, argument: &'static str, list: &Vec<String>) -> Result<()> {
        network::normalized(argument, list).map(drop)
    }
}

impl Rule<Box<RawValue>> for Members {
    fn admit(&self, argument: &'static str, object: &Box<RawValue>) -> Result<()> {
        validate::meta(argument, object)
    }
}

impl Integer {
    /// Refuses any other number.
    pub fn check(&self, argument: impl Into<Argument>, value: i64) -> Result<()> {
        validate::range(argument, value, self.min, self.max)
    }

    /// Whether it is one of these.
    pub fn contains(&self, value: i64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

impl<T> List<T> {
    /// Refuses another number of entries.
    pub fn count(&self, argument: impl Into<Argument>, count: usize) -> Result<()> {
        validate::count(argument, count, self.max)
    }
}

impl List<Text> {
    /// Refuses another list; the error names the entry.
    pub fn check(&self, argument: &str, list: &[String]) -> Result<()> {
        self.count(argument.to_owned(), list.len())?;
        let entry = |(index, entry): (usize, &String)| self.of.check(format!("{argument}[{index}]"), entry);
        list.iter().enumerate().try_for_each(entry)
    }
}
