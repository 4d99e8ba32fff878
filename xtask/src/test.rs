//! `cargo xtask test`: all checks that must pass before a change is merged.
#![expect(clippy::print_stdout, reason = "this command prints its progress")]

use std::fs::{self, File};
use std::process::{Child, Command};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::passed::Inputs;
use crate::tools::Toolset;
use crate::{bench, contract, page, project, recurrence, template};

/// Which checks to run.
#[derive(Debug, Args)]
pub struct Test {
    /// Also runs steps that have passed with the same inputs.
    #[arg(long)]
    force: bool,
    /// Runs only these steps, such as `format` or `page`.
    steps: Vec<String>,
}

/// A check.
struct Step {
    name: &'static str,
    /// The files that decide whether it passes, as path patterns of git: rather too many than too few. Without any, it always
    /// runs.
    inputs: &'static [&'static str],
    check: fn() -> Result<()>,
}

/// What the programs and their tests in Rust are built from. The page and its package are checks of their own; documents are
/// compared with the code only in `cases`.
const RUST: [&str; 5] = [".", ":!client", ":!web", ":!docs", ":!*.md"];

/// Each follows the one before it.
const STEPS: [Step; 8] = [
    Step { name: "format", inputs: &[], check: || cargo("fmt --all --check", &[]) },
    Step {
        name: "clippy",
        inputs: &[],
        check: || cargo("clippy --workspace --all-targets --locked -- -D warnings", &[]),
    },
    Step { name: "build", inputs: &[], check: || cargo("build --workspace --bins --locked", &[]) },
    Step {
        name: "tests",
        inputs: &[".", ":!client/test", ":!web/src", ":!web/e2e"],
        check: || {
            Toolset::EMULATOR.install()?;
            // Many tests wait for time-outs rather than for a processor.
            cargo("test --workspace --locked", &[("RUST_TEST_THREADS", "4")])
        },
    },
    Step { name: "recurrence", inputs: &RUST, check: recurrence::check },
    Step { name: "contract", inputs: &RUST, check: || contract::check(&[]) },
    Step { name: "client", inputs: &[".", ":!docs", ":!web", ":!bench", ":!tests/cases"], check: page::check_client },
    Step { name: "page", inputs: &[".", ":!docs", ":!bench", ":!tests/cases"], check: page::check },
];

/// These need none of the others, and run beside them with what time the processors have left.
const ASIDE: [Step; 2] = [
    Step { name: "template", inputs: &["*.yaml", "*.toml", "xtask"], check: template::check },
    Step { name: "sizes and instructions", inputs: &RUST, check: bench::check_counts },
];

impl Test {
    /// Runs the checks and stops at the first failure.
    ///
    /// # Errors
    /// Names the check that failed.
    pub fn run(&self) -> Result<()> {
        let started = Instant::now();
        if self.steps.is_empty() {
            let aside = self.start_aside()?;
            let result = STEPS.iter().try_for_each(|step| self.step(step));
            result.and(finish(aside))?;
            println!("All checks passed in {} s.", started.elapsed().as_secs());
        }
        for name in &self.steps {
            let step = STEPS.iter().chain(&ASIDE).find(|step| step.name == name);
            self.step(step.with_context(|| format!("no step is called {name}"))?)?;
        }
        Ok(())
    }

    fn step(&self, Step { name, inputs, check }: &Step) -> Result<()> {
        println!("=== {name}");
        let inputs = if inputs.is_empty() { None } else { Inputs::read(&project::shell()?, name, inputs).ok() };
        if !self.force && inputs.as_ref().is_some_and(Inputs::have_passed) {
            println!("=== {name}: unchanged since it passed");
            return Ok(());
        }
        let started = Instant::now();
        check().with_context(|| format!("step `{name}`"))?;
        println!("=== {name}: passed in {:.1} s", started.elapsed().as_secs_f32());
        inputs.map_or(Ok(()), |inputs| inputs.note())
    }

    /// Starts another process for [`ASIDE`], which writes into a file.
    fn start_aside(&self) -> Result<Child> {
        let log = project::root().join("target/aside.log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new("nice");
        command.arg("-n19").arg(std::env::current_exe()?).arg("test").args(ASIDE.map(|step| step.name));
        command.args(self.force.then_some("--force")).stdout(output.try_clone()?).stderr(output);
        command.spawn().context("cannot run nice")
    }
}

/// Waits for the checks aside, and prints what they say.
fn finish(mut aside: Child) -> Result<()> {
    println!("=== {}", ASIDE.map(|step| step.name).join(", "));
    let status = aside.wait()?;
    print!("{}", fs::read_to_string(project::root().join("target/aside.log"))?);
    ensure!(status.success(), "a check above has failed");
    Ok(())
}

fn cargo(arguments: &str, environment: &[(&str, &str)]) -> Result<()> {
    let shell = project::shell()?;
    Ok(project::cargo(&shell).args(arguments.split(' ')).envs(environment.iter().copied()).quiet().run()?)
}
