//! The compact serialization of a token (RFC 7515 §3.1) and its header, before anything is believed.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::AuthError;
use super::keys::VerificationKey;
use crate::json;

const MAX_KEY_ID_BYTES: usize = 256;

/// A token whose form and header are in order. Its signature was not checked, so its payload cannot be had.
pub(super) struct UnverifiedToken<'a> {
    signing_input: &'a str,
    algorithm: String,
    key_id: Option<String>,
    payload: &'a str,
    signature: &'a str,
}

/// What may stand in a header, and what this verifier would have to understand and does not.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "json::present")]
    typ: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "json::present")]
    kid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "json::present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    b64: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    enc: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    zip: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    cty: Option<IgnoredAny>,
}

impl<'a> UnverifiedToken<'a> {
    pub(super) fn parse(token: &'a str, max_bytes: usize) -> Result<Self, AuthError> {
        if token.len() > max_bytes {
            return Err(AuthError::Invalid("the token is too long"));
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(NOT_THREE_SEGMENTS)?;
        let (header, payload) = signing_input.split_once('.').ok_or(NOT_THREE_SEGMENTS)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.') {
            return Err(NOT_THREE_SEGMENTS);
        }

        let header = decode(header)?;
        // To serde a struct may be an array as well; a header may not.
        if header.trim_ascii_start().first() != Some(&b'{') {
            return Err(BAD_HEADER);
        }
        let header: Header<'_> = json::from_slice(&header).map_err(|_| BAD_HEADER)?;
        let extensions = [&header.crit, &header.b64, &header.enc, &header.zip, &header.cty];
        if extensions.into_iter().any(Option::is_some) {
            return Err(AuthError::Invalid("the header has a member that is not supported"));
        }
        if !matches!(header.typ.as_deref(), None | Some("JWT" | "application/jwt")) {
            return Err(AuthError::Invalid("the token is of another type"));
        }
        if header.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KEY_ID_BYTES) {
            return Err(AuthError::Invalid("the key id is too long"));
        }
        let key_id = header.kid.map(Cow::into_owned);
        Ok(Self { signing_input, algorithm: header.alg.into_owned(), key_id, payload, signature })
    }

    /// The key that the token says it was signed with.
    pub(super) fn key_id(&self) -> Result<&str, AuthError> {
        self.key_id.as_deref().ok_or(AuthError::Invalid("the token names no key"))
    }

    /// The payload, if `key` made the signature with its own algorithm.
    pub(super) fn verify(&self, key: &VerificationKey) -> Result<Vec<u8>, AuthError> {
        if self.algorithm != key.algorithm() {
            return Err(AuthError::Invalid("the token is signed with another algorithm than the key's"));
        }
        if !key.verify(self.signing_input.as_bytes(), &decode(self.signature)?) {
            return Err(AuthError::Invalid("the signature does not match"));
        }
        decode(self.payload)
    }
}

const NOT_THREE_SEGMENTS: AuthError = AuthError::Invalid("the token does not have three segments");
const BAD_HEADER: AuthError = AuthError::Invalid("the header is not a JSON object of a token");

/// Canonical base64url only: the engine refuses padding and left-over bits, so that a token has one spelling.
fn decode(segment: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| AuthError::Invalid("a segment is not base64url"))
}
