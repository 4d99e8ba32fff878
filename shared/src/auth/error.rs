//! Why nobody could be authenticated.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;

/// Why nobody could be authenticated. Displays as the text for the log, which repeats nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// The token does not have the form of a signed token.
    Malformed(Malformed),
    /// The header has a member that this verifier would have to understand and does not (RFC 7515 §4.1.11).
    UnsupportedHeader {
        /// The member's name.
        member: &'static str,
    },
    /// The header's `typ` is not that of a JSON Web Token: the token was signed for another purpose (RFC 8725 §3.11).
    WrongType,
    /// The header has no `kid`, and the keys are those of a key set.
    NoKeyId,
    /// The issuer publishes no key with the header's `kid`.
    UnknownKey,
    /// The header's `alg` is not the key's algorithm (RFC 8725 §3.1).
    WrongAlgorithm,
    /// The key did not make the signature.
    BadSignature,
    /// `iss` is missing or names another issuer.
    WrongIssuer,
    /// `aud` is missing or names other audiences.
    WrongAudience,
    /// `sub` is missing or is not a user id.
    BadSubject,
    /// `exp` is missing, or `exp` or `nbf` is not a time that can be compared.
    BadTime,
    /// The token's `nbf` is in the future.
    NotYetValid,
    /// The token's `iat` is in the future.
    IssuedInFuture,
    /// The token's `exp` is too far in the future.
    LifetimeTooLong {
        /// How long from now a token may be valid.
        maximum: Duration,
    },
    /// The token was valid until its `exp`. Only said of a token that is valid in every other way.
    Expired,
    /// There are no keys of the issuer's, so that nothing can be said of the token.
    KeysUnavailable {
        /// How long until the keys are fetched again.
        retry_after: Duration,
    },
}

/// What is wrong with the form of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It is longer than the setting allows.
    TooLong {
        /// The longest token that is read, in bytes.
        maximum: usize,
    },
    /// It does not consist of three segments (RFC 7515 §3.1).
    Segments,
    /// A segment is not canonical base64url (RFC 7515 §2).
    Encoding,
    /// The header is not a JSON object with unique member names (RFC 7515 §4).
    Header,
    /// The header's `kid` is too long.
    KeyId,
    /// The payload is not a JSON object with unique member names and claims of the right types (RFC 7519 §4), or the
    /// header has a registered member of the wrong type.
    Content,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::UnsupportedHeader { member } => {
                write!(f, "the header has the member {member}, which is not supported")
            }
            Self::WrongType => f.write_str("the token is of another type"),
            Self::NoKeyId => f.write_str("the token names no key"),
            Self::UnknownKey => f.write_str("the token names an unknown key"),
            Self::WrongAlgorithm => f.write_str("the token is not signed with the key's algorithm"),
            Self::BadSignature => f.write_str("the signature does not match"),
            Self::WrongIssuer => f.write_str("the token is from another issuer"),
            Self::WrongAudience => f.write_str("the token is meant for another audience"),
            Self::BadSubject => f.write_str("the subject is not a user id"),
            Self::BadTime => f.write_str("the token has no valid expiry or start"),
            Self::NotYetValid => f.write_str("the token is not valid yet"),
            Self::IssuedInFuture => f.write_str("the token was issued in the future"),
            Self::LifetimeTooLong { maximum } => {
                write!(f, "the token expires more than {} seconds from now", maximum.as_secs())
            }
            Self::Expired => f.write_str("the token has expired"),
            Self::KeysUnavailable { retry_after } => {
                write!(f, "there is no key set; the next fetch is due in {} seconds", retry_after.as_secs_f32().ceil())
            }
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { maximum } => write!(f, "the token is longer than {maximum} bytes"),
            Self::Segments => f.write_str("the token does not have three segments"),
            Self::Encoding => f.write_str("a segment is not base64url"),
            Self::Header => f.write_str("the header is not a JSON object of a token"),
            Self::KeyId => f.write_str("the key id is too long"),
            Self::Content => f.write_str("the payload is not a JSON object of a token's claims"),
        }
    }
}

impl Error for AuthError {}

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
            ErrorKind::Base64(_) => Self::Malformed(Malformed::Encoding),
            _ => Self::Malformed(Malformed::Content),
        }
    }
}
