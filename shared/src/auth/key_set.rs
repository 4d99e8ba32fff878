//! The issuer's key set: fetched from one configured URL, cached across invocations, refreshed when it must be.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::AuthError;
use super::keys::{VerificationKey, find_key, parse_key_set};
use crate::aws::Connector;

/// Between two fetches, failed ones included: what a flood of unknown key ids costs the issuer, and how long a newly
/// rotated key may be unknown.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How old a set may be before it is asked for again, so that a withdrawn key dies.
const MAX_AGE: Duration = Duration::from_secs(600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct KeySet {
    url: String,
    connector: Connector,
    clock: fn() -> SystemTime,
    current: RwLock<Current>,
    /// When a fetch was last begun. Whoever fetches holds the lock, so that concurrent callers share one fetch.
    last_fetch: Mutex<Option<SystemTime>>,
}

#[derive(Debug, Clone)]
struct Current {
    /// Empty only as long as there never were any.
    keys: Arc<[Arc<VerificationKey>]>,
    obtained: SystemTime,
}

impl KeySet {
    pub(super) fn new(
        url: String,
        keys: Vec<Arc<VerificationKey>>,
        connector: Connector,
        clock: fn() -> SystemTime,
    ) -> Self {
        let current = RwLock::new(Current { keys: keys.into(), obtained: clock() });
        Self { url, connector, clock, current, last_fetch: Mutex::new(None) }
    }

    pub(super) async fn warm_up(&self) {
        if self.current().keys.is_empty() {
            self.refresh().await;
        }
    }

    /// The key with this id, after at most one fetch.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<VerificationKey>, AuthError> {
        let current = self.current();
        let known = find_key(&current.keys, id).cloned();
        let fresh = elapsed(current.obtained, (self.clock)()) < MAX_AGE;
        if let Some(key) = known.filter(|_| fresh) {
            return Ok(key);
        }
        self.refresh().await;
        let keys = self.current().keys;
        match find_key(&keys, id) {
            Some(key) => Ok(Arc::clone(key)),
            None if keys.is_empty() => Err(AuthError::KeysUnavailable),
            None => Err(AuthError::Invalid("the token names an unknown key")),
        }
    }

    /// Fetches the set unless that was tried within the cool-down. Whatever goes wrong, the keys there were stay.
    async fn refresh(&self) {
        let mut last_fetch = self.last_fetch.lock().await;
        let now = (self.clock)();
        if last_fetch.is_some_and(|last| elapsed(last, now) < COOL_DOWN) {
            return;
        }
        *last_fetch = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                let current = Current { keys: keys.into(), obtained: now };
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
            }
            Err(cause) => tracing::warn!(url = self.url, %cause, "the key set could not be refreshed"),
        }
    }

    async fn fetch(&self) -> Result<Vec<Arc<VerificationKey>>, String> {
        let document = self.connector.get(&self.url, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES).await?;
        match parse_key_set(&document) {
            None => Err("the answer is not a JSON Web Key Set".to_owned()),
            Some(keys) if keys.is_empty() => Err("the key set has no key that can be used".to_owned()),
            Some(keys) => Ok(keys),
        }
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Forever, if the clock was set back: then a fetch too many is better than none for long.
fn elapsed(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or(Duration::MAX)
}
