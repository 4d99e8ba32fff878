//! `cargo xtask bench`: runs the laboratory of `bench/lab`, which measures what a call costs.

use anyhow::Result;
use xshell::cmd;

use crate::project;

/// Builds the laboratory for speed, and runs it.
///
/// # Errors
/// A build fails, a function does not answer, a limit is exceeded.
pub fn run(arguments: &[String]) -> Result<()> {
    let shell = project::shell()?;
    let lab = project::cargo(&shell).args(["run", "--locked", "--profile", "lab", "--package", "lab", "--"]);
    Ok(lab.args(arguments).quiet().run()?)
}

/// Checks the sizes of the functions and the instructions that they execute. The laboratory is the development build
/// that the tests have made: its own speed changes neither.
///
/// # Errors
/// A build fails, or a limit is exceeded.
pub fn check_counts() -> Result<()> {
    let shell = project::shell()?;
    let lab = project::build(&shell, "lab")?;
    Ok(cmd!(shell, "{lab} --counts").quiet().run()?)
}
