//! The page, as it is built from `web/` and `client/`.
#![expect(clippy::print_stdout, reason = "a build says on the terminal that it takes its time")]

use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use xshell::cmd;
use xtask::{node, project, tools};

use crate::sources::Sources;

/// What the page is built from.
const SOURCES: [&str; 3] = ["client", "web", "openapi.yaml"];

/// The sources of the page, as they are now.
#[must_use]
pub fn sources() -> Sources {
    Sources::now(SOURCES)
}

/// The folder of the built page.
#[must_use]
pub fn folder() -> PathBuf {
    project::root().join("web/dist")
}

/// Builds the page if its sources have changed. Does nothing in a project without a page.
///
/// # Errors
/// Its packages cannot be installed, or it does not build.
pub fn build() -> Result<()> {
    if !project::root().join("web/package.json").exists() {
        return Ok(());
    }
    for package in node::PAGE {
        node::install(package)?;
    }
    let shell = node::shell("web")?;
    let _lock = tools::lock()?;
    let stamp = project::tools_folder().join("page.txt");
    let sources = sources().fingerprint();
    if fs::read_to_string(&stamp).is_ok_and(|built| Some(built) == stamp_of(sources)) {
        return Ok(());
    }
    println!("Building the page");
    cmd!(shell, "npm run --silent build").quiet().run().context("in web/")?;
    Ok(shell.write_file(&stamp, stamp_of(sources).context("the build produced no page")?)?)
}

/// Of the sources and the built page, which may have been built by hand.
fn stamp_of(sources: u64) -> Option<String> {
    let built = fs::metadata(folder().join("index.html")).and_then(|metadata| metadata.modified()).ok()?;
    Some(format!("{sources:016x} {}", built.duration_since(UNIX_EPOCH).ok()?.as_nanos()))
}
