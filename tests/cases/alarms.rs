//! Checks what no linter sees in `template.yaml`: alarms, the dashboard, and the access log name what exists.

use std::collections::BTreeSet;
use std::fs;

use kit::fixtures::root;
use serde_json::Value as Json;
use serde_yaml_ng::Value;
use shared::app::ANSWER_WITHIN;
use tests::lines::METRICS;

use crate::completeness::assert_same;

/// Metrics of one source: their namespace, their dimension and what it names, their names.
type Metrics = (&'static str, Option<(&'static str, &'static str)>, &'static [&'static str]);

/// What functions and AWS emit.
const EMITTED: [Metrics; 3] = [
    ("Daylist", Some(("Service", "AWS::StackName")), &METRICS),
    // Of an HTTP API; a REST API names some of them differently.
    (
        "AWS/ApiGateway",
        Some(("ApiId", "Api")),
        &["4xx", "5xx", "Count", "DataProcessed", "IntegrationLatency", "Latency"],
    ),
    // Over all functions. One function's have the dimension FunctionName.
    ("AWS/Lambda", None, &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"]),
];

/// The variables in the access log. An HTTP API knows them.
const LOGGED: [&str; 9] = [
    "identity.sourceIp",
    "integrationErrorMessage",
    "integrationLatency",
    "requestId",
    "requestTime",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
];

fn template() -> Value {
    serde_yaml_ng::from_str(&fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap()
}

/// The resources of a type, of which there is at least one, with their names.
fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<(&'a Value, &'a Value)> {
    let resources = template["Resources"].as_mapping().unwrap().iter();
    let found: Vec<_> = resources.filter(|(_, resource)| resource["Type"] == kind).collect();
    assert!(!found.is_empty(), "{kind}");
    found
}

fn alarms(template: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let alarms = of_type(template, "AWS::CloudWatch::Alarm").into_iter();
    alarms.map(|(name, resource)| (name.as_str().unwrap(), &resource["Properties"]))
}

/// A metric that an alarm or a widget reads.
type Metric = (String, Option<(String, String)>, String);

fn emitted() -> BTreeSet<Metric> {
    let metrics = EMITTED.into_iter().flat_map(|(namespace, dimension, names)| {
        let dimension = dimension.map(|(name, value)| (name.to_owned(), value.to_owned()));
        names.iter().map(move |name| (namespace.to_owned(), dimension.clone(), (*name).to_owned()))
    });
    metrics.collect()
}

/// The metric that an alarm, or a part of an alarm's expression, names.
fn metric(of: &Value) -> Metric {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let dimension = of.get("Dimensions").map(|dimensions| {
        let [dimension] = &dimensions.as_sequence().unwrap()[..] else { panic!("one dimension: {dimensions:?}") };
        (text(&dimension["Name"]), text(&dimension["Value"]))
    });
    (text(&of["Namespace"]), dimension, text(&of["MetricName"]))
}

#[test]
fn alarm_watches_what_is_emitted() {
    let (template, emitted) = (template(), emitted());
    for (name, alarm) in alarms(&template) {
        let parts = alarm["Metrics"].as_sequence().into_iter().flatten();
        let parts: Vec<_> = parts.filter_map(|part| part.get("MetricStat").map(|of| metric(&of["Metric"]))).collect();
        let metrics = if parts.is_empty() { vec![metric(alarm)] } else { parts };
        for metric in metrics {
            assert!(emitted.contains(&metric), "{name} watches {metric:?}, which nobody emits");
        }
    }
}

#[test]
fn dashboard_shows_what_is_emitted() {
    let (template, emitted) = (template(), emitted());
    let body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap();
    let body: Json = serde_json::from_str(body).expect("the dashboard is JSON");
    let mut shown = BTreeSet::new();
    let widgets = body["widgets"].as_array().unwrap().iter();
    for line in widgets.flat_map(|widget| widget["properties"]["metrics"].as_array().into_iter().flatten()) {
        let expression = line[0]["expression"].as_str();
        let searched = expression.and_then(|text| text.split("MetricName=\"").nth(1)?.split('"').next());
        let metric = if let Some(name) = searched {
            ("AWS/Lambda".to_owned(), None, name.to_owned())
        } else {
            let text = |index: usize| line[index].as_str().unwrap().trim_matches(['$', '{', '}']).to_owned();
            (text(0), Some((text(2), text(3))), text(1))
        };
        assert!(emitted.contains(&metric), "the dashboard shows {metric:?}, which nobody emits");
        shown.insert(metric);
    }
    for metric in emitted.iter().filter(|(namespace, ..)| namespace == "Daylist") {
        assert!(shown.contains(metric), "the dashboard lacks {metric:?}");
    }
    let listed = body["widgets"][0]["properties"]["alarms"].as_array().unwrap().iter();
    let listed = listed.map(|arn| arn.as_str().unwrap().to_owned()).collect();
    let all = alarms(&template).map(|(name, _)| format!("${{{name}.Arn}}")).collect();
    assert_same("the dashboard's alarms", &listed, "the template", &all);
}

#[test]
fn every_alarm_is_sent_and_rolls_back() {
    const MOST_OF_A_DEPLOYMENT: usize = 10;
    let template = template();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for (name, alarm) in alarms(&template) {
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(text(&alarm[actions][0]), "AlarmTopic", "{name}");
        }
    }
    let of_deployments = &template["Globals"]["Function"]["DeploymentPreference"]["Alarms"][1];
    let rolling_back: BTreeSet<_> = of_deployments.as_sequence().unwrap().iter().map(text).collect();
    let all = alarms(&template).map(|(_, alarm)| text(&alarm["AlarmName"])).collect();
    assert_same("DeploymentPreference", &rolling_back, "the template's alarms", &all);
    assert!(all.len() <= MOST_OF_A_DEPLOYMENT);
}

#[test]
fn every_alarm_is_documented() {
    let page = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    for (name, alarm) in alarms(&template()) {
        let suffix = alarm["AlarmName"].as_str().unwrap().strip_prefix("${AWS::StackName}-").unwrap();
        assert!(page.contains(&format!("| `{suffix}` |")), "docs/deploy.md lacks {name}");
    }
}

#[test]
fn slow_request_alarms_before_it_is_given_up() {
    let template = template();
    let threshold = template["Resources"]["SlowRequestsAlarm"]["Properties"]["Threshold"].as_u64().unwrap();
    assert!(u128::from(threshold) < ANSWER_WITHIN.as_millis());
}

#[test]
fn access_log_has_no_path_and_no_header() {
    let template = template();
    let format = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let fields: Json = serde_json::from_str(format).expect("a line of the log is JSON");
    let variables = fields.as_object().unwrap().values();
    let variables = variables.map(|value| value.as_str().unwrap().strip_prefix("$context.").unwrap().to_owned());
    assert_same("the access log", &variables.collect(), "the test", &LOGGED.map(str::to_owned).into());
}

#[test]
fn every_table_is_encrypted() {
    let template = template();
    for (name, table) in of_type(&template, "AWS::DynamoDB::Table") {
        let encryption = &table["Properties"]["SSESpecification"];
        assert_eq!((&encryption["SSEEnabled"], &encryption["SSEType"]), (&true.into(), &"KMS".into()), "{name:?}");
        assert_eq!(encryption["KMSMasterKeyId"][1].as_str(), Some("KeyArn"), "{name:?}");
    }
}

#[test]
fn every_table_is_kept_and_can_be_recovered() {
    let template = template();
    for (name, table) in of_type(&template, "AWS::DynamoDB::Table") {
        // Keys live for a day: a stack that is gone has no retries.
        let policy = if name.as_str() == Some("IdempotencyTable") { "Delete" } else { "Retain" };
        let policies = (&table["DeletionPolicy"], &table["UpdateReplacePolicy"]);
        assert_eq!(policies, (&policy.into(), &policy.into()), "{name:?}");
        let recovery = &table["Properties"]["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true, "{name:?}");
    }
}

#[test]
fn every_log_is_kept_and_expires() {
    let template = template();
    for (name, group) in of_type(&template, "AWS::Logs::LogGroup") {
        assert_eq!(group["DeletionPolicy"], "Retain", "{name:?}");
        assert_eq!(group["Properties"]["RetentionInDays"].as_str(), Some("LogRetentionDays"), "{name:?}");
        assert_eq!(group["Properties"]["KmsKeyId"][1].as_str(), Some("KeyArn"), "{name:?}");
    }
}
