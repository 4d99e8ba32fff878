//! `cargo xtask bench`: runs the laboratory of `bench/lab`, which measures what a call costs.

use anyhow::Result;
use xshell::cmd;

use crate::project;

/// Builds the laboratory with optimizations and runs it.
///
/// # Errors
/// A build fails, a function does not respond, or a limit is exceeded.
pub fn run(arguments: &[String]) -> Result<()> {
    let shell = project::shell()?;
    let lab = project::cargo(&shell).args(["run", "--locked", "--profile", "lab", "--package", "lab", "--"]);
    Ok(lab.args(arguments).quiet().run()?)
}

/// Checks the sizes of the functions and the instructions that they execute. It uses the development build of the
/// laboratory, which the tests have compiled anyway: its own speed affects neither figure.
///
/// # Errors
/// A build fails, or a limit is exceeded.
pub fn check_counts() -> Result<()> {
    let shell = project::shell()?;
    let lab = project::build(&shell, "lab")?;
    Ok(cmd!(shell, "{lab} --counts").quiet().run()?)
}
