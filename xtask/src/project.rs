//! The project's paths, and cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The folder with installed tools. Not under version control.
#[must_use]
pub fn tools_folder() -> PathBuf {
    root().join(".tools")
}

/// A shell in the root of the project.
///
/// # Errors
/// The current directory cannot be read.
pub fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

/// A command for the cargo that runs this program.
pub fn cargo(shell: &Shell) -> Cmd<'_> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo describes this program's package in the environment. Build scripts that read these variables would run
    // again and cause recompilation, here and at the next manual call.
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let described = names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    described.fold(cmd!(shell, "{cargo}"), |cargo, name| cargo.env_remove(name))
}

/// Builds a program of the workspace and returns its path.
///
/// # Errors
/// It does not compile.
pub fn build(shell: &Shell, program: &str) -> Result<PathBuf> {
    // `--workspace` keeps the feature set: with `--package`, dependencies would be compiled again.
    cargo(shell).args(["build", "--locked", "--workspace", "--bin", program]).quiet().run()?;
    let this = std::env::current_exe().context("cannot determine the path of this program")?;
    Ok(this.with_file_name(program))
}
