//! `cargo xtask mutants`: whether any test would notice if a line of the product were wrong. cargo-mutants makes one small
//! fault after another in a copy of the sources and runs the tests against each.
#![expect(clippy::print_stdout, reason = "this command says what it does")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::executables::cargo;
use crate::tools::CargoSubcommand;
use crate::{processes, project};

const CARGO_MUTANTS: CargoSubcommand = CargoSubcommand { name: "cargo-mutants", version: "27.1.0" };

/// The modules of the product that can be changed.
const ROOMS: [&str; 8] = ["app", "auth", "api", "store", "json", "task", "aws", "settings"];

/// Tests that every mutant is run against which the ones before it did not notice.
struct Stage {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    filters: &'static [&'static str],
}

/// The quickest first: what they notice costs no more. Cases that start processes are in none of them, because they
/// would take minutes a mutant.
const STAGES: [Stage; 4] = [
    Stage { name: "the unit tests", package: "shared", target: "--lib", filters: &[] },
    Stage { name: "the invariants", package: "invariants", target: "--lib", filters: &[] },
    Stage {
        name: "the quick cases",
        package: "tests",
        target: "--test=cases",
        filters: &["contract::", "corpus::", "isolation::", "replay::", "tokens::"],
    },
    Stage {
        name: "the slow cases",
        package: "tests",
        target: "--test=cases",
        filters: &["concurrency::", "cors::", "faults::errors::", "openapi::", "properties::", "requests::"],
    },
];

/// The longest that the tests may take, in seconds: many times what they need.
const TIMEOUT: &str = "300";

/// The exit codes with which cargo-mutants says that it has tested all mutants: caught, missed, and timed out.
const FINISHED: [i32; 3] = [0, 2, 3];

/// Makes small faults in the product, and tells which of them no test notices.
#[derive(Args)]
pub struct Mutants {
    /// The modules of `shared` to make faults in; all of them unless some are named.
    #[arg(value_parser = ROOMS)]
    rooms: Vec<String>,
}

impl Mutants {
    /// Tries every mutant, and prints how many were noticed.
    ///
    /// # Errors
    /// Some mutant was missed, or the tests fail without any.
    pub async fn run(&self) -> Result<()> {
        let program = CARGO_MUTANTS.install().await?;
        let programs = program.parent().context("a program is in a folder")?;
        let chosen: BTreeSet<&str> = match self.rooms.as_slice() {
            [] => ROOMS.into(),
            rooms => rooms.iter().map(String::as_str).collect(),
        };
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for stage in &STAGES {
            let undecided = |room: &str| tallies.get(room).is_none_or(|tally| tally.missed + tally.timeouts > 0);
            let rooms: Vec<_> = chosen.iter().copied().filter(|room| undecided(room)).collect();
            if rooms.is_empty() {
                continue;
            }
            let outcomes = stage.run(programs, &rooms, !tallies.is_empty()).await?;
            for (_, tally) in tallies.iter_mut().filter(|(room, _)| rooms.contains(&room.as_str())) {
                (tally.missed, tally.timeouts) = (0, 0);
            }
            for (room, tally) in tally(&outcomes) {
                tallies.entry(room).or_default().add(&tally);
            }
        }
        let mut total = Tally::default();
        for (room, tally) in &tallies {
            println!("{room:<9} {tally}");
            total.add(tally);
        }
        println!("all       {total}");
        if total.missed > 0 {
            bail!(
                "no test notices {} mutants: see {}",
                total.missed,
                folder().join("mutants.out/missed.txt").display()
            );
        }
        Ok(())
    }
}

impl Stage {
    /// Runs cargo-mutants to its end, its progress going to the terminal. With `survivors`, what an earlier stage has
    /// noticed is passed over.
    async fn run(&self, programs: &Path, rooms: &[&str], survivors: bool) -> Result<Outcomes> {
        println!("=== {} of shared against {}", rooms.join(", "), self.name);
        let folder = folder();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Tests that fail would seem to notice every mutant.
        let mut tests = cargo();
        tests.args(["test", "--quiet", "--locked", "--package", self.package, self.target, "--"]);
        processes::run(tests.args(self.filters).env("CARGO_TARGET_DIR", &folder)).await?;

        let mut command = cargo();
        command.args(["mutants", "--package=shared", "--gitignore=true", "--baseline=skip", "--timeout", TIMEOUT]);
        for room in rooms {
            command.args(["--file", &format!("shared/src/{room}.rs"), "--file", &format!("shared/src/{room}/**")]);
        }
        if survivors {
            command.arg("--iterate");
        }
        // As an argument of every cargo, because the build of a mutant would make all other targets as well.
        command.args([&format!("--cargo-arg={}", self.target), "--cargo-arg=--locked", "--test-package", self.package]);
        command.arg("--output").arg(&folder).args(["--", "--"]).args(self.filters);
        command.env("PATH", path_with(programs)?).env("CARGO_TARGET_DIR", &folder);
        // No process group of its own: Ctrl-C reaches it, and it removes the copy that it works on.
        let status = command.status().await.context("cannot start cargo-mutants")?;
        if !status.code().is_some_and(|code| FINISHED.contains(&code)) {
            bail!("cargo-mutants did not finish ({status})");
        }
        let outcomes = folder.join("mutants.out/outcomes.json");
        let text = fs::read(&outcomes).with_context(|| format!("cannot read {}", outcomes.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", outcomes.display()))
    }
}

/// Where cargo-mutants keeps what it builds and what it finds.
fn folder() -> PathBuf {
    project::root().join("target/mutants")
}

fn path_with(programs: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(programs.to_path_buf()).chain(env::split_paths(&path));
    env::join_paths(folders).context("a folder of PATH has a colon in its name")
}

/// What became of the mutants of each module.
fn tally(outcomes: &Outcomes) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for Outcome { scenario, summary } in &outcomes.outcomes {
        let Scenario::Mutant { file } = scenario else { continue };
        let module = Path::new(file).strip_prefix("shared/src").unwrap_or(Path::new(file)).with_extension("");
        let room = module.iter().next().unwrap_or_default().to_string_lossy().into_owned();
        let tally = tallies.entry(room).or_default();
        *match summary {
            Summary::CaughtMutant => &mut tally.caught,
            Summary::MissedMutant | Summary::Success | Summary::Failure => &mut tally.missed,
            Summary::Unviable => &mut tally.unviable,
            Summary::Timeout => &mut tally.timeouts,
        } += 1;
    }
    tallies
}

#[derive(Debug, Default)]
struct Tally {
    caught: usize,
    missed: usize,
    unviable: usize,
    timeouts: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.caught += other.caught;
        self.missed += other.missed;
        self.unviable += other.unviable;
        self.timeouts += other.timeouts;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { caught, missed, unviable, timeouts } = self;
        let tested = caught + missed + unviable + timeouts;
        write!(
            f,
            "{tested:>4} mutants: {caught} caught, {missed} missed, {unviable} do not compile, {timeouts} timed out"
        )
    }
}

/// The file that cargo-mutants leaves.
#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Deserialize)]
enum Scenario {
    /// The tests without a mutant.
    Baseline,
    Mutant {
        file: String,
    },
}

#[derive(Deserialize)]
enum Summary {
    CaughtMutant,
    MissedMutant,
    Unviable,
    Timeout,
    /// Of the baseline.
    Success,
    /// Of the baseline.
    Failure,
}
