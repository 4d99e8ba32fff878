//! The built binaries of the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::processes::Running;
use crate::project;

/// Binaries by name.
#[derive(Debug, Clone, Default)]
pub struct Executables(BTreeMap<String, Executable>);

#[derive(Debug, Clone)]
struct Executable {
    path: PathBuf,
    fresh: bool,
}

impl Executables {
    /// Builds the named binaries, cargo's progress and errors going to the terminal.
    ///
    /// # Errors
    /// They do not compile, or cargo is missing.
    pub async fn build<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut command = cargo();
        // All of the workspace, for its features: with `--package` the dependencies would be compiled once more.
        command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]);
        for name in names {
            command.args(["--bin", name]);
        }
        let mut running = Running::start(command.stdout(Stdio::piped()))?;
        let stdout = running.child().stdout.take().context("cargo has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut executables = Self::default();
        while let Some(line) = lines.next_line().await? {
            if let Ok(Artifact { target, executable: Some(path), fresh }) = serde_json::from_str(&line) {
                executables.0.insert(target.name, Executable { path, fresh });
            }
        }
        running.finish().await?;
        Ok(executables)
    }

    /// Where a binary is.
    ///
    /// # Errors
    /// It was not built.
    pub fn path(&self, name: &str) -> Result<&Path> {
        let executable = self.0.get(name).with_context(|| format!("the workspace has no binary {name}"))?;
        Ok(&executable.path)
    }

    /// The binaries that the build has changed.
    pub fn changed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, executable)| !executable.fresh).map(|(name, _)| name.as_str())
    }
}

/// The cargo that runs this program, in the root of the project.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project::root());
    // Cargo describes the package of this program in its environment. Build scripts of dependencies that read these names
    // would run again, and all that depends on them be compiled again, here and at the next call by hand.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// The message of cargo about something that it has compiled.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
