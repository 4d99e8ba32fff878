//! Tests of what the API guarantees.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue should stop"
)]

mod access;
mod agreement;
mod alarms;
mod batch;
mod calls;
mod changes;
mod completeness;
mod concurrency;
mod content;
mod contract;
mod corpus;
mod cors;
mod crash;
mod end_to_end;
mod faults;
mod growth;
mod isolation;
mod issuer;
mod leaks;
mod linked;
mod openapi;
mod order;
mod process;
mod properties;
mod recurrence;
mod replay;
mod requests;
mod rights;
mod runbook;
mod signals;
mod subtasks;
mod supply_chain;
mod tokens;
