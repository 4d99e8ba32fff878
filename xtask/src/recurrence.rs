//! Compares recurring tasks with an independent implementation, python-dateutil, and the table of time zones with IANA's.

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::project;
use crate::tools::Toolset;

/// The table that `zones.py` makes.
const ZONES: &str = "shared/src/task/recurrence/zones.txt";

/// Checks thousands of rules, the same in each run, and every time zone.
///
/// # Errors
/// A rule has other dates, or a zone another clock.
pub fn check() -> Result<()> {
    let shell = project::shell()?;
    let python = Toolset::RECURRENCE.install()?.join("python");
    let zones = cmd!(shell, "{python} xtask/recurrence/zones.py").quiet().read()?;
    let table = shell.read_file(ZONES)?;
    ensure!(zones.trim() == table.trim(), "{ZONES} is not what xtask/recurrence/zones.py makes");
    let cases = project::root().join("target/recurrence.jsonl");
    shell.write_file(&cases, cmd!(shell, "{python} xtask/recurrence/peer.py 15 3000").quiet().read()?)?;
    // The whole workspace, because with `--package` other features would compile the dependencies again.
    let test = ["test", "--locked", "--workspace", "--test", "cases", "--", "--ignored", "recurrence::"];
    Ok(project::cargo(&shell).args(test).env("RECURRENCE_CASES", cases).quiet().run()?)
}
