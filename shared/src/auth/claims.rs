//! The claims of a token whose signature held (RFC 7519 §4.1), and which of them this API accepts.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::AuthError;
use crate::json;

/// How far the issuer's clock and ours may differ, at both ends of a token's life.
const LEEWAY_SECONDS: f64 = 15.0;

/// What the settings ask of a token. A claim that is expected is required.
#[derive(Debug)]
pub(super) struct Expectations {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Claims<'a> {
    #[serde(borrow)]
    sub: Cow<'a, str>,
    exp: f64,
    #[serde(default, deserialize_with = "json::present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "json::present")]
    iat: Option<f64>,
    #[serde(default, borrow, deserialize_with = "json::present")]
    iss: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "json::present")]
    aud: Option<Audience<'a>>,
}

impl<'a> Claims<'a> {
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, AuthError> {
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(BAD_CLAIMS);
        }
        json::from_slice(payload).map_err(|_| BAD_CLAIMS)
    }

    /// The subject, if the token is meant for us, now, and by the right issuer. Expiry is told last, so that it is
    /// told only of a token that was good.
    pub(super) fn accept(self, expected: &Expectations, now: SystemTime) -> Result<String, AuthError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        if expected.issuer.is_some() && self.iss.as_deref() != expected.issuer.as_deref() {
            return Err(AuthError::Invalid("the token is of another issuer"));
        }
        if let Some(audience) = &expected.audience
            && !self.aud.is_some_and(|aud| aud.0.iter().any(|value| value == audience))
        {
            return Err(AuthError::Invalid("the token is meant for another audience"));
        }
        if !is_user_id(&self.sub) {
            return Err(AuthError::Invalid("the subject is not a user id"));
        }
        if self.nbf.is_some_and(|nbf| nbf > now + LEEWAY_SECONDS) {
            return Err(AuthError::Invalid("the token is not valid yet"));
        }
        if self.iat.is_some_and(|iat| iat > now + LEEWAY_SECONDS) {
            return Err(AuthError::Invalid("the token was issued in the future"));
        }
        if self.exp <= now - LEEWAY_SECONDS {
            return Err(AuthError::Expired);
        }
        Ok(self.sub.into_owned())
    }
}

const BAD_CLAIMS: AuthError = AuthError::Invalid("the payload is not a JSON object of a token's claims");

/// Whether a subject can be a partition and a path segment as it is: bounded, spelled in one way only, and not the
/// word that a path uses for whoever is calling.
fn is_user_id(subject: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@|".contains(&byte);
    (1..=128).contains(&subject.len()) && subject.bytes().all(safe) && !matches!(subject, "me" | "." | "..")
}

/// One string, or an array of strings (RFC 7519 §4.1.3).
struct Audience<'a>(Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Audience(vec![Cow::Borrowed(value)]))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Audience(vec![Cow::Owned(value.to_owned())]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = sequence.next_element::<String>()? {
                    values.push(Cow::Owned(value));
                }
                Ok(Audience(values))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}
