//! The project's commands. Each calls existing tools.
//!
//! - [`project`] provides paths and runs cargo; [`tools`] and [`node`] install missing tools and packages.
//! - [`test`] runs all checks, among them [`template`], [`recurrence`], [`contract`], and [`page`], unless they have [`passed`].
//! - [`coverage`], [`mutants`], [`fuzz`], [`supply_chain`], [`bench`], and [`load`] are separate commands.
//! - [`dev`] starts the local stack, a separate program in `local/`.

pub mod bench;
pub mod contract;
pub mod coverage;
pub mod dev;
pub mod fuzz;
pub mod load;
pub mod mutants;
pub mod node;
pub mod page;
pub mod passed;
pub mod project;
pub mod recurrence;
pub mod smoke;
pub mod supply_chain;
pub mod template;
pub mod test;
pub mod tools;
