//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The folder of everything that `cargo xtask dev` keeps: tables, tokens, logs. Not under version control.
#[must_use]
pub fn dev_folder() -> PathBuf {
    root().join(".dev")
}

/// The folder of the installed tools. Not under version control.
#[must_use]
pub fn tools_folder() -> PathBuf {
    root().join(".tools")
}
