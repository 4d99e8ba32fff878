//! `cargo xtask fuzz`: libFuzzer makes up inputs for the invariants of `fuzz/invariants`, which must hold of all of them.
//!
//! What it finds worth keeping it keeps in `target/fuzz/corpus/`, and with `--keep` the best of it in `fuzz/corpus/`, where the
//! tests replay it. cargo-fuzz builds with a nightly compiler, in a workspace of its own.
#![expect(clippy::print_stdout, reason = "this command says how far it is, and prints a table")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::processes::{self, Running};
use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_FUZZ: CargoSubcommand = CargoSubcommand { name: "cargo-fuzz", version: "0.13.2" };
const MAX_INPUT_BYTES: u32 = 4096;
/// What a target may take of memory, in MiB, and how long one input may take, in seconds.
const MAX_MEMORY: u32 = 512;
const MAX_SECONDS_PER_INPUT: u32 = 10;
/// How many inputs are kept for a target.
const MAX_KEPT: usize = 48;
const BETWEEN_REPORTS: Duration = Duration::from_secs(30);

/// Searches for inputs that an invariant does not hold of.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// How many inputs each target is tried with.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    runs: u64,
    /// Stops each target after this time; 0 lets it do all its runs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seconds: u64,
    /// Takes this target only; may be given more than once.
    #[arg(long, value_name = "TARGET")]
    only: Vec<String>,
    /// How many targets run at the same time: as many as there are processors, unless this says less.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Puts those inputs into fuzz/corpus/ that cover most.
    #[arg(long)]
    keep: bool,
    /// Tries one target (--only) with this input alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "seconds", "jobs", "keep"])]
    replay: Option<PathBuf>,
}

/// What became of a target.
#[derive(Debug, Default)]
struct Outcome {
    target: String,
    executions: u64,
    per_second: u64,
    peak_memory: u64,
    /// The inputs that make it fail, and that it was still working on when its time was up.
    findings: Vec<PathBuf>,
    kept: usize,
}

