//! The binaries that are measured, as they are deployed, and how large they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::executables::cargo;
use crate::processes::Running;

/// The yardsticks.
const YARDSTICKS: [&str; 2] = [super::NO_OP, super::BY_HAND];

/// What a deployment of a binary weighs, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Size {
    pub(super) file: u64,
    pub(super) zip: u64,
}

/// Release binaries by name.
#[derive(Debug, Default)]
pub(super) struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Builds the functions and the yardsticks: apart, because in one build the yardsticks would choose features of
    /// libraries for the functions as well.
    pub(super) async fn build() -> Result<Self> {
        let mut binaries = Self::default();
        binaries.add(&[]).await?;
        binaries.add(&YARDSTICKS).await?;
        Ok(binaries)
    }

    async fn add(&mut self, packages: &[&str]) -> Result<()> {
        let mut command = cargo();
        command.args(["build", "--release", "--message-format=json-render-diagnostics"]);
        for package in packages {
            command.args(["--package", package]);
        }
        let mut running = Running::start(command.stdout(Stdio::piped()))?;
        let stdout = running.child().stdout.take().context("cargo has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Ok(Artifact { target, executable: Some(path) }) = serde_json::from_str(&line) {
                self.0.insert(target.name, path);
            }
        }
        running.finish().await
    }

    pub(super) fn path(&self, name: &str) -> Result<&Path> {
        self.0.get(name).map(PathBuf::as_path).with_context(|| format!("there is no binary {name}"))
    }

    /// The sizes of all, each alone in an archive under the name that Lambda wants.
    pub(super) fn sizes(&self) -> Result<BTreeMap<String, Size>> {
        self.0.iter().map(|(name, path)| Ok((name.clone(), size(path)?))).collect()
    }
}

fn size(path: &Path) -> Result<Size> {
    /// What an archive says of its one member: two headers, two names, and the end record.
    const ARCHIVE: usize = 30 + 46 + 2 * "bootstrap".len() + 22;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    let zip = encoder.finish()?.len() + ARCHIVE;
    Ok(Size { file: u64::try_from(bytes.len())?, zip: u64::try_from(zip)? })
}

/// The message of cargo about something that it has compiled.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
