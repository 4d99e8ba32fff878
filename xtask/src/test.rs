//! `cargo xtask test`: all checks that must pass before a change is merged.
#![expect(clippy::print_stdout, reason = "this command prints its progress")]

use std::time::Instant;

use anyhow::{Context, Result};

use crate::tools::Toolset;
use crate::{bench, contract, page, project, recurrence, template};

/// Runs all checks and stops at the first failure.
///
/// # Errors
/// Names the check that failed.
pub fn run() -> Result<()> {
    let started = Instant::now();
    let shell = project::shell()?;
    let cargo = |arguments: &str| {
        let arguments = arguments.split(' ');
        Ok(project::cargo(&shell).args(arguments).quiet().run()?)
    };
    step("tools", || Toolset::EMULATOR.install())?;
    let linters = step("tools for the template", || Toolset::LINTERS.install())?;
    let checkov = step("checkov", || Toolset::CHECKOV.install())?;
    step("format", || cargo("fmt --all --check"))?;
    step("template", || template::check(&linters, &checkov))?;
    step("clippy", || cargo("clippy --workspace --all-targets --locked -- -D warnings"))?;
    step("build", || cargo("build --workspace --bins --locked"))?;
    step("tests", || cargo("test --workspace --locked"))?;
    step("recurrence", recurrence::check)?;
    step("contract", || contract::check(&[]))?;
    step("page", page::check)?;
    step("sizes and instructions", bench::check_counts)?;
    println!("All checks passed in {} s.", started.elapsed().as_secs());
    Ok(())
}

fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("=== {name}");
    let started = Instant::now();
    let result = work().with_context(|| format!("step `{name}`"))?;
    println!("=== {name}: passed in {:.1} s", started.elapsed().as_secs_f32());
    Ok(result)
}
