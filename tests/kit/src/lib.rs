//! What tests, fuzz targets and benches share: the list of operations, from which every matrix is made, the events that
//! call them, a DynamoDB inside of the process, the settings of functions, and the recorded fixtures. The [`signer`]
//! belongs to it, and is a crate of its own because the local stack needs nothing else of this.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
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

/// The header fields that every answer has, whatever it says.
pub const ON_EVERY_ANSWER: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];
