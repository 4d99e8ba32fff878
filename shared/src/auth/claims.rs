//! The claims of a token whose signature holds (RFC 7519 §4.1): their types, and what `jsonwebtoken` does not check of them.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::AuthError;
use crate::json::{self, FromMembers, Text};

/// How far the issuer's clock and ours may differ, at both ends of a token's life.
pub(super) const LEEWAY_SECONDS: u64 = 15;

/// What is left to check of claims, or to know of them, once `jsonwebtoken` has accepted them.
#[derive(Default)]
pub(super) struct Claims {
    subject: Option<String>,
    expires: Option<f64>,
    issued: Option<f64>,
}

impl Claims {
    /// The subject, if it is a user id, and the token was not issued in the future and does not live too long.
    pub(super) fn accept(self, max_lifetime: Duration) -> Result<String, AuthError> {
        let latest = get_current_timestamp() + LEEWAY_SECONDS;
        let subject = self.subject.filter(|subject| is_user_id(subject)).ok_or(AuthError::BadSubject)?;
        if self.issued.is_some_and(|issued| issued > latest as f64) {
            return Err(AuthError::IssuedInFuture);
        }
        if self.expires.is_none_or(|expires| expires > (latest + max_lifetime.as_secs()) as f64) {
            return Err(AuthError::LifetimeTooLong { maximum: max_lifetime });
        }
        Ok(subject)
    }
}

/// Whether a subject can be a partition and a path segment as it is: bounded, spelled in one way only, and not the
/// word that a path uses for whoever is calling.
fn is_user_id(subject: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@|".contains(&byte);
    (1..=128).contains(&subject.len()) && subject.bytes().all(safe) && !matches!(subject, "me" | "." | "..")
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::object(deserializer)
    }
}

/// Every member is read, in one pass: `jsonwebtoken` would accept members named twice, an array of issuers, and `null`.
impl<'de> FromMembers<'de> for Claims {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "sub" => self.subject = Some(members.next_value()?),
            "exp" => self.expires = Some(members.next_value()?),
            "iat" => self.issued = Some(members.next_value()?),
            "nbf" => members.next_value::<f64>().map(drop)?,
            "iss" => members.next_value::<Text<'de>>().map(drop)?,
            "aud" => members.next_value::<Audience>().map(drop)?,
            _ => json::skip_value(members)?,
        }
        Ok(())
    }
}

/// One string, or an array of strings (RFC 7519 §4.1.3).
struct Audience;

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Audience {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self, A::Error> {
        while sequence.next_element::<Text<'de>>()?.is_some() {}
        Ok(self)
    }
}
