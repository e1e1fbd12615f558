//! What the texts of an API's keys look like.

use serde::{Deserialize, Serialize};

use crate::error::quoted;
use crate::key::{self, NewKey};
use crate::{Error, Result, checksum};

/// What the text of a new key looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyFormat {
    /// As many random bytes as are asked for, in base58.
    #[default]
    Plain,
    /// Of a fixed length, with a marker and a checksum: see [`checksum`].
    Checksum,
}

impl KeyFormat {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Checksum];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Checksum => "checksum",
        }
    }

    /// The format of this name.
    pub fn read(argument: &'static str, name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or_else(|| {
            Error::invalid(argument, format_args!("must be 'plain' or 'checksum', not {}", quoted(name)))
                .hint("A key of the format checksum can be recognised, and its typing errors found, without a database.")
        })
    }

    /// Refuses a prefix that keys of this format can't have.
    pub fn check_prefix(self, argument: &'static str, prefix: Option<&str>) -> Result<()> {
        if self == Self::Plain || prefix.is_none_or(checksum::ends_well) {
            return Ok(());
        }
        Err(Error::invalid(argument, "must end with a letter or a digit for keys of the format checksum")
            .hint("Scanners see by that where it ends; an underscore follows anyway."))
    }

    /// Refuses more random bytes than keys of this format have.
    pub fn check_bytes(self, argument: &'static str, bytes: Option<i64>) -> Result<()> {
        match bytes {
            Some(bytes) if self == Self::Checksum && bytes > checksum::BYTES => Err(Error::invalid(
                argument,
                format_args!("must be at most {} for keys of the format checksum, not {bytes}", checksum::BYTES),
            )
            .hint("All of them have 44 random characters, which are worth as many bytes; fewer may be asked for.")),
            _ => Ok(()),
        }
    }

    /// The prefix for the successor of a key, which may have been made when its API had another format.
    pub fn inherited(self, prefix: String) -> Option<String> {
        match self {
            Self::Plain => Some(prefix),
            Self::Checksum => {
                Some(prefix.trim_end_matches('_').to_owned()).filter(|prefix| !prefix.is_empty())
            }
        }
    }

    /// Makes a key; `bytes` counts only where the format leaves it open.
    ///
    /// # Errors
    /// [`Kind::NoRandomness`](crate::Kind::NoRandomness) if the operating system has no random bytes.
    pub fn generate(self, prefix: Option<&str>, bytes: usize) -> Result<NewKey> {
        match self {
            Self::Plain => key::generate(prefix, bytes),
            Self::Checksum => checksum::generate(prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn names_are_read() {
        for format in KeyFormat::ALL {
            assert_eq!(KeyFormat::read("key_format", format.as_str()), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
        }
        let error = KeyFormat::read("key_format", "Checksum").unwrap_err();
        assert_eq!(error.message, "key_format must be 'plain' or 'checksum', not 'Checksum'");
    }

    #[test]
    fn a_checksum_wants_a_prefix_with_an_end_and_no_more_bytes_than_it_has() {
        let format = KeyFormat::Checksum;
        assert_eq!(format.check_prefix("prefix", Some("a_")).unwrap_err().kind, Kind::InvalidInput);
        assert_eq!(format.check_bytes("byte_length", Some(33)).unwrap_err().kind, Kind::InvalidInput);
        assert!(
            format.check_prefix("prefix", Some("a_b")).is_ok() && format.check_prefix("prefix", None).is_ok()
        );
        assert!(format.check_bytes("byte_length", Some(32)).is_ok());
        let plain = KeyFormat::Plain;
        assert!(
            plain.check_prefix("prefix", Some("a_")).is_ok() && plain.check_bytes("n", Some(255)).is_ok()
        );
    }

    #[test]
    fn a_successor_has_the_prefix_that_its_format_allows() {
        let inherited = |format: KeyFormat, prefix: &str| format.inherited(prefix.to_owned());
        assert_eq!(inherited(KeyFormat::Plain, "a__").as_deref(), Some("a__"));
        assert_eq!(inherited(KeyFormat::Checksum, "a__").as_deref(), Some("a"));
        assert_eq!(inherited(KeyFormat::Checksum, "__"), None);
    }
}
