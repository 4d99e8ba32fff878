//! What the API promises, each promise a test.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop"
)]

mod contract;
mod faults;
mod isolation;
mod misuse;
mod requests;
mod tokens;
