//! Checks the client package and the page: types, lint rules, unit tests, and both on the whole product.
#![expect(clippy::print_stdout, reason = "a slow installation is announced on the terminal")]

use std::path::Path;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::{node, project};

const CHROMIUM: &str = "/usr/bin/chromium";

/// Checks the client, by itself and against a fresh stack.
///
/// # Errors
/// Says which check fails or what is missing.
pub fn check_client() -> Result<()> {
    node::check()?;
    run("client", ["check", "test", "test:stack"])
}

/// Checks the page, by itself and in Chromium against a fresh stack.
///
/// # Errors
/// Says which check fails or what is missing.
pub fn check() -> Result<()> {
    node::check()?;
    install_chromium()?;
    run("web", ["check", "test", "e2e"])
}

fn run(package: &str, scripts: [&str; 3]) -> Result<()> {
    for package in node::PAGE {
        node::install(package)?;
    }
    let shell = node::shell(package)?;
    // The latest build starts the stack, because the file of the running program may have been replaced.
    shell.set_var("XTASK", project::build(&project::shell()?, "xtask")?);
    for script in scripts {
        let run = cmd!(shell, "npm run --silent {script}").quiet();
        run.run().with_context(|| format!("`npm run {script}` in {package}/"))?;
    }
    Ok(())
}

/// Installs Debian's Chromium unless a browser exists: one from npm would be a large download.
fn install_chromium() -> Result<()> {
    if std::env::var_os("CHROMIUM").is_some() || Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    let shell = project::shell()?;
    let is_root = cmd!(shell, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if !is_root || !Path::new("/usr/bin/apt-get").exists() {
        bail!("Chromium is missing: install it (Debian: apt install chromium), or set CHROMIUM to its path");
    }
    println!("Installing Chromium (a minute or two)");
    shell.set_var("DEBIAN_FRONTEND", "noninteractive");
    cmd!(shell, "apt-get update -qq").quiet().run()?;
    Ok(cmd!(shell, "apt-get install -y -qq --no-install-recommends chromium").quiet().run()?)
}
