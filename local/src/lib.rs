//! The stack on one machine, as `cargo xtask dev` runs it and the tests use it.
//!
//! - [`template`] reads `template.yaml`, so that what runs here is what is deployed.
//! - [`dynamodb`] is the embedded DynamoDB; [`tables`] creates the template's tables there or in another one.
//! - [`stack`] runs the real function binaries behind `cargo lambda watch` and [`gateway`]; [`executables`] builds them,
//!   [`processes`] makes sure that none of them outlives its parent.
//! - [`issuer`] runs Better Auth; [`page`] builds the page that it serves.
//! - [`dev`] is the command; [`sources`] notices changes; [`probe`] checks whether a server answers.

pub mod dev;
pub mod dynamodb;
pub mod executables;
pub mod gateway;
pub mod issuer;
pub mod page;
pub mod probe;
pub mod processes;
pub mod sources;
pub mod stack;
pub mod tables;
pub mod template;
