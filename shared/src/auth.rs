//! Who is calling: verifies JSON Web Tokens, and knows nothing about HTTP requests.

mod claims;
mod error;
mod key_cache;
mod keys;
mod ring_provider;
mod secrets;
mod settings;
mod token;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;

pub use self::error::{AuthError, Malformed};
pub use self::settings::AuthSettings;
pub(crate) use self::settings::Mode;

use self::claims::Claims;
use self::key_cache::{KeyCache, Source};
use self::keys::{VerificationKey, Verified, find_key, verify_with_any};
use self::token::UnverifiedToken;
use crate::aws::Connector;
use crate::json::Object;

/// A user whose token was verified. Only [`TokenVerifier::verify`] makes one: there is no other constructor, no
/// deserialization, no conversion.
#[derive(Debug)]
pub struct AuthenticatedUser {
    id: String,
    /// The token's `iat`.
    issued: Option<f64>,
}

impl AuthenticatedUser {
    /// The token's subject: 1 to 128 characters of `A-Z a-z 0-9 - . _ ~ : @ |`, never `me`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The user, unless an operator has ended the access of the token: it was issued before this time, in seconds since the
    /// epoch, or does not say when.
    ///
    /// # Errors
    /// [`AuthError::AccessEnded`].
    pub(crate) fn issued_since(self, not_before: Option<f64>) -> Result<Self, AuthError> {
        match not_before {
            Some(time) if self.issued.is_none_or(|issued| issued < time) => Err(AuthError::AccessEnded),
            _ => Ok(self),
        }
    }
}

/// Verifies tokens in the one way that the settings chose.
#[derive(Debug)]
pub struct TokenVerifier {
    keys: Keys,
    max_token_bytes: usize,
    max_lifetime: Duration,
}

#[derive(Debug)]
enum Keys {
    /// The secrets of the environment.
    Secrets(Vec<Arc<VerificationKey>>),
    /// The secrets in Secrets Manager.
    StoredSecrets(KeyCache),
    /// The keys that the issuer publishes.
    KeySet(KeyCache),
}

impl TokenVerifier {
    /// A verifier for these settings, with its keys prepared. Keys from elsewhere are fetched through `connector`.
    pub(crate) fn new(settings: AuthSettings, connector: &Connector) -> Self {
        Self::with_clock(settings, connector, SystemTime::now)
    }

    /// `clock` is for the age of keys. Claims are compared with the system's time.
    fn with_clock(settings: AuthSettings, connector: &Connector, clock: fn() -> SystemTime) -> Self {
        ring_provider::install();
        let AuthSettings { mode, expected, max_token_bytes, max_lifetime } = settings;
        for (setting, expected) in [("TOKEN_ISSUER", &expected.issuer), ("TOKEN_AUDIENCE", &expected.audience)] {
            if expected.is_none() {
                tracing::warn!(setting, "is any: tokens that the shared secret signed for others are accepted too");
            }
        }
        let keys = match mode {
            Mode::SharedSecret(secrets) => Keys::Secrets(secrets.into_keys(&expected)),
            Mode::StoredSecret { secret, max_stale } => {
                let source = Source::StoredSecret(secret);
                Keys::StoredSecrets(KeyCache::new(source, Vec::new(), expected, max_stale, connector.clone(), clock))
            }
            Mode::KeySet { url, keys, max_stale } => {
                Keys::KeySet(KeyCache::new(Source::KeySet(url), keys, expected, max_stale, connector.clone(), clock))
            }
        };
        Self { keys, max_token_bytes, max_lifetime }
    }

    /// Gets ready for the first token: fetches the keys, if they are elsewhere. A failure is not an error: keys that were
    /// configured are used without it, or the first token tries again.
    pub(crate) async fn warm_up(&self) {
        if let Keys::StoredSecrets(keys) | Keys::KeySet(keys) = &self.keys {
            keys.refresh().await;
        }
    }

    /// The way from token to user: the token is a compact JWS (RFC 7515) of the configured issuer.
    ///
    /// The key decides the algorithm, and the signature is checked before a claim is looked at.
    ///
    /// # Errors
    /// [`AuthError::Expired`] only for a token that is otherwise valid, [`AuthError::KeysUnavailable`] while there are no
    /// keys, and any other variant for what is wrong with the token.
    pub async fn verify(&self, unverified_token: &str) -> Result<AuthenticatedUser, AuthError> {
        match self.claims_of::<Object<Claims>>(unverified_token).await? {
            Verified::Current(Object(claims)) => {
                let (id, issued) = claims.accept(self.max_lifetime)?;
                Ok(AuthenticatedUser { id, issued })
            }
            Verified::Expired(Object(claims)) => claims.accept(self.max_lifetime).and(Err(AuthError::Expired)),
        }
    }

    /// The claims, if the issuer signed them and they match the settings.
    async fn claims_of<T: DeserializeOwned>(&self, unverified_token: &str) -> Result<Verified<T>, AuthError> {
        let token = UnverifiedToken::parse(unverified_token, self.max_token_bytes)?;
        match &self.keys {
            Keys::Secrets(secrets) => verify_with_any(secrets, &token).unwrap_or(Err(AuthError::BadSignature)),
            Keys::StoredSecrets(secrets) => {
                let verified = secrets.find(|secrets| verify_with_any(secrets, &token)).await?;
                verified.unwrap_or(Err(AuthError::BadSignature))
            }
            Keys::KeySet(keys) => {
                let id = token.key_id()?;
                let key = keys.find(|keys| find_key(keys, id).cloned()).await?;
                key.ok_or(AuthError::UnknownKey)?.verify(&token)
            }
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests;
#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod wycheproof;
