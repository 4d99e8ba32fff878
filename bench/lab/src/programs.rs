//! The programs that are measured, in the form in which they are deployed, and their sizes.

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

/// How a function is started, and which files are deployed.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Its working directory.
    pub(crate) folder: PathBuf,
    /// The files and folders in its deployment package.
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
    /// Builds the functions and the yardsticks separately. In one build, Cargo would enable the library features that
    /// the yardsticks need for the functions too.
    ///
    /// The functions are the default members of the workspace.
    pub(crate) fn make() -> Result<Self> {
        Ok(Self { yardsticks: yardsticks()?, ..Self::of_functions(&[])? })
    }

    /// Builds the functions that these arguments of Cargo name, or all without any, and no yardsticks.
    pub(crate) fn of_functions(packages: &[&str]) -> Result<Self> {
        eprintln!("Building the functions in release mode; this takes some minutes after a change …");
        Ok(Self { functions: build(&[&["--locked"], packages].concat())?, yardsticks: BTreeMap::new() })
    }

    /// The functions that were built before, and the yardsticks.
    ///
    /// # Errors
    /// As [`find_binaries`], or the yardsticks cannot be built.
    pub(crate) fn from_folder(folder: &Path) -> Result<Self> {
        Ok(Self { functions: find_binaries(folder, "release")?, yardsticks: yardsticks()? })
    }
}

impl Program {
    /// A program that is deployed as a single binary.
    pub(crate) fn binary(path: PathBuf) -> Self {
        let deployed = vec![path.clone()];
        Self { path, arguments: Vec::new(), folder: root(), deployed }
    }

    /// The size of its deployment, uncompressed and zipped.
    pub(crate) fn size(&self) -> Result<Size> {
        let mut size = Size { file: 0, zip: END_RECORD };
        for path in &self.deployed {
            add_size(path, &mut size)?;
        }
        Ok(size)
    }
}

/// Finds the binaries in a folder that are named like a function.
///
/// # Errors
/// The folder does not exist, or contains no such binary.
pub(crate) fn find_binaries(folder: &Path, copies: &str) -> Result<BTreeMap<String, Program>> {
    let functions = root().join("functions").read_dir()?.map(|entry| Ok(entry?.file_name().into_string()));
    let functions: Vec<_> = functions.collect::<Result<_>>()?;
    let found = functions.into_iter().flatten().filter(|name| folder.join(name).is_file());
    let binaries = found.map(|name| {
        let program = Program::binary(copied(&folder.join(&name), copies)?);
        Ok((name, program))
    });
    let binaries: BTreeMap<_, _> = binaries.collect::<Result<_>>()?;
    ensure!(!binaries.is_empty(), "{} has no binary of any function", folder.display());
    Ok(binaries)
}

/// Builds the programs that functions are compared with.
fn yardsticks() -> Result<BTreeMap<String, Program>> {
    build(&["--locked", "--package", NO_OP, "--package", BY_HAND])
}

/// Builds in release mode and returns the executables by name.
pub(crate) fn build(arguments: &[&str]) -> Result<BTreeMap<String, Program>> {
    let shell = project::shell()?;
    let messages = project::cargo_build_release(&shell).args(arguments).quiet().read()?;
    let executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let text = |pointer| message.pointer(pointer).and_then(Value::as_str);
        Some((text("/target/name")?.to_owned(), PathBuf::from(text("/executable")?)))
    });
    executables.map(|(name, path)| Ok((name, Program::binary(copied(&path, "release")?)))).collect()
}

/// Copies a binary. A cold start of a file that the linker has just written takes other page faults than one of a copy:
/// all programs are copies, so that only their content differs.
fn copied(path: &Path, folder: &str) -> Result<PathBuf> {
    let folder = root().join("target/measured").join(folder);
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join(path.file_name().context("a binary has a name")?);
    std::fs::copy(path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
    Ok(copy)
}

/// Finds an installed program on the `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Bytes of the record at the end of a zip file.
const END_RECORD: u64 = 22;

/// Adds a file, or all files below a folder.
fn add_size(path: &Path, size: &mut Size) -> Result<()> {
    /// Bytes that a zip adds for each file: two headers and its name twice, with the name taken to be `bootstrap`.
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
