//! `cargo xtask bench --counts`: limits on the figures that are the same on every machine and in every run.

use anyhow::{Context, Result, ensure};

use crate::instructions::{self, Instructions};
use crate::laboratory::Laboratory;
use crate::programs::{Builds, Size};

/// In bytes. A second TLS library would exceed it.
const MAX_FILE: u64 = 5_600_000;
const MAX_ZIP: u64 = 2_600_000;
/// Instructions of a warm request: a tenth above the count when this was written. The C library picks routines by
/// processor, but that makes a smaller difference.
const MAX_INSTRUCTIONS: [(&str, u64); 3] = [("get-task", 550_000), ("create-task", 615_000), ("list-tasks", 2_040_000)];

/// The largest function.
const LARGEST: &str = "batch-tasks";

/// Builds functions and fails if a size or an instruction count exceeds its limit: all functions, or the largest one and
/// those whose instructions have a limit.
pub(crate) fn check(all: bool) -> Result<()> {
    let some = MAX_INSTRUCTIONS.iter().map(|(name, _)| *name).chain([LARGEST]);
    let some = some.flat_map(|name| ["--package", name]);
    let builds = Builds::of_functions(&if all { Vec::new() } else { some.collect() })?;
    let sizes = builds.functions.iter().map(|(name, program)| Ok((name, program.size()?)));
    let sizes = sizes.collect::<Result<Vec<_>>>()?;
    ensure!(!sizes.is_empty(), "no function was built");
    for (name, Size { file, zip }) in &sizes {
        println!("{name}: {file} bytes, {zip} in a zip");
    }
    for (name, Size { file, zip }) in sizes {
        ensure!(file <= MAX_FILE, "{name} has {file} bytes, more than {MAX_FILE}");
        ensure!(zip <= MAX_ZIP, "{name} has {zip} bytes in a zip, more than {MAX_ZIP}");
    }
    let Some(valgrind) = instructions::valgrind() else {
        println!("Instructions are not counted: valgrind is not installed.");
        return Ok(());
    };
    let laboratory = Laboratory::open(&builds)?;
    for (name, most) in MAX_INSTRUCTIONS {
        let program = builds.functions.get(name).with_context(|| format!("no function {name}"))?;
        let Instructions { warm, .. } = laboratory.count_function(&valgrind, program, name)?;
        println!("{name}: {warm} instructions per request");
        ensure!(warm <= most, "{name} executes {warm} instructions per request, more than {most}");
    }
    Ok(())
}
