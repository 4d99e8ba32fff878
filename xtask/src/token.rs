//! Tokens for development, signed as a front end's server would sign them with the shared secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// What tokens are signed with, and what they name besides the user.
#[derive(Clone, PartialEq, Eq)]
pub struct Signing {
    /// The shared secret.
    pub secret: String,
    /// The issuer to name, if any.
    pub issuer: Option<String>,
    /// The audience to name, if any.
    pub audience: Option<String>,
}

/// A token of `user_id` that is valid from now on for `lifetime`.
///
/// # Errors
/// The clock is before 1970, or the token cannot be signed.
pub fn development_token(signing: &Signing, user_id: &str, lifetime: Duration) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock of this machine is wrong")?;
    let mut claims = json!({ "sub": user_id, "iat": now.as_secs(), "exp": (now + lifetime).as_secs() });
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(signing.issuer.iter().map(|issuer| ("iss".to_owned(), issuer.as_str().into())));
        claims.extend(signing.audience.iter().map(|audience| ("aud".to_owned(), audience.as_str().into())));
    }
    let key = EncodingKey::from_secret(signing.secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).context("cannot sign a token")
}
