//! `cargo xtask coverage`: how much of `shared` its tests run, in lines, branches and regions.
//!
//! A branch is a condition's being true or false (`if`, `&&`, `||`, `let … else`, a guard). rustc counts no branches at the
//! arms of a `match` and at `?`, but there each way is a region. What only tests compile is not counted.
#![expect(clippy::print_stdout, reason = "this command prints a table")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::process::Command;

use crate::tools::CargoSubcommand;
use crate::{processes, project};

const CARGO_LLVM_COV: CargoSubcommand = CargoSubcommand { name: "cargo-llvm-cov", version: "0.9.1" };

/// Only a nightly rustc counts branches.
const TOOLCHAIN: &str = "nightly";

/// The oldest LLVM whose tools read what today's rustc writes.
const OLDEST_LLVM: u32 = 19;

/// Tests that start the product as other programs: what runs there is not counted.
const OTHER_PROGRAMS: [&str; 6] = ["cors::", "crash::", "end_to_end::", "issuer::", "leaks::", "process::"];

/// What must be reached, in percent.
const LINES_OF_SHARED: f64 = 95.0;
const BRANCHES_OF_SHARED: f64 = 95.0;
const LINES_OF_AUTH: f64 = 100.0;

/// Runs the tests of `shared` and the cases of `tests`, prints what they run and what they do not, and holds it against
/// the bounds.
///
/// # Errors
/// A tool is missing, a test fails, or a bound is not reached.
pub async fn run() -> Result<()> {
    let llvm = LlvmTools::find().await?;
    let program = CARGO_LLVM_COV.install().await?;
    println!("Reading the profiles with {}", llvm.cov.display());
    let report = project::root().join("target/coverage.json");
    let mut command = nightly(&program);
    command.args(["llvm-cov", "test", "--locked", "--branch", "--json", "--output-path"]).arg(&report);
    command.args(["--package", "shared", "--package", "tests", "--"]);
    for tests in OTHER_PROGRAMS {
        command.args(["--skip", tests]);
    }
    processes::run(command.env("LLVM_COV", &llvm.cov).env("LLVM_PROFDATA", &llvm.profdata)).await?;

    let text = fs::read(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let export: Export = serde_json::from_slice(&text).context("llvm-cov's report is not as expected")?;
    let modules = Modules::of(&export)?;
    print_missing(&modules);
    let (shared, auth) = print_table(&modules);
    let bounds = [
        ("lines of shared", shared.lines, LINES_OF_SHARED),
        ("branches of shared", shared.branches, BRANCHES_OF_SHARED),
        ("lines of auth", auth.lines, LINES_OF_AUTH),
    ];
    for (what, share, bound) in bounds {
        if share.percent() < bound {
            bail!("{:.1} % of the {what} are covered, and {bound} % must be", share.percent());
        }
    }
    Ok(())
}

/// A program of the nightly toolchain, in the root of the project.
fn nightly(program: &Path) -> Command {
    let mut command = Command::new(program);
    // cargo, which runs this program, says which cargo it is: the one of another toolchain.
    command.current_dir(project::root()).env_remove("CARGO").env("RUSTUP_TOOLCHAIN", TOOLCHAIN);
    command
}

/// The programs that read the profiles.
struct LlvmTools {
    cov: PathBuf,
    profdata: PathBuf,
}

impl LlvmTools {
    /// Those that the environment names, else those of the toolchain, else those of the operating system.
    async fn find() -> Result<Self> {
        if let (Some(cov), Some(profdata)) = (std::env::var_os("LLVM_COV"), std::env::var_os("LLVM_PROFDATA")) {
            return Ok(Self { cov: cov.into(), profdata: profdata.into() });
        }
        let output = nightly(Path::new("rustc")).args(["--print", "target-libdir"]).output().await;
        let Some(output) = output.ok().filter(|output| output.status.success()) else {
            bail!(
                "branches are counted by a nightly toolchain only: rustup toolchain install nightly --component llvm-tools"
            );
        };
        let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let component = libraries.with_file_name("bin");
        let of_component = Self { cov: component.join("llvm-cov"), profdata: component.join("llvm-profdata") };
        let folders: Vec<_> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
        // Debian and Ubuntu add the version to the name.
        let of_system = (OLDEST_LLVM..OLDEST_LLVM + 20).rev().flat_map(|version| {
            folders.iter().map(move |folder| Self {
                cov: folder.join(format!("llvm-cov-{version}")),
                profdata: folder.join(format!("llvm-profdata-{version}")),
            })
        });
        let mut found = std::iter::once(of_component).chain(of_system);
        found.find(|tools| tools.cov.exists() && tools.profdata.exists()).with_context(|| {
            format!(
                "llvm-cov and llvm-profdata are missing: rustup component add llvm-tools --toolchain {TOOLCHAIN} \
                 (or Debian's package llvm-{OLDEST_LLVM})"
            )
        })
    }
}

/// The part of `llvm-cov export` that is read here. A function stands there once for each binary and each set of types
/// that it was compiled for.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    segments: Vec<Segment>,
}

