//! `cargo xtask dev`: runs the local stack.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project;

/// Builds the local stack and replaces this process with it, so that it gets the signals and its exit code counts.
///
/// # Errors
/// It does not compile or cannot be started.
pub fn run(arguments: &[String]) -> Result<()> {
    let local = project::build(&project::shell()?, "local")?;
    Err(Command::new(&local).args(arguments).exec()).with_context(|| format!("cannot start {}", local.display()))
}
