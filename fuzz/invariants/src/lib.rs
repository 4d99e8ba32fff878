//! The invariants: one function for each parser of untrusted input. It panics if its invariant does not hold for an
//! input.
//!
//! `cargo xtask fuzz` calls them with inputs that libFuzzer generates, and the tests replay the kept ones in
//! `fuzz/corpus/`. Inputs are text as far as possible, so that people can read and write them.
//!
//! They call the product as Lambda does, through [`shared::app::function`], with a [`kit::FakeDynamoDb`].
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a violated invariant must be seen")]

mod answer;
mod api;
mod bearer;
mod body;
mod claims;
mod cursor;
mod database;
mod event;
mod json;
mod key_set;
mod moment;
mod path;
mod recurrence;
mod request;
mod sync_token;
mod tokens;

use kit::TASK_ID;

pub use self::bearer::bearer;
pub use self::body::body;
pub use self::claims::claims;
pub use self::cursor::{cursor, query_of};
pub use self::database::database;
pub use self::event::{event, event_of};
pub use self::key_set::key_set;
pub use self::path::path;
pub use self::recurrence::recurrence;
pub use self::request::{request, request_of};
pub use self::sync_token::{changes_query_of, sync_token};

/// The default user.
const USER: &str = "alice";

/// An invariant with its name, which is also that of its fuzz target and its corpus folder.
pub type Invariant = (&'static str, fn(&[u8]));

/// All invariants.
pub const INVARIANTS: [Invariant; 11] = [
    ("bearer", bearer),
    ("body", body),
    ("claims", claims),
    ("cursor", cursor),
    ("database", database),
    ("event", event),
    ("key_set", key_set),
    ("path", path),
    ("recurrence", recurrence),
    ("request", request),
    ("sync_token", sync_token),
];
