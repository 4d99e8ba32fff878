//! The lines in which functions report requests, each checked against what CloudWatch accepts.

use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::Value;

/// The metrics of functions. Alarms and the dashboard read no others.
pub const METRICS: [&str; 12] = [
    "Requests",
    "Latency",
    "ServerErrors",
    "RefusedTokens",
    "ForbiddenPaths",
    "KeySetFailures",
    "DynamoDbErrors",
    "DynamoDbThrottles",
    "ReadUnits",
    "WriteUnits",
    "ColdStarts",
    "InitDuration",
];

static EMBEDDED_METRIC_FORMAT: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../fixtures/emf/schema.json");
    jsonschema::draft7::new(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// Keeps the lines that an app writes.
pub(crate) fn keep_in(lines: &Arc<Mutex<Vec<Value>>>) -> impl Fn(&[u8]) + Send + Sync + use<> {
    let lines = Arc::clone(lines);
    move |line| lines.lock().unwrap().extend(of(line))
}

/// The lines of requests among everything that a function printed.
///
/// # Panics
/// If one of them is not one whole line of JSON that CloudWatch takes metrics from.
pub fn of(output: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(output).unwrap();
    let lines = text.split_inclusive('\n').filter(|line| line.contains("\"_aws\""));
    let lines = lines.map(|line| {
        assert!(line.ends_with('\n'), "not a whole line: {line}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        check(&line);
        line
    });
    lines.collect()
}

/// The schema, and what the specification says of targets: the line has each metric as a number, and each dimension as
/// text.
fn check(line: &Value) {
    let errors: Vec<_> = EMBEDDED_METRIC_FORMAT.iter_errors(line).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}: {line}");
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&"Daylist".into(), &[["Service"]].into()));
        assert!(line["Service"].is_string(), "{line}");
        let metrics = directive["Metrics"].as_array().unwrap();
        let names: Vec<_> = metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
        assert!(names.iter().all(|name| METRICS.contains(name) && line[name].is_number()), "{line}");
    }
}
