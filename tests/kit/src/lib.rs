//! Shared by tests, fuzz targets, and benches: the list of operations, from which every matrix is derived, events, an
//! in-process fake of DynamoDB, settings, and recorded fixtures. The [`signer`] is a separate crate because the local
//! stack needs only that.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot continue should stop"
)]

mod dynamodb;
mod event;
pub mod fixtures;
mod operation;
mod settings;

pub use signer::{ENVIRONMENT, SECRET_SETTINGS};

pub use self::dynamodb::{Answers, Asked, FakeDynamoDb, MAX_REQUESTS, TASK_ID, TaskState};
pub use self::event::Event;
pub use self::operation::{Content, INVOCATION, Operation, invoke};
pub use self::settings::settings;

/// The header fields of every response.
pub const ON_EVERY_ANSWER: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];
