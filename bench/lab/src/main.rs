//! `cargo xtask bench`: measures what a call costs, compared with a function that does nothing, a handwritten one,
//! another build of this project, and the same job in other frameworks.
//!
//! Functions are started as Lambda starts them ([`lambda`]) and talk to a DynamoDB that responds immediately
//! ([`stand_in`]). Everything runs on one processor ([`process::pin`]). The figures that are compared are CPU time,
//! which load on the machine barely changes, and instructions, which it does not change at all ([`instructions`]).
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this command prints a report and its progress")]

mod counts;
mod http;
mod instructions;
mod laboratory;
mod lambda;
mod partitions;
mod peers;
mod picture;
mod process;
mod programs;
mod report;
mod stand_in;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use xtask::project::root;

use crate::laboratory::{Effort, Laboratory, Subjects};
use crate::programs::{Builds, find_binaries};

const NO_OP: &str = "no-op";
const BY_HAND: &str = "by-hand";
/// The operations that the yardsticks and peers implement.
const COMPARED: [&str; 3] = ["get-task", "list-tasks", "create-task"];

/// Measures release builds of the functions.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Takes fewer samples, for a rough result.
    #[arg(long)]
    quick: bool,
    /// Measures only functions whose names contain this; the yardsticks are always measured.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Also measures the release binaries in this folder and compares the functions with them.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
    /// Measures the release binaries in this folder instead of building the functions.
    #[arg(long, value_name = "FOLDER", conflicts_with = "record")]
    binaries: Option<PathBuf>,
    /// Also measures the same job in other frameworks; needs Node, npm, and Python 3.
    #[arg(long)]
    peers: bool,
    /// Writes docs/performance-figures.md and docs/performance.svg; implies --peers.
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    record: bool,
    /// Also writes the figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only checks the figures that are the same on every machine and in every run: sizes and instructions.
    #[arg(long, conflicts_with_all = ["quick", "only", "baseline", "binaries", "peers", "record", "json"])]
    counts: bool,
    /// Checks the sizes of all functions, not only that of the largest one and those whose instructions are counted.
    #[arg(long, requires = "counts")]
    all: bool,
    /// Only simulates where DynamoDB throttles, and writes docs/scale.svg.
    #[arg(long, exclusive = true)]
    partitions: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.counts {
        return counts::check(arguments.all);
    }
    if arguments.partitions {
        return fs::write(root().join("docs/scale.svg"), partitions::draw()).context("cannot write the chart");
    }
    let builds = match &arguments.binaries {
        Some(folder) => Builds::from_folder(folder)?,
        None => Builds::make()?,
    };
    let baseline = arguments.baseline.as_deref().map(|folder| find_binaries(folder, "baseline")).transpose()?;
    let peers = if arguments.peers || arguments.record { peers::install()? } else { Vec::new() };
    process::pin()?;
    let laboratory = Laboratory::open(&builds)?;
    let subjects = Subjects { builds: &builds, baseline: &baseline.unwrap_or_default(), peers: &peers };
    let effort = if arguments.quick { Effort::QUICK } else { Effort::WHOLE };
    let report = laboratory.measure(&subjects, effort, &arguments.only)?;
    println!("{report}");
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?).context("cannot write the figures")?;
    }
    if arguments.record {
        let folder = root().join("docs");
        let text = format!("{}{report}", report::PREFACE);
        fs::write(folder.join("performance-figures.md"), text).context("cannot write the figures")?;
        fs::write(folder.join("performance.svg"), picture::draw(&report)).context("cannot write the chart")?;
    }
    Ok(())
}
