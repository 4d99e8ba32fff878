//! The memory of the function processes.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use local::template::Template;

/// The resident memory of each function process in MiB, by function and process id.
pub(crate) type Resident = BTreeMap<(String, u32), f64>;

/// Resident memory of a function's processes in MiB: the average when the load had settled and at the end, and the most
/// that one process has grown in between.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Memory {
    pub(crate) function: String,
    pub(crate) settled: f64,
    pub(crate) end: f64,
    pub(crate) most_growth: f64,
    /// Processes that are not those from before.
    pub(crate) restarted: usize,
}

/// Reads the memory of the functions, which are children of this process.
pub(crate) fn resident() -> Result<Resident> {
    let functions: Vec<_> = Template::read()?.functions.into_iter().map(|function| function.binary).collect();
    let mut resident = Resident::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let id = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        // A process may have ended meanwhile.
        let (Some(id), Ok(status)) = (id, fs::read_to_string(path.join("status"))) else { continue };
        let field = |name: &str| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
        let (name, parent) = (field("Name:").unwrap_or_default(), field("PPid:").unwrap_or_default());
        if parent == std::process::id().to_string() && functions.contains(&name) {
            let kibibytes = field("VmRSS:").and_then(|size| size.strip_suffix(" kB")?.parse::<f64>().ok());
            resident.insert((name, id), kibibytes.context("no resident memory")? / 1024.0);
        }
    }
    Ok(resident)
}

/// Compares two readings.
pub(crate) fn growth(settled: &Resident, end: &Resident) -> Vec<Memory> {
    let mut memory: BTreeMap<&str, Vec<(Option<f64>, f64)>> = BTreeMap::new();
    for (process, size) in end {
        memory.entry(&process.0).or_default().push((settled.get(process).copied(), *size));
    }
    let average = |sizes: &[f64]| sizes.iter().sum::<f64>() / sizes.len() as f64;
    let rows = memory.into_iter().map(|(function, sizes)| {
        let before: Vec<_> = sizes.iter().filter_map(|(before, _)| *before).collect();
        let after: Vec<_> = sizes.iter().map(|(_, after)| *after).collect();
        let growth = sizes.iter().filter_map(|(before, after)| Some(after - (*before)?));
        Memory {
            function: function.to_owned(),
            settled: average(&before),
            end: average(&after),
            most_growth: growth.fold(0.0, f64::max),
            restarted: sizes.len() - before.len(),
        }
    });
    rows.collect()
}