impl Fuzz {
    /// Builds the targets and runs them, or one of them once.
    ///
    /// # Errors
    /// There is a finding, or a tool is missing, or something does not compile.
    pub async fn run(&self) -> Result<()> {
        let targets = self.targets()?;
        install().await?;
        if let Some(input) = &self.replay {
            let [target] = targets.as_slice() else { bail!("say with --only which target the input is for") };
            let input = std::path::absolute(input)?;
            return processes::run(cargo_fuzz("run").arg(target).arg(input)).await;
        }
        processes::run(&mut cargo_fuzz("build")).await?;

        let at_once = self.jobs.or(std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
        let turns = Arc::new(Semaphore::new(at_once));
        let mut running = JoinSet::new();
        for target in targets {
            let (turns, limits, keep) = (Arc::clone(&turns), [self.runs, self.seconds], self.keep);
            running.spawn(async move {
                let _turn = turns.acquire().await.context("no turn")?;
                let mut outcome = fuzz(&target, limits).await?;
                if keep && outcome.findings.is_empty() {
                    minimise(&target).await?;
                }
                outcome.kept = files(&kept(&target))?.len();
                Ok::<_, anyhow::Error>(outcome)
            });
        }
        let mut outcomes = Vec::new();
        while let Some(outcome) = running.join_next().await {
            outcomes.push(outcome??);
        }
        outcomes.sort_by(|one, other| one.target.cmp(&other.target));
        println!("\n{}", table(&outcomes)?);
        for Outcome { target, findings, .. } in &outcomes {
            for finding in findings {
                println!(
                    "{target} fails. Try it again: cargo xtask fuzz --only {target} --replay {}",
                    finding.display()
                );
            }
        }
        ensure!(outcomes.iter().all(|outcome| outcome.findings.is_empty()), "there are findings");
        Ok(())
    }

    /// The targets that are to run, in their order.
    fn targets(&self) -> Result<Vec<String>> {
        let sources = files(&folder().join("fuzz_targets"))?;
        let mut targets: Vec<_> =
            sources.iter().filter_map(|source| Some(source.file_stem()?.to_str()?.to_owned())).collect();
        targets.sort();
        if let Some(unknown) = self.only.iter().find(|target| !targets.contains(target)) {
            bail!("there is no target {unknown}; there are {}", targets.join(", "));
        }
        targets.retain(|target| self.only.is_empty() || self.only.contains(target));
        Ok(targets)
    }
}

/// Runs one target until its runs are done or its time is up, whichever comes first, or until it fails.
async fn fuzz(target: &str, [runs, seconds]: [u64; 2]) -> Result<Outcome> {
    let (found, artifacts) = (found(target), folder().join("artifacts").join(target));
    for folder in [&found, &artifacts, &logs()] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let before = files(&artifacts)?;
    let mut command = cargo_fuzz("run");
    // The first folder takes what is found.
    command.arg(target).arg(&found).arg(kept(target)).arg("--");
    command.arg(format!("-dict={}", folder().join("words.dict").display()));
    command.arg(format!("-runs={runs}")).arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-max_len={MAX_INPUT_BYTES}")).arg(format!("-timeout={MAX_SECONDS_PER_INPUT}"));
    command.arg(format!("-rss_limit_mb={MAX_MEMORY}")).arg("-print_final_stats=1");

    let mut running = Running::start(command.stderr(Stdio::piped()))?;
    let stderr = running.child().stderr.take().context("the target has no standard error")?;
    let mut lines = BufReader::new(stderr).lines();
    let log = logs().join(target).with_extension("log");
    let mut log = tokio::fs::File::create(&log).await.with_context(|| format!("cannot write {}", log.display()))?;
    let mut outcome = Outcome { target: target.to_owned(), ..Outcome::default() };
    let mut reported = Instant::now();
    println!("{target}: begins");
    while let Some(line) = lines.next_line().await? {
        log.write_all(format!("{line}\n").as_bytes()).await?;
        outcome.read(&line);
        if line.starts_with('#') && reported.elapsed() >= BETWEEN_REPORTS {
            println!("{target}: {line}");
            reported = Instant::now();
        }
    }
    let ended = running.finish().await;
    outcome.findings = files(&artifacts)?.into_iter().filter(|file| !before.contains(file)).collect();
    if outcome.findings.is_empty() {
        ended.with_context(|| format!("{target} left no input behind: see {}", logs().display()))?;
    }
    println!("{target}: ends after {} executions", outcome.executions);
    Ok(outcome)
}

impl Outcome {
    /// Takes a line of the statistics that libFuzzer ends with.
    fn read(&mut self, line: &str) {
        let Some((name, value)) = line.strip_prefix("stat::").and_then(|line| line.split_once(':')) else { return };
        let value = value.trim().parse().unwrap_or_default();
        match name {
            "number_of_executed_units" => self.executions = value,
            "average_exec_per_sec" => self.per_second = value,
            "peak_rss_mb" => self.peak_memory = value,
            _ => {}
        }
    }
}

/// Replaces what is kept for a target by the inputs that cover most of what all that was found and kept covers.
async fn minimise(target: &str) -> Result<()> {
    let (found, kept) = (found(target), kept(target));
    let scratch = target_folder().join("merge").join(target);
    let (merged, control) = (scratch.join("merged"), scratch.join("control.txt"));
    // libFuzzer would go on where another merge was stopped.
    let _ = fs::remove_dir_all(&scratch);
    for folder in [&merged, &kept] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut command = cargo_fuzz("run");
    command.arg(target).args([&merged, &found, &kept]);
    // How often something is reached does not count here: only that it is.
    command.args(["--", "-set_cover_merge=1", "-use_counters=0"]);
    command.arg(format!("-max_len={MAX_INPUT_BYTES}")).arg(format!("-merge_control_file={}", control.display()));
    let log = scratch.join("log.txt");
    let output = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    processes::run(command.stderr(output)).await.with_context(|| format!("see {}", log.display()))?;

    let control = fs::read_to_string(&control).with_context(|| format!("cannot read {}", control.display()))?;
    let chosen: Vec<_> =
        most_covering(covered(&control)?).into_iter().map(|file| Ok((file, fs::read(file)?))).collect::<Result<_>>()?;
    fs::remove_dir_all(&kept)?;
    fs::create_dir_all(&kept)?;
    for (file, input) in chosen {
        fs::write(kept.join(Path::new(file).file_name().context("a file has a name")?), input)?;
    }
    Ok(())
}

/// What each input covers, by libFuzzer's record of a merge: a number of files, another number, the files, and for each
/// file by its index a line `FT` with what it covers.
fn covered(control: &str) -> Result<Vec<(&str, BTreeSet<u32>)>> {
    let mut lines = control.lines();
    let count: usize = lines.next().context("the record is empty")?.parse()?;
    let mut inputs: Vec<_> = lines.by_ref().skip(1).take(count).map(|file| (file, BTreeSet::new())).collect();
    for line in lines {
        let mut words = line.split(' ');
        if words.next() == Some("FT") {
            let index: usize = words.next().context("a line without an index")?.parse()?;
            let (_, covers) = inputs.get_mut(index).context("an index without a file")?;
            *covers = words.map(str::parse).collect::<Result<_, _>>()?;
        }
    }
    Ok(inputs)
}

/// The inputs that add most to what those before them cover, until nothing is added.
fn most_covering(mut inputs: Vec<(&str, BTreeSet<u32>)>) -> Vec<&str> {
    let mut chosen = Vec::new();
    while chosen.len() < MAX_KEPT {
        // Of equals the first, because libFuzzer begins with the smallest.
        let best = inputs.iter().rev().max_by_key(|(_, covers)| covers.len());
        let Some((file, covers)) = best.cloned().filter(|(_, covers)| !covers.is_empty()) else { break };
        chosen.push(file);
        inputs.iter_mut().for_each(|(_, others)| others.retain(|feature| !covers.contains(feature)));
    }
    chosen
}

/// Installs cargo-fuzz unless just this version is there, and sees that there is a compiler that it can use.
async fn install() -> Result<()> {
    let rustc = Command::new("rustc").arg("--version").env("RUSTUP_TOOLCHAIN", "nightly").output().await;
    if !rustc.is_ok_and(|output| output.status.success()) {
        bail!("fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal");
    }
    CARGO_FUZZ.install().await.map(drop)
}

/// cargo-fuzz with a command of its own and all that builds depend on.
fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new(CARGO_FUZZ.program());
    command.args(["fuzz", subcommand, "--fuzz-dir"]).arg(folder()).arg("--target-dir").arg(target_folder());
    // No crate of the project has unsafe code for a sanitizer to watch.
    command.args(["--sanitizer", "none", "--debug-assertions"]);
    command.env("RUSTUP_TOOLCHAIN", "nightly").env("RUSTC_WRAPPER", folder().join("instrumented-rustc"));
    // Cargo names itself to this program: another one than that of the nightly compiler.
    command.env_remove("CARGO");
    command
}

