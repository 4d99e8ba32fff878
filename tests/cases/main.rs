//! What the API promises, each promise a test.

mod contract;
mod isolation;
mod misuse;
mod tokens;
