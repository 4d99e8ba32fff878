//! `cargo xtask coverage`: how much of `shared` the tests cover, as reported by cargo-llvm-cov. Test code is marked
//! `coverage(off)`.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::project;
use crate::tools::CargoSubcommand;

const CARGO_LLVM_COV: CargoSubcommand = CargoSubcommand { name: "cargo-llvm-cov", version: "0.9.1" };

/// Tests that run the product in other processes, which are not measured.
const OTHER_PROGRAMS: [&str; 6] = ["cors::", "crash::", "end_to_end::", "issuer::", "leaks::", "process::"];

/// The minimum coverage of `shared` in percent. In `auth`, every line must be covered.
const LINES: &str = "95";
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
    report()?.args(["--show-missing-lines", "--fail-under-lines", LINES]).run()?;
    // cargo-llvm-cov has no options that check branches, or some of the files.
    let summary: Value = serde_json::from_str(&report()?.args(["--json", "--summary-only"]).read()?)?;
    let files = summary.pointer("/data/0/files").and_then(Value::as_array).context("the report lists no files")?;
    let auth = project::root().join("shared/src/auth");
    for file in files {
        let name = file.get("filename").and_then(Value::as_str).unwrap_or_default();
        let lines = |member| file.pointer(&format!("/summary/lines/{member}"));
        let is_whole = !name.starts_with(&*auth.to_string_lossy()) || lines("covered") == lines("count");
        ensure!(is_whole, "in auth every line must be covered, and some of {name} are not");
    }
    let branches = summary.pointer("/data/0/totals/branches/percent").and_then(Value::as_f64);
    let branches = branches.context("the report does not count branches")?;
    ensure!(branches >= BRANCHES, "{branches:.1} % of the branches of shared are covered, less than {BRANCHES} %");
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
