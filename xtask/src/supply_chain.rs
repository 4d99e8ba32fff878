//! `cargo xtask audit`: what the product is made of, by whom, under which licences, and what is known against it.
#![expect(clippy::print_stdout, reason = "this command says what it has found")]

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::tools::{CargoSubcommand, Toolset};
use crate::{node, project};

const CARGO_DENY: CargoSubcommand = CargoSubcommand { name: "cargo-deny", version: "0.20.2" };

/// The packages of Node, each with a lock file.
const NODE_PACKAGES: [&str; 2] = ["issuer", "web"];

/// What the template deploys unless it is told otherwise.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The version of CycloneDX that the functions are described in.
const SPECIFICATION: &str = "1.6";

/// The options of `cargo xtask audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Fails also where a database of known vulnerabilities does not answer.
    #[arg(long)]
    strict: bool,
}

impl Audit {
    /// Checks licences, sources and bans; asks for known vulnerabilities; writes the bills of materials into `target/sbom`.
    ///
    /// # Errors
    /// Something is not allowed or known to be vulnerable, or, if that is asked for, not to be found out.
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
            println!("NOT ASKED for known vulnerabilities of {gap}");
        }
        ensure!(!self.strict || unanswered.is_empty(), "a database of known vulnerabilities did not answer");
        Ok(())
    }
}

/// Asks npm's registry for known vulnerabilities of what a package runs with. Gives the reason if it does not answer.
fn audit_node(package: &str) -> Result<Option<String>> {
    let shell = node::shell(package)?;
    let audit = cmd!(shell, "npm audit --omit=dev --package-lock-only --json").quiet().ignore_status();
    let report: Value = serde_json::from_str(&audit.read()?).context("npm audit gave no JSON")?;
    let Some(vulnerable) = report.get("vulnerabilities").and_then(Value::as_object) else {
        let why = report.get("message").and_then(Value::as_str).unwrap_or("the registry does not answer");
        return Ok(Some(why.to_owned()));
    };
    let names: Vec<_> = vulnerable.keys().map(String::as_str).collect();
    ensure!(names.is_empty(), "known vulnerabilities in {package}/: {} (npm audit says more)", names.join(", "));
    println!("{package}/: no known vulnerabilities");
    Ok(None)
}

/// Writes what the functions are made of, and what the page is made of, and holds both against the schema of CycloneDX.
fn write_bills(shell: &Shell) -> Result<()> {
    let folder = project::root().join("target/sbom");
    shell.create_dir(&folder)?;
    let npm = node::shell("web")?;
    let sbom = cmd!(npm, "npm sbom --omit=dev --package-lock-only --sbom-format=cyclonedx --sbom-type=application");
    let texts = [("functions", functions_bill()?.to_string()), ("page", sbom.quiet().read()?)];
    let python = Toolset::CYCLONEDX.install()?.join("python");
    for (name, text) in texts {
        let bill = folder.join(name).with_extension("cdx.json");
        shell.write_file(&bill, text)?;
        cmd!(shell, "{python} xtask/validate_sbom.py {bill}")
            .quiet()
            .run()
            .context("a bill of materials is not valid")?;
        println!("{} is valid CycloneDX", bill.display());
    }
    Ok(())
}

/// The bill of materials of the functions: the crates that are linked into them, with the features and for the
/// processor that they are deployed with. What only runs while they are built is not in it.
///
/// It is made of `cargo tree`, which chooses features as a build of the functions does. `cargo metadata`, which the usual
/// generators read, would add what the features of commands and tests bring.
///
/// # Errors
/// cargo does not know the functions, or says something unexpected.
pub fn functions_bill() -> Result<Value> {
    let shell = project::shell()?;
    // Without a package named, it is about the default members of the workspace: the functions.
    let tree = project::cargo(&shell).args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--target", TARGET]);
    let tree = tree.args(["--prefix", "depth", "--format", "\t{p}\t{l}\t{r}\t"]).quiet().read()?;
    let lock_file = shell.read_file("Cargo.lock")?;
    let made = cmd!(shell, "date -u +%Y-%m-%dT%H:%M:%SZ").quiet().read()?;
    let crates = Crates::read(&tree).context("cargo tree says the unexpected")?;
    Ok(crates.bill(&checksums(&lock_file), &made))
}

/// A crate's name and version.
type Package = (String, String);

/// Crates, and what each of them uses.
#[derive(Debug, Default, PartialEq, Eq)]
struct Crates(BTreeMap<Package, Crate>);

/// Where a crate comes from, by its folder.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Origin {
    #[default]
    Registry,
    Workspace,
    Function,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Crate {
    license: String,
    repository: String,
    origin: Origin,
    uses: BTreeSet<Package>,
}