/// From here to the next segment: line, column, count, whether there is a count, whether a region begins, whether that is
/// a gap between regions.
#[derive(Deserialize, Clone, Copy)]
struct Segment(u32, IgnoredAny, u64, bool, bool, bool);

#[derive(Deserialize)]
struct Function {
    filenames: Vec<PathBuf>,
    regions: Vec<Region>,
    branches: Vec<Branch>,
}

/// First line and column, last line and column, count, file, expanded file, kind.
#[derive(Deserialize, Clone, Copy)]
struct Region(u32, u32, u32, u32, u64, usize, IgnoredAny, u32);

/// First line and column, last line and column, how often true and how often false, file, expanded file, kind.
#[derive(Deserialize, Clone, Copy)]
struct Branch(u32, u32, u32, u32, u64, u64, usize, IgnoredAny, IgnoredAny);

/// Code, not an expansion, a gap or something that is left out.
const CODE_REGION: u32 = 0;

/// Where something begins and ends: lines and columns.
type Span = (u32, u32, u32, u32);

/// How often everything in a module was run, by where it stands.
#[derive(Default)]
struct Module {
    lines: BTreeMap<u32, u64>,
    branches: BTreeMap<Span, (u64, u64)>,
    regions: BTreeMap<Span, u64>,
}

/// The modules of `shared`, by the path of their file.
struct Modules {
    sources: PathBuf,
    test_code: TestCode,
    found: BTreeMap<PathBuf, Module>,
}

impl Modules {
    fn of(export: &Export) -> Result<BTreeMap<PathBuf, Module>> {
        let sources = project::root().join("shared/src");
        let mut modules = Self { test_code: TestCode::of(&sources)?, sources, found: BTreeMap::new() };
        for data in &export.data {
            for file in &data.files {
                for (line, count) in lines(&file.segments) {
                    if let Some(module) = modules.at(&file.filename, line) {
                        module.lines.insert(line, count);
                    }
                }
            }
            for function in &data.functions {
                modules.add(function);
            }
        }
        if modules.found.is_empty() {
            bail!("the report knows no file of {}", modules.sources.display());
        }
        Ok(modules.found)
    }

    fn add(&mut self, function: &Function) {
        for &Region(line, column, last_line, last_column, count, file, _, kind) in &function.regions {
            if kind == CODE_REGION
                && let Some(module) = function.filenames.get(file).and_then(|file| self.at(file, line))
            {
                *module.regions.entry((line, column, last_line, last_column)).or_default() += count;
            }
        }
        for &Branch(line, column, last_line, last_column, yes, no, file, ..) in &function.branches {
            if let Some(module) = function.filenames.get(file).and_then(|file| self.at(file, line)) {
                let counts = module.branches.entry((line, column, last_line, last_column)).or_default();
                *counts = (counts.0 + yes, counts.1 + no);
            }
        }
    }

