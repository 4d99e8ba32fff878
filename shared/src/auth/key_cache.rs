//! Keys from elsewhere: fetched from one configured place, cached across invocations, refreshed when they must be.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::error::AuthError;
use super::keys::{Expectations, VerificationKey, parse_key_set};
use super::secrets::{SECRET_ARN, Secrets};
use crate::aws::{Connector, StoredSecret};
use crate::signals::note;

/// Between two fetches while there are keys, failed ones included: what a flood of unknown keys costs their source, and how
/// long a newly rotated key may be unknown.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How old keys may become before they are fetched again, so that a withdrawn one is refused.
pub(super) const MAX_AGE: Duration = Duration::from_secs(600);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Where keys are fetched.
#[derive(Debug)]
pub(super) enum Source {
    /// The issuer's key set, at this URL.
    KeySet(String),
    /// The secret, or two of them, that this secret of Secrets Manager holds.
    StoredSecret(StoredSecret),
}

#[derive(Debug)]
pub(super) struct KeyCache {
    source: Source,
    connector: Connector,
    expected: Expectations,
    max_stale: Duration,
    clock: fn() -> SystemTime,
    current: RwLock<Option<Current>>,
    /// The caller that fetches holds the lock, so that concurrent callers share one fetch.
    attempts: Mutex<Attempts>,
}

/// The last answer, or before the first one, the keys in the environment.
#[derive(Debug, Clone)]
struct Current {
    keys: Arc<[Arc<VerificationKey>]>,
    obtained: SystemTime,
    /// How long the keys are used without another fetch.
    fresh_for: Duration,
}

#[derive(Debug, Default)]
struct Attempts {
    last: Option<SystemTime>,
    failures: u32,
    /// How long to wait after the last fetch.
    pause: Duration,
}

impl KeyCache {
    /// A cache that starts with `keys`, if there are any.
    ///
    /// They are a head start, not an exemption: the issuer may have withdrawn them since they were configured. So they are
    /// never fresh, and the issuer is asked at the start or at the first token. They are used until it answers, and if it
    /// does not, until the maximum staleness.
    pub(super) fn new(
        source: Source,
        keys: Vec<Arc<VerificationKey>>,
        expected: Expectations,
        max_stale: Duration,
        connector: Connector,
        clock: fn() -> SystemTime,
    ) -> Self {
        let configured = Current { keys: keys.into(), obtained: clock(), fresh_for: Duration::ZERO };
        let current = RwLock::new(Some(configured).filter(|configured| !configured.keys.is_empty()));
        Self { source, connector, expected, max_stale, clock, current, attempts: Mutex::default() }
    }

    /// What `look_up` finds among the keys, after at most one fetch. `None` if it finds nothing.
    ///
    /// # Errors
    /// [`AuthError::KeysUnavailable`] if there are no keys, because they were never fetched, or became too stale.
    pub(super) async fn find<T>(
        &self,
        look_up: impl Fn(&[Arc<VerificationKey>]) -> Option<T>,
    ) -> Result<Option<T>, AuthError> {
        let now = (self.clock)();
        if let Some(current) = self.current().filter(|current| elapsed(current.obtained, now) < current.fresh_for)
            && let Some(found) = look_up(&current.keys)
        {
            return Ok(Some(found));
        }
        let retry_after = self.refresh().await;
        let current = self.current().ok_or(AuthError::KeysUnavailable { retry_after })?;
        Ok(look_up(&current.keys))
    }

    /// Fetches the keys, unless the last fetch is too recent. Returns the time until the next one is allowed.
    pub(super) async fn refresh(&self) -> Duration {
        let mut attempts = self.attempts.lock().await;
        if let Some(last) = attempts.last
            && let Some(left) = attempts.pause.checked_sub(elapsed(last, (self.clock)())).filter(|left| !left.is_zero())
        {
            return left;
        }
        let begun = (self.clock)();
        let failures = attempts.failures;
        // Recorded first, so that a fetch that is cancelled counts as well.
        *attempts = Attempts { last: Some(begun), failures: failures.saturating_add(1), pause: self.pause(failures) };
        match self.fetch().await {
            Ok(keys) => {
                let current = Current { keys: keys.into(), obtained: begun, fresh_for: MAX_AGE };
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
                *attempts = Attempts { failures: 0, pause: COOL_DOWN, ..*attempts };
            }
            Err(cause) => {
                note(|record| record.key_set_failures += 1);
                tracing::warn!(source = self.source.name(), %cause, "the keys could not be refreshed");
            }
        }
        // The pause begins at the end of the fetch, so that callers who waited for a slow one do not repeat it.
        attempts.last = Some((self.clock)());
        attempts.pause
    }

    /// How long to wait after a failed fetch that follows `failures` others. While there are no keys: 1, 2, 4 … 30 seconds,
    /// less up to a half at random, because many functions may have started at the same moment, and the issuer limits their
    /// common rate.
    fn pause(&self, failures: u32) -> Duration {
        if self.current().is_some() {
            return COOL_DOWN;
        }
        let longest = Duration::from_secs(1 << failures.min(5)).min(COOL_DOWN);
        // Hashers are seeded at random, which is good enough to spread requests.
        let random = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
        longest.mul_f64(1.0 - random / 2.0)
    }

    async fn fetch(&self) -> Result<Vec<Arc<VerificationKey>>, String> {
        match &self.source {
            Source::KeySet(url) => {
                let document = self.connector.get(url, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES).await?;
                let keys = parse_key_set(&document, &self.expected).ok_or("the answer is not a JSON Web Key Set")?;
                // An answer like any other: it says that no key is valid.
                if keys.is_empty() {
                    tracing::warn!(url, "the key set has no key that can be used: every token is refused");
                }
                Ok(keys)
            }
            Source::StoredSecret(secret) => {
                let text = secret.read(&self.connector, FETCH_TIMEOUT).await?;
                Ok(Secrets::parse(&text).map_err(|problem| problem.to_string())?.into_keys(&self.expected))
            }
        }
    }

    /// The keys, unless they are too stale.
    fn current(&self) -> Option<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        current.filter(|current| (self.clock)().duration_since(current.obtained).unwrap_or_default() < self.max_stale)
    }
}

impl Source {
    /// For the log: the setting, because an ARN names an account.
    fn name(&self) -> &str {
        match self {
            Self::KeySet(url) => url,
            Self::StoredSecret(_) => SECRET_ARN,
        }
    }
}

/// Forever if the clock was set back, because one fetch too many is better than none for a long time.
fn elapsed(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or(Duration::MAX)
}
