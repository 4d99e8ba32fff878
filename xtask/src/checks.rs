//! `cargo xtask test`: everything that must hold before a change is taken.
#![expect(clippy::print_stdout, reason = "this command says what it does")]

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::executables::cargo;
use crate::tools::{self, Toolset};
use crate::{bench, browser, contract, processes, project};

/// Runs all checks, and stops at the first that fails.
///
/// # Errors
/// Names the check that failed.
pub async fn run() -> Result<()> {
    let begun = Instant::now();
    step("tools", tools::install(Toolset::Emulator)).await?;
    let linters = step("tools for the template", tools::install(Toolset::Linters)).await?;
    step("format", processes::run(cargo().args(["fmt", "--all", "--check"]))).await?;
    step("template", check_template(&linters)).await?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("clippy", processes::run(cargo().args(clippy))).await?;
    step("build", processes::run(cargo().args(["build", "--workspace", "--bins", "--locked"]))).await?;
    step("tests", processes::run(cargo().args(["test", "--workspace", "--locked"]))).await?;
    step("contract", contract::check(&[])).await?;
    step("page", browser::check()).await?;
    step("sizes and instructions", bench::check_counts()).await?;
    println!("All checks passed in {} s.", begun.elapsed().as_secs());
    Ok(())
}

async fn step<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    println!("=== {name}");
    let begun = Instant::now();
    let result = work.await.with_context(|| format!("step `{name}`"))?;
    println!("=== {name}: passed in {:.1} s", begun.elapsed().as_secs_f32());
    Ok(result)
}

/// Lints the template as it is and as SAM expands it: either shows faults that the other hides.
async fn check_template(linters: &Path) -> Result<()> {
    let template = project::root().join("template.yaml");
    let mut sam = Command::new(linters.join("sam"));
    sam.args(["validate", "--lint", "--template"]).arg(&template).env("SAM_CLI_TELEMETRY", "0");
    processes::run(&mut sam).await?;
    let cfn_lint = linters.join("cfn-lint");
    processes::run(Command::new(&cfn_lint).arg(&template)).await?;

    let expanded = project::tools_folder().join("template.expanded.json");
    let output = std::fs::File::create(&expanded).with_context(|| format!("cannot write {}", expanded.display()))?;
    let mut expand = Command::new(linters.join("python"));
    expand.arg(project::root().join("xtask/expand_template.py")).arg(&template).stdout(output);
    processes::run(&mut expand).await?;
    // W2001 is about unused parameters: the expansion has put their defaults in.
    processes::run(Command::new(&cfn_lint).args(["--ignore-checks", "W2001", "--"]).arg(&expanded)).await
}
