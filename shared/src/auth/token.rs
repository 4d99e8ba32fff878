//! The form of a token (RFC 7515 §3.1) and its header, where `jsonwebtoken` does not check them.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::MapAccess;

use super::error::{AuthError, Malformed};
use crate::json::{self, FromMembers, Object, Text};

const MAX_KEY_ID_BYTES: usize = 256;
/// Header members that this verifier would have to understand: extensions, unencoded payloads (RFC 7797), encryption,
/// compression, nested tokens.
const UNSUPPORTED: [&str; 5] = ["crit", "b64", "enc", "zip", "cty"];
/// Types are media types, so case does not matter (RFC 7515 §4.1.9).
const TYPES: [&str; 2] = ["JWT", "application/jwt"];

/// A token whose form and header are valid. Its signature is not checked: only a key gets claims out of it.
pub(super) struct UnverifiedToken<'a> {
    text: &'a str,
    key_id: Option<String>,
}

impl<'a> UnverifiedToken<'a> {
    pub(super) fn parse(text: &'a str, max_bytes: usize) -> Result<Self, AuthError> {
        if text.len() > max_bytes {
            return Err(Malformed::TooLong { maximum: max_bytes }.into());
        }
        let segments: Vec<_> = text.splitn(4, '.').collect();
        let header = match *segments {
            [header, _, _] if !segments.contains(&"") => header,
            _ => return Err(Malformed::Segments.into()),
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Malformed::Encoding)?;
        let Object(header): Object<Header> = serde_json::from_slice(&header).map_err(|_| Malformed::Header)?;
        if let Some(member) = header.unsupported {
            return Err(AuthError::UnsupportedHeader { member });
        }
        if header.is_other_type {
            return Err(AuthError::WrongType);
        }
        if !header.names_algorithm {
            return Err(AuthError::WrongAlgorithm);
        }
        if header.key_id.as_ref().is_some_and(|id| id.len() > MAX_KEY_ID_BYTES) {
            return Err(Malformed::KeyId.into());
        }
        Ok(Self { text, key_id: header.key_id })
    }

    /// The token as it was sent.
    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The key that the token says it was signed with.
    pub(super) fn key_id(&self) -> Result<&str, AuthError> {
        self.key_id.as_deref().ok_or(AuthError::NoKeyId)
    }
}

#[derive(Default)]
struct Header {
    /// Whether `alg` is a name that `jsonwebtoken` knows. That it is the key's own is checked with the signature.
    names_algorithm: bool,
    is_other_type: bool,
    key_id: Option<String>,
    unsupported: Option<&'static str>,
}

impl<'de> FromMembers<'de> for Header {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "alg" => {
                let Text(algorithm) = members.next_value()?;
                self.names_algorithm = Algorithm::from_str(&algorithm).is_ok();
            }
            "typ" => {
                let Text(r#type) = members.next_value()?;
                self.is_other_type = !TYPES.iter().any(|known| known.eq_ignore_ascii_case(&r#type));
            }
            "kid" => self.key_id = Some(members.next_value()?),
            _ => {
                self.unsupported = self.unsupported.or(UNSUPPORTED.into_iter().find(|member| *member == name));
                json::skip_value(members)?;
            }
        }
        Ok(())
    }
}
