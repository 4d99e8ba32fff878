//! What tests, fuzz targets and benches share: the list of operations, from which every matrix is made, and the events that
//! call them.

#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod event;
mod operation;

pub use self::event::Event;
pub use self::operation::{INVOCATION, Operation, invoke};
