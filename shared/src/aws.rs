//! Access to AWS: credentials, the client, and what was done to the SDK for speed. It knows nothing about tasks.
//!
//! Each departure from the SDK's defaults is one file. Its first lines say what it gains, why, and how to remove it:
//! `access`, `client`, `connections`, `interceptors`, `read`, `requests`, `resolver`, `roots`, `signer`, `stored_secret`, `warm_up`.
//! `meter` counts what requests use.

mod access;
mod client;
mod connections;
mod connector;
mod interceptors;
mod meter;
mod read;
mod requests;
mod resolver;
mod roots;
mod settings;
mod signer;
mod stored_secret;
mod warm_up;

pub use self::access::Access;
pub use self::client::ATTEMPT_TIMEOUT;
pub use self::connector::Connector;
pub(crate) use self::connector::chain;
pub(crate) use self::read::{Answer, ReadFailure, Value, query};
pub(crate) use self::requests::{Expressions, GetItem, PutItem, UpdateItem};
pub use self::roots::TrustedRoots;
pub use self::settings::AwsSettings;
pub(crate) use self::settings::{DYNAMODB, SECRETS_MANAGER};
pub(crate) use self::stored_secret::StoredSecret;
pub(crate) use self::warm_up::WarmUp;
