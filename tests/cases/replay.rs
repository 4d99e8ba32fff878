//! Every event in `events/`, replayed: what people send with `cargo lambda invoke` is what is tested.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::fs;

use kit::fixtures::event;
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Content, Operation, Signer};

use crate::completeness::assert_same;

/// The good events that every operation has: of API Gateway, and of `cargo lambda watch`.
const GOOD: [&str; 2] = ["", ".cargo-lambda-watch"];

/// What every other event is answered with. The code is empty where there is no problem.
const OTHERS: &[(&str, u16, &str)] = &[
    ("complete-task.foreign-user", 403, "forbidden"),
    ("complete-task.idempotency-key", 200, ""),
    ("complete-task.reopen", 200, ""),
    ("complete-task.stale", 412, "version_mismatch"),
    ("complete-task.toggle", 200, ""),
    ("complete-task.unknown-task", 404, "task_not_found"),
    ("complete-task.wrong-type", 422, "invalid_field"),
    ("create-task.base64-body", 201, ""),
    ("create-task.body-missing", 415, "unsupported_media_type"),
    ("create-task.broken-json", 400, "invalid_json"),
    ("create-task.foreign-user", 403, "forbidden"),
    ("create-task.idempotency-key", 201, ""),
    ("create-task.many-fields-wrong", 422, "invalid_field"),
    ("create-task.me", 201, ""),
    ("create-task.named-stage", 201, ""),
    ("create-task.not-base64", 400, "invalid_request"),
    ("create-task.text-plain", 415, "unsupported_media_type"),
    ("create-task.title-missing", 422, "invalid_field"),
    ("create-task.token-missing", 401, "token_missing"),
    ("create-task.user-id-in-body", 422, "invalid_field"),
    ("delete-task.bad-if-match", 400, "invalid_header"),
    ("delete-task.bad-key", 400, "invalid_header"),
    ("delete-task.foreign-user", 403, "forbidden"),
    ("delete-task.if-match", 204, ""),
    ("delete-task.stale", 412, "version_mismatch"),
    ("delete-task.token-missing", 401, "token_missing"),
    ("delete-task.unknown-task", 404, "task_not_found"),
    ("erase-tasks.confirmed-for-another", 400, "invalid_header"),
    ("erase-tasks.foreign-user", 403, "forbidden"),
    ("erase-tasks.token-missing", 401, "token_missing"),
    ("erase-tasks.unconfirmed", 400, "invalid_header"),
    ("export-tasks.bad-cursor", 400, "invalid_cursor"),
    ("export-tasks.foreign-user", 403, "forbidden"),
    ("export-tasks.next-page", 200, ""),
    ("get-health.query", 400, "invalid_parameter"),
    ("get-task.changed-since", 200, ""),
    ("get-task.foreign-user", 403, "forbidden"),
    ("get-task.if-none-match", 304, ""),
    ("get-task.malformed-host", 400, "invalid_request"),
    ("get-task.not-an-id", 404, "task_not_found"),
    ("get-task.token-missing", 401, "token_missing"),
    ("get-task.unknown-task", 404, "task_not_found"),
    ("list-changes.bad-since", 400, "invalid_sync_token"),
    ("list-changes.expired-since", 410, "sync_token_expired"),
    ("list-changes.foreign-user", 403, "forbidden"),
    ("list-changes.latest", 200, ""),
    ("list-tasks.bad-cursor", 400, "invalid_cursor"),
    ("list-tasks.bearer-undefined", 401, "token_invalid"),
    ("list-tasks.completed-by-tag", 200, ""),
    ("list-tasks.foreign-user", 403, "forbidden"),
    ("list-tasks.malformed-query", 400, "invalid_request"),
    ("list-tasks.open-due-range", 200, ""),
    ("list-tasks.repeated-parameter", 400, "invalid_parameter"),
    ("list-tasks.token-in-query", 401, "token_missing"),
    ("list-tasks.two-tokens", 401, "token_invalid"),
    ("list-tasks.user-id-in-query", 400, "invalid_parameter"),
    ("replace-task.as-read", 200, ""),
    ("replace-task.foreign-user", 403, "forbidden"),
    ("replace-task.if-match", 200, ""),
    ("replace-task.merge-patch", 415, "unsupported_media_type"),
    ("replace-task.new-task", 201, ""),
    ("replace-task.stale", 412, "version_mismatch"),
    ("replace-task.taken-id", 412, "already_exists"),
    ("replace-task.title-missing", 422, "invalid_field"),
    ("replace-task.unknown-field", 422, "invalid_field"),
    ("replace-task.unknown-task", 404, "task_not_found"),
    ("update-task.completed", 200, ""),
    ("update-task.foreign-user", 403, "forbidden"),
    ("update-task.merge-patch", 200, ""),
    ("update-task.mixed-case-headers", 200, ""),
    ("update-task.no-change", 200, ""),
    ("update-task.not-an-object", 400, "invalid_json"),
    ("update-task.stale", 412, "version_mismatch"),
    ("update-task.title-null", 422, "invalid_field"),
    ("update-task.unknown-task", 404, "task_not_found"),
    ("update-task.user-id-in-query", 400, "invalid_parameter"),
    ("batch-tasks.atomic-refused", 200, ""),
    ("batch-tasks.foreign-user", 403, "forbidden"),
    ("batch-tasks.wrong-items", 422, "invalid_field"),
];

