//! The programs that are measured, as they are deployed, and their sizes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde_json::Value;
use xtask::project::{self, root};

use crate::{BY_HAND, NO_OP};

/// How a function is started, and what of it is deployed.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The folder that it runs in.
    pub(crate) folder: PathBuf,
    /// The files and folders that a deployment of it holds.
    pub(crate) deployed: Vec<PathBuf>,
}

/// The size of a deployment, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Size {
    pub(crate) file: u64,
    pub(crate) zip: u64,
}

/// Release builds by name.
#[derive(Debug)]
pub(crate) struct Builds {
    pub(crate) functions: BTreeMap<String, Program>,
    pub(crate) yardsticks: BTreeMap<String, Program>,
}

impl Builds {
    /// Builds the functions and the yardsticks: separately, because in one build the features that the yardsticks want
    /// of libraries would be on for the functions as well.
    ///
    /// The functions are the default members of the workspace.
    pub(crate) fn make() -> Result<Self> {
        let functions = build(&["--locked"])?;
        let yardsticks = build(&["--locked", "--package", NO_OP, "--package", BY_HAND])?;
        Ok(Self { functions, yardsticks })
    }
}

impl Program {
    /// A binary that is deployed alone.
    pub(crate) fn binary(path: PathBuf) -> Self {
        let deployed = vec![path.clone()];
        Self { path, arguments: Vec::new(), folder: root(), deployed }
    }

    /// Its size, as it is and in a zip.
    pub(crate) fn size(&self) -> Result<Size> {
        let mut size = Size { file: 0, zip: END_RECORD };
        for path in &self.deployed {
            add_size(path, &mut size)?;
        }
        Ok(size)
    }
}

/// The binaries of a folder that have the names of functions.
///
/// # Errors
/// There are none.
pub(crate) fn find_binaries(folder: &Path, functions: &BTreeMap<String, Program>) -> Result<BTreeMap<String, Program>> {
    let folder = folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
    let binaries: BTreeMap<_, _> = functions
        .keys()
        .map(|name| (name.clone(), folder.join(name)))
        .filter(|(_, path)| path.is_file())
        .map(|(name, path)| (name, Program::binary(path)))
        .collect();
    ensure!(!binaries.is_empty(), "{} has no binary of any function", folder.display());
    Ok(binaries)
}

/// Builds for release, and gives the executables by name.
pub(crate) fn build(arguments: &[&str]) -> Result<BTreeMap<String, Program>> {
    let shell = project::shell()?;
    let cargo = project::cargo(&shell).args(["build", "--release", "--message-format=json-render-diagnostics"]);
    let messages = cargo.args(arguments).quiet().read()?;
    let executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let text = |pointer| message.pointer(pointer).and_then(Value::as_str);
        Some((text("/target/name")?.to_owned(), Program::binary(text("/executable")?.into())))
    });
    Ok(executables.collect())
}

/// Where an installed program is.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What ends a zip.
const END_RECORD: u64 = 22;

/// Adds a file, or all files below a folder.
fn add_size(path: &Path, size: &mut Size) -> Result<()> {
    /// What a zip says of each file: two headers and its name twice. Names are counted as Lambda's `bootstrap`.
    const ENTRY: usize = 30 + 46 + 2 * "bootstrap".len();
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            add_size(&entry?.path(), size)?;
        }
        return Ok(());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    size.file += u64::try_from(bytes.len())?;
    size.zip += u64::try_from(encoder.finish()?.len() + ENTRY)?;
    Ok(())
}
