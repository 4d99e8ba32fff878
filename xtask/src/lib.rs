//! The project's commands: each calls the tools that do the work.
//!
//! - [`project`] knows where things are, [`tools`] and [`node`] install what is missing.
//! - [`test`] is all checks in one; [`template`], [`contract`] and [`page`] are some of them.
//! - [`coverage`], [`mutants`], [`fuzz`], [`supply_chain`] and [`bench`] are commands of their own.
//! - [`dev`] starts the local stack, which is a program of its own in `local/`.

pub mod bench;
pub mod contract;
pub mod coverage;
pub mod dev;
pub mod fuzz;
pub mod mutants;
pub mod node;
pub mod page;
pub mod project;
pub mod supply_chain;
pub mod template;
pub mod test;
pub mod tools;
