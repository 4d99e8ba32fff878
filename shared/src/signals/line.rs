//! The line of a request: JSON for queries, in CloudWatch's embedded metric format, so that the same write is the metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::ser::Serializer;

use super::record::{AuditEvent, FailedItems, Record};
use super::{Level, SignalSettings, Start};
use crate::task::Timestamp;

const NAMESPACE: &str = "Daylist";
/// One set, because each costs a metric of its own.
const DIMENSIONS: [[&str; 1]; 1] = [["Service"]];

#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "_aws")]
    embedded: Embedded,
    timestamp: Timestamp,
    level: Level,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    pub(super) function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route: Option<&'a str>,
    pub(super) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    latency_ms: f64,
    pub(super) cold_start: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_ms: Option<f64>,
    dynamodb: DynamoDb,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Audit<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    failed_items: &'a [FailedItems],
    #[serde(rename = "Service")]
    pub(super) service: &'a str,
    #[serde(flatten)]
    values: Values,
    #[serde(skip)]
    pub(super) ended: SystemTime,
}

#[derive(Serialize)]
struct DynamoDb {
    time_ms: f64,
    requests: u32,
    retries: u32,
    errors: u32,
    throttles: u32,
    read_units: f64,
    write_units: f64,
}

#[derive(Serialize)]
struct Audit<'a> {
    event: AuditEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Embedded {
    timestamp: u64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Definitions,
}

#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    unit: &'static str,
    /// `None` if the line does not have this metric.
    value: Option<f64>,
}

/// What the metrics of a line are.
struct Definitions(Metrics);

/// What their values are, as members of the line itself.
struct Values(Metrics);

type Metrics = [Metric; 12];

impl<'a> Line<'a> {
    /// The line of a request that was just answered, and of the start that preceded it.
    pub(super) fn new(record: &'a Record, settings: &'a SignalSettings, start: Option<&Start>) -> Self {
        let ended = SystemTime::now();
        let init = start.and_then(|start| start.init);
        let (failure, usage) = (record.failure.as_ref(), &record.dynamodb);
        let levels = failure.into_iter().chain(record.failed_items.iter().map(|items| &items.failure));
        let severity = levels.map(|failure| failure.level).max().unwrap_or_default();
        let (code, cause) = (failure.map(|failure| failure.code), failure.and_then(|failure| failure.cause.as_deref()));
        let refused = matches!(record.audit, Some(AuditEvent::TokenRefused));
        let denied = matches!(record.audit, Some(AuditEvent::AccessDenied));
        let key_set_failures = record.key_set_failures + start.map_or(0, |start| start.key_set_failures);
        let dynamodb = DynamoDb {
            time_ms: milliseconds(usage.time()),
            requests: usage.requests,
            retries: usage.retries(),
            errors: usage.errors(),
            throttles: usage.throttles,
            read_units: usage.read_units,
            write_units: usage.write_units,
        };
        let flag = |holds: bool| Some(f64::from(u8::from(holds)));
        let count = |count: f64| Some(count).filter(|count| *count > 0.0);
        // A zero adds nothing to a sum, which is the statistic of a count. Those of every request stay, so that there is a
        // series without gaps where there are requests, and so that the average of `ServerErrors` is their share.
        let metrics = [
            ("Requests", "Count", Some(1.0)),
            ("Latency", "Milliseconds", Some(milliseconds(record.latency))),
            ("ServerErrors", "Count", flag(record.status >= 500)),
            ("RefusedTokens", "Count", flag(refused && code != Some("token_missing")).and_then(count)),
            ("ForbiddenPaths", "Count", flag(denied).and_then(count)),
            ("KeySetFailures", "Count", count(key_set_failures.into())),
            ("DynamoDbErrors", "Count", count(dynamodb.errors.into())),
            ("DynamoDbThrottles", "Count", count(dynamodb.throttles.into())),
            ("ReadUnits", "Count", count(dynamodb.read_units)),
            ("WriteUnits", "Count", count(dynamodb.write_units)),
            ("ColdStarts", "Count", flag(start.is_some()).and_then(count)),
            ("InitDuration", "Milliseconds", init.map(milliseconds)),
        ];
        let metrics = metrics.map(|(name, unit, value)| Metric { name, unit, value });
        let directive = Directive { namespace: NAMESPACE, dimensions: DIMENSIONS, metrics: Definitions(metrics) };
        let since_epoch = ended.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            embedded: Embedded { timestamp: since_epoch.as_millis() as u64, cloud_watch_metrics: [directive] },
            timestamp: Timestamp::from(ended),
            // Lambda would drop a line below the level that is set, and its metrics with it.
            level: severity.max(settings.level),
            request_id: &record.request_id,
            trace_id: record.trace.as_ref().map(|trace| trace.trace_id.as_str()),
            function: &record.function,
            route: record.route.as_deref(),
            status: record.status,
            code,
            cause,
            latency_ms: milliseconds(record.latency),
            cold_start: start.is_some(),
            init_ms: init.map(milliseconds),
            dynamodb,
            user: record.user.as_deref(),
            audit: record.audit.map(|event| Audit {
                event,
                user: record.user.as_deref(),
                path_user: record.path_user.as_deref(),
                reason: if refused || denied { cause.or(code) } else { None },
                source_ip: record.source_ip.as_deref(),
            }),
            failed_items: &record.failed_items,
            service: &settings.service,
            values: Values(metrics),
            ended,
        }
    }

    /// Appends the line, with its line feed.
    pub(super) fn write_to(&self, lines: &mut Vec<u8>) {
        // It cannot fail: all values are strings, numbers, and lists and objects of them.
        let _ = self.serialize(&mut serde_json::Serializer::new(&mut *lines));
        lines.push(b'\n');
    }
}

impl Serialize for Definitions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Definition {
            name: &'static str,
            unit: &'static str,
        }

        let present = self.0.iter().filter(|metric| metric.value.is_some());
        serializer.collect_seq(present.map(|&Metric { name, unit, .. }| Definition { name, unit }))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter_map(|metric| Some((metric.name, metric.value?))))
    }
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