/// The folder of cargo-fuzz.
fn folder() -> PathBuf {
    project::root().join("fuzz")
}

fn target_folder() -> PathBuf {
    project::root().join("target/fuzz")
}

/// Where a run puts the inputs that it finds worth keeping.
fn found(target: &str) -> PathBuf {
    target_folder().join("corpus").join(target)
}

/// Where those are that are under version control.
fn kept(target: &str) -> PathBuf {
    folder().join("corpus").join(target)
}

fn logs() -> PathBuf {
    target_folder().join("logs")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn table(outcomes: &[Outcome]) -> Result<String> {
    let mut table = String::from(
        "| target | executions | executions/s | peak memory, MiB | inputs kept | findings |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for Outcome { target, executions, per_second, peak_memory, findings, kept } in outcomes {
        let findings = findings.len();
        writeln!(table, "| {target} | {executions} | {per_second} | {peak_memory} | {kept} | {findings} |")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inputs_that_add_most_are_chosen() {
        let control = "4\n0\na\nb\nc\nd\nSTARTED 0 1\nFT 0 1 2\nCOV 0 7\nSTARTED 1 1\nFT 1 2 3 4\nFT 2 3 4 5\nFT 3\n";
        assert_eq!(most_covering(covered(control).unwrap()), ["b", "a", "c"]);
    }

    #[test]
    fn the_last_statistics_are_the_outcome() {
        let mut outcome = Outcome::default();
        for line in ["#2 pulse exec/s: 1", "stat::number_of_executed_units: 30", "stat::peak_rss_mb:              31"] {
            outcome.read(line);
        }
        assert_eq!((outcome.executions, outcome.peak_memory), (30, 31));
    }
}
