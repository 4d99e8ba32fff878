//! Installs pinned versions of external tools into the folder `.tools`.
#![expect(clippy::print_stdout, reason = "a slow installation is announced on the terminal")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::project;

/// Python tools that are installed together from `requirements/<name>.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toolset {
    name: &'static str,
    /// The minor version of the oldest supported Python 3.
    oldest_python: u8,
    /// The tools' names for messages.
    contents: &'static str,
}

impl Toolset {
    /// cargo-lambda, which emulates Lambda and API Gateway.
    pub const EMULATOR: Self = Self { name: "emulator", oldest_python: 10, contents: "cargo-lambda" };
    /// The AWS SAM CLI and cfn-lint, which check the template, and moto, which deploys it on this machine.
    pub const LINTERS: Self =
        Self { name: "linters", oldest_python: 10, contents: "the SAM CLI, cfn-lint, and moto (a minute or two)" };
    /// checkov, which knows what makes a template insecure.
    pub const CHECKOV: Self = Self { name: "checkov", oldest_python: 11, contents: "checkov" };
    /// schemathesis, which checks the API against its contract.
    pub const SCHEMATHESIS: Self = Self { name: "schemathesis", oldest_python: 11, contents: "schemathesis" };
    /// openapi-python-client, which generates a client from the contract.
    pub const PYTHON_CLIENT: Self =
        Self { name: "python-client", oldest_python: 11, contents: "openapi-python-client" };
    /// python-dateutil and the IANA time zones, which say when tasks recur.
    pub const RECURRENCE: Self = Self { name: "recurrence", oldest_python: 11, contents: "python-dateutil" };
    /// The CycloneDX library with its schemas.
    pub const CYCLONEDX: Self = Self { name: "cyclonedx", oldest_python: 11, contents: "the CycloneDX library" };

    /// Installs the tools unless exactly these versions are installed. Returns the folder of their programs.
    ///
    /// # Errors
    /// Python is missing or too old, or pip fails.
    pub fn install(self) -> Result<PathBuf> {
        let shell = project::shell()?;
        let folder = project::tools_folder().join(self.name);
        let requirements = project::root().join("xtask/requirements").join(self.name).with_extension("txt");
        let mut wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
        // A virtual environment cannot be moved: its programs contain its path.
        wanted.extend(folder.as_os_str().as_encoded_bytes());
        let _lock = lock()?;
        // The stamp is written last, so it proves a complete installation.
        let stamp = folder.join("installed.txt");
        let programs = folder.join("bin");
        let python = programs.join("python");
        if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
            return Ok(programs);
        }
        println!("Installing {} into .tools", self.contents);
        shell.remove_path(&folder)?;
        create_environment(&shell, &folder, self.oldest_python)?;
        let pip = cmd!(shell, "{python} -m pip install --quiet --no-input --disable-pip-version-check");
        // The file pins all packages, including indirect dependencies.
        pip.arg("--no-deps").arg("--requirement").arg(&requirements).quiet().run()?;
        shell.write_file(&stamp, wanted)?;
        Ok(programs)
    }
}

fn create_environment(shell: &Shell, folder: &Path, oldest_python: u8) -> Result<()> {
    let version = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {oldest_python}))");
    let Ok(output) = cmd!(shell, "python3 -c {version}").quiet().ignore_status().output() else {
        bail!("python3 is missing: install Python 3.{oldest_python} or newer");
    };
    if String::from_utf8_lossy(&output.stderr).contains("No module named") {
        bail!("python3 cannot create virtual environments: install python3-venv (apt install python3-venv)");
    }
    if !output.status.success() {
        bail!("python3 is too old: install Python 3.{oldest_python} or newer");
    }
    Ok(cmd!(shell, "python3 -m venv {folder}").quiet().run()?)
}

/// A cargo subcommand from a crate with a pinned version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CargoSubcommand {
    /// The crate, and its program.
    pub name: &'static str,
    /// The version to install.
    pub version: &'static str,
}

impl CargoSubcommand {
    /// Compiles and installs the program unless exactly this version is installed. Returns its path.
    ///
    /// # Errors
    /// The crate cannot be downloaded or does not compile.
    pub fn install(self) -> Result<PathBuf> {
        let Self { name, version } = self;
        let shell = project::shell()?;
        let folder = project::tools_folder().join(format!("{name}-{version}"));
        let program = folder.join("bin").join(name);
        let _lock = lock()?;
        // cargo moves only complete programs there.
        if !program.exists() {
            println!("Installing {name} {version} into .tools (compiling it takes some minutes)");
            let install = project::cargo(&shell).args(["install", "--quiet", "--locked", name, "--version", version]);
            install.arg("--root").arg(&folder).quiet().run()?;
        }
        Ok(program)
    }
}

/// Waits until no other process installs tools or packages, and locks out others until the returned file is closed.
///
/// # Errors
/// The tools folder is not writable.
pub fn lock() -> Result<File> {
    fs::create_dir_all(project::tools_folder()).context("cannot create .tools")?;
    let path = project::tools_folder().join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(lock)
}
