//! The figures and their representation as Markdown.

use std::fmt::{self, Write};
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use crate::instructions::Instructions;
use crate::laboratory::Effort;
use crate::peers::{self, Peer};
use crate::process;
use crate::programs::{Size, root};

/// The beginning of the figures file.
pub(crate) const PREFACE: &str = "# What a call costs: figures

Written by `cargo xtask bench --record`. [performance.md](performance.md) says what is measured, and how.

";

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    date: String,
    /// The commit, and whether the working tree had changes.
    commit: String,
    machine: String,
    /// The compilers and interpreters of the peers.
    versions: Vec<String>,
    cold_starts: usize,
    rounds: usize,
    requests: usize,
    pub(crate) cold: Vec<Cold>,
    pub(crate) warm: Vec<Warm>,
    pub(crate) sizes: Vec<Sized>,
    pub(crate) instructions: Vec<Counted>,
}

/// How a function reaches DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// A cold start: milliseconds since the process was started.
#[derive(Debug, Serialize)]
pub(crate) struct Cold {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    pub(crate) ready_cpu: Spread,
    pub(crate) answer_cpu: Spread,
    pub(crate) answer_wall: Spread,
    /// CPU time until the first response, as a multiple of the no-op's in the same round.
    pub(crate) to_no_op: Spread,
    /// The same, as a multiple of the baseline's.
    pub(crate) to_baseline: Option<Spread>,
}

/// Warm requests: microseconds per request, and memory in MiB.
#[derive(Debug, Serialize)]
pub(crate) struct Warm {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    pub(crate) cpu: Spread,
    /// CPU time as a multiple of the no-op's in the same round.
    pub(crate) to_no_op: Spread,
    /// The same, as a multiple of the baseline's.
    pub(crate) to_baseline: Option<Spread>,
    pub(crate) latency: Latency,
    pub(crate) memory: Spread,
}

#[derive(Debug, Serialize)]
pub(crate) struct Sized {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) size: Size,
}

#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) instructions: Instructions,
}

/// Median, minimum, and maximum of samples.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

impl Spread {
    /// Ignores rounds without a sample.
    pub(crate) fn of(samples: &[Option<f64>]) -> Self {
        let sorted = sorted(samples.iter().flatten().copied().collect());
        Self { median: percentile(&sorted, 50), min: percentile(&sorted, 0), max: percentile(&sorted, 100) }
    }
}

impl Latency {
    pub(crate) fn of(samples: Vec<f64>) -> Self {
        let sorted = sorted(samples);
        Self { p50: percentile(&sorted, 50), p90: percentile(&sorted, 90), p99: percentile(&sorted, 99) }
    }
}

fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    samples
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len().saturating_sub(1) * percent + 50) / 100;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

impl Report {
    /// An empty report.
    pub(crate) fn new(Effort { cold_starts, rounds, requests }: Effort, peers: &[Peer]) -> Result<Self> {
        Ok(Self {
            date: time::UtcDateTime::now().date().to_string(),
            commit: commit(),
            machine: process::machine()?,
            versions: if peers.is_empty() { Vec::new() } else { peers::versions()? },
            cold_starts,
            rounds,
            requests,
            cold: Vec::new(),
            warm: Vec::new(),
            sizes: Vec::new(),
            instructions: Vec::new(),
        })
    }

    pub(crate) fn cold(&self, name: &str, transport: Transport) -> Option<&Cold> {
        self.cold.iter().find(|row| row.name == name && row.transport == transport)
    }

    pub(crate) fn warm(&self, name: &str, transport: Transport) -> Option<&Warm> {
        self.warm.iter().find(|row| row.name == name && row.transport == transport)
    }

    fn write_cold(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Cold\n\nMilliseconds from the start of the process, over TLS.\n")?;
        let has_baseline = self.cold.iter().any(|row| row.to_baseline.is_some());
        let columns = ["CPU, ready", "CPU, first answer", "× no-op", "without TLS", "× no-op", "clock, first answer"];
        write_head(f, "function", &columns, has_baseline)?;
        for row in self.cold.iter().filter(|row| row.transport == Transport::Tls) {
            let name = &row.name;
            write!(f, "| {name} | {:.2} | {:.2} ", row.ready_cpu, row.answer_cpu)?;
            write!(f, "| **{:.2}** ", row.to_no_op.median)?;
            if let Some(plain) = self.cold(name, Transport::Plain) {
                write!(f, "| {:.2} | {:.2} ", plain.answer_cpu, plain.to_no_op.median)?;
            }
            write!(f, "| {:.1} |", row.answer_wall)?;
            write_ratio(f, has_baseline, row.to_baseline)?;
        }
        writeln!(f)
    }

    fn write_warm(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Warm\n\nMicroseconds a request; latency as the Runtime API sees it, over TLS.\n")?;
        let has_baseline = self.warm.iter().any(|row| row.to_baseline.is_some());
        let columns = ["CPU", "× no-op", "CPU, TLS", "× no-op", "p50", "p90", "p99", "peak memory, MiB"];
        write_head(f, "function", &columns, has_baseline)?;
        for row in self.warm.iter().filter(|row| row.transport == Transport::Plain) {
            let name = &row.name;
            write!(f, "| {name} | {:.0} | **{:.2}** ", row.cpu, row.to_no_op.median)?;
            if let Some(tls) = self.warm(name, Transport::Tls) {
                let Latency { p50, p90, p99 } = tls.latency;
                write!(f, "| {:.0} | {:.2} ", tls.cpu, tls.to_no_op.median)?;
                write!(f, "| {p50:.0} | {p90:.0} | {p99:.0} | {:.1} |", tls.memory)?;
            }
            write_ratio(f, has_baseline, row.to_baseline)?;
        }
        writeln!(f)
    }

