//! What the functions say of their own use of DynamoDB, from the lines that they log.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

/// Sums over the requests of a function.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) requests: f64,
    /// Requests to DynamoDB, and how many of them were retries.
    pub(crate) sent: f64,
    pub(crate) retries: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

impl Usage {
    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            requests: self.requests + more.requests,
            sent: self.sent + more.sent,
            retries: self.retries + more.retries,
            read_units: self.read_units + more.read_units,
            write_units: self.write_units + more.write_units,
        }
    }
}

/// Cells of a table: the number of requests, and the rest per request.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, sent, retries, read_units, write_units } = self;
        let [sent, retries, read, written] = [sent, retries, read_units, write_units].map(|sum| sum / requests);
        write!(f, "{requests} | {sent:.3} | {retries:.3} | {read:.2} | {written:.2}")
    }
}

/// The fields of a line that matter here; docs/observability.md has all.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "_aws")]
    embedded: Embedded,
    function: String,
    dynamodb: DynamoDb,
}

#[derive(Debug, Deserialize)]
struct Embedded {
    #[serde(rename = "Timestamp")]
    milliseconds: u64,
}

#[derive(Debug, Deserialize)]
struct DynamoDb {
    requests: f64,
    retries: f64,
    read_units: f64,
    write_units: f64,
}

/// Reads the log files of a folder, and adds up the requests that were answered in a time, in milliseconds since the epoch.
pub(crate) fn read(folder: &Path, time: &Range<u64>) -> Result<BTreeMap<String, Usage>> {
    let mut sums = BTreeMap::<String, Usage>::new();
    for entry in fs::read_dir(folder)? {
        for line in BufReader::new(File::open(entry?.path())?).lines() {
            // Other lines are about the process, not about a request.
            let Ok(Line { embedded, function, dynamodb }) = serde_json::from_str(&line?) else { continue };
            if time.contains(&embedded.milliseconds) {
                let DynamoDb { requests: sent, retries, read_units, write_units } = dynamodb;
                let sum = sums.entry(function).or_default();
                *sum = sum.plus(Usage { requests: 1.0, sent, retries, read_units, write_units });
            }
        }
    }
    Ok(sums)
}
