//! The figures and their representation as Markdown.

use std::fmt;

use anyhow::Result;
use serde::Serialize;
use xtask::project;

use crate::instructions::Instructions;
use crate::laboratory::Effort;
use crate::peers::{self, Peer};
use crate::programs::Size;

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
    #[serde(flatten)]
    effort: Effort,
    pub(crate) cold: Vec<Row<Cold>>,
    pub(crate) warm: Vec<Row<Warm>>,
    pub(crate) sizes: Vec<Named<Size>>,
    pub(crate) instructions: Vec<Named<Instructions>>,
}

/// How a function reaches DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// One program over one transport: milliseconds since the process was started, or microseconds per warm request.
#[derive(Debug, Serialize)]
pub(crate) struct Row<T> {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    /// CPU time until the first response, or per request.
    pub(crate) cpu: Spread,
    /// CPU time as a multiple of the no-op's in the same round.
    pub(crate) to_no_op: Spread,
    /// The same, as a multiple of the baseline's.
    pub(crate) to_baseline: Option<Spread>,
    #[serde(flatten)]
    pub(crate) more: T,
}

/// What is measured of cold starts only.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cold {
    pub(crate) ready_cpu: Spread,
    pub(crate) answer_wall: Spread,
}

/// What is measured of warm requests only; memory in MiB.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Warm {
    pub(crate) latency: Latency,
    pub(crate) memory: Spread,
}

/// Figures of a program.
#[derive(Debug, Serialize)]
pub(crate) struct Named<T> {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) figures: T,
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
    /// Ignores rounds without a sample, which are NaN.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let [min, median, max] = percentiles(samples, [0, 50, 100]);
        Self { median, min, max }
    }
}

impl Latency {
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let [p50, p90, p99] = percentiles(samples, [50, 90, 99]);
        Self { p50, p90, p99 }
    }
}

fn percentiles<const N: usize>(samples: impl IntoIterator<Item = f64>, percents: [usize; N]) -> [f64; N] {
    let mut sorted: Vec<_> = samples.into_iter().filter(|sample| !sample.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    percents.map(|percent| sorted.get((last * percent + 50) / 100).copied().unwrap_or(f64::NAN))
}

/// The row of a program over a transport.
pub(crate) fn find<'a, T>(rows: &'a [Row<T>], name: &str, transport: Transport) -> Option<&'a Row<T>> {
    rows.iter().find(|row| row.name == name && row.transport == transport)
}

impl Report {
    /// An empty report.
    pub(crate) fn new(effort: Effort, peers: &[Peer]) -> Result<Self> {
        Ok(Self {
            date: time::UtcDateTime::now().date().to_string(),
            commit: project::commit(&project::shell()?),
            machine: project::machine()?,
            versions: if peers.is_empty() { Vec::new() } else { peers::versions()? },
            effort,
            cold: Vec::new(),
            warm: Vec::new(),
            sizes: Vec::new(),
            instructions: Vec::new(),
        })
    }

    fn write_cold(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Cold\n\nMilliseconds from the start of the process, over TLS.\n")?;
        let columns = ["CPU, ready", "CPU, first answer", "× no-op", "without TLS", "× no-op", "clock, first answer"];
        write_compared(f, &columns, &self.cold, Transport::Tls, |row, plain| {
            let (Row { cpu, to_no_op, .. }, Cold { ready_cpu, answer_wall }) = (row, &row.more);
            let without_tls = format!("{:.2} | {:.2}", plain.cpu, plain.to_no_op.median);
            format!("{ready_cpu:.2} | {cpu:.2} | **{:.2}** | {without_tls} | {answer_wall:.1}", to_no_op.median)
        })
    }

    fn write_warm(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Warm\n\nMicroseconds a request; latency as the Runtime API sees it, over TLS.\n")?;
        let columns = ["CPU", "× no-op", "CPU, TLS", "× no-op", "p50", "p90", "p99", "peak memory, MiB"];
        write_compared(f, &columns, &self.warm, Transport::Plain, |row, tls| {
            let Warm { latency: Latency { p50, p90, p99 }, memory } = tls.more;
            let over_tls = format!("{:.0} | {:.2} | {p50:.0} | {p90:.0} | {p99:.0}", tls.cpu, tls.to_no_op.median);
            format!("{:.0} | **{:.2}** | {over_tls} | {memory:.1}", row.cpu, row.to_no_op.median)
        })
    }