/// Every event, and what it is answered with.
fn all_events() -> Vec<(String, u16, &'static str)> {
    let good = Operation::ALL
        .into_iter()
        .flat_map(|operation| GOOD.map(|suffix| (format!("{}{suffix}", operation.name()), operation.success(), "")));
    good.chain(OTHERS.iter().map(|&(name, status, code)| (name.to_owned(), status, code))).collect()
}

/// The content that the events find their task with.
fn content() -> Value {
    json!({
        "title": "As it was", "description": "Before.", "priority": "high", "due": "2026-12-15", "tags": ["work"],
    })
}

fn operation_of(name: &str) -> Operation {
    let function = name.split('.').next().unwrap();
    Operation::named(function).unwrap_or_else(|| panic!("{name} is of no function"))
}

/// Sends an event as the owner of a new task.
async fn replay(api: &Api, name: &str) -> Replayed {
    let task = api.create(ALICE, content()).await;
    let token = Signer::default().token(ALICE);
    let event = event(name).replace("TOKEN", &token).replace("TASK_ID", task["id"].as_str().unwrap());
    let answer = api.call_raw(operation_of(name), &event).await;
    Replayed { task, event: serde_json::from_str(&event).expect("an event in JSON"), answer }
}

struct Replayed {
    task: Value,
    event: Value,
    answer: Answer,
}

impl Replayed {
    /// The task that was answered, but for what a write changes every time.
    fn content(&self) -> Value {
        let mut content = self.answer.body.clone();
        let members = content.as_object_mut().unwrap();
        members.retain(|name, _| ["title", "description", "priority", "due", "tags"].contains(&name.as_str()));
        content
    }
}

#[test]
fn event_files_and_their_list_agree() {
    let files = fs::read_dir(kit::fixtures::events()).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let events = all_events();
    let listed: BTreeSet<_> = events.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_same("tests/cases/replay.rs", &listed, "events/", &files);
    assert_eq!(listed.len(), events.len(), "listed once");
}

#[test]
fn events_have_placeholders_and_no_tokens() {
    for (name, ..) in all_events() {
        let name = name.as_str();
        let event = event(name);
        assert!(!event.contains("eyJ0eXA") && !event.contains("eyJhbGci"), "{name} has a token");
        let operation = operation_of(name);
        let on_a_task = operation.is_on_a_task() || operation.answers() == Content::Rows;
        let own_id = ["unknown-task", "not-an-id", "new-task"].iter().any(|case| name.ends_with(case));
        assert_eq!(event.contains("TASK_ID"), on_a_task && !own_id, "{name}");
    }
}

