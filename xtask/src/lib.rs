//! The project's commands: the whole stack on one machine (`dev`) and all checks (`test`).
//!
//! - [`template`] reads `template.yaml`, so that what runs here is what is deployed.
//! - [`dynamodb`] is the embedded DynamoDB, [`token`] signs tokens for development.
//! - [`stack`] runs the real function binaries behind `cargo lambda watch` and [`gateway`]; [`executables`] builds them,
//!   [`processes`] sees to it that none of them outlives its parent, [`tools`] installs what is missing.
//! - [`issuer`] is the Better Auth of development, [`node`] installs and builds what it and the page are made of.
//! - [`contract`] generates a client and requests from `openapi.yaml`, and compares the answers with it.
//! - [`browser`] tries the page in Chromium, on all of it.
//! - [`dev`], [`checks`], [`coverage`], [`mutants`], [`fuzz`], [`supply_chain`] and [`bench`] are the commands themselves.

pub mod bench;
pub mod browser;
pub mod checks;
pub mod contract;
pub mod coverage;
pub mod dev;
pub mod dynamodb;
pub mod executables;
pub mod fuzz;
pub mod gateway;
pub mod issuer;
pub mod mutants;
pub mod node;
pub mod probe;
pub mod processes;
pub mod project;
pub mod sources;
pub mod stack;
pub mod supply_chain;
pub mod template;
pub mod tools;
