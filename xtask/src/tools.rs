//! The tools that are not crates: installed in pinned versions into the project's own `.tools` folder.
#![expect(clippy::print_stdout, reason = "an installation says on the terminal that it takes its time")]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::executables::cargo;
use crate::{processes, project};

/// Tools that are installed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolset {
    /// cargo-lambda, which emulates Lambda and API Gateway.
    Emulator,
    /// The AWS SAM CLI and cfn-lint, which check the template.
    Linters,
    /// schemathesis, which checks the API against its contract.
    Schemathesis,
    /// openapi-python-client, which generates a client from the contract.
    PythonClient,
    /// The library of CycloneDX, with its schemas.
    CycloneDx,
}

impl Toolset {
    fn name(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Linters => "linters",
            Self::Schemathesis => "schemathesis",
            Self::PythonClient => "python-client",
            Self::CycloneDx => "cyclonedx",
        }
    }

    /// The oldest minor version of Python 3 that they run on.
    fn oldest_python(self) -> u8 {
        match self {
            Self::Emulator | Self::Linters => 10,
            Self::Schemathesis | Self::PythonClient | Self::CycloneDx => 11,
        }
    }

    fn announcement(self) -> &'static str {
        match self {
            Self::Emulator => "Installing cargo-lambda into .tools",
            Self::Linters => "Installing the SAM CLI and cfn-lint into .tools (a minute or two)",
            Self::Schemathesis => "Installing schemathesis into .tools",
            Self::PythonClient => "Installing openapi-python-client into .tools",
            Self::CycloneDx => "Installing the library of CycloneDX into .tools",
        }
    }
}

/// Installs the tools unless just these versions are there, and gives the folder of their programs.
///
/// # Errors
/// Python is missing or too old, or the packages cannot be had.
pub async fn install(tools: Toolset) -> Result<PathBuf> {
    let folder = project::tools_folder().join(tools.name());
    let requirements = project::root().join("xtask/requirements").join(tools.name()).with_extension("txt");
    let mut wanted = std::fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    // The programs of a virtual environment name the folder that they were installed into.
    wanted.extend(folder.as_os_str().as_encoded_bytes());
    let _lock = exclusively().await?;
    // Written last: a stamp stands for a whole installation.
    let stamp = folder.join("installed.txt");
    let programs = folder.join("bin");
    let python = programs.join("python");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(programs);
    }
    println!("{}", tools.announcement());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    make_environment(&folder, tools.oldest_python()).await?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    // The file names every package there is to install, in one version.
    pip.args(["--no-deps", "--requirement"]).arg(&requirements);
    processes::run(&mut pip).await.with_context(|| format!("cannot install {}", requirements.display()))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
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
    pub async fn install(self) -> Result<PathBuf> {
        let Self { name, version } = self;
        let _lock = exclusively().await?;
        // cargo puts the program there when it is whole.
        let program = self.program();
        if !program.exists() {
            println!("Installing {name} {version} into .tools (it is compiled, which takes minutes)");
            let mut install = cargo();
            install.args(["install", "--quiet", "--locked", name, "--version", version, "--root"]).arg(self.folder());
            processes::run(&mut install).await?;
        }
        Ok(program)
    }

    /// Where the program is once it is installed.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder().join("bin").join(self.name)
    }

    fn folder(&self) -> PathBuf {
        project::tools_folder().join(format!("{}-{}", self.name, self.version))
    }
}

/// Waits until no other process installs or builds what is kept: until the file that is returned is closed.
pub(crate) async fn exclusively() -> Result<std::fs::File> {
    std::fs::create_dir_all(project::tools_folder()).context("cannot make .tools")?;
    let path = project::tools_folder().join("lock");
    let lock = std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await?;
    lock.with_context(|| format!("cannot lock {}", path.display()))
}

async fn make_environment(folder: &Path, oldest: u8) -> Result<()> {
    let version = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {oldest}))");
    let mut check = Command::new("python3");
    let Ok(output) = check.args(["-c", &version]).output().await else {
        bail!("python3 is missing: install Python 3.{oldest} or newer");
    };
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        if reason.contains("No module named") {
            bail!(
                "python3 cannot make virtual environments: install python3-venv (Debian and Ubuntu: apt install python3-venv)"
            );
        }
        bail!("python3 is too old: install Python 3.{oldest} or newer");
    }
    processes::run(Command::new("python3").args(["-m", "venv"]).arg(folder)).await
}
