//! Where things are, and the cargo that works on them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The folder of the installed tools. Not under version control.
#[must_use]
pub fn tools_folder() -> PathBuf {
    root().join(".tools")
}

/// A shell in the root of the project.
///
/// # Errors
/// This process has no current folder.
pub fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

/// The cargo that runs this program.
pub fn cargo(shell: &Shell) -> Cmd<'_> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo describes the package of this program in its environment. Build scripts of dependencies that read these names
    // would run again, and all that depends on them be compiled again, here and at the next call by hand.
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let described = names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    described.fold(cmd!(shell, "{cargo}"), |cargo, name| cargo.env_remove(name))
}

/// Builds a program of the workspace, and gives its path.
///
/// # Errors
/// It does not compile.
pub fn build(shell: &Shell, program: &str) -> Result<PathBuf> {
    // All of the workspace, for its features: with `--package` the dependencies would be compiled once more.
    cargo(shell).args(["build", "--locked", "--workspace", "--bin", program]).quiet().run()?;
    let this = std::env::current_exe().context("where this program is")?;
    Ok(this.with_file_name(program))
}
