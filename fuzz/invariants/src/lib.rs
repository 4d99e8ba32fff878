//! What must hold of every input, however it was made: one function for each place where bytes of strangers come in. They
//! panic where it does not hold.
//!
//! `cargo xtask fuzz` has libFuzzer make up inputs for them, and the tests replay those that it found worth keeping
//! (`fuzz/corpus/`). Inputs are text as far as they can be, so that people can read and write them.
//!
//! Everything is reached as Lambda reaches it, through [`shared::app::function`]. DynamoDB is a [`kit::FakeDynamoDb`] that
//! answers at once.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "an invariant that does not hold must be seen"
)]

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
pub use self::request::{request, request_of};
pub use self::sync_token::{changes_query_of, sync_token};

/// The user that tokens name where nothing is said of another.
const USER: &str = "alice";

/// An invariant, under the name of its fuzz target and of the folder of its corpus.
pub type Invariant = (&'static str, fn(&[u8]));

/// All of them.
pub const INVARIANTS: [Invariant; 10] = [
    ("bearer", bearer),
    ("body", body),
    ("claims", claims),
    ("cursor", cursor),
    ("database", database),
    ("event", event),
    ("key_set", key_set),
    ("path", path),
    ("request", request),
    ("sync_token", sync_token),
];
