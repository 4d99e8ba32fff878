//! The packages of Node: their dependencies, and the page that is built from one of them.
#![expect(clippy::print_stdout, reason = "an installation says on the terminal that it takes its time")]

use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::sources::Sources;
use crate::{processes, project, tools};

/// The oldest Node that the packages run on: major and minor version.
const OLDEST: (u32, u32) = (20, 19);

/// What the page is built from.
const PAGE_SOURCES: [&str; 2] = ["web", "openapi.yaml"];

/// The sources of the page, as they are now.
#[must_use]
pub fn page_sources() -> Sources {
    Sources::now(PAGE_SOURCES)
}

/// The folder of the built page.
#[must_use]
pub fn page_folder() -> PathBuf {
    project::root().join("web/dist")
}

/// Sees to it that Node is there, and new enough.
///
/// # Errors
/// It is not.
pub async fn check() -> Result<()> {
    let (major, minor) = OLDEST;
    let wanted = format!("install Node {major}.{minor} or newer, or run without the issuer: --no-issuer");
    let Some(version) = version_of("node").await else { bail!("node is missing: {wanted}") };
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    if numbers.next().zip(numbers.next()).is_none_or(|found| found < OLDEST) {
        bail!("node {version} is too old: {wanted}");
    }
    if version_of("npm").await.is_none() {
        bail!("npm is missing: {wanted}");
    }
    Ok(())
}

/// Installs what the lock file of a package names, unless that is there.
///
/// # Errors
/// The packages cannot be had.
pub async fn install(package: &str) -> Result<()> {
    let folder = project::root().join(package);
    let _lock = tools::exclusively().await?;
    let lock_file = folder.join("package-lock.json");
    let wanted = fs::read(&lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
    // npm empties the folder first, and the stamp is written last: it stands for a whole installation.
    let stamp = folder.join("node_modules/.installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("Installing the packages of {package}/ (a minute at the first time)");
    let mut ci = npm(package, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    processes::run(&mut ci).await.with_context(|| format!("in {}", folder.display()))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Builds the page, unless it is built from these sources. Without a page in the project there is nothing to do.
///
/// # Errors
/// Its packages cannot be had, or it does not build.
pub async fn build_page() -> Result<()> {
    let folder = project::root().join("web");
    if !folder.join("package.json").exists() {
        return Ok(());
    }
    install("web").await?;
    let _lock = tools::exclusively().await?;
    let stamp = project::tools_folder().join("page.txt");
    let sources = page_sources().fingerprint();
    if fs::read_to_string(&stamp).is_ok_and(|built| Some(built) == stamp_of(sources)) {
        return Ok(());
    }
    println!("Building the page");
    processes::run(&mut script("web", "build")).await.with_context(|| format!("in {}", folder.display()))?;
    let text = stamp_of(sources).context("the build made no page")?;
    fs::write(&stamp, text).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The sources, and the page that was built from them: somebody may have built another one by hand.
fn stamp_of(sources: u64) -> Option<String> {
    let built = fs::metadata(page_folder().join("index.html")).and_then(|metadata| metadata.modified()).ok()?;
    Some(format!("{sources:016x} {}", built.duration_since(UNIX_EPOCH).ok()?.as_nanos()))
}

async fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A script of a package, to be run.
#[must_use]
pub fn script(package: &str, name: &str) -> Command {
    npm(package, &["run", "--silent", name])
}

/// npm, in the folder of a package.
pub(crate) fn npm(package: &str, arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(project::root().join(package)).env("npm_config_update_notifier", "false");
    npm
}
