//! The figures of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use xtask::project;

use crate::Arguments;
use crate::client::{Kind, MIX, Sync};
use crate::processes::Memory;
use crate::usage::Usage;

const PREFACE: &str = "# Under load: figures

Written by `cargo xtask load --record`. [performance.md](performance.md#under-load) says what is done, and how.

";

/// How much a function process may grow between a quarter of the run and its end, in MiB.
const MOST_GROWTH: f64 = 1.0;

/// What was measured of the operations.
#[derive(Debug, Default)]
pub(crate) struct Measurements {
    /// Latencies in microseconds.
    latencies: BTreeMap<Kind, Histogram<u64>>,
    repeated: u64,
    /// Responses that contradict the account, and 500s.
    pub(crate) violations: Vec<String>,
}

impl Measurements {
    #[expect(clippy::expect_used, reason = "the bounds and the number of digits are valid")]
    pub(crate) fn record(&mut self, kind: Kind, latency: Duration, outcome: Result<u64>) {
        // Up to ten minutes.
        let new = || Histogram::new_with_max(600_000_000, 3).expect("a histogram");
        let latencies = self.latencies.entry(kind).or_insert_with(new);
        latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        match outcome {
            Ok(repeated) => self.repeated += repeated,
            Err(error) => self.violations.push(format!("{error:#}")),
        }
    }

    pub(crate) fn operations(&self) -> u64 {
        self.latencies.values().map(Histogram::len).sum()
    }
}

/// A run: how it was made and what it showed.
#[derive(Debug)]
pub(crate) struct Report {
    /// Date, commit, and machine.
    pub(crate) circumstances: String,
    pub(crate) arguments: Arguments,
    /// Operations a second.
    pub(crate) rate: f64,
    pub(crate) duration: Duration,
    pub(crate) measured: Measurements,
    pub(crate) memory: Vec<Memory>,
    /// Requests to DynamoDB, and how many of them got a fault.
    pub(crate) requests: usize,
    pub(crate) faults: usize,
    pub(crate) usage: BTreeMap<String, Usage>,
    pub(crate) most_under_way: usize,
    /// Operations that were due and not started, because too many were under way.
    pub(crate) dropped: u64,
    /// The first sync of a user with many tasks, and one that finds no changes.
    pub(crate) sync: Option<[Sync; 2]>,
    /// Tasks that were read at the end, and tasks with an outcome that no client knows.
    pub(crate) tasks: usize,
    pub(crate) unsettled: usize,
}

impl Report {
    /// Adds what the reading of a user's tasks showed.
    pub(crate) fn audited(&mut self, audit: Result<(usize, usize)>) {
        match audit {
            Ok((tasks, unsettled)) => {
                self.tasks += tasks;
                self.unsettled += unsettled;
            }
            Err(error) => self.measured.violations.push(format!("{error:#}")),
        }
    }

    /// The page with the figures.
    pub(crate) fn page(&self) -> String {
        format!("{PREFACE}{self}")
    }

    /// # Errors
    /// A write was lost, doubled, or never acknowledged, a response is missing or contradicts the account, or a function has
    /// grown or ended.
    pub(crate) fn verdict(&self) -> Result<()> {
        let violations = &self.measured.violations;
        ensure!(violations.is_empty(), "{} violations, the first: {:?}", violations.len(), violations.first());
        // Such a task could not be compared, and ten attempts are enough for every fault that is injected.
        ensure!(self.unsettled == 0, "the last write of {} tasks was never acknowledged", self.unsettled);
        for Memory { function, most_growth, restarted, .. } in &self.memory {
            ensure!(*restarted == 0, "{restarted} processes of {function} ended");
            ensure!(*most_growth <= MOST_GROWTH, "a process of {function} has grown by {most_growth:.1} MiB");
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { circumstances, arguments, rate, duration, measured, memory, requests, faults, usage, .. } = self;
        let Arguments { users, skew, processes, seed, .. } = arguments;
        let (operations, minutes) = (measured.operations(), duration.as_secs_f64() / 60.0);
        writeln!(
            f,
            "{circumstances}. Everything, the load included, on one machine: {rate:.0} operations a second for {minutes:.0} \
             minutes, by {users} users chosen by Zipf's law (exponent {skew}, seed {seed}); {processes} processes of each \
             function.\n\n\
             | | |\n|---|---:|\n\
             | operations | {operations} |\n\
             | of them under way at once, at most | {} |\n\
             | due, but not started with so many under way | {} |\n\
             | requests repeated by clients | {} |\n\
             | requests to DynamoDB | {requests} |\n\
             | of them with a fault | {faults} ({:.2} %) |\n\
             | lost or doubled writes, wrong responses, 500s | {} |\n\
             | tasks compared at the end | {} |\n\
             | tasks whose last write was never acknowledged | {} |\n",
            self.most_under_way,
            self.dropped,
            measured.repeated,
            *faults as f64 / *requests as f64 * 100.0,
            measured.violations.len(),
            self.tasks,
            self.unsettled,
        )?;
        writeln!(f, "Latency in milliseconds, from the time at which an operation was due:\n")?;
        writeln!(f, "| operation | share | count | p50 | p90 | p99 | p99.9 | most |\n|---|{}", "---:|".repeat(7))?;
        for (kind, share) in MIX {
            let Some(latencies) = measured.latencies.get(&kind) else { continue };
            let at = |percentile| latencies.value_at_percentile(percentile) as f64 / 1e3;
            let name = format!("{kind:?}").to_lowercase();
            let [p50, p90, p99, p999, most] = [50.0, 90.0, 99.0, 99.9, 100.0].map(at);
            let count = latencies.len();
            writeln!(f, "| {name} | {share} % | {count} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} | {most:.0} |")?;
        }
        writeln!(f, "\nDynamoDB, per request to a function, retries after faults included:\n")?;
        writeln!(f, "| function | requests | sent to DynamoDB | of them retries | read units | write units |")?;
        writeln!(f, "|---|{}", "---:|".repeat(5))?;
        for (function, sums) in usage {
            writeln!(f, "| {function} | {sums} |")?;
        }
        writeln!(f, "| all | {} |", usage.values().copied().fold(Usage::default(), Usage::plus))?;
        writeln!(
            f,
            "\nResident memory of the function processes in MiB, after a quarter of the time and at the end:\n"
        )?;
        writeln!(f, "| function | then | at the end | most growth of one process |\n|---|---:|---:|---:|")?;
        for Memory { function, settled, end, most_growth, .. } in memory {
            writeln!(f, "| {function} | {settled:.1} | {end:.1} | {most_growth:.2} |")?;
        }
        if let Some(syncs) = self.sync {
            writeln!(f, "\nSync of a user with many tasks, after the load:\n")?;
            writeln!(f, "| tasks | requests | bytes | seconds |\n|---:|---:|---:|---:|")?;
            for Sync { tasks, requests, bytes, time } in syncs {
                writeln!(f, "| {tasks} | {requests} | {bytes} | {:.2} |", time.as_secs_f64())?;
            }
        }
        Ok(())
    }
}

/// One line of progress.
impl fmt::Display for Measurements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = self.latencies.values().cloned().reduce(|mut all, more| {
            // Both resize themselves.
            let _ = all.add(more);
            all
        });
        let at = |percentile| all.as_mut().map_or(0.0, |all| all.value_at_percentile(percentile) as f64 / 1e3);
        let [p50, p99] = [50.0, 99.0].map(at);
        let (operations, violations) = (self.operations(), self.violations.len());
        write!(f, "{operations} operations, p50 {p50:.0} ms, p99 {p99:.0} ms, {violations} violations")
    }
}

