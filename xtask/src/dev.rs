//! `cargo xtask dev`: the stack on one machine.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project;

/// Builds the local stack, and becomes it: signals reach it, and its end is this program's end.
///
/// # Errors
/// It does not compile.
pub fn run(arguments: &[String]) -> Result<()> {
    let local = project::build(&project::shell()?, "local")?;
    Err(Command::new(&local).args(arguments).exec()).with_context(|| format!("cannot start {}", local.display()))
}
