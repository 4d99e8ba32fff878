//! The claims of a token whose signature is valid (RFC 7519 §4.1): their types, and what `jsonwebtoken` does not check.

use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use serde::de::{Error, MapAccess};
use serde_json::Value;

use super::error::AuthError;
use crate::json::{self, FromMembers, Text};

/// How far the issuer's clock and ours may differ, at both ends of a token's lifetime.
pub(super) const LEEWAY_SECONDS: u64 = 15;

/// The claims that are left to check or to use once `jsonwebtoken` has accepted them.
#[derive(Default)]
pub(super) struct Claims {
    subject: Option<String>,
    expires: Option<f64>,
    issued: Option<f64>,
}

impl Claims {
    /// The subject and the time of issue, if the subject is a user id and the token was neither issued in the future nor
    /// lives too long.
    pub(super) fn accept(self, max_lifetime: Duration) -> Result<(String, Option<f64>), AuthError> {
        let latest = get_current_timestamp() + LEEWAY_SECONDS;
        let subject = self.subject.filter(|subject| is_user_id(subject)).ok_or(AuthError::BadSubject)?;
        if self.issued.is_some_and(|issued| issued > latest as f64) {
            return Err(AuthError::IssuedInFuture);
        }
        if self.expires.is_none_or(|expires| expires > (latest + max_lifetime.as_secs()) as f64) {
            return Err(AuthError::LifetimeTooLong { maximum: max_lifetime });
        }
        Ok((subject, self.issued))
    }
}

/// Whether a subject can be used as a partition key and a path segment as it is: of bounded length, with only one
/// spelling, and not the word that stands for the caller in a path.
fn is_user_id(subject: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@|".contains(&byte);
    (1..=128).contains(&subject.len()) && subject.bytes().all(safe) && !matches!(subject, "me" | "." | "..")
}

/// Reads every member in one pass: `jsonwebtoken` would accept duplicate members, an array of issuers, and `null`.
impl<'de> FromMembers<'de> for Claims {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "sub" => self.subject = Some(members.next_value()?),
            "exp" => self.expires = Some(members.next_value()?),
            "iat" => self.issued = Some(members.next_value()?),
            "nbf" => members.next_value::<f64>().map(drop)?,
            "iss" => members.next_value::<Text<'de>>().map(drop)?,
            // One string, or an array of strings (RFC 7519 §4.1.3).
            "aud" => match members.next_value()? {
                Value::String(_) => {}
                Value::Array(audiences) if audiences.iter().all(Value::is_string) => {}
                _ => return Err(A::Error::custom("it names no audience")),
            },
            _ => json::skip_value(members)?,
        }
        Ok(())
    }
}
