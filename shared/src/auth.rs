//! Who is calling: the one place where a JSON Web Token is verified. It knows nothing of HTTP requests.

mod claims;
mod key_set;
mod keys;
mod settings;
mod token;

use std::time::SystemTime;

pub use self::settings::AuthSettings;
pub(crate) use self::settings::Mode;

use self::claims::{Claims, Expectations};
use self::key_set::KeySet;
use self::keys::VerificationKey;
use self::token::UnverifiedToken;
use crate::aws::Connector;

/// A user whose token was verified. [`TokenVerifier::verify`] is the only way to one: there is no other constructor,
/// no deserialization, no conversion.
#[derive(Debug)]
pub struct AuthenticatedUser {
    id: String,
}

impl AuthenticatedUser {
    /// The token's subject: 1 to 128 characters of `A-Z a-z 0-9 - . _ ~ : @ |`, never `me`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Why nobody could be authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// The token is not one of the configured issuer's for this API. The reason is for the log.
    Invalid(&'static str),
    /// The token was valid until its `exp`.
    Expired,
    /// The issuer's keys were never to be had, so that nothing can be said of the token.
    KeysUnavailable,
}

/// Verifies tokens in the one way that the settings chose.
#[derive(Debug)]
pub struct TokenVerifier {
    keys: Keys,
    expectations: Expectations,
    max_token_bytes: usize,
    clock: fn() -> SystemTime,
}

#[derive(Debug)]
enum Keys {
    SharedSecret(VerificationKey),
    KeySet(KeySet),
}

impl TokenVerifier {
    /// A verifier for these settings, with its keys prepared. Key sets are fetched through `connector`.
    pub(crate) fn new(settings: AuthSettings, connector: &Connector) -> Self {
        Self::with_clock(settings, connector, SystemTime::now)
    }

    fn with_clock(settings: AuthSettings, connector: &Connector, clock: fn() -> SystemTime) -> Self {
        let keys = match settings.mode {
            Mode::SharedSecret(secret) => Keys::SharedSecret(VerificationKey::from_secret(secret.as_bytes())),
            Mode::KeySet { url, keys } => Keys::KeySet(KeySet::new(url, keys, connector.clone(), clock)),
        };
        let expectations = Expectations { issuer: settings.issuer, audience: settings.audience };
        Self { keys, expectations, max_token_bytes: settings.max_token_bytes, clock }
    }

    /// Gets ready for the first token: fetches the key set if there is one and no keys were configured. A failure is
    /// not an error: the first token tries again.
    pub(crate) async fn warm_up(&self) {
        if let Keys::KeySet(keys) = &self.keys {
            keys.warm_up().await;
        }
    }

    /// The one verification: a compact JWS (RFC 7515) of the configured issuer becomes a user, or nothing does.
    ///
    /// The key decides the algorithm, and the signature is checked before a claim is looked at.
    ///
    /// # Errors
    /// [`AuthError::Expired`] only for a token that is valid otherwise, [`AuthError::KeysUnavailable`] while there
    /// never were keys, and [`AuthError::Invalid`] for all else.
    pub async fn verify(&self, unverified_token: &str) -> Result<AuthenticatedUser, AuthError> {
        let payload = self.signed_payload(unverified_token).await?;
        let subject = Claims::parse(&payload)?.accept(&self.expectations, (self.clock)())?;
        Ok(AuthenticatedUser { id: subject })
    }

    /// What the issuer signed, if it was the issuer: all that is checked of a token before its claims.
    async fn signed_payload(&self, unverified_token: &str) -> Result<Vec<u8>, AuthError> {
        let token = UnverifiedToken::parse(unverified_token, self.max_token_bytes)?;
        match &self.keys {
            Keys::SharedSecret(key) => token.verify(key),
            Keys::KeySet(keys) => token.verify(&*keys.find(token.key_id()?).await?),
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof;
