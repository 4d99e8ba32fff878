//! What the functions share: one verifier of tokens, one store of tasks, one HTTP contract.
//!
//! Dependencies point one way: [`app`] → [`api`] → [`auth`], [`store`] → [`aws`] → [`signals`], [`task`].
//!
//! - [`task`] holds values and knows nobody; [`search`] compares them with what somebody looks for.
//! - [`auth`] turns a token into an [`auth::AuthenticatedUser`]; it alone knows JWTs.
//! - [`store`] keeps the tasks of one user; it alone knows DynamoDB.
//! - [`aws`] has the client and connections for it, and all that was done to the SDK for speed.
//! - [`api`] reads requests and writes answers; it alone knows status codes.
//! - [`signals`] says what a request did, in a line of log and metrics; every part tells it.
//! - [`app`] puts the parts together and runs a function in Lambda, [`settings`] says with what.
#![cfg_attr(coverage_nightly, feature(coverage_attribute))]

pub mod api;
pub mod app;
pub mod auth;
pub mod aws;
mod environment;
mod hex;
mod json;
pub mod search;
pub mod settings;
pub mod signals;
pub mod store;
pub mod task;

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod fixtures {
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    /// Which spellings are accepted of what: a section of `tests/fixtures/spellings.json`.
    pub(crate) fn spellings<T: DeserializeOwned>(section: &str) -> T {
        let document: Value = serde_json::from_str(include_str!("../../tests/fixtures/spellings.json")).unwrap();
        serde_json::from_value(document[section].clone()).unwrap()
    }

    /// Keys that npm's `fractional-indexing` made.
    pub(crate) fn positions<T: DeserializeOwned>() -> T {
        serde_json::from_str(include_str!("../../tests/fixtures/positions.json")).unwrap()
    }
}
