//! `cargo xtask mutants`: checks that the tests notice faults in the product. cargo-mutants injects one small fault at
//! a time into a copy of the sources and runs the tests against it; `.cargo/mutants.toml` has its settings.
#![expect(clippy::print_stdout, reason = "this command prints its progress")]

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_MUTANTS: CargoSubcommand = CargoSubcommand { name: "cargo-mutants", version: "27.1.0" };

/// Stages of tests, the fastest first: package, target, filters. Each stage runs against the mutants that the previous
/// ones missed. Cases that start processes are left out, because they would take minutes per mutant.
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

/// The exit codes of cargo-mutants after it has tested all mutants: all caught, some missed, some timed out.
const FINISHED: [i32; 3] = [0, 2, 3];

/// Injects small faults into the product and fails if the tests miss one.
#[derive(Debug, Args)]
pub struct Mutants {
    /// The modules of `shared` to mutate, such as `auth`; all by default.
    modules: Vec<String>,
}

impl Mutants {
    /// Tests every mutant. cargo-mutants prints the results.
    ///
    /// # Errors
    /// A mutant was missed, or the tests fail on the unmodified sources.
    pub fn run(&self) -> Result<()> {
        let program = CARGO_MUTANTS.install()?;
        let programs = program.parent().context("the program has no parent folder")?.to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path)))?;
        let folder = project::root().join("target/mutants");
        let shell = project::shell()?;
        shell.create_dir(&folder)?;
        let mut files = Vec::new();
        for module in &self.modules {
            let file = format!("shared/src/{module}.rs");
            ensure!(shell.path_exists(&file), "shared has no module {module}");
            files.extend(["--file".to_owned(), file, "--file".to_owned(), format!("shared/src/{module}/**")]);
        }
        for (stage, (package, target, filters)) in STAGES.into_iter().enumerate() {
            println!("=== testing mutants with {package} {}", filters.join(" "));
            let mutants = project::cargo(&shell).args(["mutants", "--package=shared"]).args(&files);
            // Arguments of every cargo call. Otherwise building a mutant would build all other targets too, of `shared` only.
            let cargo = [target, &format!("--package={package}")].map(|argument| format!("--cargo-arg={argument}"));
            let mutants = mutants.args(cargo).args(["--test-package", package]);
            // Skips mutants that an earlier stage has caught.
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
        ensure!(missed.is_empty(), "the tests miss these mutants:\n{missed}");
        Ok(())
    }
}
