//! Explanations: what a verification would answer and why. Nothing is counted, spent, finished or recorded.

use std::rc::Rc;

use unkey_core::checksum::is_refuted;
use unkey_core::credits::Refill;
use unkey_core::explain::{self, Case, Credits, Explanation, Found, Named, Peek, Whereabouts};
use unkey_core::key;
use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::Window;
use unkey_core::{Error, Kind, Result};

use crate::clock;
use crate::counters;
use crate::error::{Failure, Outcome};
use crate::question::Question;
use crate::store::explain::{About, about, hash_of};
use crate::store::keys;
use crate::store::record::Record;
use crate::verify::{self, Sought};

/// Which key is asked about. Holds its text, so it has no `Debug`.
#[derive(Clone, Copy)]
pub enum Whose<'a> {
    Text(&'a str),
    Id(&'a str),
}

impl<'a> Whose<'a> {
    /// The one that is given.
    ///
    /// # Errors
    /// If it is both or neither.
    pub fn of(key: Option<&'a str>, key_id: Option<&'a str>) -> Result<Self> {
        match (key, key_id) {
            (Some(text), None) => Ok(Self::Text(text)),
            (None, Some(id)) => Ok(Self::Id(id)),
            (Some(_), Some(_)) => Err(Error::invalid("key_id", "must not be given together with key")
                .hint("Either of them says which key is meant.")),
            (None, None) => {
                let missing = Error::new(Kind::MissingInput, "key and key_id must not both be null");
                Err(Error { argument: Some("key".into()), ..missing }
                    .hint("Whoever does not have the text of the key says key_id => 'key_…'."))
            }
        }
    }
}

/// Explains what a verification of a key would answer to a question.
pub fn explain(whose: Whose, question: &Question) -> Outcome<Vec<Explanation>> {
    let now = clock::now();
    let seen = Seen::find(whose)?;
    let key = seen.checked()?;
    let about = seen.about.as_ref();
    let case = Case {
        found: seen.found(question),
        subject: key.as_deref().map(verify::subject),
        request: verify::request(question, now),
        grants: about.map_or(&[], |about| &about.grants),
    };
    let refill = key.as_ref().and_then(|key| key.refill());
    explain::explain(&case, &mut Tables { about, refill, now })
}

/// What is seen of a key.
struct Seen {
    /// As verifications find it, in whatever API.
    live: Option<Rc<Record>>,
    /// Its row, also if they do not.
    about: Option<About>,
    /// Why there is not even that.
    missing: Whereabouts<'static>,
}

impl Seen {
    fn find(whose: Whose) -> Outcome<Self> {
        let found = match whose {
            Whose::Text(text) => Sought::Text(Some(text)).hash().ok_or_else(|| match is_refuted(text) {
                true => Whereabouts::Misspelt,
                false => Whereabouts::Unfit,
            }),
            Whose::Id(id) => hash_of(id)?.ok_or(Whereabouts::UnknownId),
        };
        let hash = match found {
            Ok(hash) => hash,
            Err(missing) => return Ok(Self { live: None, about: None, missing }),
        };
        let live = keys::by_hash(&hash)?;
        let about = match (about(&hash)?, whose) {
            (None, Whose::Text(text)) => about_pending(text)?,
            (about, _) => about,
        };
        Ok(Self { live, about, missing: Whereabouts::UnknownText })
    }

    /// The key whose checks can be looked at: one that is live, or will be when its migration is finished.
    fn checked(&self) -> Outcome<Option<Rc<Record>>> {
        match (&self.live, &self.about) {
            (None, Some(About { key_id, migration_id: Some(_), .. })) => {
                keys::by_id(key_id)?.map(|key| Record::try_from(key).map(Rc::new)).transpose()
            }
            (live, _) => Ok(live.clone()),
        }
    }

    fn found<'a>(&'a self, question: &'a Question) -> Found<'a> {
        let key = self.about.as_ref().map(|about| Named {
            key_id: &about.key_id,
            name: about.name.as_deref(),
            api_id: &about.api_id,
        });
        Found { key, whereabouts: self.whereabouts(question) }
    }

    fn whereabouts<'a>(&'a self, question: &'a Question) -> Whereabouts<'a> {
        let asked = question.api_id().unwrap_or_default();
        match (&self.live, &self.about) {
            (Some(key), _) if question.admits(key) => Whereabouts::Here,
            (Some(_), _) => Whereabouts::OtherApi(asked),
            (_, Some(About { deleted_at: Some(at), .. })) => Whereabouts::Deleted(*at),
            (_, Some(About { api_deleted_at: Some(at), .. })) => Whereabouts::ApiDeleted(*at),
            (_, Some(About { migration_id: Some(id), .. })) => Whereabouts::Pending(id),
            (_, Some(_)) => Whereabouts::Gone,
            (_, None) => self.missing,
        }
    }
}

/// A key that a migration knows by a part of its text.
fn about_pending(text: &str) -> Outcome<Option<About>> {
    let hash = key::prefixed_api_key_hash(text).ok();
    let found = hash.as_ref().map_or(Ok(None), about)?;
    Ok(found.filter(|about| about.migration_id.is_some()))
}

/// The state of one key, looked at.
struct Tables<'a> {
    about: Option<&'a About>,
    refill: Option<Refill>,
    now: i64,
}

impl Peek for Tables<'_> {
    type Error = Failure;

    fn windows(&mut self, counters: &[&CounterKey]) -> Outcome<Vec<Window>> {
        counters::peek(counters, self.now)
    }

    fn credits(&mut self) -> Outcome<Option<Credits>> {
        let balance = self.about.and_then(About::balance);
        Ok(balance.map(|balance| Credits { balance, refill: self.refill }))
    }
}