impl Crates {
    /// Reads the output of `cargo tree`: a line a use, which begins with its depth. What a crate uses itself stands under it
    /// where it is named first.
    fn read(tree: &str) -> Option<Self> {
        let mut crates = Self::default();
        let mut path: Vec<Package> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let mut fields = line.split('\t');
            let depth: usize = fields.next()?.parse().ok()?;
            // Behind name and version a package of the workspace has its folder.
            let mut words = fields.next()?.split(' ');
            let package = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
            let (license, repository) = (fields.next()?, fields.next()?);
            path.truncate(depth);
            if let Some(user) = path.last() {
                crates.0.get_mut(user)?.uses.insert(package.clone());
            }
            let entry = crates.0.entry(package.clone()).or_default();
            // The older spelling of "or".
            entry.license = license.replace('/', " OR ");
            entry.repository = repository.to_owned();
            entry.origin = match words.next() {
                None => Origin::Registry,
                Some(folder) if folder.contains("/functions/") => Origin::Function,
                Some(_) => Origin::Workspace,
            };
            path.push(package);
        }
        Some(crates)
    }

    fn bill(&self, checksums: &BTreeMap<Package, &str>, made: &str) -> Value {
        let components: Vec<_> =
            self.0.iter().map(|(package, used)| used.component(package, checksums.get(package))).collect();
        let functions = self.0.iter().filter(|(_, used)| used.origin == Origin::Function);
        let product = "task-api";
        let mut dependencies = vec![json!({
            "ref": product,
            "dependsOn": functions.map(|(package, _)| purl(package)).collect::<Vec<_>>(),
        })];
        dependencies.extend(self.0.iter().map(|(package, used)| {
            json!({ "ref": purl(package), "dependsOn": used.uses.iter().map(purl).collect::<Vec<_>>() })
        }));
        json!({
            "$schema": format!("http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json"),
            "bomFormat": "CycloneDX",
            "specVersion": SPECIFICATION,
            "version": 1,
            "metadata": {
                "timestamp": made,
                "lifecycles": [{ "phase": "build" }],
                "tools": { "components": [{ "type": "application", "name": "cargo xtask audit" }] },
                "component": {
                    "type": "application",
                    "bom-ref": product,
                    "name": product,
                    "version": env!("CARGO_PKG_VERSION"),
                    "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                    "properties": [{ "name": "cargo:target", "value": TARGET }],
                },
            },
            "components": components,
            "dependencies": dependencies,
        })
    }
}

impl Crate {
    fn component(&self, package: &Package, checksum: Option<&&str>) -> Value {
        let (name, version) = package;
        let mut component = json!({
            "type": if self.origin == Origin::Function { "application" } else { "library" },
            "bom-ref": purl(package),
            "name": name,
            "version": version,
            "licenses": [{ "expression": self.license }],
        });
        if let Some(members) = component.as_object_mut() {
            if self.origin == Origin::Registry {
                members.insert("purl".to_owned(), json!(purl(package)));
            }
            if !self.repository.is_empty() {
                let reference = json!([{ "type": "vcs", "url": self.repository }]);
                members.insert("externalReferences".to_owned(), reference);
            }
            if let Some(checksum) = checksum {
                members.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": checksum }]));
            }
        }
        component
    }
}

/// The package URL of a crate.
///
/// <https://github.com/package-url/purl-spec>
fn purl((name, version): &Package) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// The SHA-256 of each crate as it was downloaded, by the lock file.
fn checksums(lock_file: &str) -> BTreeMap<Package, &str> {
    let entries = lock_file.split("[[package]]").filter_map(|entry| {
        let value = |name: &str| {
            let value = entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
            Some(value.trim_matches('"'))
        };
        Some(((value("name")?.to_owned(), value("version")?.to_owned()), value("checksum")?))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        (name.to_owned(), version.to_owned())
    }

    #[test]
    fn a_tree_gives_what_each_crate_uses() {
        let tree = "0\tget-task v0.1.0 (/project/functions/get-task)\tMIT\t\t\n\
                    1\ta v1.2.3\tApache-2.0/MIT\thttps://example.com/a\t\n\
                    2\tb v1.0.0+x\tMIT\t\t\n\
                    1\tb v1.0.0+x\tMIT\t\t (*)\n\
                    \n\
                    0\tlist-tasks v0.1.0 (/project/functions/list-tasks)\tMIT\t\t\n\
                    1\ta v1.2.3\tApache-2.0/MIT\thttps://example.com/a\t (*)\n";
        let Crates(crates) = Crates::read(tree).unwrap();
        assert_eq!(crates.len(), 4);
        let (a, b) = (package("a", "1.2.3"), package("b", "1.0.0+x"));
        assert_eq!(crates[&package("get-task", "0.1.0")].uses, BTreeSet::from([a.clone(), b.clone()]));
        assert_eq!(crates[&package("list-tasks", "0.1.0")].uses, BTreeSet::from([a.clone()]));
        assert_eq!(crates[&a].uses, BTreeSet::from([b.clone()]));
        assert_eq!((crates[&a].license.as_str(), crates[&a].origin), ("Apache-2.0 OR MIT", Origin::Registry));
        assert_eq!(crates[&package("get-task", "0.1.0")].origin, Origin::Function);
        assert_eq!(purl(&b), "pkg:cargo/b@1.0.0%2Bx");
    }

    #[test]
    fn what_is_no_tree_is_not_read() {
        for text in ["a v1.0.0", "0\ta\tMIT\t\t", "0\ta 1.0.0\tMIT\t\t", "x\ta v1.0.0\tMIT\t\t"] {
            assert_eq!(Crates::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_lock_file_has_checksums_of_what_was_downloaded() {
        let lock_file = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = \"registry\"\nchecksum = \"ab12\"\n\n\
                         [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";
        assert_eq!(checksums(lock_file), BTreeMap::from([(package("a", "1.2.3"), "ab12")]));
    }
}
