//! Why nobody could be authenticated.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use thiserror::Error;

/// Why nobody could be authenticated. Displays as the text for the log, which repeats nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// The token does not have the form of a signed token.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The header has a member that this verifier would have to understand and does not (RFC 7515 §4.1.11).
    #[error("the header has the member {member}, which is not supported")]
    UnsupportedHeader {
        /// The member's name.
        member: &'static str,
    },
    /// The header's `typ` is not that of a JSON Web Token: the token was signed for another purpose (RFC 8725 §3.11).
    #[error("the token is of another type")]
    WrongType,
    /// The header has no `kid`, and the keys come from a key set.
    #[error("the token names no key")]
    NoKeyId,
    /// The issuer publishes no key with the header's `kid`.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The header's `alg` is not the key's algorithm (RFC 8725 §3.1).
    #[error("the token is not signed with the key's algorithm")]
    WrongAlgorithm,
    /// No key that is known made the signature.
    #[error("the signature does not match")]
    BadSignature,
    /// `iss` is missing or names another issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` is missing or names other audiences.
    #[error("the token is meant for another audience")]
    WrongAudience,
    /// `sub` is missing or is not a user id.
    #[error("the subject is not a user id")]
    BadSubject,
    /// `exp` is missing, or `exp` or `nbf` is not a time that can be compared.
    #[error("the token has no valid expiry or start")]
    BadTime,
    /// The token's `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token's `iat` is in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The token's `exp` is too far in the future.
    #[error("the token expires more than {} seconds from now", maximum.as_secs())]
    LifetimeTooLong {
        /// How long from now a token may be valid.
        maximum: Duration,
    },
    /// The token is valid in every other way, but its `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// An operator has ended the access of tokens that were issued when this one was.
    #[error("an operator has ended the access of this token")]
    AccessEnded,
    /// There are no keys, so the token cannot be checked.
    #[error("there are no keys; the next fetch is due in {} seconds", retry_after.as_secs_f32().ceil())]
    KeysUnavailable {
        /// How long until the keys are fetched again.
        retry_after: Duration,
    },
}

/// What is wrong with the form of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It is longer than the setting allows.
    #[error("the token is longer than {maximum} bytes")]
    TooLong {
        /// The longest token that is read, in bytes.
        maximum: usize,
    },
    /// It does not consist of three segments (RFC 7515 §3.1).
    #[error("the token does not have three segments")]
    Segments,
    /// A segment is not canonical base64url (RFC 7515 §2).
    #[error("a segment is not base64url")]
    Encoding,
    /// The header is not a JSON object with unique member names (RFC 7515 §4).
    #[error("the header is not a JSON object of a token")]
    Header,
    /// The header's `kid` is too long.
    #[error("the key id is too long")]
    KeyId,
    /// The payload is not a JSON object with unique member names and claims of the right types (RFC 7519 §4), or the
    /// header has a registered member of the wrong type.
    #[error("the payload is not a JSON object of a token's claims")]
    Content,
}

impl From<jsonwebtoken::errors::Error> for AuthError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidAlgorithm => Self::WrongAlgorithm,
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => match claim.as_str() {
                "iss" => Self::WrongIssuer,
                "aud" => Self::WrongAudience,
                "sub" => Self::BadSubject,
                _ => Self::BadTime,
            },
            ErrorKind::Base64(_) => Malformed::Encoding.into(),
            _ => Malformed::Content.into(),
        }
    }
}
