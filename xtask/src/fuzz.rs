//! `cargo xtask fuzz`: cargo-fuzz runs libFuzzer on the invariants of `fuzz/invariants`, with a nightly compiler and in a
//! workspace of its own.
//!
//! New inputs go into `target/fuzz/corpus/`, and with `--keep` those that add coverage into `fuzz/corpus/`, where the tests
//! replay them.
#![expect(clippy::print_stdout, reason = "this command says how far it is, and prints a table")]

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

/// What one input may take: bytes, seconds, and MiB of memory.
const LIMITS: [&str; 3] = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=512"];

/// What libFuzzer says before the path of an input that makes a target fail.
const FINDING: &str = "Test unit written to ";

/// The statistics that libFuzzer ends with, and what they are called here.
const STATISTICS: [(&str, &str); 3] = [
    ("stat::number_of_executed_units:", "executions"),
    ("stat::average_exec_per_sec:", "executions/s"),
    ("stat::peak_rss_mb:", "MiB at most"),
];

/// Fuzzes what reads a stranger's bytes.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// The number of inputs for each target.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    runs: u64,
    /// Stops each target after this time; 0 lets it do all its runs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seconds: u64,
    /// Runs this target only; can be given more than once.
    #[arg(long, value_name = "TARGET")]
    only: Vec<String>,
    /// The number of targets that run at the same time; the number of processors by default.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Replaces the inputs in fuzz/corpus/ by the fewest that cover the same as all inputs.
    #[arg(long)]
    keep: bool,
    /// Runs one target (--only) with this input alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "seconds", "jobs", "keep"])]
    replay: Option<PathBuf>,
}

impl Fuzz {
    /// Builds the targets and runs them, or one of them once.
    ///
    /// # Errors
    /// There is a finding, or a tool is missing, or something does not compile.
    pub fn run(&self) -> Result<()> {
        let shell = project::shell()?;
        let targets = self.targets()?;
        if cmd!(shell, "rustc +nightly --version").quiet().ignore_stderr().read().is_err() {
            bail!("fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal");
        }
        CARGO_FUZZ.install()?;
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
                    println!("{target} fails. To run it again: cargo xtask fuzz --only {target} --replay {input}");
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

    /// The names of the targets that are to run, in order.
    fn targets(&self) -> Result<Vec<String>> {
        let sources = files(&folder().join("fuzz_targets"))?;
        let names = sources.iter().filter_map(|source| Some(source.file_stem()?.to_str()?.to_owned()));
        let mut targets: Vec<_> = names.collect();
        if let Some(unknown) = self.only.iter().find(|target| !targets.contains(target)) {
            bail!("there is no target {unknown}; there are {}", targets.join(", "));
        }
        targets.retain(|target| self.only.is_empty() || self.only.contains(target));
        Ok(targets)
    }

    /// Starts one target, which ends when its runs are done or its time is up, whichever comes first, or when it fails. Gives
    /// its log as well.
    fn start(&self, shell: &Shell, target: &str) -> Result<(Child, PathBuf)> {
        let [found, kept] = corpus(target);
        let log = target_folder().join("logs").join(target).join("log.txt");
        for folder in [Some(found.as_path()), Some(&kept), log.parent()].into_iter().flatten() {
            shell.create_dir(folder)?;
        }
        println!("{target}: starts (log: {})", log.display());
        // New inputs go into the first folder.
        let run = cargo_fuzz(shell, "run")?.arg(target).args([&found, &kept]).arg("--").args(LIMITS);
        let run = run.arg(format!("-dict={}", folder().join("words.dict").display())).arg("-print_final_stats=1");
        let run = run.arg(format!("-runs={}", self.runs)).arg(format!("-max_total_time={}", self.seconds));
        Ok((Command::from(run).stderr(File::create(&log)?).spawn()?, log))
    }
}

/// Where new inputs of a target go, and where those are that are kept.
fn corpus(target: &str) -> [PathBuf; 2] {
    [target_folder(), folder()].map(|folder| folder.join("corpus").join(target))
}

/// Keeps the fewest inputs that cover the same as all inputs. How often something is reached does not count here: only that
/// it is.
fn keep(shell: &Shell, target: &str) -> Result<()> {
    let [found, kept] = corpus(target);
    let arguments = ["--", "-set_cover_merge=1", "-use_counters=0", "-max_len=4096"];
    copy_all(&kept, &found)?;
    cargo_fuzz(shell, "cmin")?.arg(target).arg(&found).args(arguments).ignore_stderr().run()?;
    shell.remove_path(&kept)?;
    shell.create_dir(&kept)?;
    copy_all(&found, &kept)
}

/// libFuzzer's last statistics, in one line.
fn statistics(log: &str) -> String {
    let value = |name: &str| log.lines().rev().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim);
    STATISTICS.map(|(name, meaning)| format!("{} {meaning}", value(name))).join(", ")
}

/// cargo-fuzz with a command of its own and all that builds depend on.
fn cargo_fuzz<'a>(shell: &'a Shell, subcommand: &str) -> Result<Cmd<'a>> {
    let (program, folder, target_folder) = (CARGO_FUZZ.install()?, folder(), target_folder());
    // No crate of the project has unsafe code for a sanitizer to watch.
    let command = cmd!(shell, "{program} fuzz {subcommand} --fuzz-dir {folder} --target-dir {target_folder}");
    let command = command.args(["--sanitizer", "none", "--debug-assertions"]).quiet();
    // Cargo names itself to this program: another one than that of the nightly compiler.
    let command = command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO");
    Ok(command.env("RUSTC_WRAPPER", folder.join("instrumented-rustc")))
}

/// The folder of cargo-fuzz.
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

/// Copies the files of one folder into another. libFuzzer names an input by its hash: no name has two contents.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        fs::copy(&file, to.join(file.file_name().context("a file has a name")?))?;
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
