//! Instructions as valgrind's callgrind counts them: the same on a busy machine as on an idle one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::lambda::{Lambda, Start};

/// What a function executes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Instructions {
    /// From its start until it asks for its first event.
    pub(super) init: u64,
    /// For its first event.
    pub(super) first: u64,
    /// For each of a hundred events after it.
    pub(super) warm: u64,
}

/// Where valgrind is, if it is installed.
pub(super) fn valgrind() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("valgrind")).find(|path| path.exists())
}

/// Counts the instructions of a function, which is started three times: for no event, for one, and for 101.
pub(super) fn count(valgrind: &Path, start: &Start<'_>, event: &str) -> Result<Instructions> {
    let none = total(valgrind, start, event, 0)?;
    let one = total(valgrind, start, event, 1)?;
    let many = total(valgrind, start, event, 101)?;
    Ok(Instructions { init: none, first: one.saturating_sub(none), warm: many.saturating_sub(one) / 100 })
}

fn total(valgrind: &Path, start: &Start<'_>, event: &str, events: usize) -> Result<u64> {
    let report = std::env::temp_dir().join(format!("callgrind-{}", std::process::id()));
    let arguments = [
        "--quiet".to_owned(),
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", report.display()),
        start.program.display().to_string(),
    ];
    let mut lambda = Lambda::start(&Start { program: valgrind, arguments: &arguments, ..start.clone() })?;
    lambda.ready()?;
    for _ in 0..events {
        lambda.invoke(event)?;
    }
    lambda.elapsed()?;
    lambda.terminate()?;
    let text = std::fs::read_to_string(&report).context("callgrind has written nothing")?;
    // The program may have threads, each with a part of its own; this line is of all.
    let total = text.lines().filter_map(|line| line.strip_prefix("totals:")).next_back();
    let total = total.context("callgrind has counted nothing")?.trim().parse()?;
    std::fs::remove_file(&report)?;
    Ok(total)
}
