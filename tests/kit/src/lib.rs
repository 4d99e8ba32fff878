//! What tests, fuzz targets and benches share: the list of operations, from which every matrix is made, and the events that
//! call them.

#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod event;
mod operation;

pub use self::event::Event;
pub use self::operation::{INVOCATION, Operation, invoke};

/// The header fields that every answer has, whatever it says.
pub const ON_EVERY_ANSWER: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];
