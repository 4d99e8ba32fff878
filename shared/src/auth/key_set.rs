//! The issuer's key set: fetched from one configured URL, cached across invocations, refreshed when it must be.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::error::AuthError;
use super::keys::{Expectations, VerificationKey, find_key, parse_key_set};
use crate::aws::Connector;

/// Between two fetches while there are keys, failed ones included: what a flood of unknown key ids costs the issuer, and
/// how long a newly rotated key may be unknown.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How old a set may be before it is fetched again, so that a withdrawn key is refused.
pub(super) const MAX_AGE: Duration = Duration::from_secs(600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct KeySet {
    url: String,
    connector: Connector,
    expected: Expectations,
    max_stale: Duration,
    clock: fn() -> SystemTime,
    current: RwLock<Option<Current>>,
    /// The caller that fetches holds the lock, so that concurrent callers share one fetch.
    attempts: Mutex<Attempts>,
}

/// What the issuer said last, or the environment before that.
#[derive(Debug, Clone)]
struct Current {
    keys: Arc<[Arc<VerificationKey>]>,
    obtained: SystemTime,
    /// How long they are used without another fetch.
    fresh_for: Duration,
}

#[derive(Debug, Default)]
struct Attempts {
    last: Option<SystemTime>,
    failures: u32,
    /// How long no other fetch is made after the last one.
    pause: Duration,
}

impl KeySet {
    /// A key set that starts with `keys`, if there are any.
    ///
    /// Those are a head start, and not an exemption: the issuer may have withdrawn them since somebody configured them.
    /// So they are never fresh: [`Self::refresh`] at the start, or the first token, asks the issuer. They are used until it answers,
    /// and if it does not, until the maximum staleness.
    pub(super) fn new(
        url: String,
        keys: Vec<Arc<VerificationKey>>,
        expected: Expectations,
        max_stale: Duration,
        connector: Connector,
        clock: fn() -> SystemTime,
    ) -> Self {
        let configured = Current { keys: keys.into(), obtained: clock(), fresh_for: Duration::ZERO };
        let current = RwLock::new(Some(configured).filter(|configured| !configured.keys.is_empty()));
        Self { url, connector, expected, max_stale, clock, current, attempts: Mutex::default() }
    }

    /// The key with this id, after at most one fetch.
    ///
    /// # Errors
    /// [`AuthError::UnknownKey`] if there are keys but not this one, [`AuthError::KeysUnavailable`] if there are none
    /// because they were never fetched, or not for so long that they are dropped.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<VerificationKey>, AuthError> {
        let now = (self.clock)();
        if let Some(current) = self.current().filter(|current| elapsed(current.obtained, now) < current.fresh_for)
            && let Some(key) = find_key(&current.keys, id)
        {
            return Ok(Arc::clone(key));
        }
        let retry_after = self.refresh().await;
        let current = self.current().ok_or(AuthError::KeysUnavailable { retry_after })?;
        find_key(&current.keys, id).map(Arc::clone).ok_or(AuthError::UnknownKey)
    }

    /// Fetches the set, unless the last fetch is too recent, and gives the time until the next one is allowed.
    pub(super) async fn refresh(&self) -> Duration {
        let mut attempts = self.attempts.lock().await;
        if let Some(last) = attempts.last
            && let Some(left) = attempts.pause.checked_sub(elapsed(last, (self.clock)())).filter(|left| !left.is_zero())
        {
            return left;
        }
        let begun = (self.clock)();
        let failures = attempts.failures;
        // Recorded first, so that a fetch whose caller gives up is counted as well.
        *attempts = Attempts { last: Some(begun), failures: failures.saturating_add(1), pause: self.pause(failures) };
        match self.fetch().await {
            Ok(keys) => {
                let current = Current { keys: keys.into(), obtained: begun, fresh_for: MAX_AGE };
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
                *attempts = Attempts { failures: 0, pause: COOL_DOWN, ..*attempts };
            }
            Err(cause) => tracing::warn!(url = self.url, %cause, "the key set could not be refreshed"),
        }
        // The pause runs from the end of the fetch: who waited for a slow one must not repeat it.
        attempts.last = Some((self.clock)());
        attempts.pause
    }

    /// How long to wait after a failed fetch, of which there were `failures` before in a row: while there are no keys,
    /// about 1, 2, 4 … 30 seconds, of which up to a half is left out at random, because many functions may have started at
    /// the same moment, and the issuer limits the rate of all of them together.
    fn pause(&self, failures: u32) -> Duration {
        if self.current().is_some() {
            return COOL_DOWN;
        }
        let longest = Duration::from_secs(1 << failures.min(5)).min(COOL_DOWN);
        // Hashers are seeded at random, which is good enough to spread requests.
        let random = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
        longest.mul_f64(1.0 - random / 2.0)
    }

    /// A set without a usable key is an answer like every other: the issuer's word that no key is valid.
    async fn fetch(&self) -> Result<Vec<Arc<VerificationKey>>, String> {
        let document = self.connector.get(&self.url, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES).await?;
        let keys = parse_key_set(&document, &self.expected).ok_or("the answer is not a JSON Web Key Set")?;
        if keys.is_empty() {
            tracing::warn!(url = self.url, "the key set has no key that can be used: every token is refused");
        }
        Ok(keys)
    }

    /// The keys, unless they are too old to be trusted without the issuer's word.
    fn current(&self) -> Option<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        current.filter(|current| (self.clock)().duration_since(current.obtained).unwrap_or_default() < self.max_stale)
    }
}

/// Forever, if the clock was set back: then a fetch too many is better than none for long.
fn elapsed(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or(Duration::MAX)
}
