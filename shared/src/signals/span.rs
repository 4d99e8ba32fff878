//! The span of a request as a collector takes it: OTLP's request in its JSON form.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>,
//! <https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::line::Line;
use super::record::Record;
use super::trace::random_id;

const KIND_SERVER: u8 = 2;
const STATUS_UNSET: u8 = 0;
const STATUS_ERROR: u8 = 2;

/// The request to the collector, unless the caller does not want spans of this trace.
pub(super) fn export(line: &Line<'_>, record: &Record) -> Option<Vec<u8>> {
    let trace = record.trace.as_ref().filter(|trace| trace.is_sampled)?;
    let (method, path) = line.route.and_then(|route| route.split_once(' ')).unzip();
    let attributes = [
        ("http.request.method", method.map(text)),
        ("http.route", path.map(text)),
        ("http.response.status_code", Some(integer(line.status.into()))),
        ("error.type", line.code.map(text)),
        ("faas.trigger", Some(text("http"))),
        ("faas.coldstart", Some(json!({ "boolValue": line.cold_start }))),
        ("aws.request_id", Some(text(&record.request_id))),
        ("aws.dynamodb.requests", Some(integer(record.dynamodb.requests))),
    ];
    let attributes: Vec<_> = attributes.into_iter().filter_map(|(key, value)| Some(attribute(key, value?))).collect();
    let span = json!({
        "traceId": trace.trace_id,
        "spanId": random_id(),
        "parentSpanId": trace.parent.as_deref().unwrap_or_default(),
        "name": line.route.unwrap_or(line.function),
        "kind": KIND_SERVER,
        "startTimeUnixNano": nanoseconds(line.ended - record.latency),
        "endTimeUnixNano": nanoseconds(line.ended),
        "attributes": attributes,
        "status": { "code": if line.status >= 500 { STATUS_ERROR } else { STATUS_UNSET } },
    });
    let resource = [
        attribute("service.name", text(line.service)),
        attribute("faas.name", text(line.function)),
        attribute("cloud.provider", text("aws")),
        attribute("cloud.platform", text("aws_lambda")),
    ];
    let scope = json!({ "name": "daylist" });
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": [span] }],
    }] });
    Some(request.to_string().into_bytes())
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}

fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

/// Integers of 64 bits are strings in the JSON form.
fn integer(number: u32) -> Value {
    json!({ "intValue": number.to_string() })
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