    /// The module that this line is in, if it is one of the product.
    fn at(&mut self, file: &Path, line: u32) -> Option<&mut Module> {
        let module = file.strip_prefix(&self.sources).ok().filter(|_| !self.test_code.includes(file, line))?;
        Some(self.found.entry(module.to_owned()).or_default())
    }
}

/// How often each line was run: as often as the region that was run most of those that begin there, or that it continues.
/// (`LineCoverageStats` of LLVM.)
fn lines(segments: &[Segment]) -> BTreeMap<u32, u64> {
    let mut lines = BTreeMap::new();
    let last = segments.last().map_or(0, |segment| segment.0);
    let mut rest = segments;
    let mut continued: Option<Segment> = None;
    for line in segments.first().map_or(1, |segment| segment.0)..=last {
        let (here, later) = rest.split_at(rest.iter().take_while(|segment| segment.0 == line).count());
        let is_left_out = here.first().is_some_and(|Segment(_, _, _, is_counted, begins, _)| !is_counted && *begins);
        let beginning =
            here.iter().filter(|Segment(_, _, _, is_counted, begins, is_gap)| *is_counted && *begins && !is_gap);
        let counts: Vec<u64> = beginning
            .map(|segment| segment.2)
            .chain(continued.filter(|segment| segment.3).map(|segment| segment.2))
            .collect();
        if let Some(&count) = counts.iter().max()
            && !is_left_out
        {
            lines.insert(line, count);
        }
        continued = here.last().copied().or(continued);
        rest = later;
    }
    lines
}

/// What is compiled for tests only: files, and parts of files.
struct TestCode {
    files: BTreeSet<PathBuf>,
    lines: BTreeMap<PathBuf, Vec<(u32, u32)>>,
}

impl TestCode {
    /// Reads the sources, which rustfmt has formatted: a module of tests ends with a brace as far left as its attribute.
    fn of(folder: &Path) -> Result<Self> {
        let mut found = Self { files: BTreeSet::new(), lines: BTreeMap::new() };
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.read(&path)?;
                }
            }
        }
        Ok(found)
    }

    fn read(&mut self, file: &Path) -> Result<()> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = (1..).zip(text.lines());
        while let Some((first, _)) = lines.find(|(_, line)| *line == "#[cfg(test)]") {
            let Some((_, declaration)) = lines.find(|(_, line)| !line.starts_with("#[")) else { break };
            match declaration.strip_prefix("mod ").and_then(|module| module.strip_suffix(';')) {
                Some(module) => {
                    self.files.insert(file.with_extension("").join(module).with_extension("rs"));
                }
                None => {
                    let last = lines.find(|(_, line)| *line == "}").map_or(u32::MAX, |(last, _)| last);
                    self.lines.entry(file.to_owned()).or_default().push((first, last));
                }
            }
        }
        Ok(())
    }

    fn includes(&self, file: &Path, line: u32) -> bool {
        let parts = self.lines.get(file).into_iter().flatten();
        self.files.contains(file) || parts.into_iter().any(|&(first, last)| (first..=last).contains(&line))
    }
}

/// How many of how many.
#[derive(Clone, Copy, Default)]
struct Share {
    covered: usize,
    all: usize,
}

impl Share {
    fn of(counts: impl Iterator<Item = u64>) -> Self {
        counts.fold(Self::default(), |share, count| Self {
            covered: share.covered + usize::from(count > 0),
            all: share.all + 1,
        })
    }

    fn plus(self, other: Self) -> Self {
        Self { covered: self.covered + other.covered, all: self.all + other.all }
    }

    /// Of nothing everything is covered.
    fn percent(self) -> f64 {
        if self.all == 0 { 100.0 } else { self.covered as f64 * 100.0 / self.all as f64 }
    }
}

/// How much of some code is covered.
#[derive(Clone, Copy, Default)]
struct Coverage {
    lines: Share,
    branches: Share,
    regions: Share,
}

