//! The line of each request: what it says, and that its counts are right. The harness checks the form of every line.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use futures_util::future::join_all;
use kit::fixtures::root;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use serde_json::{Value, json};
use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::signals::AuditEvent;
use tests::{
    ALICE, Answer, Api, BOB, ENDPOINT, ENVIRONMENT, Event, Fault, ISSUER, Issuer, Key, Lambda, Operation,
    SECRET_SETTINGS, Signer, lines,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The metrics of a line, without those of time.
fn metrics(line: &Value) -> BTreeMap<&str, f64> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    let names = metrics.iter().map(|metric| metric["Name"].as_str().unwrap());
    names.map(|name| (name, line[name].as_f64().unwrap())).filter(|(name, _)| *name != "Latency").collect()
}

/// The one line of a call.
async fn line_of(api: &Api, operation: Operation, event: &Event) -> Value {
    api.take_lines();
    api.call(operation, event).await;
    let [line] = api.take_lines().try_into().unwrap();
    line
}

/// The hash of a user, as the documentation says to compute it.
fn documented_hash(user: &str) -> String {
    let page = fs::read_to_string(root().join("docs/observability.md")).unwrap();
    let command = page.lines().find(|line| line.contains("openssl")).unwrap();
    let key = ENVIRONMENT.into_iter().find(|(name, _)| *name == "LOG_HASH_KEY").unwrap();
    let output = Command::new("sh").args(["-c", command]).envs([key, ("USER_ID", user)]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn line_says_what_a_request_used() {
    let api = Api::start().await;
    api.wire.meter();
    let (alice, mut wrong) = (documented_hash(ALICE), Vec::new());
    assert_eq!(alice.len(), 32, "{alice}");
    for operation in Operation::ALL {
        let mut variants: Vec<_> = operation.queries().iter().map(|query| Event::by(ALICE).raw_query(query)).collect();
        variants.push(Event::by(ALICE));
        if operation.takes_idempotency_key() {
            variants.push(Event::by(ALICE).header("idempotency-key", operation.name()));
        }
        for event in variants {
            let task = api.create_for(operation, ALICE).await;
            if operation == Operation::RestoreTask {
                api.call(Operation::DeleteTask, &Event::by(ALICE).task(&task)).await;
            }
            let event = event.of(operation, &task);
            api.wire.take();
            api.wire.take_units();
            let line = line_of(&api, operation, &event).await;
            let (requests, units) = (api.wire.take(), api.wire.take_units());
            let asked = requests.iter().all(|request| request.body["ReturnConsumedCapacity"] == "TOTAL");
            let used = &line["dynamodb"];
            let counted = used["read_units"].as_f64().unwrap() + used["write_units"].as_f64().unwrap();
            let audit = match operation {
                Operation::ExportTasks => json!("tasks_exported"),
                Operation::EraseTasks => json!("tasks_erased"),
                _ => Value::Null,
            };
            let user = if operation.takes_token() { json!(alice) } else { Value::Null };
            let is_right = asked
                && used["requests"] == requests.len()
                && counted == units
                && [&used["retries"], &used["errors"], &used["throttles"]].iter().all(|count| **count == 0)
                && used["time_ms"].as_f64().unwrap() <= line["latency_ms"].as_f64().unwrap()
                && line["request_id"] == "request-id"
                && line["route"] == "ANY /api/{user_id}/tasks"
                && line["level"] == "INFO"
                // The line of an audit has it in there.
                && (line["user"] == user || line["audit"]["user"] == user)
                && line["audit"]["event"] == audit
                && metrics(&line)["Requests"] == 1.0
                && metrics(&line)["ServerErrors"] == 0.0
                && line["Service"] == "daylist";
            if !is_right {
                wrong.push(format!("{operation:?}: {line} after {units} units of {requests:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A request that fails, and what its line must have.
struct Failing {
    event: Event,
    faults: &'static [Fault],
    status: u16,
    code: &'static str,
    level: &'static str,
    metrics: &'static [(&'static str, f64)],
    audit: Value,
}

#[tokio::test]
async fn failures_are_counted_and_audited() {
    const THROTTLED: Fault = Fault::Error(400, "ThrottlingException");
    const DENIED: Fault = Fault::Error(400, "AccessDeniedException");
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let by = |user: &str| Event::by(user).task(&task);
    let (alice, bob) = (documented_hash(ALICE), documented_hash(BOB));
    let expired = Signer::default().claims(json!({ "exp": 1_000_000_000 })).token(ALICE);
    let failing = |event, status, code| Failing {
        event,
        faults: &[],
        status,
        code,
        level: "INFO",
        metrics: &[],
        audit: Value::Null,
    };
    let refused = |path_user: Value, reason: &str| {
        let mut audit =
            json!({ "event": "token_refused", "path_user": path_user, "reason": reason, "source_ip": "203.0.113.7" });
        audit.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        audit
    };
    let cases = [
        failing(by(ALICE).task("none"), 404, "task_not_found"),
        failing(by(ALICE).raw_query("x=y"), 400, "invalid_parameter"),
        Failing {
            audit: refused(Value::Null, "token_missing"),
            ..failing(Event::anonymous("me").task(&task), 401, "token_missing")
        },
        Failing {
            metrics: &[("RefusedTokens", 1.0)],
            audit: refused(json!(alice), "token_expired"),
            ..failing(Event::anonymous(ALICE).task(&task).bearer(&expired), 401, "token_expired")
        },
        Failing {
            metrics: &[("RefusedTokens", 1.0)],
            audit: refused(Value::Null, "the token does not have three segments"),
            ..failing(Event::anonymous("me").task(&task).bearer("x"), 401, "token_invalid")
        },
        Failing {
            metrics: &[("ForbiddenPaths", 1.0)],
            audit: json!({
                "event": "access_denied", "user": bob, "path_user": alice, "reason": "forbidden", "source_ip": "203.0.113.7",
            }),
            ..failing(by(BOB).at(ALICE), 403, "forbidden")
        },
        Failing {
            faults: &[THROTTLED; 3],
            level: "WARN",
            metrics: &[("ServerErrors", 1.0), ("DynamoDbErrors", 3.0), ("DynamoDbThrottles", 3.0)],
            ..failing(by(ALICE), 503, "unavailable")
        },
        Failing {
            faults: &[Fault::Reset; 3],
            level: "WARN",
            metrics: &[("ServerErrors", 1.0), ("DynamoDbErrors", 3.0)],
            ..failing(by(ALICE), 503, "unavailable")
        },
        Failing {
            faults: &[Fault::Hang; 3],
            level: "WARN",
            metrics: &[("ServerErrors", 1.0), ("DynamoDbErrors", 3.0)],
            ..failing(by(ALICE), 503, "unavailable")
        },
        Failing {
            faults: &[DENIED],
            level: "ERROR",
            metrics: &[("ServerErrors", 1.0), ("DynamoDbErrors", 1.0)],
            ..failing(by(ALICE), 500, "internal")
        },
        // A retry that helps is seen as well.
        Failing {
            faults: &[THROTTLED],
            metrics: &[("DynamoDbErrors", 1.0), ("DynamoDbThrottles", 1.0), ("ReadUnits", 1.0)],
            ..failing(by(ALICE), 200, "")
        },
    ];
    for Failing { event, faults, status, code, level, metrics: counts, audit } in cases {
        api.wire.take();
        api.wire.fail_next(faults.iter().copied());
        let line = line_of(&api, Operation::GetTask, &event).await;
        let requests = api.wire.take().len();
        assert_eq!(
            (&line["status"], line["code"].as_str().unwrap_or_default(), &line["level"]),
            (&json!(status), code, &json!(level)),
            "{line}"
        );
        let mut expected = BTreeMap::from([("Requests", 1.0), ("ServerErrors", 0.0)]);
        expected.extend(counts.iter().copied());
        assert_eq!(metrics(&line), expected, "{line}");
        assert_eq!(line["audit"], audit, "{line}");
        let (asked, retries) = (&line["dynamodb"]["requests"], &line["dynamodb"]["retries"]);
        assert_eq!((asked, retries), (&json!(requests), &json!(requests.saturating_sub(1))), "{line}");
    }
}

#[tokio::test]
async fn refused_condition_is_no_error_of_dynamodb() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let stale = Event::by(ALICE).task(&task).header("if-match", "\"7\"").json(&json!({ "title": "two" }));
    let line = line_of(&api, Operation::UpdateTask, &stale).await;
    assert_eq!((&line["code"], &line["dynamodb"]["errors"]), (&json!("version_mismatch"), &json!(0)));
    let id = "01990000-0000-7000-8000-000000000000";
    let items = [
        json!({ "op": "update", "id": task, "changes": { "title": "two" }, "if_match": 7 }),
        json!({ "op": "create", "id": id, "task": { "title": "new" } }),
    ];
    let atomic = Event::by(ALICE).json(&json!({ "atomic": true, "items": items }));
    let line = line_of(&api, Operation::BatchTasks, &atomic).await;
    assert_eq!((&line["status"], &line["dynamodb"]["errors"]), (&json!(200), &json!(0)), "{line}");
    for (reason, errors, throttles) in
        [("ThrottlingError", 1, 1), ("ValidationError", 1, 0), ("TransactionConflict", 0, 0)]
    {
        api.wire.fail_next([Fault::Cancelled(reason)]);
        let used = line_of(&api, Operation::BatchTasks, &atomic).await["dynamodb"].take();
        assert_eq!((&used["errors"], &used["throttles"]), (&json!(errors), &json!(throttles)), "{reason}: {used}");
    }
}

#[tokio::test]
async fn garbled_answer_is_an_error_of_dynamodb() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    for operation in Operation::ALL {
        for fault in [Fault::Garbled, Fault::Truncated] {
            api.wire.fail_next([fault; 3]);
            let line = line_of(&api, operation, &Event::by(ALICE).of(operation, &task)).await;
            let used = &line["dynamodb"];
            assert_eq!(used["errors"], used["requests"], "{operation:?}, {fault:?}: {line}");
        }
        api.wire.settle().await;
    }
}

#[tokio::test]
async fn failed_items_of_a_batch_are_in_its_line() {
    let api = Api::start().await;
    let id = |number: usize| format!("01990000-0000-7000-8000-{number:012}");
    let items: Vec<_> = (0..40).map(|number| json!({ "op": "delete", "id": id(number) })).collect();
    api.wire.fail_all(Fault::Error(400, "ValidationException"));
    let line = line_of(&api, Operation::BatchTasks, &Event::by(ALICE).json(&json!({ "items": items }))).await;
    let expected =
        json!([{ "status": 500, "code": "internal", "cause": "ValidationException with status 400", "count": 40 }]);
    assert_eq!((&line["failed_items"], &line["level"], &line["status"]), (&expected, &json!("ERROR"), &json!(200)));
    assert_eq!((&line["DynamoDbErrors"], &line["request_id"]), (&json!(40.0), &json!("request-id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_count_for_themselves() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    api.take_lines();
    api.wire.take();
    let calls = (0..40).map(async |number: usize| {
        let user = format!("user-{number}");
        match number % 4 {
            0 => api.call(Operation::GetTask, &Event::by(ALICE).task(&task)).await,
            1 => api.call(Operation::GetTask, &Event::anonymous("me").task(&task)).await,
            2 => {
                let items: Vec<_> = (0..number).map(|item| json!({ "op": "create", "id": format!("01990000-0000-7000-8000-{item:012}"), "task": { "title": "new" } })).collect();
                api.call(Operation::BatchTasks, &Event::by(&user).json(&json!({ "items": items }))).await
            }
            _ => api.call(Operation::CreateTask, &Event::by(&user).json(&json!({ "title": "one" }))).await,
        }
    });
    join_all(calls).await;
    let lines = api.take_lines();
    let used = |line: &Value, name: &str| line["dynamodb"][name].as_u64().unwrap();
    let sent: u64 = lines.iter().map(|line| used(line, "requests")).sum();
    assert_eq!(sent, api.wire.take().len() as u64);
    // A busy machine may cause retries.
    let count = |line: &Value| (line["status"].as_u64().unwrap(), used(line, "requests") - used(line, "retries"));
    let mut counts: Vec<_> = lines.iter().map(count).collect();
    let batches = (0..40).filter(|number| number % 4 == 2).map(|number| (200, number));
    let ten = |count| std::iter::repeat_n(count, 10);
    let mut expected: Vec<_> = ten((200, 1)).chain(ten((401, 0))).chain(ten((201, 1))).chain(batches).collect();
    counts.sort_unstable();
    expected.sort_unstable();
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn operation_says_that_auditors_look_for_it() {
    async fn erases(app: &App, request: &Request) -> Result<Response, Problem> {
        let user = app.authenticate(request).await?;
        app.tasks_of(user, request)?;
        request.audit(AuditEvent::TasksErased);
        Ok(Response::no_content())
    }
    let api = Api::start().await;
    kit::invoke(api.app(), erases, &Event::by(ALICE).to_string()).await;
    kit::invoke(api.app(), erases, &Event::by(BOB).at(ALICE).to_string()).await;
    let [done, denied] = api.take_lines().try_into().unwrap();
    let user = documented_hash(ALICE);
    assert_eq!(done["audit"], json!({ "event": "tasks_erased", "user": user, "source_ip": "203.0.113.7" }), "{done}");
    assert_eq!(denied["audit"]["event"], "access_denied", "{denied}");
}

#[tokio::test]
async fn users_are_absent_without_a_key() {
    let environment: Vec<_> = ENVIRONMENT.into_iter().filter(|(name, _)| *name != "LOG_HASH_KEY").collect();
    let environment = [&environment[..], &SECRET_SETTINGS, &[(ENDPOINT, "http://127.0.0.1:1")]].concat();
    let mut function = Lambda::start("get-task", &environment).await;
    function.invoke(&Event::by(BOB).at(ALICE).to_string()).await;
    let [line] = lines::of(&function.stop().await.stdout).try_into().unwrap();
    assert!(line["user"].is_null() && line["audit"]["path_user"].is_null(), "{line}");
    assert_eq!(line["audit"]["event"], "access_denied");
}

#[tokio::test]
async fn first_request_reports_the_start() {
    let api = Api::start().await;
    // The issuer never answers, which is seen before there is a request.
    let settings = [(ENDPOINT, api.wire.endpoint()), ("BETTER_AUTH_URL", ISSUER), ("JWKS_URL", "http://127.0.0.1:1")];
    let keys = Signer::key_set().to_string();
    let environment = [&ENVIRONMENT[..], &settings, &[("JWKS", keys.as_str()), ("SERVICE_NAME", "stage-2")]].concat();
    let mut function = Lambda::start("list-tasks", &environment).await;
    for _ in 0..2 {
        let event = Event::anonymous("me").bearer(&Signer::with(Key::Ed25519).token(ALICE));
        assert_eq!(function.invoke(&event.to_string()).await.status, 200);
    }
    let [cold, warm] = lines::of(&function.stop().await.stdout).try_into().unwrap();
    assert_eq!((&cold["cold_start"], &warm["cold_start"]), (&json!(true), &json!(false)));
    assert_eq!((&cold["function"], &cold["Service"]), (&json!("list-tasks"), &json!("stage-2")));
    assert_eq!((&cold["ColdStarts"], &cold["KeySetFailures"]), (&json!(1.0), &json!(1.0)), "{cold}");
    assert!(cold["InitDuration"].as_f64().unwrap() > 0.0 && cold["InitDuration"] == cold["init_ms"], "{cold}");
    assert_eq!(metrics(&warm).into_keys().collect::<Vec<_>>(), ["ReadUnits", "Requests", "ServerErrors"], "{warm}");
}

#[tokio::test]
async fn level_and_format_are_lambdas() {
    let settings = [&ENVIRONMENT[..], &[(ENDPOINT, "http://127.0.0.1:1"), ("BETTER_AUTH_URL", ISSUER)]].concat();
    let settings = [&settings[..], &[("JWKS_URL", "http://127.0.0.1:1")]].concat();
    for (level, format, line_level, warning) in [
        ("TRACE", "JSON", "WARN", Some("{")),
        ("INFO", "Text", "WARN", Some("20")),
        ("WARN", "JSON", "WARN", Some("{")),
        ("error", "JSON", "ERROR", None),
        ("FATAL", "Text", "FATAL", None),
    ] {
        let logging = [("AWS_LAMBDA_LOG_LEVEL", level), ("AWS_LAMBDA_LOG_FORMAT", format)];
        let mut function = Lambda::start("get-task", &[&settings[..], &logging].concat()).await;
        let event = Event::anonymous("me").bearer(&Signer::with(Key::Ed25519).token(ALICE));
        assert_eq!(function.invoke(&event.to_string()).await.status, 503);
        let output = function.stop().await.stdout;
        let [line] = lines::of(&output).try_into().unwrap();
        assert_eq!((&line["level"], &line["ServerErrors"]), (&json!(line_level), &json!(1.0)), "{level}");
        let text = String::from_utf8(output).unwrap();
        let other = text.lines().find(|line| line.contains("the keys could not be refreshed"));
        assert_eq!(
            other.and_then(|line| warning.map(|begin| line.starts_with(begin))),
            warning.map(|_| true),
            "{text}"
        );
    }
}

#[tokio::test]
async fn trace_is_the_callers_then_lambdas_then_the_gateways() {
    let api = Api::start().await;
    let gateways = "Root=1-6b0e9aa0-0123456789abcdef01234567";
    let callers = format!("00-{TRACE}-{PARENT}-01");
    for (fields, expected) in [
        (vec![], Value::Null),
        (vec![("x-amzn-trace-id", gateways)], json!("6b0e9aa00123456789abcdef01234567")),
        (vec![("x-amzn-trace-id", gateways), ("traceparent", &callers)], json!(TRACE)),
        (vec![("traceparent", "CANARY"), ("x-amzn-trace-id", "Root=CANARY")], Value::Null),
    ] {
        let event = fields.iter().fold(Event::by(ALICE), |event, (name, value)| event.header(name, value));
        let line = line_of(&api, Operation::ListTasks, &event).await;
        assert_eq!(line["trace_id"], expected, "{fields:?}");
    }
}

/// What a collector received, read as it would read it.
async fn spans(collector: &Issuer, count: usize) -> Vec<ExportTraceServiceRequest> {
    collector.wire.has_done(count).await;
    let requests = collector.wire.take().into_iter().map(|request| {
        assert_eq!(request.operation, "POST /v1/traces");
        serde_json::from_value(request.body).unwrap()
    });
    requests.collect()
}

#[tokio::test]
async fn span_continues_the_callers_trace() {
    let api = Api::start().await;
    let collector = Issuer::publishing(&json!({})).await;
    let traced = api
        .another_with(&[&SECRET_SETTINGS[..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.wire.endpoint())]].concat())
        .await;
    let task = api.create_titled("CANARY").await;
    let get = |flags: &str| Event::by(ALICE).task(&task).header("traceparent", &format!("00-{TRACE}-{PARENT}-{flags}"));

    traced.call(Operation::GetTask, &get("01")).await;
    traced.call(Operation::GetTask, &get("00")).await;
    let [request] = spans(&collector, 1).await.try_into().unwrap();
    let resource = &request.resource_spans[0];
    let [span] = &resource.scope_spans[0].spans[..] else { panic!("{request:?}") };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        (hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str(), span.span_id.len()),
        (TRACE, PARENT, 8)
    );
    assert_eq!((span.name.as_str(), span.kind), ("ANY /api/{user_id}/tasks", 2));
    assert!(span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano);
    assert_eq!(span.status.as_ref().unwrap().code, 0);
    let attributes = span.attributes.iter().chain(&resource.resource.as_ref().unwrap().attributes);
    let attributes: BTreeMap<_, _> =
        attributes.map(|pair| (pair.key.as_str(), pair.value.clone().unwrap().value.unwrap())).collect();
    let text = |text: &str| Attribute::StringValue(text.to_owned());
    for (name, value) in [
        ("http.request.method", text("ANY")),
        ("http.route", text("/api/{user_id}/tasks")),
        ("http.response.status_code", Attribute::IntValue(200)),
        ("faas.coldstart", Attribute::BoolValue(true)),
        ("aws.request_id", text("request-id")),
        ("aws.dynamodb.requests", Attribute::IntValue(1)),
        ("service.name", text("daylist")),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
    assert!(!format!("{request:?}").contains(ALICE) && !format!("{request:?}").contains("CANARY"), "{request:?}");

    // A request of no trace begins one, which its line names; and the span of a server fault says so.
    traced.take_lines();
    traced.wire.fail_all(Fault::Error(400, "ValidationException"));
    traced.call(Operation::GetTask, &Event::by(ALICE).task(&task)).await;
    let [request] = spans(&collector, 2).await.try_into().unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(traced.take_lines()[0]["trace_id"], hex(&span.trace_id));
    assert_eq!((span.parent_span_id.len(), span.status.as_ref().unwrap().code), (0, 2));
}

#[tokio::test]
async fn missing_collector_fails_no_request() {
    let api =
        Api::start_with(&[&SECRET_SETTINGS[..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]].concat())
            .await;
    for _ in 0..3 {
        let answer: Answer = api.list(ALICE, &[]).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(api.take_lines().len(), 3);
}
