//! `cargo xtask mutants`: whether a test would notice if a line of the product were wrong. cargo-mutants makes one small
//! fault after another in a copy of the sources and runs the tests against each; `.cargo/mutants.toml` has its settings.
#![expect(clippy::print_stdout, reason = "this command says what it does")]

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_MUTANTS: CargoSubcommand = CargoSubcommand { name: "cargo-mutants", version: "27.1.0" };

/// Tests, the quickest first: package, target, filters. Each stage runs against the mutants that the ones before it did not
/// notice. Cases that start processes are in none of them, because they would take minutes a mutant.
const STAGES: [(&str, &str, &[&str]); 4] = [
    ("shared", "--lib", &[]),
    ("invariants", "--lib", &[]),
    ("tests", "--test=cases", &["contract::", "corpus::", "isolation::", "replay::", "tokens::"]),
    (
        "tests",
        "--test=cases",
        &["concurrency::", "cors::", "faults::errors::", "openapi::", "properties::", "requests::"],
    ),
];

/// The exit codes of cargo-mutants when it has tested all mutants: all were caught, some were missed, some timed out.
const FINISHED: [i32; 3] = [0, 2, 3];

/// Makes small faults in the product, and fails if a test does not notice one.
#[derive(Debug, Args)]
pub struct Mutants {
    /// The modules of `shared` to make faults in, such as `auth`; all of them by default.
    modules: Vec<String>,
}

impl Mutants {
    /// Tries every mutant. cargo-mutants prints what it finds.
    ///
    /// # Errors
    /// Some mutant was missed, or the tests fail without any.
    pub fn run(&self) -> Result<()> {
        let program = CARGO_MUTANTS.install()?;
        let programs = program.parent().context("a program is in a folder")?.to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path)))?;
        let folder = project::root().join("target/mutants");
        let shell = project::shell()?;
        shell.create_dir(&folder)?;
        let mut files = Vec::new();
        for module in &self.modules {
            let file = format!("shared/src/{module}.rs");
            ensure!(shell.path_exists(&file), "there is no module {module} in shared");
            files.extend(["--file".to_owned(), file, "--file".to_owned(), format!("shared/src/{module}/**")]);
        }
        for (stage, (package, target, filters)) in STAGES.into_iter().enumerate() {
            println!("=== against the tests of {package} {}", filters.join(" "));
            let mutants = project::cargo(&shell).args(["mutants", "--package=shared"]).args(&files);
            // As an argument of every cargo, because the build of a mutant would make all other targets as well.
            let mutants = mutants.arg(format!("--cargo-arg={target}")).args(["--test-package", package]);
            // What an earlier stage has noticed is left out.
            let mutants = mutants.args((stage > 0).then_some("--iterate")).args(["--", "--"]).args(filters);
            let mut mutants: Command = mutants.env("PATH", &path).env("CARGO_TARGET_DIR", &folder).into();
            let status = mutants.status().context("cannot start cargo-mutants")?;
            if !status.code().is_some_and(|code| FINISHED.contains(&code)) {
                bail!("cargo-mutants did not finish ({status})");
            }
            if status.success() {
                break;
            }
        }
        let missed = shell.read_file(folder.join("mutants.out/missed.txt"))?;
        ensure!(missed.is_empty(), "no test notices these mutants:\n{missed}");
        Ok(())
    }
}