impl Coverage {
    fn of(module: &Module) -> Self {
        Self {
            lines: Share::of(module.lines.values().copied()),
            branches: Share::of(module.branches.values().flat_map(|&(yes, no)| [yes, no])),
            regions: Share::of(module.regions.values().copied()),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            lines: self.lines.plus(other.lines),
            branches: self.branches.plus(other.branches),
            regions: self.regions.plus(other.regions),
        }
    }

    fn print(self, name: &str) {
        let column = |Share { covered, all }: Share| {
            format!("{covered:>5} of {all:>4} {:>5.1} %", Share { covered, all }.percent())
        };
        println!("{name:24} {}  {}  {}", column(self.lines), column(self.branches), column(self.regions));
    }
}

/// Prints a row a file, and gives the sums: all of `shared`, and `auth` alone.
fn print_table(modules: &BTreeMap<PathBuf, Module>) -> (Coverage, Coverage) {
    let (mut shared, mut auth) = (Coverage::default(), Coverage::default());
    println!("\n{:24} {:>21}  {:>21}  {:>21}", "shared/src/", "lines", "branches", "regions");
    for (file, module) in modules {
        let coverage = Coverage::of(module);
        coverage.print(&file.to_string_lossy());
        shared = shared.plus(coverage);
        if file.starts_with("auth") || file == Path::new("auth.rs") {
            auth = auth.plus(coverage);
        }
    }
    auth.print("auth in all");
    shared.print("shared in all");
    (shared, auth)
}

/// Prints the place of everything that was not run.
fn print_missing(modules: &BTreeMap<PathBuf, Module>) {
    for (file, module) in modules {
        let file = Path::new("shared/src").join(file);
        for (line, _) in module.lines.iter().filter(|(_, count)| **count == 0) {
            println!("{}:{line}: never run", file.display());
        }
        for ((line, column, ..), (yes, no)) in &module.branches {
            for (outcome, count) in [("true", yes), ("false", no)] {
                if *count == 0 {
                    println!("{}:{line}:{column}: never {outcome}", file.display());
                }
            }
        }
        for ((line, column, ..), count) in &module.regions {
            if *count == 0 && module.lines.get(line).is_some_and(|count| *count > 0) {
                println!("{}:{line}:{column}: passed by", file.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_run_as_often_as_what_is_run_most_of_it() {
        // A function that was called three times, with a block on lines 3 and 4 that was never entered.
        let segments =
            "[[1,1,3,true,true,false],[3,10,0,true,true,false],[4,6,3,true,false,false],[5,2,0,false,false,false]]";
        let segments: Vec<Segment> = serde_json::from_str(segments).unwrap();
        assert_eq!(lines(&segments), BTreeMap::from([(1, 3), (2, 3), (3, 3), (4, 0), (5, 3)]));
        assert_eq!(lines(&[]), BTreeMap::new());
    }

    #[test]
    fn what_only_tests_compile_is_told_from_the_product() {
        let sources = project::root().join("shared/src");
        let test_code = TestCode::of(&sources).unwrap();
        let task = sources.join("task.rs");
        let text = fs::read_to_string(&task).unwrap();
        let first = text.lines().position(|line| line == "#[cfg(test)]").unwrap();
        let first = u32::try_from(first).unwrap() + 1;
        assert!(!test_code.includes(&task, 1) && !test_code.includes(&task, first - 1));
        assert!(test_code.includes(&task, first) && test_code.includes(&task, first + 10));
        assert!(test_code.includes(&sources.join("auth/tests.rs"), 1));
        assert!(!test_code.includes(&sources.join("auth/token.rs"), 1));
    }

    #[test]
    fn all_of_nothing_is_covered() {
        assert!((Share::default().percent() - 100.0).abs() < f64::EPSILON);
        assert!((Share::of([1, 0, 5, 2].into_iter()).percent() - 75.0).abs() < f64::EPSILON);
    }
}
