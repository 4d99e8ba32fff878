//! `cargo xtask load`: runs `bench/load`, which loads the stack on this machine.

use anyhow::Result;

use crate::project;

/// Builds the load with optimizations and runs it.
///
/// # Errors
/// A build fails, or the stack loses or doubles a write, returns a 500, or grows.
pub fn run(arguments: &[String]) -> Result<()> {
    let shell = project::shell()?;
    let load = project::cargo(&shell).args(["run", "--locked", "--profile", "lab", "--package", "load", "--"]);
    Ok(load.args(arguments).quiet().run()?)
}
