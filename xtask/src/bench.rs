//! `cargo xtask bench`: runs the laboratory of `bench/lab`, which measures what a call costs.

use anyhow::Result;
use clap::Args;
use tokio::process::Command;

use crate::executables::{Executables, cargo};
use crate::processes;

/// Measures what a call costs.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Bench {
    /// The options of the laboratory; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Bench {
    /// Builds the laboratory for speed, and runs it.
    ///
    /// # Errors
    /// A build fails, a function does not answer, a limit is exceeded.
    pub async fn run(&self) -> Result<()> {
        let mut command = cargo();
        command.args(["run", "--locked", "--profile", "lab", "--package", "lab", "--"]);
        processes::run(command.args(&self.arguments)).await
    }
}

/// Checks the sizes of the functions and the instructions that they execute. The laboratory is the development build
/// that the tests have made: its own speed changes neither.
///
/// # Errors
/// A build fails, or a limit is exceeded.
pub(crate) async fn check_counts() -> Result<()> {
    let executables = Executables::build(["lab"]).await?;
    processes::run(Command::new(executables.path("lab")?).arg("--counts")).await
}