/// Date, commit, machine, and whether the load takes more of it than it must.
pub(crate) fn circumstances() -> Result<String> {
    let date = time::UtcDateTime::now().date();
    let build = if cfg!(debug_assertions) { "; load, gateway, and database are development builds" } else { "" };
    Ok(format!("{date}, {}, {}{build}", project::commit(&project::shell()?), project::machine()?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn verdict_names_what_is_wrong() {
        let grown = |most_growth, restarted| {
            vec![Memory { function: "get-task".to_owned(), settled: 1.0, end: 2.0, most_growth, restarted }]
        };
        let lost = "a write was lost".to_owned();
        for (violations, unsettled, memory, expected) in [
            (vec![], 0, grown(0.5, 0), None),
            (vec![lost], 0, vec![], Some(r#"1 violations, the first: Some("a write was lost")"#)),
            (vec![], 2, vec![], Some("the last write of 2 tasks was never acknowledged")),
            (vec![], 0, grown(1.5, 0), Some("a process of get-task has grown by 1.5 MiB")),
            (vec![], 0, grown(0.0, 1), Some("1 processes of get-task ended")),
        ] {
            let report = Report {
                circumstances: String::new(),
                arguments: Arguments::parse_from(["load"]),
                rate: 1.0,
                duration: Duration::ZERO,
                measured: Measurements { violations, ..Measurements::default() },
                memory,
                requests: 1,
                faults: 0,
                usage: BTreeMap::new(),
                most_under_way: 1,
                dropped: 0,
                sync: None,
                tasks: 1,
                unsettled,
            };
            assert_eq!(report.verdict().err().map(|error| error.to_string()).as_deref(), expected);
        }
    }
}
