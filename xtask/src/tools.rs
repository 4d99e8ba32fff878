//! The tools that are not crates of the workspace: installed in pinned versions into the project's own `.tools` folder.
#![expect(clippy::print_stdout, reason = "an installation says on the terminal that it takes its time")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::project;

/// Tools of Python that are installed together: what `requirements/<name>.txt` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toolset {
    name: &'static str,
    /// The oldest minor version of Python 3 that they run on.
    oldest_python: u8,
    /// For the terminal.
    contents: &'static str,
}

impl Toolset {
    /// cargo-lambda, which emulates Lambda and API Gateway.
    pub const EMULATOR: Self = Self { name: "emulator", oldest_python: 10, contents: "cargo-lambda" };
    /// The AWS SAM CLI and cfn-lint, which check the template.
    pub const LINTERS: Self =
        Self { name: "linters", oldest_python: 10, contents: "the SAM CLI and cfn-lint (a minute or two)" };
    /// schemathesis, which checks the API against its contract.
    pub const SCHEMATHESIS: Self = Self { name: "schemathesis", oldest_python: 11, contents: "schemathesis" };
    /// openapi-python-client, which generates a client from the contract.
    pub const PYTHON_CLIENT: Self =
        Self { name: "python-client", oldest_python: 11, contents: "openapi-python-client" };
    /// The library of CycloneDX, with its schemas.
    pub const CYCLONEDX: Self = Self { name: "cyclonedx", oldest_python: 11, contents: "the library of CycloneDX" };

    /// Installs the tools unless just these versions are there, and gives the folder of their programs.
    ///
    /// # Errors
    /// Python is missing or too old, or the packages cannot be had.
    pub fn install(self) -> Result<PathBuf> {
        let shell = project::shell()?;
        let folder = project::tools_folder().join(self.name);
        let requirements = project::root().join("xtask/requirements").join(self.name).with_extension("txt");
        let mut wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
        // The programs of a virtual environment name the folder that they were installed into.
        wanted.extend(folder.as_os_str().as_encoded_bytes());
        let _lock = lock()?;
        // Written last: a stamp stands for a whole installation.
        let stamp = folder.join("installed.txt");
        let programs = folder.join("bin");
        let python = programs.join("python");
        if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
            return Ok(programs);
        }
        println!("Installing {} into .tools", self.contents);
        shell.remove_path(&folder)?;
        make_environment(&shell, &folder, self.oldest_python)?;
        let pip = cmd!(shell, "{python} -m pip install --quiet --no-input --disable-pip-version-check");
        // The file names every package there is to install, in one version.
        pip.arg("--no-deps").arg("--requirement").arg(&requirements).quiet().run()?;
        shell.write_file(&stamp, wanted)?;
        Ok(programs)
    }
}

fn make_environment(shell: &Shell, folder: &Path, oldest_python: u8) -> Result<()> {
    let version = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {oldest_python}))");
    let Ok(output) = cmd!(shell, "python3 -c {version}").quiet().ignore_status().output() else {
        bail!("python3 is missing: install Python 3.{oldest_python} or newer");
    };
    if String::from_utf8_lossy(&output.stderr).contains("No module named") {
        bail!(
            "python3 cannot make virtual environments: install python3-venv (Debian and Ubuntu: apt install python3-venv)"
        );
    }
    if !output.status.success() {
        bail!("python3 is too old: install Python 3.{oldest_python} or newer");
    }
    Ok(cmd!(shell, "python3 -m venv {folder}").quiet().run()?)
}

/// A subcommand of cargo that comes as a crate, in one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CargoSubcommand {
    /// The crate, which is named as its program is.
    pub name: &'static str,
    /// The version to install.
    pub version: &'static str,
}

impl CargoSubcommand {
    /// Compiles and installs the program unless just this version is there, and gives its path.
    ///
    /// # Errors
    /// The crate cannot be had, or does not compile.
    pub fn install(self) -> Result<PathBuf> {
        let Self { name, version } = self;
        let shell = project::shell()?;
        let folder = project::tools_folder().join(format!("{name}-{version}"));
        let program = folder.join("bin").join(name);
        let _lock = lock()?;
        // cargo puts the program there when it is whole.
        if !program.exists() {
            println!("Installing {name} {version} into .tools (it is compiled, which takes minutes)");
            let install = project::cargo(&shell).args(["install", "--quiet", "--locked", name, "--version", version]);
            install.arg("--root").arg(&folder).quiet().run()?;
        }
        Ok(program)
    }
}

/// Waits until no other process installs or builds what is kept: until the file that is returned is closed.
///
/// # Errors
/// The folder of the tools cannot be written.
pub fn lock() -> Result<File> {
    fs::create_dir_all(project::tools_folder()).context("cannot make .tools")?;
    let path = project::tools_folder().join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(lock)
}