    fn write_sizes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Size\n\nMegabytes of what is deployed.\n\n| program | file | zip |\n|---|---:|---:|")?;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        for Sized { name, size } in &self.sizes {
            writeln!(f, "| {name} | {:.2} | {:.2} |", megabytes(size.file), megabytes(size.zip))?;
        }
        Ok(())
    }

    fn write_instructions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Instructions\n\nThousands, over TLS, counted by valgrind's callgrind.\n")?;
        write_head(f, "function", &["until ready", "first request", "warm request"], false)?;
        let thousands = |count: u64| count as f64 / 1e3;
        for Counted { name, instructions: Instructions { init, first, warm } } in &self.instructions {
            let [init, first, warm] = [*init, *first, *warm].map(thousands);
            writeln!(f, "| {name} | {init:.0} | {first:.0} | {warm:.0} |")?;
        }
        Ok(())
    }
}

/// Writes the head of a table with right-aligned columns.
fn write_head(f: &mut fmt::Formatter<'_>, first: &str, columns: &[&str], has_baseline: bool) -> fmt::Result {
    let columns = columns.iter().copied().chain(has_baseline.then_some("× baseline"));
    let (mut names, mut lines) = (format!("| {first} |"), "|---|".to_owned());
    for column in columns {
        write!(names, " {column} |")?;
        lines.push_str("---:|");
    }
    writeln!(f, "{names}\n{lines}")
}

/// Ends a row, with the ratio to the baseline if the table has that column.
fn write_ratio(f: &mut fmt::Formatter<'_>, has_baseline: bool, ratio: Option<Spread>) -> fmt::Result {
    match ratio {
        Some(Spread { median, .. }) => writeln!(f, " {median:.2} |"),
        None if has_baseline => writeln!(f, " |"),
        None => writeln!(f),
    }
}

/// The current commit, and whether the working tree has changes.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match (git(&["rev-parse", "--short=12", "HEAD"]), git(&["status", "--porcelain", "--untracked-files=no"])) {
        (Some(commit), Some(changes)) if changes.is_empty() => format!("commit {commit}"),
        (Some(commit), _) => format!("commit {commit} with changes"),
        (None, _) => "unknown commit".to_owned(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, commit, machine, cold_starts, rounds, requests, .. } = self;
        let machine: Vec<_> = std::iter::once(machine).chain(&self.versions).map(String::as_str).collect();
        writeln!(
            f,
            "{date}, {commit}, {}; everything on one processor. Medians (least–most) of {cold_starts} cold starts{} and \
             {rounds} × {requests} warm requests.\n",
            machine.join(", "),
            if self.versions.is_empty() { "" } else { " (a third of them for peers)" },
        )?;
        self.write_cold(f)?;
        self.write_warm(f)?;
        self.write_sizes(f)?;
        if self.instructions.is_empty() { Ok(()) } else { self.write_instructions(f) }
    }
}

/// The precision of the format is the number of decimals.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(1);
        let Self { median, min, max } = self;
        write!(f, "{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain HTTP",
            Self::Tls => "TLS",
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report with a row for each name; every figure is the row's number.
    pub(crate) fn example(names: &[&str], baseline: Option<Spread>) -> Report {
        let mut report = Report {
            date: "2026-11-24".to_owned(),
            commit: "commit 0123456789ab".to_owned(),
            machine: "a machine".to_owned(),
            versions: vec!["Python 3".to_owned()],
            cold_starts: 21,
            rounds: 5,
            requests: 300,
            cold: Vec::new(),
            warm: Vec::new(),
            sizes: Vec::new(),
            instructions: Vec::new(),
        };
        for (number, name) in (1_u32..).zip(names) {
            let spread = Spread::of(&[Some(f64::from(number))]);
            let latency = Latency::of(vec![spread.median]);
            let of_function = baseline.filter(|_| *name == "get-task");
            for transport in [Transport::Plain, Transport::Tls] {
                report.cold.push(Cold {
                    name: (*name).to_owned(),
                    transport,
                    ready_cpu: spread,
                    answer_cpu: spread,
                    answer_wall: spread,
                    to_no_op: spread,
                    to_baseline: of_function,
                });
                report.warm.push(Warm {
                    name: (*name).to_owned(),
                    transport,
                    cpu: spread,
                    to_no_op: spread,
                    to_baseline: of_function,
                    latency,
                    memory: spread,
                });
            }
        }
        report
    }

    #[test]
    fn percentiles_are_samples() {
        let spread = Spread::of(&[3.0, 1.0, 2.0, 5.0, 4.0].map(Some));
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 5.0));
        let latency = Latency::of((1..=101).map(f64::from).collect());
        assert_eq!((latency.p50, latency.p90, latency.p99), (51.0, 91.0, 100.0));
        assert!(percentile(&[], 50).is_nan());
    }

    #[test]
    fn rounds_without_a_sample_do_not_count() {
        let spread = Spread::of(&[Some(1.0), None, Some(3.0), None, Some(2.0)]);
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
    }

    #[test]
    fn rows_have_as_many_cells_as_their_head() {
        let ratio = Spread::of(&[Some(0.5)]);
        for baseline in [None, Some(ratio)] {
            let text = example(&["no-op", "get-task"], baseline).to_string();
            assert_eq!(text.contains("× baseline"), baseline.is_some());
            assert_eq!(text.contains("| 0.50 |"), baseline.is_some());
            for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
                let cells: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
                assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
            }
        }
    }
}
