//! The project's paths, and cargo.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The folder with installed tools. Not under version control.
#[must_use]
pub fn tools_folder() -> PathBuf {
    root().join(".tools")
}

/// A shell in the root of the project.
///
/// # Errors
/// The current directory cannot be read.
pub fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Ok(shell)
}

/// A command for the cargo that runs this program.
pub fn cargo(shell: &Shell) -> Cmd<'_> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo describes this program's package in the environment. Build scripts that read these variables would run
    // again and cause recompilation, here and at the next manual call.
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let described = names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    described.fold(cmd!(shell, "{cargo}"), |cargo, name| cargo.env_remove(name))
}

/// A command that builds as `cargo lambda build --release` does for this architecture, and prints its messages as JSON.
///
/// <https://github.com/cargo-lambda/cargo-lambda/blob/main/crates/cargo-lambda-build/src/target_arch.rs>
pub fn cargo_build_release(shell: &Shell) -> Cmd<'_> {
    // All of Lambda's processors have these instructions.
    let processor = if cfg!(target_arch = "aarch64") { "neoverse-n1" } else { "haswell" };
    let flags = format!("build.rustflags=['-Ctarget-cpu={processor}']");
    cargo(shell).args(["build", "--release", "--message-format=json-render-diagnostics", "--config", &flags])
}

/// Builds a program of the workspace and returns its path.
///
/// # Errors
/// It does not compile.
pub fn build(shell: &Shell, program: &str) -> Result<PathBuf> {
    // `--workspace` keeps the feature set: with `--package`, dependencies would be compiled again.
    cargo(shell).args(["build", "--locked", "--workspace", "--bin", program]).quiet().run()?;
    let this = std::env::current_exe().context("cannot determine the path of this program")?;
    Ok(this.with_file_name(program))
}

/// The current commit, and whether the working tree has changes.
#[must_use]
pub fn commit(shell: &Shell) -> String {
    let head = cmd!(shell, "git rev-parse --short=12 HEAD").quiet().ignore_stderr().read();
    let changes = cmd!(shell, "git status --porcelain --untracked-files=no").quiet().ignore_stderr().read();
    match (head, changes) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => format!("commit {commit}"),
        (Ok(commit), _) => format!("commit {commit} with changes"),
        (Err(_), _) => "unknown commit".to_owned(),
    }
}

/// The processor model, the number of cores, the kernel version, and the architecture of this machine.
///
/// # Errors
/// The kernel does not tell.
pub fn machine() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let release: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    Ok(format!("{model}, {count} cores, Linux {}, {}", release.trim_end_matches('.'), std::env::consts::ARCH))
}
