//! Installs npm packages.
#![expect(clippy::print_stdout, reason = "a slow installation is announced on the terminal")]

use std::fs;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::{project, tools};

/// The packages that the page is made of, in the order of their installation: the second has a link to the first.
pub const PAGE: [&str; 2] = ["client", "web"];

/// The oldest supported Node: major and minor version.
const OLDEST: (u32, u32) = (20, 19);

/// Checks that Node and npm are installed and Node is new enough.
///
/// # Errors
/// They are missing, or Node is too old.
pub fn check() -> Result<()> {
    let shell = project::shell()?;
    let (major, minor) = OLDEST;
    let wanted = format!("install Node {major}.{minor} or newer, or use `cargo xtask dev --no-issuer`");
    let Ok(version) = cmd!(shell, "node --version").quiet().read() else { bail!("node is missing: {wanted}") };
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    if numbers.next().zip(numbers.next()).is_none_or(|found| found < OLDEST) {
        bail!("node {version} is too old: {wanted}");
    }
    if cmd!(shell, "npm --version").quiet().read().is_err() {
        bail!("npm is missing: {wanted}");
    }
    Ok(())
}

/// Installs the dependencies in a package's lock file unless they are installed already.
///
/// # Errors
/// npm fails.
pub fn install(package: &str) -> Result<()> {
    let shell = shell(package)?;
    let _lock = tools::lock()?;
    let wanted = shell.read_binary_file("package-lock.json")?;
    // `npm ci` deletes the folder first, and the stamp is written last, so it proves a complete installation.
    let stamp = shell.current_dir().join("node_modules/.installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("Installing the npm packages of {package}/ (up to a minute)");
    let ci = cmd!(shell, "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error");
    ci.quiet().run().with_context(|| format!("in {package}/"))?;
    Ok(shell.write_file(&stamp, wanted)?)
}

/// A shell in the folder of a package, for npm.
///
/// # Errors
/// The current directory cannot be read.
pub fn shell(package: &str) -> Result<Shell> {
    let shell = project::shell()?;
    shell.change_dir(package);
    shell.set_var("npm_config_update_notifier", "false");
    Ok(shell)
}
