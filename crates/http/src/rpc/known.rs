//! The catalogue as the server knows it: read when it is needed, and anew when that was a while ago.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::catalog::Catalog;
use crate::db::Database;
use crate::db::failure::Failure;

/// After this long the database is asked whether the functions are still the same.
const FRESH: Duration = Duration::from_secs(3);
/// While one asks, others go by what is no older than this.
const GOOD: Duration = Duration::from_secs(10);
/// How often the database is asked at most about what is not known.
const PAUSE: Duration = Duration::from_secs(1);

/// The catalogue as it was read last.
pub struct Cache {
    /// Whose functions are served beside those of the extension.
    schema: Option<String>,
    known: std::sync::Mutex<Option<Known>>,
    /// Held by the one who reads.
    reading: Mutex<()>,
}

#[derive(Clone)]
struct Known {
    catalog: Arc<Catalog>,
    read: Instant,
    /// When it was last read, or could not be.
    tried: Instant,
}

impl Cache {
    /// Of the extension's functions and, if one is given, those of a schema.
    pub fn new(schema: Option<String>) -> Self {
        Self { schema, known: std::sync::Mutex::default(), reading: Mutex::default() }
    }

    /// What was read a few seconds ago at most, or now. While the database does not answer, what is known.
    ///
    /// # Errors
    /// If it never could be read.
    pub async fn current(&self, database: &Database) -> Result<Arc<Catalog>, Failure> {
        self.current_by(|| Catalog::read(database, self.schema.as_deref())).await
    }

    /// For when a call fits nothing in it: the extension may have been made or updated. Asks once a second at most.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn refreshed(&self, database: &Database) -> Result<Arc<Catalog>, Failure> {
        self.refreshed_by(|| Catalog::read(database, self.schema.as_deref())).await
    }

    async fn current_by(
        &self,
        read: impl AsyncFnOnce() -> Result<Catalog, Failure>,
    ) -> Result<Arc<Catalog>, Failure> {
        if let Some(known) = self.tried_within(FRESH) {
            return Ok(known);
        }
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) => match self.tried_within(GOOD) {
                Some(known) => return Ok(known),
                None => self.reading.lock().await,
            },
        };
        match self.tried_within(FRESH) {
            Some(read_meanwhile) => Ok(read_meanwhile),
            None => self.keep(read().await).or_else(|failure| self.go_on(failure)),
        }
    }

    async fn refreshed_by(
        &self,
        read: impl AsyncFnOnce() -> Result<Catalog, Failure>,
    ) -> Result<Arc<Catalog>, Failure> {
        let _reading = self.reading.lock().await;
        match self.known().filter(|known| known.read.elapsed() < PAUSE) {
            Some(known) => Ok(known.catalog),
            None => self.keep(read().await),
        }
    }

    /// Keeps what was read; what is the same stays the very same, so that others see that nothing changed.
    fn keep(&self, read: Result<Catalog, Failure>) -> Result<Arc<Catalog>, Failure> {
        let (read, now) = (read?, Instant::now());
        let before = self.known().map(|known| known.catalog).filter(|before| **before == read);
        let catalog = before.unwrap_or_else(|| Arc::new(read));
        self.know(Known { catalog: catalog.clone(), read: now, tried: now });
        Ok(catalog)
    }

    /// With what is known, if anything is, although it could not be read again.
    fn go_on(&self, failure: Failure) -> Result<Arc<Catalog>, Failure> {
        let Some(known) = self.known() else { return Err(failure) };
        tracing::warn!(%failure, "the functions could not be read again");
        self.know(Known { tried: Instant::now(), ..known.clone() });
        Ok(known.catalog)
    }

    fn tried_within(&self, age: Duration) -> Option<Arc<Catalog>> {
        self.known().filter(|known| known.tried.elapsed() < age).map(|known| known.catalog)
    }

    fn known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::super::catalog::Function;
    use super::*;

    fn with(name: &str) -> Result<Catalog, Failure> {
        let functions = [(name.to_owned(), vec![Function::with_arguments(name, &[])])];
        Ok(Catalog { functions: functions.into() })
    }

    async fn current(cache: &Cache, read: Result<Catalog, Failure>) -> Arc<Catalog> {
        cache.current_by(async || read).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_changed_is_seen_after_a_while_and_what_has_not_stays_the_same() {
        let cache = Cache::new(None);
        let first = current(&cache, with("a")).await;
        assert!(Arc::ptr_eq(&first, &current(&cache, with("b")).await));
        advance(FRESH).await;
        assert!(Arc::ptr_eq(&first, &current(&cache, with("a")).await));
        advance(FRESH).await;
        assert_eq!(current(&cache, with("b")).await.named("b").len(), 1);
        advance(PAUSE).await;
        assert_eq!(cache.refreshed_by(async || with("c")).await.unwrap().named("c").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_does_not_take_what_is_known() {
        let cache = Cache::new(None);
        assert!(cache.current_by(async || Err(Failure::Busy)).await.is_err());
        let first = current(&cache, with("a")).await;
        advance(GOOD).await;
        assert!(Arc::ptr_eq(&first, &current(&cache, Err(Failure::Busy)).await));
        // It is not asked again at once, except about what is not known.
        assert!(Arc::ptr_eq(&first, &current(&cache, with("b")).await));
        assert!(cache.refreshed_by(async || Err(Failure::Busy)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn one_reads_and_others_go_on_for_a_while() {
        let cache = Cache::new(None);
        let first = current(&cache, with("a")).await;
        advance(FRESH).await;
        let slow = cache.current_by(async || {
            sleep(GOOD).await;
            with("b")
        });
        let others = async {
            assert!(Arc::ptr_eq(&first, &current(&cache, with("c")).await));
            advance(GOOD - FRESH).await;
            assert_eq!(current(&cache, with("c")).await.named("b").len(), 1);
        };
        let (read, ()) = futures_util::future::join(slow, others).await;
        assert_eq!(read.unwrap().named("b").len(), 1);
    }
}
