//! The same job in other frameworks: `bench/peers`, built and installed on demand.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::cmd;
use xtask::project::{root, shell};

use crate::programs::{Program, build, find_program};

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
    let shell = shell()?;
    let programs = ["rustc", "node", "python3"].map(|program| {
        let version = cmd!(shell, "{program} --version").quiet().read()?;
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
    let shell = shell()?;
    shell.change_dir(folder("node"));
    cmd!(shell, "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error").quiet().run()?;
    let bundle = output("node").join("index.js");
    cmd!(shell, "npm run --silent build -- --outfile={bundle}").quiet().run()?;
    let node = find_program("node").context("node is not installed")?;
    let program = Program { arguments: vec![text(&bundle)], deployed: vec![bundle], ..Program::binary(node) };
    Ok(Peer { name: NODE, program })
}

/// In a virtual environment that contains only its packages.
fn fastapi() -> Result<Peer> {
    let (shell, folder) = (shell()?, folder("fastapi"));
    let environment = output("fastapi");
    let python = environment.join("bin/python");
    if !python.exists() {
        cmd!(shell, "python3 -m venv --without-pip {environment}").quiet().run()?;
    }
    let requirements = folder.join("requirements.txt");
    let pip = cmd!(shell, "python3 -m pip --python {python} install --quiet --no-input --no-deps");
    pip.arg("--disable-pip-version-check").arg("--requirement").arg(requirements).quiet().run()?;
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
