//! Counts instructions with valgrind's callgrind: the result is the same on a busy machine as on an idle one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::lambda::Lambda;
use crate::programs::{Program, find_program};

/// The instructions that a function executes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Instructions {
    /// From its start until it asks for its first event.
    pub(crate) init: u64,
    /// For its first event.
    pub(crate) first: u64,
    /// For each of the next hundred events, on average.
    pub(crate) warm: u64,
}

/// The path of valgrind, if it is installed.
pub(crate) fn valgrind() -> Option<PathBuf> {
    find_program("valgrind")
}

/// Counts the instructions of a function. It is started three times: for no event, for one, and for 101.
pub(crate) fn count(
    valgrind: &Path,
    program: &Program,
    environment: &[(&'static str, String)],
    event: &str,
) -> Result<Instructions> {
    let total = |events| total(valgrind, program, environment, event, events);
    let (none, one, many) = (total(0)?, total(1)?, total(101)?);
    Ok(Instructions { init: none, first: one.saturating_sub(none), warm: many.saturating_sub(one) / 100 })
}

fn total(
    valgrind: &Path,
    program: &Program,
    environment: &[(&'static str, String)],
    event: &str,
    events: usize,
) -> Result<u64> {
    let report = std::env::temp_dir().join(format!("callgrind-{}", std::process::id()));
    let options = ["--quiet", "--tool=callgrind"].map(str::to_owned);
    let report_to = format!("--callgrind-out-file={}", report.display());
    let mut arguments: Vec<_> = options.into_iter().chain([report_to, program.path.display().to_string()]).collect();
    arguments.extend(program.arguments.iter().cloned());
    let program = Program { path: valgrind.to_owned(), arguments, ..program.clone() };
    let mut lambda = Lambda::start(&program, environment)?;
    lambda.ready()?;
    for _ in 0..events {
        lambda.invoke(event)?;
    }
    lambda.elapsed()?;
    lambda.terminate()?;
    let text = std::fs::read_to_string(&report).context("callgrind wrote no report")?;
    // Each thread has its own section; this line covers all of them.
    let total = text.lines().filter_map(|line| line.strip_prefix("totals:")).next_back();
    let total = total.context("callgrind reported no total")?.trim().parse()?;
    std::fs::remove_file(&report)?;
    Ok(total)
}