#[tokio::test]
async fn every_event_is_answered_as_listed() {
    let api = Api::start().await;
    for (name, status, code) in all_events() {
        let name = name.as_str();
        let Replayed { event, answer, .. } = replay(&api, name).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{name}: {answer:?}");

        let is_problem = !code.is_empty();
        let content_type = if is_problem { "application/problem+json" } else { "application/json" };
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        for (field, value) in kit::ON_EVERY_ANSWER {
            assert_eq!(answer.header(field), value, "{name}");
        }
        let request_id = event["requestContext"]["requestId"].as_str().unwrap();
        assert_eq!(answer.header("x-request-id"), request_id, "{name}");
        if is_problem {
            assert_eq!(
                (&answer.body["request_id"], &answer.body["status"]),
                (&json!(request_id), &json!(status)),
                "{name}"
            );
        }
        let is_empty = [204, 304].contains(&status);
        assert_eq!(answer.raw["body"].is_null(), is_empty, "{name}");
    }
}

#[tokio::test]
async fn answers_have_payload_format_2() {
    let api = Api::start().await;
    for (name, ..) in all_events() {
        let name = name.as_str();
        let Replayed { answer, .. } = replay(&api, name).await;
        // `cargo lambda watch` insists on it.
        assert_eq!(answer.raw["cookies"], json!([]), "{name}");
        assert_eq!(answer.raw["isBase64Encoded"], false, "{name}");
    }
}

#[tokio::test]
async fn created_task_is_at_its_location() {
    let api = Api::start().await;
    for (name, list) in [
        ("create-task", "/api/alice/tasks"),
        ("create-task.me", "/api/me/tasks"),
        ("create-task.named-stage", "/prod/api/alice/tasks"),
        ("replace-task.new-task", "/api/alice/tasks"),
    ] {
        let Replayed { answer, .. } = replay(&api, name).await;
        let id = answer.body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("{list}/{id}"), "{name}");
        assert_eq!((answer.header("etag"), &answer.body["version"]), ("\"1\"", &json!(1)), "{name}");
        assert_eq!(api.get(ALICE, id).await.body, answer.body, "{name}");
    }
}

#[tokio::test]
async fn base64_body_arrives_with_its_umlaut() {
    let api = Api::start().await;
    let Replayed { answer, .. } = replay(&api, "create-task.base64-body").await;
    assert_eq!(answer.body["title"], "Müllabfuhr: Tonne rausstellen");
    let Replayed { answer, .. } = replay(&api, "update-task.cargo-lambda-watch").await;
    assert_eq!(answer.body["tags"], json!(["Müll"]));
}

#[tokio::test]
async fn repeated_event_with_key_makes_one_task() {
    let api = Api::start().await;
    for name in ["create-task.idempotency-key", "replace-task.new-task"] {
        let first = replay(&api, name).await.answer;
        let second = replay(&api, name).await.answer;
        assert_eq!((second.status, second.body), (201, first.body), "{name}");
    }
}

#[tokio::test]
async fn write_makes_the_next_version() {
    let api = Api::start().await;
    for (name, status, _) in all_events() {
        let name = name.as_str();
        let operation = operation_of(name);
        let is_write = operation.takes_if_match() && operation.answers() != Content::Nothing;
        if status != 200 || !is_write {
            continue;
        }
        // The task is open, and nothing of it changes in these two.
        let version = if ["update-task.no-change", "complete-task.reopen"].contains(&name) { 1 } else { 2 };
        let Replayed { task, answer, .. } = replay(&api, name).await;
        assert_eq!((&answer.body["id"], &answer.body["version"]), (&task["id"], &json!(version)), "{name}");
        assert_eq!(answer.header("etag"), format!("\"{version}\""), "{name}");
    }
}

#[tokio::test]
async fn refused_write_changes_nothing() {
    let api = Api::start().await;
    for (name, status, _) in all_events() {
        let name = name.as_str();
        let operation = operation_of(name);
        let on_a_task = operation.is_on_a_task() || operation.answers() == Content::Rows;
        if (status >= 400 && on_a_task) || name == "batch-tasks.atomic-refused" {
            let Replayed { task, .. } = replay(&api, name).await;
            assert_eq!(api.get(ALICE, task["id"].as_str().unwrap()).await.body, task, "{name}");
        }
    }
}

