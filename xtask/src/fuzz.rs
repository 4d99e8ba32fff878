//! `cargo xtask fuzz`: runs libFuzzer on the invariants of `fuzz/invariants`, through cargo-fuzz with a nightly
//! compiler and in a separate workspace.
//!
//! New inputs are saved in `target/fuzz/corpus/`. With `--keep`, those that add coverage are copied to `fuzz/corpus/`,
//! from which the tests replay them.
#![expect(clippy::print_stdout, reason = "this command prints its progress and statistics")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use xshell::{Cmd, Shell, cmd};

use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_FUZZ: CargoSubcommand = CargoSubcommand { name: "cargo-fuzz", version: "0.13.2" };

/// The limits of one input: length in bytes, seconds, and MiB of memory.
const LIMITS: [&str; 3] = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=512"];

/// libFuzzer's words before the path of a failing input.
const FINDING: &str = "Test unit written to ";

/// libFuzzer's final statistics and their names here.
const STATISTICS: [(&str, &str); 3] = [
    ("stat::number_of_executed_units:", "executions"),
    ("stat::average_exec_per_sec:", "executions/s"),
    ("stat::peak_rss_mb:", "MiB at most"),
];

/// Fuzzes the parsers of untrusted input.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// The number of inputs for each target.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    runs: u64,
    /// Stops each target after this many seconds; 0 means no limit.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seconds: u64,
    /// Runs only this target; can be repeated.
    #[arg(long, value_name = "TARGET")]
    only: Vec<String>,
    /// The number of targets that run at the same time; the number of processors by default.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Replaces the inputs in fuzz/corpus/ by a minimal set with the same coverage as all inputs.
    #[arg(long)]
    keep: bool,
    /// Runs one target (--only) on this input alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "seconds", "jobs", "keep"])]
    replay: Option<PathBuf>,
}

impl Fuzz {
    /// Builds the targets and runs them, or replays one input.
    ///
    /// # Errors
    /// An input fails, a tool is missing, or a target does not compile.
    pub fn run(&self) -> Result<()> {
        let shell = project::shell()?;
        let targets = self.targets()?;
        if cmd!(shell, "rustc +nightly --version").quiet().ignore_stderr().read().is_err() {
            bail!("fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal");
        }
        CARGO_FUZZ.install()?;
        // The versions that the product is built with. Cargo adds the crates that only the targets need.
        shell.copy_file("Cargo.lock", folder())?;
        if let Some(input) = &self.replay {
            let [target] = targets.as_slice() else { bail!("name the target of the input with --only") };
            return Ok(cargo_fuzz(&shell, "run")?.arg(target).arg(std::path::absolute(input)?).run()?);
        }
        cargo_fuzz(&shell, "build")?.run()?;

        let at_once = self.jobs.or(thread::available_parallelism().ok()).map_or(1, NonZero::get);
        let mut findings = 0;
        for targets in targets.chunks(at_once) {
            let running = targets.iter().map(|target| self.start(&shell, target)).collect::<Result<Vec<_>>>()?;
            for (target, (mut process, log)) in targets.iter().zip(running) {
                let (status, log) = (process.wait()?, fs::read_to_string(log)?);
                let found: Vec<_> = log.lines().filter_map(|line| line.split_once(FINDING)).collect();
                ensure!(status.success() || !found.is_empty(), "{target} failed: see its log");
                println!("{target}: {}, {} findings", statistics(&log), found.len());
                for (_, input) in &found {
                    println!("{target} fails. To reproduce: cargo xtask fuzz --only {target} --replay {input}");
                }
                if self.keep && found.is_empty() {
                    keep(&shell, target)?;
                }
                findings += found.len();
            }
        }
        ensure!(findings == 0, "there are findings");
        Ok(())
    }

