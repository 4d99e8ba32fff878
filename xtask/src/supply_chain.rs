//! `cargo xtask audit`: checks sources, licenses, and known vulnerabilities of the dependencies, and writes bills of
//! materials.
#![expect(clippy::print_stdout, reason = "this command prints its findings")]

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::tools::{CargoSubcommand, Toolset};
use crate::{node, project};

const CARGO_DENY: CargoSubcommand = CargoSubcommand { name: "cargo-deny", version: "0.20.2" };
const CARGO_CYCLONEDX: CargoSubcommand = CargoSubcommand { name: "cargo-cyclonedx", version: "0.5.9" };

/// The npm packages, each with a lock file.
const NODE_PACKAGES: [&str; 3] = ["client", "issuer", "web"];

/// The template's default architecture.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The options of `cargo xtask audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Also fails if a database of known vulnerabilities is unavailable.
    #[arg(long)]
    strict: bool,
}

impl Audit {
    /// Checks licenses, sources, bans, and known vulnerabilities, and writes bills of materials into `target/sbom`.
    ///
    /// # Errors
    /// A dependency is not allowed or has a known vulnerability; with `--strict`, also if a database is unavailable.
    pub fn run(&self) -> Result<()> {
        let shell = project::shell()?;
        let program = CARGO_DENY.install()?;
        let deny = |arguments: &str| {
            let deny = cmd!(shell, "{program} --locked --workspace --log-level error").env_remove("CARGO");
            deny.args(arguments.split(' ')).quiet().run()
        };
        deny("check bans licenses sources")?;

        let mut unanswered = Vec::new();
        if deny("fetch db").is_ok() {
            deny("check --disable-fetch advisories")?;
        } else {
            unanswered.push("crates: the RustSec database cannot be fetched".to_owned());
        }
        node::check()?;
        for package in NODE_PACKAGES {
            if let Some(why) = audit_node(package)? {
                unanswered.push(format!("{package}/: {why}"));
            }
        }
        write_bills(&shell)?;
        for gap in &unanswered {
            println!("NOT CHECKED for known vulnerabilities: {gap}");
        }
        ensure!(!self.strict || unanswered.is_empty(), "a database of known vulnerabilities is unavailable");
        Ok(())
    }
}

/// Asks the npm registry for known vulnerabilities in a package's runtime dependencies. Returns the reason if the
/// registry is unavailable.
fn audit_node(package: &str) -> Result<Option<String>> {
    let shell = node::shell(package)?;
    let audit = cmd!(shell, "npm audit --omit=dev --package-lock-only --json").quiet().ignore_status();
    let report: Value = serde_json::from_str(&audit.read()?).context("npm audit returned no JSON")?;
    let Some(vulnerable) = report.get("vulnerabilities").and_then(Value::as_object) else {
        let why = report.get("message").and_then(Value::as_str).unwrap_or("the registry does not respond");
        return Ok(Some(why.to_owned()));
    };
    let names: Vec<_> = vulnerable.keys().map(String::as_str).collect();
    ensure!(names.is_empty(), "known vulnerabilities in {package}/: {} (see npm audit)", names.join(", "));
    println!("{package}/: no known vulnerabilities");
    Ok(None)
}

/// Writes the bills of materials of each function and of the page, and validates them against the CycloneDX schema.
fn write_bills(shell: &Shell) -> Result<()> {
    let folder = project::root().join("target/sbom");
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    write_function_bills(shell, &folder)?;
    // What a linked package depends on is in its own folder, not in the lock file of the page.
    for package in node::PAGE {
        node::install(package)?;
    }
    let npm = node::shell("web")?;
    let sbom = cmd!(npm, "npm sbom --omit=dev --sbom-format=cyclonedx --sbom-type=application");
    shell.write_file(folder.join("page.cdx.json"), sbom.quiet().read()?)?;
    let (python, bills) = (Toolset::CYCLONEDX.install()?.join("python"), shell.read_dir(&folder)?);
    let validate = cmd!(shell, "{python} xtask/validate_sbom.py {bills...}").quiet();
    validate.run().context("a bill of materials is invalid")?;
    println!("The bills of materials in {} are valid CycloneDX", folder.display());
    Ok(())
}

/// Has cargo-cyclonedx write a bill beside every manifest of the workspace, and keeps those of the functions.
///
/// It reads `cargo metadata`, so it also lists procedural macros and crates that only features of tools and tests enable.
/// `cargo tree` selects features as a build of a function does: all that it lists must be in the bill.
fn write_function_bills(shell: &Shell, folder: &Path) -> Result<()> {
    let program = CARGO_CYCLONEDX.install()?;
    let describe = cmd!(shell, "{program} cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps");
    describe.args(["--target", TARGET]).env_remove("CARGO").quiet().run()?;
    let metadata = project::cargo(shell).args(["metadata", "--locked", "--no-deps", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&metadata.quiet().read()?)?;
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let text = |member| package.get(member).and_then(Value::as_str).context("cargo describes no package");
        let (name, manifest) = (text("name")?, Path::new(text("manifest_path")?));
        let written = manifest.with_file_name(format!("{name}.cdx.json"));
        if manifest.starts_with(project::root().join("functions")) {
            let tree = ["tree", "--locked", "--prefix", "none", "--format", "{p}", "--edges", "normal,no-proc-macro"];
            let tree = project::cargo(shell).args(tree).args(["--target", TARGET, "--package", name]).quiet().read()?;
            let missing = missing(&serde_json::from_str(&shell.read_file(&written)?)?, &tree);
            ensure!(missing.is_empty(), "the bill of materials of {name} lacks {}", missing.join(", "));
            shell.copy_file(&written, folder)?;
        }
        shell.remove_path(&written)?;
    }
    Ok(())
}

/// The crates of a tree that a bill does not list. The first line of the tree is the subject of the bill.
fn missing<'a>(bill: &Value, tree: &'a str) -> Vec<&'a str> {
    let listed = bill.get("components").and_then(Value::as_array).into_iter().flatten().filter_map(|component| {
        let text = |member| component.get(member).and_then(Value::as_str);
        Some(format!("{} v{}", text("name")?, text("version")?))
    });
    let listed: BTreeSet<_> = listed.collect();
    // Name and version are followed by the folder of a workspace package, or by `(*)` if the crate occurs again.
    let linked = tree.lines().skip(1).filter_map(|line| line.split(" (").next()).filter(|line| !line.is_empty());
    linked.filter(|package| !listed.contains(*package)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TREE: &str = "get-task v0.1.0 (/project/functions/get-task)\nshared v0.1.0 (/project/shared)\n\
                        ring v0.17.14\ntokio v1.54.0 (*)\n";

    fn bill(tokio: &str) -> Value {
        let components = [("shared", "0.1.0"), ("ring", "0.17.14"), ("tokio", tokio), ("syn", "2.0.0")];
        json!({ "components": components.map(|(name, version)| json!({ "name": name, "version": version })) })
    }

    #[test]
    fn functions_bill_lists_what_they_ship() {
        assert!(missing(&bill("1.54.0"), TREE).is_empty());
        assert_eq!(missing(&json!({}), TREE).len(), 3);
    }

    #[test]
    fn other_version_of_a_crate_is_missing() {
        assert_eq!(missing(&bill("1.0.0"), TREE), ["tokio v1.54.0"]);
    }
}