#[tokio::test]
async fn each_write_does_what_its_event_says() {
    let api = Api::start().await;
    let expected = |changes: Value| {
        let mut expected = content();
        expected.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        expected
    };
    let reset = json!({ "description": null, "due": null, "tags": [] });
    for (name, changes) in [
        (
            "replace-task",
            json!({ "title": "Write the long report", "description": null, "priority": "low", "due": null }),
        ),
        ("update-task", json!({ "priority": "low" })),
        ("update-task.no-change", json!({})),
        ("update-task.mixed-case-headers", json!({ "due": "2026-12-24T17:00:00.000Z" })),
        ("update-task.merge-patch", {
            let mut changes = reset.clone();
            changes["title"] = json!("Write the long report");
            changes
        }),
    ] {
        let replayed = replay(&api, name).await;
        assert_eq!(replayed.content(), expected(changes), "{name}");
    }
    for (name, completed) in [
        ("complete-task", true),
        ("complete-task.cargo-lambda-watch", true),
        ("complete-task.toggle", true),
        ("complete-task.idempotency-key", true),
        ("replace-task.as-read", true),
        ("update-task.completed", true),
        ("complete-task.reopen", false),
    ] {
        let Replayed { answer, .. } = replay(&api, name).await;
        assert_eq!(answer.body["completed"], completed, "{name}");
        assert_eq!(answer.body["completed_at"].is_string(), completed, "{name}");
    }
    for name in ["delete-task", "delete-task.cargo-lambda-watch", "delete-task.if-match"] {
        let Replayed { task, .. } = replay(&api, name).await;
        assert_eq!(api.get(ALICE, task["id"].as_str().unwrap()).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn batch_answers_each_item() {
    let statuses = |answer: &Answer| -> Vec<_> {
        answer.body["results"].as_array().unwrap().iter().map(|row| row["status"].as_u64().unwrap()).collect()
    };
    for name in ["batch-tasks", "batch-tasks.cargo-lambda-watch"] {
        let api = Api::start().await;
        let Replayed { task, answer, .. } = replay(&api, name).await;
        assert_eq!(statuses(&answer), [201, 200, 200, 404], "{name}: {answer:?}");
        let task = api.get(ALICE, task["id"].as_str().unwrap()).await;
        assert_eq!((&task.body["version"], &task.body["completed"]), (&json!(3), &json!(true)), "{name}");
    }
    let Replayed { answer, .. } = replay(&Api::start().await, "batch-tasks.atomic-refused").await;
    assert_eq!(statuses(&answer), [424, 404], "{answer:?}");
}

#[tokio::test]
async fn each_read_shows_what_its_event_asks_for() {
    for name in ["get-task", "get-task.cargo-lambda-watch", "get-task.changed-since"] {
        let Replayed { task, answer, .. } = replay(&Api::start().await, name).await;
        assert_eq!((answer.header("etag"), &answer.body), ("\"1\"", &task), "{name}");
    }
    let Replayed { answer, .. } = replay(&Api::start().await, "get-task.if-none-match").await;
    assert_eq!(answer.header("etag"), "\"1\"");
    for (name, titles) in [
        ("list-tasks", ["As it was"].as_slice()),
        ("list-tasks.open-due-range", &["As it was"]),
        ("list-tasks.completed-by-tag", &[]),
    ] {
        let Replayed { answer, .. } = replay(&Api::start().await, name).await;
        assert_eq!((answer.titles().as_slice(), &answer.body["next_cursor"]), (titles, &Value::Null), "{name}");
    }
}

#[tokio::test]
async fn problem_names_the_wrong_field() {
    let api = Api::start().await;
    for (name, pointers) in [
        ("create-task.title-missing", ["/title"].as_slice()),
        ("create-task.user-id-in-body", &["/user_id"]),
        ("create-task.many-fields-wrong", &["/title", "/priority", "/due", "/tags/1"]),
        ("replace-task.unknown-field", &["/colour"]),
        ("replace-task.title-missing", &["/title"]),
        ("update-task.title-null", &["/title"]),
        ("complete-task.wrong-type", &["/completed"]),
        ("batch-tasks.wrong-items", &["/items/1/changes/title", "/items/2/op", "/items/3/user_id"]),
    ] {
        let Replayed { answer, .. } = replay(&api, name).await;
        let errors = answer.body["errors"].as_array().unwrap();
        assert_eq!(
            errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect::<Vec<_>>(),
            pointers,
            "{name}"
        );
    }
    for (name, parameter) in [
        ("list-tasks.user-id-in-query", "user_id"),
        ("list-tasks.repeated-parameter", "status"),
        ("list-tasks.bad-cursor", "cursor"),
    ] {
        let Replayed { answer, .. } = replay(&api, name).await;
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{name}");
    }
    for (name, challenge) in [
        ("create-task.token-missing", r#"Bearer realm="tasks""#),
        ("list-tasks.token-in-query", r#"Bearer realm="tasks""#),
        ("list-tasks.bearer-undefined", r#"Bearer realm="tasks", error="invalid_token""#),
        ("list-tasks.two-tokens", r#"Bearer realm="tasks", error="invalid_token""#),
    ] {
        let Replayed { answer, .. } = replay(&api, name).await;
        assert_eq!(answer.header("www-authenticate"), challenge, "{name}");
    }
}

#[tokio::test]
async fn json_without_an_event_is_answered_with_400() {
    let api = Api::start().await;
    let event: Value = serde_json::from_str(&event("create-task")).unwrap();
    let with = |path: &str, value: Value| {
        let mut event = event.clone();
        *event.pointer_mut(path).unwrap() = value;
        event.to_string()
    };
    let sqs = json!({ "Records": [{ "messageId": "1", "body": "x", "eventSource": "aws:sqs", "attributes": {} }] });
    let scheduled = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": [] });
    for event in [
        "null".to_owned(),
        "true".to_owned(),
        r#""x""#.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)),
        with("/headers", json!("x")),
        with("/headers", json!({ "authorization": null })),
        with("/headers", json!({ "authorization": 7 })),
        with("/headers", json!({ "a b": "x" })),
        with("/headers", json!({ "authorization": "Bearer a\r\nb: c" })),
        with("/pathParameters", json!("me")),
        with("/requestContext", json!(null)),
        with("/requestContext/http/method", json!("NOT A METHOD")),
        with("/isBase64Encoded", json!("yes")),
        with("/body", json!({ "title": "x" })),
        sqs.to_string(),
        scheduled.to_string(),
    ] {
        for operation in Operation::ALL {
            let answer = api.call_raw(operation, &event).await;
            let start: String = event.chars().take(60).collect();
            assert_eq!((answer.status, answer.code()), (400, "invalid_event"), "{operation:?} of {start}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("x-request-id"), kit::INVOCATION);
            assert_eq!(answer.body["request_id"], kit::INVOCATION);
        }
    }
    assert_eq!(api.wire.take(), []);
}

#[tokio::test]
async fn unconvertible_event_is_answered_with_400() {
    let api = Api::start().await;
    let event: Value = serde_json::from_str(&event("get-task")).unwrap();
    for (path, values) in [
        ("/headers/host", ["", "a b", "a<b", "[::1", "a:99999"].as_slice()),
        ("/rawQueryString", &["a b", "<", "a=\u{7f}", "\\^`{|}", &"x".repeat(70_000)]),
        ("/rawPath", &["\u{0}:99999999", ":x"]),
    ] {
        for value in values {
            let mut event = event.clone();
            *event.pointer_mut(path).unwrap() = json!(value);
            for operation in Operation::of_a_user() {
                let answer = api.call_raw(operation, &event.to_string()).await;
                let case = format!("{operation:?}, {path}: {}", &value[..value.len().min(20)]);
                if answer.status != 401 {
                    assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{case}");
                }
                assert_eq!(answer.header("x-request-id"), event["requestContext"]["requestId"], "{case}");
            }
        }
    }
    assert_eq!(api.wire.take(), []);
}
