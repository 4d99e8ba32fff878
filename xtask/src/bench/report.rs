//! The figures, and how they are shown: as Markdown, which the documentation takes as it is.

use std::fmt;

use serde::Serialize;

use super::binaries::Size;
use super::instructions::Instructions;

pub(super) const BY_HAND_GET: &str = "by hand: get";
pub(super) const BY_HAND_LIST: &str = "by hand: list of 50";

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    date: String,
    machine: String,
    cold_starts: usize,
    rounds: usize,
    requests: usize,
    pub(super) cold: Vec<Cold>,
    pub(super) warm: Vec<Warm>,
    pub(super) engine: Vec<Warm>,
    pub(super) sizes: Vec<Sized>,
    pub(super) instructions: Vec<Counted>,
}

/// How a function reaches DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Transport {
    Plain,
    Tls,
}

/// From the start of a process, in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Cold {
    pub(super) name: String,
    pub(super) transport: Transport,
    pub(super) ready_cpu: Spread,
    pub(super) ready_wall: Spread,
    pub(super) answer_cpu: Spread,
    pub(super) answer_wall: Spread,
    /// CPU time to the first answer as a multiple of the no-op's in the same round.
    pub(super) answer_ratio: Spread,
}

/// For each request, in microseconds; memory in MiB.
#[derive(Debug, Serialize)]
pub(super) struct Warm {
    pub(super) name: String,
    pub(super) transport: Transport,
    pub(super) cpu: Spread,
    /// CPU time as a multiple of the no-op's in the same round, or of the first row's where there is no no-op.
    pub(super) ratio: Spread,
    pub(super) latency: Latency,
    pub(super) memory: Spread,
}

#[derive(Debug, Serialize)]
pub(super) struct Sized {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) size: Size,
}

#[derive(Debug, Serialize)]
pub(super) struct Counted {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) instructions: Instructions,
}

/// The median of samples, and between what they lie.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

impl Spread {
    pub(super) fn of(samples: impl Iterator<Item = f64>) -> Self {
        let sorted = sorted(samples.collect());
        Self { median: percentile(&sorted, 50), min: percentile(&sorted, 0), max: percentile(&sorted, 100) }
    }
}

impl Latency {
    pub(super) fn of(samples: Vec<f64>) -> Self {
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
    pub(super) fn new(machine: String, cold_starts: usize, rounds: usize, requests: usize) -> Self {
        Self {
            date: time::UtcDateTime::now().date().to_string(),
            machine,
            cold_starts,
            rounds,
            requests,
            cold: Vec::new(),
            warm: Vec::new(),
            engine: Vec::new(),
            sizes: Vec::new(),
            instructions: Vec::new(),
        }
    }

    pub(super) fn cold(&self, name: &str, transport: Transport) -> Option<&Cold> {
        self.cold.iter().find(|row| row.name == name && row.transport == transport)
    }

    pub(super) fn warm(&self, name: &str, transport: Transport) -> Option<&Warm> {
        self.warm.iter().find(|row| row.name == name && row.transport == transport)
    }

    fn write_cold(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### Cold\n\nMilliseconds from the start of the process, over TLS.\n")?;
        writeln!(
            f,
            "| function | CPU, ready | CPU, first answer | × no-op | without TLS | × no-op | clock, first answer |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|")?;
        for row in self.cold.iter().filter(|row| row.transport == Transport::Tls) {
            let name = &row.name;
            write!(f, "| {name} | {:.2} | {:.2} ", row.ready_cpu, row.answer_cpu)?;
            write!(f, "| **{:.1}** ", row.answer_ratio.median)?;
            if let Some(plain) = self.cold(name, Transport::Plain) {
                write!(f, "| {:.2} | {:.1} ", plain.answer_cpu, plain.answer_ratio.median)?;
            }
            writeln!(f, "| {:.1} |", row.answer_wall)?;
        }
        writeln!(f)
    }

    fn write_warm(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### Warm\n\nMicroseconds a request; latency as the Runtime API sees it, over TLS.\n")?;
        writeln!(f, "| function | CPU | × no-op | CPU, TLS | × no-op | p50 | p90 | p99 | peak memory, MiB |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in self.warm.iter().filter(|row| row.transport == Transport::Plain) {
            let name = &row.name;
            write!(f, "| {name} | {:.0} | **{:.1}** ", row.cpu, row.ratio.median)?;
            if let Some(tls) = self.warm(name, Transport::Tls) {
                let Latency { p50, p90, p99 } = tls.latency;
                write!(f, "| {:.0} | {:.1} ", tls.cpu, tls.ratio.median)?;
                write!(f, "| {p50:.0} | {p90:.0} | {p99:.0} | {:.1} |", tls.memory)?;
            }
            writeln!(f)?;
        }
        writeln!(f)
    }

    fn write_engine(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### On the embedded DynamoDB\n\nMicroseconds a request; the engine is a development build.\n")?;
        writeln!(f, "| function | CPU | p50 | p90 | p99 |\n|---|---:|---:|---:|---:|")?;
        for Warm { name, cpu, latency: Latency { p50, p90, p99 }, .. } in &self.engine {
            writeln!(f, "| {name} | {cpu:.0} | {p50:.0} | {p90:.0} | {p99:.0} |")?;
        }
        writeln!(f)
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### Size\n\nMegabytes.\n\n| binary | file | zip |\n|---|---:|---:|")?;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        for Sized { name, size } in &self.sizes {
            writeln!(f, "| {name} | {:.2} | {:.2} |", megabytes(size.file), megabytes(size.zip))?;
        }
        if self.instructions.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n### Instructions\n\nThousands, over TLS, counted by valgrind's callgrind.\n")?;
        writeln!(f, "| function | until ready | first request | warm request |\n|---|---:|---:|---:|")?;
        let thousands = |count: u64| count as f64 / 1e3;
        for Counted { name, instructions: Instructions { init, first, warm } } in &self.instructions {
            let [init, first, warm] = [*init, *first, *warm].map(thousands);
            writeln!(f, "| {name} | {init:.0} | {first:.0} | {warm:.0} |")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, machine, cold_starts, rounds, requests, .. } = self;
        writeln!(
            f,
            "{date}, {machine}. Medians (least–most) of {cold_starts} cold starts and {rounds} × {requests} warm requests.\n"
        )?;
        self.write_cold(f)?;
        self.write_warm(f)?;
        if !self.engine.is_empty() {
            self.write_engine(f)?;
        }
        self.write_counts(f)
    }
}

/// With as many decimals as are asked for.
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
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let spread = Spread::of([3.0, 1.0, 2.0, 5.0, 4.0].into_iter());
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 5.0));
        let latency = Latency::of((1..=101).map(f64::from).collect());
        assert_eq!((latency.p50, latency.p90, latency.p99), (51.0, 91.0, 100.0));
        assert!(percentile(&[], 50).is_nan());
    }
}