    /// The names of the selected targets in order.
    fn targets(&self) -> Result<Vec<String>> {
        let sources = files(&folder().join("fuzz_targets"))?;
        let names = sources.iter().filter_map(|source| Some(source.file_stem()?.to_str()?.to_owned()));
        let mut targets: Vec<_> = names.collect();
        if let Some(unknown) = self.only.iter().find(|target| !targets.contains(target)) {
            bail!("unknown target {unknown}; the targets are {}", targets.join(", "));
        }
        targets.retain(|target| self.only.is_empty() || self.only.contains(target));
        Ok(targets)
    }

    /// Starts one target, which runs until it has done its runs, its time is up, or an input fails. Also returns its log.
    fn start(&self, shell: &Shell, target: &str) -> Result<(Child, PathBuf)> {
        let [found, kept] = corpus(target);
        let log = target_folder().join("logs").join(target).join("log.txt");
        for folder in [Some(found.as_path()), Some(&kept), log.parent()].into_iter().flatten() {
            shell.create_dir(folder)?;
        }
        println!("{target}: started (log: {})", log.display());
        // libFuzzer writes new inputs to the first folder.
        let run = cargo_fuzz(shell, "run")?.arg(target).args([&found, &kept]).arg("--").args(LIMITS);
        let run = run.arg(format!("-dict={}", folder().join("words.dict").display())).arg("-print_final_stats=1");
        let run = run.arg(format!("-runs={}", self.runs)).arg(format!("-max_total_time={}", self.seconds));
        Ok((Command::from(run).stderr(File::create(&log)?).spawn()?, log))
    }
}

/// The folders of a target's new inputs and of the kept ones.
fn corpus(target: &str) -> [PathBuf; 2] {
    [target_folder(), folder()].map(|folder| folder.join("corpus").join(target))
}

/// Keeps the fewest inputs that cover the same as all inputs. Edges count as covered or not; how often they are executed
/// does not matter.
fn keep(shell: &Shell, target: &str) -> Result<()> {
    let [found, kept] = corpus(target);
    let arguments = ["--", "-set_cover_merge=1", "-use_counters=0", "-max_len=4096"];
    copy_all(&kept, &found)?;
    cargo_fuzz(shell, "cmin")?.arg(target).arg(&found).args(arguments).ignore_stderr().run()?;
    shell.remove_path(&kept)?;
    shell.create_dir(&kept)?;
    copy_all(&found, &kept)
}

/// Formats libFuzzer's final statistics in one line.
fn statistics(log: &str) -> String {
    let value = |name: &str| log.lines().rev().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim);
    STATISTICS.map(|(name, meaning)| format!("{} {meaning}", value(name))).join(", ")
}

/// A cargo-fuzz command with the options and variables that every build needs.
fn cargo_fuzz<'a>(shell: &'a Shell, subcommand: &str) -> Result<Cmd<'a>> {
    let (program, folder, target_folder) = (CARGO_FUZZ.install()?, folder(), target_folder());
    // The project has no unsafe code that a sanitizer could check.
    let command = cmd!(shell, "{program} fuzz {subcommand} --fuzz-dir {folder} --target-dir {target_folder}");
    let command = command.args(["--sanitizer", "none", "--debug-assertions"]).quiet();
    // The cargo that runs this program sets CARGO to itself, which belongs to another toolchain.
    let command = command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO");
    Ok(command.env("RUSTC_WRAPPER", folder.join("instrumented-rustc")))
}

/// The folder of the fuzz workspace.
fn folder() -> PathBuf {
    project::root().join("fuzz")
}

fn target_folder() -> PathBuf {
    project::root().join("target/fuzz")
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Copies all files of a folder. Names do not clash, because libFuzzer names inputs by their hashes.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        fs::copy(&file, to.join(file.file_name().context("the path has no file name")?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_statistics_are_the_outcome() {
        let log = "#2 pulse exec/s: 1\nstat::number_of_executed_units: 30\nstat::peak_rss_mb:              31\n";
        assert_eq!(statistics(log), "30 executions, ? executions/s, 31 MiB at most");
    }
}
