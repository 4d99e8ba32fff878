//! `cargo xtask coverage`: how much of `shared` the tests cover, as reported by cargo-llvm-cov. Test code is marked
//! `coverage(off)`.

#![expect(clippy::print_stdout, reason = "this command prints a table")]

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_LLVM_COV: CargoSubcommand = CargoSubcommand { name: "cargo-llvm-cov", version: "0.9.1" };

/// Tests that run the product in other processes, which are not measured.
const OTHER_PROGRAMS: [&str; 6] = ["cors::", "crash::", "end_to_end::", "issuer::", "leaks::", "process::"];

/// The minimum coverage of `shared` in percent. In `auth`, every line must be covered.
const LINES: f64 = 95.0;
const BRANCHES: f64 = 95.0;

/// Runs the tests of `shared` and the cases of `tests`, prints the coverage and the uncovered lines, and checks the
/// bounds.
///
/// # Errors
/// A tool is missing, a test fails, or a bound is not reached.
pub fn run() -> Result<()> {
    let shell = project::shell()?;
    let nightly = cmd!(shell, "rustc +nightly --version").quiet().ignore_stdout().ignore_stderr();
    nightly.run().context(
        "branch coverage needs a nightly toolchain: rustup toolchain install nightly --component llvm-tools",
    )?;
    let skipped = OTHER_PROGRAMS.iter().flat_map(|tests| ["--skip", tests]);
    let tests =
        llvm_cov(&shell, "test")?.args(["--no-report", "--locked", "--package", "shared", "--package", "tests"]);
    tests.arg("--").args(skipped).run()?;

    let report = || anyhow::Ok(llvm_cov(&shell, "report")?.args(["--package", "shared"]));
    let table = report()?.arg("--show-missing-lines").read()?;
    println!("{table}");
    let summary: Value = serde_json::from_str(&report()?.args(["--json", "--summary-only"]).read()?)?;
    for (what, bound) in [("lines", LINES), ("branches", BRANCHES)] {
        let covered = summary.pointer(&format!("/data/0/totals/{what}/percent")).and_then(Value::as_f64);
        let covered = covered.with_context(|| format!("the report does not count {what}"))?;
        ensure!(covered >= bound, "{covered:.1} % of the {what} of shared are covered, less than {bound} %");
    }
    // The table ends with the lines that are not covered, file by file.
    let auth = project::root().join("shared/src/auth").display().to_string();
    let missing = table.lines().find(|line| line.starts_with(&auth));
    ensure!(missing.is_none(), "in auth every line must be covered: {}", missing.unwrap_or_default());
    Ok(())
}

/// A cargo-llvm-cov command on the nightly toolchain, the only one that measures branches. It has rustup install the
/// component `llvm-tools`, unless LLVM_COV and LLVM_PROFDATA name the programs.
fn llvm_cov<'a>(shell: &'a Shell, command: &str) -> Result<Cmd<'a>> {
    let program = CARGO_LLVM_COV.install()?;
    // The cargo that runs this program sets CARGO to itself, which belongs to another toolchain.
    let command = cmd!(shell, "{program} llvm-cov {command} --branch").env_remove("CARGO").quiet();
    Ok(command.env("RUSTUP_TOOLCHAIN", "nightly").env("CARGO_LLVM_COV_SETUP", "yes"))
}