    fn write_sizes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Size\n\nMegabytes of what is deployed.\n")?;
        write_head(f, "program", &["file", "zip"])?;
        for Named { name, figures: Size { file, zip } } in &self.sizes {
            let [file, zip] = [*file, *zip].map(|bytes| bytes as f64 / 1e6);
            writeln!(f, "| {name} | {file:.2} | {zip:.2} |")?;
        }
        Ok(())
    }

    fn write_instructions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Instructions\n\nThousands, over TLS, counted by valgrind's callgrind.\n")?;
        write_head(f, "function", &["until ready", "first request", "warm request"])?;
        for Named { name, figures: Instructions { init, first, warm } } in &self.instructions {
            let [init, first, warm] = [*init, *first, *warm].map(|count| count as f64 / 1e3);
            writeln!(f, "| {name} | {init:.0} | {first:.0} | {warm:.0} |")?;
        }
        Ok(())
    }
}

/// Writes the head of a table with right-aligned columns.
fn write_head(f: &mut fmt::Formatter<'_>, first: &str, columns: &[&str]) -> fmt::Result {
    writeln!(f, "| {first} | {} |\n|---|{}", columns.join(" | "), "---:|".repeat(columns.len()))
}

/// Writes the rows of a transport; `cells` also gets the row of the other transport. The last column is the ratio to the
/// baseline, if there is one.
fn write_compared<T>(
    f: &mut fmt::Formatter<'_>,
    columns: &[&str],
    rows: &[Row<T>],
    transport: Transport,
    cells: impl Fn(&Row<T>, &Row<T>) -> String,
) -> fmt::Result {
    let has_baseline = rows.iter().any(|row| row.to_baseline.is_some());
    let baseline = if has_baseline { &["× baseline"][..] } else { &[] };
    write_head(f, "function", &[columns, baseline].concat())?;
    let other = if transport == Transport::Tls { Transport::Plain } else { Transport::Tls };
    for row in rows.iter().filter(|row| row.transport == transport) {
        let Some(other) = find(rows, &row.name, other) else { continue };
        write!(f, "| {} | {} |", row.name, cells(row, other))?;
        match row.to_baseline {
            Some(Spread { median, .. }) => writeln!(f, " {median:.2} |")?,
            None => writeln!(f, "{}", if has_baseline { " |" } else { "" })?,
        }
    }
    writeln!(f)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, commit, machine, versions, effort: Effort { cold_starts, rounds, requests }, .. } = self;
        let machine = [std::slice::from_ref(machine), versions].concat().join(", ");
        writeln!(
            f,
            "{date}, {commit}, {machine}; everything on one processor. Medians (least–most) of {cold_starts} cold starts{} \
             and {rounds} × {requests} warm requests.\n",
            if versions.is_empty() { "" } else { " (a third of them for peers)" },
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
        f.write_str(if *self == Self::Tls { "TLS" } else { "plain HTTP" })
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
            effort: Effort::WHOLE,
            cold: Vec::new(),
            warm: Vec::new(),
            sizes: Vec::new(),
            instructions: Vec::new(),
        };
        for (number, name) in (1_u32..).zip(names) {
            let number = Spread::of([f64::from(number)]);
            let latency = Latency::of([number.median]);
            for transport in [Transport::Plain, Transport::Tls] {
                report.cold.push(row(
                    name,
                    transport,
                    number,
                    baseline,
                    Cold { ready_cpu: number, answer_wall: number },
                ));
                report.warm.push(row(name, transport, number, baseline, Warm { latency, memory: number }));
            }
        }
        report
    }

    fn row<T>(name: &str, transport: Transport, number: Spread, baseline: Option<Spread>, more: T) -> Row<T> {
        let to_baseline = baseline.filter(|_| name == "get-task");
        Row { name: name.to_owned(), transport, cpu: number, to_no_op: number, to_baseline, more }
    }

    #[test]
    fn percentiles_are_samples() {
        assert_eq!(percentiles([3.0, 1.0, 2.0, 5.0, 4.0], [0, 50, 100]), [1.0, 3.0, 5.0]);
        assert_eq!(percentiles((1..=101).map(f64::from), [50, 90, 99]), [51.0, 91.0, 100.0]);
        assert!(percentiles([], [50])[0].is_nan());
    }

    #[test]
    fn rounds_without_a_sample_do_not_count() {
        let spread = Spread::of([1.0, f64::NAN, 3.0, f64::NAN, 2.0]);
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
    }

    #[test]
    fn rows_have_as_many_cells_as_their_head() {
        let ratio = Spread::of([0.5]);
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
