//! The same job in other frameworks: `bench/peers`, built and installed on demand.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs::{Program, build, find_program, root};

/// A function in another framework that serves all the operations compared.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
}

/// The name in the figures of a Rust function with default features.
pub(crate) const NAIVE_RUST: &str = "naive Rust";
/// The name in the figures of the Node function.
pub(crate) const NODE: &str = "Node";
/// The name in the figures of the FastAPI function.
pub(crate) const FASTAPI: &str = "FastAPI";

/// Builds and installs all peers with the versions in their lock files.
///
/// # Errors
/// npm, Node, or Python is missing, or a package cannot be downloaded.
pub(crate) fn install() -> Result<Vec<Peer>> {
    eprintln!("Building and installing the peers …");
    Ok(vec![naive_rust()?, node()?, fastapi()?])
}

/// The versions of the compilers and interpreters.
pub(crate) fn versions() -> Result<Vec<String>> {
    let programs = ["rustc", "node", "python3"].map(|program| -> Result<String> {
        let output = Command::new(program).arg("--version").output().with_context(|| format!("no {program}"))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // Node prints only the number.
        Ok(if version.starts_with('v') { format!("{program} {version}") } else { version })
    });
    programs.into_iter().collect()
}

fn naive_rust() -> Result<Peer> {
    let manifest = text(&folder("naive-rust").join("Cargo.toml"));
    let target = text(&output("naive-rust"));
    let mut executables = build(&["--locked", "--manifest-path", &manifest, "--target-dir", &target])?;
    let program = executables.remove("naive-rust").context("no binary naive-rust")?;
    Ok(Peer { name: NAIVE_RUST, program })
}

/// Bundled and minified by its build script, as Node functions usually are for deployment.
fn node() -> Result<Peer> {
    let folder = folder("node");
    let npm = |arguments: &[&str]| run(Command::new("npm").args(arguments).current_dir(&folder));
    npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])?;
    let bundle = output("node").join("index.js");
    npm(&["run", "--silent", "build", "--", &format!("--outfile={}", bundle.display())])?;
    let node = find_program("node").context("node is not installed")?;
    let program = Program { arguments: vec![text(&bundle)], deployed: vec![bundle], ..Program::binary(node) };
    Ok(Peer { name: NODE, program })
}

/// In a virtual environment that contains only its packages.
fn fastapi() -> Result<Peer> {
    let folder = folder("fastapi");
    let environment = output("fastapi");
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&environment))?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--python"]).arg(&python).args(["install", "--quiet", "--no-input", "--no-deps"]);
    pip.args(["--disable-pip-version-check", "--requirement"]).arg(folder.join("requirements.txt"));
    run(&mut pip)?;
    let arguments = ["-m", "awslambdaric", "app.handler"].map(str::to_owned).into();
    let deployed = vec![environment.join("lib"), folder.join("app.py")];
    Ok(Peer { name: FASTAPI, program: Program { arguments, folder, deployed, ..Program::binary(python) } })
}

/// The sources of a peer.
fn folder(name: &str) -> PathBuf {
    root().join("bench/peers").join(name)
}

/// The build output of a peer.
fn output(name: &str) -> PathBuf {
    root().join("target/peers").join(name)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Runs a command with its output on the terminal.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot start {name}; is it installed?"))?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}
