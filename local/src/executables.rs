//! The built binaries of the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use xshell::Cmd;
use xtask::project;

/// Binaries by name.
#[derive(Debug, Clone, Default)]
pub struct Executables(BTreeMap<String, Executable>);

#[derive(Debug, Clone)]
struct Executable {
    path: PathBuf,
    fresh: bool,
}

impl Executables {
    /// Builds the named binaries. Cargo's progress and errors go to the terminal.
    ///
    /// # Errors
    /// They do not compile, or cargo is missing.
    pub async fn build<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let shell = project::shell()?;
        // The whole workspace, because with `--package` other features would compile the dependencies again.
        let build = project::cargo(&shell).args(["build", "--workspace", "--message-format=json-render-diagnostics"]);
        Self::run(names.into_iter().fold(build, |build, name| build.args(["--bin", name]))).await
    }

    /// Builds the functions in the form in which they are deployed. They are the default members of the workspace: in one
    /// build with other members, Cargo would enable library features for them that only those need.
    ///
    /// # Errors
    /// They do not compile, or cargo is missing.
    pub async fn build_release() -> Result<Self> {
        let shell = project::shell()?;
        Self::run(project::cargo_build_release(&shell)).await
    }

    async fn run(build: Cmd<'_>) -> Result<Self> {
        let mut build = Command::from(std::process::Command::from(build));
        let cargo = build.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = cargo.wait_with_output().await?;
        ensure!(output.status.success(), "cargo build failed");
        let executables = String::from_utf8(output.stdout)?.lines().filter_map(executable).collect();
        Ok(Self(executables))
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

/// The name of a binary and where it is, from cargo's message about a compiled target.
fn executable(message: &str) -> Option<(String, Executable)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?.into();
    let executable = Executable { path, fresh: message.get("fresh")?.as_bool()? };
    Some((message.pointer("/target/name")?.as_str()?.to_owned(), executable))
}
