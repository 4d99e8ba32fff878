//! The page: its types, its rules, and the whole product in a real browser.
#![expect(clippy::print_stdout, reason = "an installation says on the terminal that it takes its time")]

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::executables::Executables;
use crate::{node, processes};

const CHROMIUM: &str = "/usr/bin/chromium";

/// Checks the page, and then runs it in Chromium against a stack of its own.
///
/// # Errors
/// Says what does not hold, or what is missing.
pub async fn check() -> Result<()> {
    node::check().await?;
    node::install("web").await?;
    install_chromium().await?;
    let executables = Executables::build(["xtask"]).await?;
    for script in ["check", "test", "e2e"] {
        let mut command = node::script("web", script);
        // The stack is started by the program as it was built last: the file of the running one may have been replaced.
        command.env("XTASK", executables.path("xtask")?);
        processes::run(&mut command).await.with_context(|| format!("`npm run {script}` in web/"))?;
    }
    Ok(())
}

/// Debian's Chromium, unless there is one: a browser is too large to be a package of Node.
async fn install_chromium() -> Result<()> {
    if std::env::var_os("CHROMIUM").is_some() || Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    let id = Command::new("id").arg("-u").output().await;
    let is_root = id.is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || !Path::new("/usr/bin/apt-get").exists() {
        bail!("Chromium is missing: install it (Debian: apt install chromium), or name it in CHROMIUM");
    }
    println!("Installing Chromium (a minute or two)");
    for arguments in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", "chromium"]] {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        processes::run(&mut apt).await.context("cannot install Chromium")?;
    }
    Ok(())
}
