//! `cargo xtask bench`: what a call costs, beside a function that does nothing and one that is written by hand.
//!
//! Functions are started as Lambda starts them ([`lambda`]), against a DynamoDB that answers at once ([`stand_in`]).
//! What is compared is their CPU time, which a busy machine changes little ([`measure`]), and their instructions, which
//! it does not change at all ([`instructions`]).
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "this command prints a report, and says how far it is")]

mod binaries;
mod counts;
mod http;
mod instructions;
mod laboratory;
mod lambda;
mod measure;
mod picture;
mod report;
mod stand_in;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

pub(crate) use self::counts::check as check_counts;
use self::laboratory::{Effort, Laboratory};

const NO_OP: &str = "no-op";
const BY_HAND: &str = "by-hand";
/// Every operation, by the name of its function and of its event.
const OPERATIONS: [&str; 7] =
    ["get-task", "list-tasks", "create-task", "replace-task", "update-task", "complete-task", "delete-task"];

/// Measures the functions in their release builds.
#[derive(Debug, Args)]
pub struct Bench {
    /// Measures less often: for a first look.
    #[arg(long)]
    quick: bool,
    /// Measures only functions whose name contains this; the yardsticks are always measured.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Writes the figures there as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the comparison there.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Checks what is the same on every machine and in every run: sizes and instructions.
    #[arg(long, conflicts_with_all = ["quick", "only", "json", "svg"])]
    counts: bool,
}

impl Bench {
    /// Builds, measures and reports.
    ///
    /// # Errors
    /// A build fails, a function does not answer, a bound is exceeded.
    pub async fn run(&self) -> Result<()> {
        if self.counts {
            return check_counts().await;
        }
        let effort = if self.quick {
            Effort { cold_starts: 7, rounds: 3, requests: 150 }
        } else {
            Effort { cold_starts: 21, rounds: 5, requests: 300 }
        };
        let laboratory = Laboratory::open().await?;
        let only = self.only.clone();
        let report = aside(move || laboratory.measure(effort, &only)).await?;
        println!("{report}");
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_vec_pretty(&report)?).context("cannot write the figures")?;
        }
        if let Some(path) = &self.svg {
            std::fs::write(path, picture::draw(&report)).context("cannot write the picture")?;
        }
        Ok(())
    }
}

/// Does blocking work on a thread of its own, which nobody waits for if this command is stopped.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || done.send(work()));
    result.await.context("the measurement was given up")?
}
