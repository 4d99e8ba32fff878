//! The HTTP contract, status by status.

mod lists;

use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Operation};

const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";

async fn create(api: &Api, body: Value) -> Answer {
    api.call(Operation::CreateTask, &Event::by(ALICE).json(&body)).await
}

async fn patch(api: &Api, id: &str, body: Value) -> Answer {
    api.call(Operation::UpdateTask, &Event::by(ALICE).task(id).json(&body)).await
}

async fn replace(api: &Api, id: &str, body: Value) -> Answer {
    api.call(Operation::ReplaceTask, &Event::by(ALICE).task(id).json(&body)).await
}

async fn complete(api: &Api, id: &str, completed: Option<bool>) -> Answer {
    let event = Event::by(ALICE).task(id);
    let event = completed.iter().fold(event, |event, completed| event.json(&json!({ "completed": completed })));
    api.call(Operation::CompleteTask, &event).await
}

/// Creates a task of Alice's with this body, and gives its id.
async fn created(api: &Api, body: Value) -> String {
    api.create(ALICE, body).await["id"].as_str().unwrap().to_owned()
}

/// A body with all that a client sets of a new task.
fn whole() -> Value {
    json!({ "title": "one", "description": "d", "priority": "low", "due": "2026-12-01", "tags": ["a"] })
}

/// Checks some members of a task.
fn assert_has(task: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&task[name], value, "{name} of {task}");
    }
}

/// The pointers and parameters in a problem.
fn named(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().filter_map(|error| error["pointer"].as_str().or(error["parameter"].as_str())).collect()
}

#[tokio::test]
async fn created_task_is_answered_whole() {
    let api = Api::start().await;
    let answer = create(&api, json!({ "title": "  Buy milk " })).await;
    let task = &answer.body;
    let id = task["id"].as_str().unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), format!("/api/alice/tasks/{id}"));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-request-id"), "request-id");
    let expected = json!({
        "id": id, "title": "Buy milk", "description": null, "completed": false, "completed_at": null, "priority": "none",
        "due": null, "tags": [], "created_at": task["created_at"], "updated_at": task["created_at"], "version": 1,
    });
    assert_eq!(task, &expected);
    assert_eq!(id.as_bytes()[14], b'7', "an id of version 7");
    let read = api.get(ALICE, id).await;
    assert_eq!((read.status, read.header("etag"), &read.body), (200, "\"1\"", task));
}

#[tokio::test]
async fn every_field_of_a_task_is_kept() {
    let api = Api::start().await;
    let body = json!({
        "title": "Käse & 🧀", "description": "two\nlines", "priority": "high", "due": "2026-11-30T10:00:00+01:00",
        "tags": ["home", " shop "],
    });
    let task = api.create(ALICE, body).await;
    assert_eq!(task["title"], "Käse & 🧀");
    assert_eq!(task["description"], "two\nlines");
    assert_eq!(task["priority"], "high");
    assert_eq!(task["due"], "2026-11-30T09:00:00.000Z");
    assert_eq!(task["tags"], json!(["home", "shop"]));
    assert_eq!(api.get(ALICE, task["id"].as_str().unwrap()).await.body, task);
}

#[tokio::test]
async fn body_errors_are_all_named() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    for (body, expected) in [
        (json!({}), vec!["/title"]),
        (json!({ "title": null }), vec!["/title"]),
        (json!({ "title": 1 }), vec!["/title"]),
        (json!({ "title": " " }), vec!["/title"]),
        (json!({ "title": "x".repeat(201) }), vec!["/title"]),
        (json!({ "title": "a\nb" }), vec!["/title"]),
        (json!({ "title": "x", "description": "x".repeat(10_001) }), vec!["/description"]),
        (json!({ "title": "x", "description": "two\r\nlines" }), vec!["/description"]),
        (json!({ "title": "x", "description": "\u{0}" }), vec!["/description"]),
        (json!({ "title": "x", "tags": ["a", "b\tc"] }), vec!["/tags/1"]),
        (json!({ "title": "x", "priority": "urgent" }), vec!["/priority"]),
        (json!({ "title": "x", "priority": null }), vec!["/priority"]),
        (json!({ "title": "x", "due": "tomorrow" }), vec!["/due"]),
        (json!({ "title": "x", "due": 20261130 }), vec!["/due"]),
        (json!({ "title": "x", "tags": null }), vec!["/tags"]),
        (json!({ "title": "x", "tags": "home" }), vec!["/tags"]),
        (json!({ "title": "x", "tags": ["a", "a"] }), vec!["/tags"]),
        (json!({ "title": "x", "tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>() }), vec!["/tags"]),
        (json!({ "title": "x", "tags": ["a", "", 1, "x".repeat(51)] }), vec!["/tags/1", "/tags/2", "/tags/3"]),
        (json!({ "title": "x", "id": UNKNOWN, "user_id": "bob" }), vec!["/id", "/user_id"]),
        (json!({ "title": "x", "completed": null }), vec!["/completed"]),
        (json!({ "title": "x", "completed": "true" }), vec!["/completed"]),
        (json!({ "title": "x", "a/b~c": 1 }), vec!["/a~1b~0c"]),
        (json!({ "due": 1, "tags": [1], "titel": "x" }), vec!["/title", "/due", "/tags/0", "/titel"]),
    ] {
        for operation in [Operation::CreateTask, Operation::ReplaceTask] {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).json(&body)).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{operation:?}: {body}");
            assert_eq!(named(&answer), expected, "{operation:?}: {body}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.body["type"], "about:blank");
            assert_eq!(answer.body["title"], "Unprocessable Entity");
            assert_eq!(answer.body["status"], 422);
            assert_eq!(answer.body["request_id"], "request-id");
            assert!(answer.body["detail"].as_str().unwrap().contains(expected[0]));
        }
    }
    assert_eq!(api.items("tasks", ALICE).len(), 1);
    assert_eq!(api.get(ALICE, &task).await.body["version"], 1);
}

#[tokio::test]
async fn other_than_json_objects_is_refused() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let short = ["", "{", "[]", "null", "1", "\"title\"", "{'title':'x'}"];
    for body in short.into_iter().chain([r#"{"title":"x"}x"#, r#"{"title":"x","title":"y"}"#, r#"{"title":"\ud800"}"#])
    {
        // An empty body counts as no body where the body is optional.
        let takes = |operation: &Operation| operation.needs_body() || (operation.takes_body() && !body.is_empty());
        for operation in Operation::ALL.into_iter().filter(takes) {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).body("application/json", body)).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_json"), "{operation:?}: {body}");
        }
    }
    let answer = api.call(Operation::CreateTask, &Event::by(ALICE).base64_body("application/json", "no base64!")).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"));
    let latin1 = Event::by(ALICE).base64_body("application/json", "eyJ0aXRsZSI6IuQifQ==");
    assert_eq!(api.call(Operation::CreateTask, &latin1).await.status, 400);
}

#[tokio::test]
async fn only_json_is_read() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let body = r#"{"title":"two"}"#;
    for content_type in
        ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/xml+json", "json"]
    {
        for operation in Operation::ALL.into_iter().filter(|operation| operation.takes_body()) {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).body(content_type, body)).await;
            let problem = (answer.status, answer.code());
            assert_eq!(problem, (415, "unsupported_media_type"), "{operation:?}: {content_type:?}");
            assert!(answer.body["detail"].as_str().unwrap().contains("application/json"));
        }
    }
    for content_type in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x=y"] {
        assert_eq!(api.call(Operation::CreateTask, &Event::by(ALICE).body(content_type, body)).await.status, 201);
    }
    for (operation, status) in [(Operation::UpdateTask, 200), (Operation::CreateTask, 415)] {
        let event = Event::by(ALICE).task(&task).body("application/merge-patch+json", body);
        assert_eq!(api.call(operation, &event).await.status, status, "{operation:?}");
    }
}

#[tokio::test]
async fn encoded_body_is_refused() {
    let api = Api::start().await;
    let body = json!({ "title": "x" });
    for (coding, status) in [("gzip", 415), ("br, identity", 415), ("identity", 201), ("Identity", 201)] {
        let event = Event::by(ALICE).json(&body).header("content-encoding", coding);
        assert_eq!(api.call(Operation::CreateTask, &event).await.status, status, "{coding}");
    }
}

#[tokio::test]
async fn only_lists_have_a_query() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for operation in Operation::ALL.into_iter().filter(|operation| !operation.takes_query()) {
        let event = Event::by(ALICE).of(operation, &id).query(&[("user_id", "bob"), ("x", "1")]);
        let answer = api.call(operation, &event).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"), "{operation:?}");
        assert_eq!(named(&answer), ["user_id", "x"], "{operation:?}");
    }
    assert_eq!(api.get(ALICE, &id).await.body["version"], 1);
}

#[tokio::test]
async fn answer_lists_a_bounded_number_of_errors() {
    let api = Api::start().await;
    let fields: serde_json::Map<_, _> = (0..5_000).map(|number| (format!("x{number}"), json!(1))).collect();
    let tags = json!({ "title": "x", "tags": vec![0; 20_000] });
    for body in [Value::Object(fields), tags] {
        let answer = create(&api, body).await;
        assert_eq!((answer.status, named(&answer).len()), (422, 32));
        assert!(answer.raw.to_string().len() < 8_192);
    }
    let query: String = (0..2_000).map(|number| format!("x{number}&")).collect();
    let answer = api.call(Operation::ListTasks, &Event::by(ALICE).raw_query(&query)).await;
    assert_eq!((answer.status, named(&answer).len()), (400, 32));
    assert!(answer.body["detail"].as_str().unwrap().ends_with("and 1999 more."), "{answer:?}");
}

#[tokio::test]
async fn location_is_a_uri() {
    let api = Api::start().await;
    let event: Value = serde_json::from_str(&Event::by("auth0|a").json(&json!({ "title": "x" })).to_string()).unwrap();
    for (path, expected) in [
        ("/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/prod/api/auth0|a/tasks", "/prod/api/auth0%7Ca/tasks/"),
        ("/api/api/auth0|a/tasks", "/api/api/auth0%7Ca/tasks/"),
        ("//evil.example/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/a b\r\n/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/somewhere/else", "/api/auth0%7Ca/tasks/"),
    ] {
        let mut event = event.clone();
        event["rawPath"] = json!(path);
        let answer = api.call_raw(Operation::CreateTask, &event.to_string()).await;
        let location = format!("{expected}{}", answer.body["id"].as_str().unwrap());
        assert_eq!(answer.header("location"), location, "{path}");
    }
}

#[tokio::test]
async fn null_member_of_an_event_is_absent() {
    let api = Api::start().await;
    let mut event: Value = serde_json::from_str(&Event::by(ALICE).to_string()).unwrap();
    for name in ["rawQueryString", "body", "queryStringParameters", "stageVariables", "cookies", "requestId"] {
        if name == "requestId" {
            event["requestContext"][name] = Value::Null;
        } else {
            event[name] = Value::Null;
        }
        let answer = api.call_raw(Operation::ListTasks, &event.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    assert_eq!(api.call_raw(Operation::ListTasks, &event.to_string()).await.header("x-request-id"), "invocation-id");
}

#[tokio::test]
async fn body_has_at_most_64_kib() {
    let api = Api::start().await;
    let body = r#"{"title":"x"}"#;
    let too_large = (413, "body_too_large");
    for (length, expected) in [(65_536, (201, "")), (65_537, too_large), (6_000_000, too_large)] {
        let padded = " ".repeat(length - body.len()) + body;
        let answer = api.call(Operation::CreateTask, &Event::by(ALICE).body("application/json", &padded)).await;
        assert_eq!((answer.status, answer.code()), expected, "{length}");
    }
}

#[tokio::test]
async fn merge_patch_changes_named_fields_and_resets_null() {
    let api = Api::start().await;
    let task = api.create(ALICE, whole()).await;
    let id = task["id"].as_str().unwrap();
    let answer = patch(&api, id, json!({ "title": "two", "tags": ["b", "c"] })).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"2\""));
    let mut expected = task.clone();
    expected["title"] = json!("two");
    expected["tags"] = json!(["b", "c"]);
    expected["version"] = json!(2);
    expected["updated_at"] = answer.body["updated_at"].clone();
    assert_eq!(answer.body, expected);
    let answer = patch(&api, id, json!({ "description": null, "priority": null, "due": null, "tags": null })).await;
    assert_eq!(answer.status, 200);
    let defaults = json!({ "description": null, "priority": "none", "due": null, "tags": [] });
    assert_has(&answer.body, &defaults);
    assert_eq!(answer.body["title"], "two");
    assert_eq!(api.get(ALICE, id).await.body, answer.body);
    let refused = patch(&api, id, json!({ "title": null, "user_id": "bob", "priority": 1 })).await;
    assert_eq!((refused.status, named(&refused)), (422, vec!["/title", "/priority", "/user_id"]));
}

#[tokio::test]
async fn empty_patch_changes_nothing() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let answer = patch(&api, &id, json!({})).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"1\""));
    let stale = Event::by(ALICE).task(&id).json(&json!({})).header("if-match", "\"7\"");
    assert_eq!(api.call(Operation::UpdateTask, &stale).await.status, 412);
    assert_eq!(patch(&api, UNKNOWN, json!({})).await.status, 404);
}

#[tokio::test]
async fn new_task_has_only_what_a_client_may_set() {
    let api = Api::start().await;
    for name in ["id", "completed", "completed_at", "created_at", "updated_at", "version"] {
        let answer = create(&api, json!({ "title": "x", name: true })).await;
        assert_eq!((answer.status, named(&answer)), (422, vec![format!("/{name}").as_str()]));
    }
    assert!(api.items("tasks", ALICE).is_empty());
}

/// A PUT that creates a task under this id.
fn creation(id: &str, body: &Value) -> Event {
    Event::by(ALICE).task(id).header("if-none-match", "*").json(body)
}

#[tokio::test]
async fn client_may_choose_the_id_of_a_new_task() {
    let api = Api::start().await;
    let body = json!({ "title": "one", "due": "2026-12-01", "tags": ["a"], "completed": true, "id": UNKNOWN });
    let answer = api.call(Operation::ReplaceTask, &creation(UNKNOWN, &body)).await;
    assert_eq!((answer.status, answer.header("etag")), (201, "\"1\""), "{answer:?}");
    assert_eq!(answer.header("location"), format!("/api/alice/tasks/{UNKNOWN}"));
    let task = &answer.body;
    let expected = json!({
        "id": UNKNOWN, "title": "one", "description": null, "completed": true, "completed_at": task["created_at"],
        "priority": "none", "due": "2026-12-01", "tags": ["a"], "created_at": task["created_at"],
        "updated_at": task["created_at"], "version": 1,
    });
    assert_eq!(task, &expected);
    assert_eq!(&api.get(ALICE, UNKNOWN).await.body, task);
    assert_eq!(api.list(ALICE, &[("status", "completed")]).await.titles(), ["one"]);
    assert!(api.list(ALICE, &[("status", "open")]).await.titles().is_empty());

    let reopened = complete(&api, UNKNOWN, Some(false)).await;
    assert_eq!((reopened.status, &reopened.body["due"]), (200, &json!("2026-12-01")));
    assert_eq!(api.list(ALICE, &[("status", "open"), ("due_from", "2026-12-01")]).await.titles(), ["one"]);
}

#[tokio::test]
async fn id_that_is_taken_makes_no_task() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let task = api.get(ALICE, &id).await.body;
    let body = json!({ "title": "two" });
    let again = api.call(Operation::ReplaceTask, &creation(&id, &body)).await;
    assert_eq!((again.status, again.code()), (412, "already_exists"));
    assert_eq!(api.get(ALICE, &id).await.body, task);
    // The tombstone of a deleted task stands for it.
    api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
    let again = api.call(Operation::ReplaceTask, &creation(&id, &body)).await;
    assert_eq!((again.status, again.code()), (412, "already_exists"));
    assert_eq!(api.get(ALICE, &id).await.status, 404);
}

#[tokio::test]
async fn new_id_is_a_fresh_uuid() {
    let api = Api::start().await;
    let body = json!({ "title": "one" });
    for (id, detail) in [
        ("none", "must be a UUID of version 7 in lower case"),
        ("67e55044-10b1-426f-9247-bb680e5fe0c8", "must be a UUID of version 7 in lower case"),
        ("01990000-0000-7000-8000-00000000000A", "must be a UUID of version 7 in lower case"),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", "must not have a time more than a day from now"),
    ] {
        let answer = api.call(Operation::ReplaceTask, &creation(id, &body)).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_task_id"), "{id}");
        assert_eq!(answer.body["errors"], json!([{ "parameter": "task_id", "detail": detail }]));
        assert_eq!(replace(&api, id, body.clone()).await.status, 404, "{id}");
    }
    for (name, value) in [("if-none-match", "\"1\""), ("if-match", "*")] {
        let event = creation(UNKNOWN, &body).header(name, value);
        let answer = api.call(Operation::ReplaceTask, &event).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_header"), "{name}");
    }
    assert!(api.items("tasks", ALICE).is_empty());
}

/// The writes of a task that a key makes repeatable, each with a body that asks for something else.
fn keyed_writes() -> Vec<(Operation, Option<Value>, Option<Value>)> {
    let other = |operation: Operation| match operation {
        Operation::CompleteTask => Some(json!({ "completed": false })),
        _ => operation.takes_body().then(|| json!({ "title": "another" })),
    };
    let writes = Operation::on_a_task().filter(|operation| operation.takes_idempotency_key());
    let writes: Vec<_> = writes.map(|operation| (operation, operation.good_body(), other(operation))).collect();
    let toggle = (Operation::CompleteTask, None, Some(json!({ "completed": true })));
    writes.into_iter().chain([toggle]).collect()
}

fn keyed(id: &str, key: &str, body: Option<&Value>) -> Event {
    let event = Event::by(ALICE).task(id).header("idempotency-key", key);
    body.iter().fold(event, |event, body| event.json(body))
}

#[tokio::test]
async fn repeated_write_with_its_key_is_done_once() {
    let api = Api::start().await;
    for (operation, body, other) in keyed_writes() {
        let id = api.create_titled("one").await;
        let event = keyed(&id, "k", body.as_ref());
        let first = api.call(operation, &event.clone().header("if-match", "\"1\"")).await;
        assert_eq!(first.status, operation.success(), "{operation:?}: {first:?}");
        let items = api.items("tasks", ALICE);
        // What it demands is no part of what it asks for.
        for event in [event.clone(), event.clone().header("if-match", "\"1\""), event.header("if-match", "\"7\"")] {
            let again = api.call(operation, &event).await;
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{operation:?}");
            assert_eq!(again.header("etag"), first.header("etag"), "{operation:?}");
        }
        // Another request under the same key: in what it asks for, or in its operation.
        let others = [other.map(|other| (operation, keyed(&id, "k", Some(&other))))];
        let elsewhere = keyed_writes().into_iter().filter(|(elsewhere, ..)| *elsewhere != operation);
        let elsewhere = elsewhere.map(|(operation, body, _)| Some((operation, keyed(&id, "k", body.as_ref()))));
        for (other, event) in others.into_iter().chain(elsewhere).flatten() {
            let refused = api.call(other, &event).await;
            assert_eq!((refused.status, refused.code()), (422, "idempotency_key_reused"), "{operation:?}, {other:?}");
        }
        assert_eq!(api.items("tasks", ALICE), items, "{operation:?}");
    }
}

#[tokio::test]
async fn key_is_of_one_task() {
    let api = Api::start().await;
    let ids = [api.create_titled("one").await, api.create_titled("two").await];
    for id in &ids {
        let answer = api.call(Operation::UpdateTask, &keyed(id, "k", Some(&json!({ "title": "x" })))).await;
        assert_eq!((answer.status, &answer.body["version"]), (200, &json!(2)), "{answer:?}");
    }
}

#[tokio::test]
async fn same_request_in_other_json_is_a_repetition() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for body in [
        r#"{"title":"two","due":"2026-12-01T10:00:00Z","priority":null,"tags":["a"]}"#,
        r#"{"priority":"none","tags":[" a "],"due":"2026-12-01T11:00:00+01:00","title":" tw\u006f "}"#,
    ] {
        let event = Event::by(ALICE).task(&id).header("idempotency-key", "k");
        let answer = api.call(Operation::UpdateTask, &event.body("application/merge-patch+json", body)).await;
        assert_eq!((answer.status, &answer.body["version"]), (200, &json!(2)), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn repetition_of_a_deleted_tasks_write_finds_none() {
    let api = Api::start().await;
    for (operation, body, _) in keyed_writes() {
        let id = api.create_titled("one").await;
        let event = keyed(&id, "k", body.as_ref());
        assert_eq!(api.call(operation, &event).await.status, operation.success());
        api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await;
        let again = api.call(operation, &event).await;
        let expected = if operation == Operation::DeleteTask { 204 } else { 404 };
        assert_eq!(again.status, expected, "{operation:?}");
    }
    let event = creation(UNKNOWN, &json!({ "title": "x" })).header("idempotency-key", "k");
    assert_eq!(api.call(Operation::ReplaceTask, &event).await.status, 201);
    patch(&api, UNKNOWN, json!({ "title": "y" })).await;
    let again = api.call(Operation::ReplaceTask, &event).await;
    assert_eq!((again.status, &again.body["title"], &again.body["version"]), (201, &json!("y"), &json!(2)));
    api.call(Operation::DeleteTask, &Event::by(ALICE).task(UNKNOWN)).await;
    assert_eq!(api.call(Operation::ReplaceTask, &event).await.status, 404);
}

#[tokio::test]
async fn task_that_was_read_can_be_put_back() {
    let api = Api::start().await;
    let id = created(&api, whole()).await;
    for completed in [false, true] {
        complete(&api, &id, Some(completed)).await;
        let mut task = api.get(ALICE, &id).await.body;
        task["title"] = json!("changed");
        let answer = replace(&api, &id, task.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        task["version"] = json!(task["version"].as_u64().unwrap() + 1);
        task["updated_at"] = answer.body["updated_at"].clone();
        assert_eq!(answer.body, task);
        assert_eq!(api.get(ALICE, &id).await.body, task);
    }
}

#[tokio::test]
async fn replacement_ignores_read_only_members() {
    let api = Api::start().await;
    let task = api.create(ALICE, json!({ "title": "one" })).await;
    let id = task["id"].as_str().unwrap();
    let read_only = json!({
        "id": id, "completed_at": "2020-01-01T00:00:00.000Z", "created_at": 1, "updated_at": null, "version": [],
    });
    let mut body = json!({ "title": "two" });
    body.as_object_mut().unwrap().extend(read_only.as_object().unwrap().clone());
    let answer = replace(&api, id, body).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"2\""), "{answer:?}");
    assert_eq!((&answer.body["completed_at"], &answer.body["created_at"]), (&Value::Null, &task["created_at"]));

    for other in [json!(UNKNOWN), json!(id.to_uppercase()), json!(1), Value::Null] {
        let answer = replace(&api, id, json!({ "title": "three", "id": other })).await;
        assert_eq!((answer.status, named(&answer)), (422, vec!["/id"]), "{other}");
    }
    let refused = patch(&api, id, json!({ "id": id, "version": 2 })).await;
    assert_eq!(
        (refused.status, named(&refused)),
        (422, vec!["/id", "/version"]),
        "a patch may contain only what it changes"
    );
    assert_eq!(api.get(ALICE, id).await.body["title"], "two");
}

#[tokio::test]
async fn patch_completes_and_reopens() {
    let api = Api::start().await;
    let id = created(&api, json!({ "title": "one", "due": "2026-12-01" })).await;
    let first = patch(&api, &id, json!({ "completed": true })).await;
    assert_eq!((first.status, &first.body["completed"]), (200, &json!(true)));
    assert_eq!(first.body["completed_at"], first.body["updated_at"]);
    let again = patch(&api, &id, json!({ "completed": true, "title": "two" })).await;
    assert_eq!(again.body["completed_at"], first.body["completed_at"], "it was completed earlier");
    let open = patch(&api, &id, json!({ "completed": false, "due": "2026-12-02" })).await;
    assert_eq!((&open.body["completed_at"], &open.body["due"]), (&Value::Null, &json!("2026-12-02")));
    for refused in [Value::Null, json!(1), json!("true")] {
        let answer = patch(&api, &id, json!({ "completed": refused })).await;
        assert_eq!((answer.status, named(&answer)), (422, vec!["/completed"]), "{refused}");
    }
    let stale = Event::by(ALICE).task(&id).json(&json!({ "completed": true })).header("if-match", "\"1\"");
    assert_eq!(api.call(Operation::UpdateTask, &stale).await.status, 412);
    assert_eq!(api.get(ALICE, &id).await.body, open.body);
}

#[tokio::test]
async fn replacement_resets_what_it_leaves_out() {
    let api = Api::start().await;
    let task = api.create(ALICE, whole()).await;
    let id = task["id"].as_str().unwrap();
    complete(&api, id, Some(true)).await;
    let answer = replace(&api, id, json!({ "title": "two" })).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"3\""));
    let reset =
        json!({ "completed": false, "completed_at": null, "description": null, "priority": "none", "due": null });
    assert_has(&answer.body, &reset);
    assert_has(&answer.body, &json!({ "title": "two", "tags": [], "created_at": task["created_at"] }));
}

#[tokio::test]
async fn completing_sets_and_toggles() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let first = complete(&api, &id, Some(true)).await;
    assert_eq!((first.status, &first.body["completed"]), (200, &json!(true)));
    let again = complete(&api, &id, Some(true)).await;
    assert_eq!((again.status, &again.body), (200, &first.body), "nothing changes");
    let reopened = complete(&api, &id, Some(false)).await;
    assert_eq!((&reopened.body["completed"], &reopened.body["completed_at"]), (&json!(false), &json!(null)));
    assert_eq!(complete(&api, &id, Some(false)).await.body, reopened.body);
    for expected in [true, false, true] {
        let toggled = complete(&api, &id, None).await;
        assert_eq!((toggled.status, &toggled.body["completed"]), (200, &json!(expected)));
    }
    for body in [
        json!({}),
        json!({ "completed": null }),
        json!({ "completed": "true" }),
        json!({ "completed": 1 }),
        json!({ "completed": true, "title": "x" }),
    ] {
        let answer = api.call(Operation::CompleteTask, &Event::by(ALICE).task(&id).json(&body)).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{body}");
    }
    assert_eq!(complete(&api, UNKNOWN, None).await.status, 404);
    assert_eq!(complete(&api, UNKNOWN, Some(true)).await.status, 404);
}

#[tokio::test]
async fn deleted_task_leaves_an_empty_tombstone() {
    let api = Api::start().await;
    let body = json!({ "title": "secret", "description": "secret", "tags": ["secret"], "due": "2026-12-01" });
    let task = api.create(ALICE, body).await;
    let id = task["id"].as_str().unwrap();
    let answer = api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
    assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    for operation in Operation::on_a_task() {
        let event = Event::by(ALICE).of(operation, id);
        assert_eq!(api.call(operation, &event).await.status, 404, "{operation:?}");
    }
    for status in ["all", "open", "completed"] {
        assert!(api.list(ALICE, &[("status", status)]).await.titles().is_empty());
    }
    let items = api.items("tasks", ALICE);
    assert_eq!(items.len(), 1);
    let mut names: Vec<_> = items[0].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let ids = "user_id version write_id write_id_2 write_id_3";
    assert_eq!(names.join(" "), format!("deleted_at expires_at task_id updated updated_at {ids}"));
    let lifetime = items[0]["expires_at"]["N"].as_str().unwrap().parse::<u64>().unwrap() - tests::now();
    assert!((2_591_990..=2_592_000).contains(&lifetime), "30 days: {lifetime}");
    assert!(!items[0].to_string().contains("secret"));
}

#[tokio::test]
async fn if_match_guards_every_write() {
    let api = Api::start().await;
    for operation in Operation::ALL.into_iter().filter(|operation| operation.takes_if_match()) {
        let others = ["\"1\"", "\"3\"", "W/\"2\"", "\"02\"", "\"\"", "\"abc\"", "\"0\"", "\"-1\"", "\"1\", W/\"2\""];
        let others =
            others.into_iter().chain(["\"99999999999999999999\""]).map(|other| (other, 412, "version_mismatch"));
        let malformed =
            ["2", "", "\"2", "*, \"2\"", "\"2\" \"3\"", "w/\"2\""].map(|value| (value, 400, "invalid_header"));
        let matching = ["\"2\"", "\"1\",\"2\"", "*"].map(|value| (value, operation.success(), ""));
        for (if_match, status, code) in others.chain(malformed).chain(matching) {
            let id = api.create_titled("one").await;
            patch(&api, &id, json!({ "title": "two" })).await;
            let event = Event::by(ALICE).of(operation, &id).header("if-match", if_match);
            let answer = api.call(operation, &event).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{operation:?} {if_match}");
            if !code.is_empty() {
                let version = api.get(ALICE, &id).await.body["version"].clone();
                assert_eq!(version, 2, "{operation:?} {if_match}: nothing was written");
            }
        }
    }
}

#[tokio::test]
async fn matching_if_none_match_is_304() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let matching = ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"].map(|value| (value, 304));
    for (if_none_match, status) in matching.into_iter().chain([("\"2\"", 200), ("\"a,b\"", 200), ("1", 400)]) {
        let event = Event::by(ALICE).task(&id).header("if-none-match", if_none_match);
        let answer = api.call(Operation::GetTask, &event).await;
        assert_eq!(answer.status, status, "{if_none_match}");
        if status == 304 {
            assert_eq!((answer.header("etag"), &answer.body), ("\"1\"", &Value::Null));
        }
    }
}

#[tokio::test]
async fn create_with_a_key_happens_once() {
    let api = Api::start().await;
    let post = async |key: &str, body: Value| {
        api.call(Operation::CreateTask, &Event::by(ALICE).header("Idempotency-Key", key).json(&body)).await
    };
    let first = post("k1", json!({ "title": "one", "due": null })).await;
    let second = post("k1", json!({ "tags": [], "title": " one " })).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("location"), first.header("location"));
    let reused = post("k1", json!({ "title": "two" })).await;
    assert_eq!((reused.status, reused.code()), (422, "idempotency_key_reused"));
    assert_eq!(post("k2", json!({ "title": "one" })).await.status, 201);
    assert_eq!(api.items("tasks", ALICE).len(), 2);
    let bob = Event::by("bob").header("Idempotency-Key", "k1").json(&json!({ "title": "two" }));
    assert_eq!(api.call(Operation::CreateTask, &bob).await.status, 201, "each user has their own keys");

    let id = first.body["id"].as_str().unwrap();
    patch(&api, id, json!({ "title": "changed" })).await;
    let third = post("k1", json!({ "title": "one" })).await;
    assert_eq!((third.status, &third.body["title"], third.header("etag")), (201, &json!("changed"), "\"2\""));
    api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
    assert_eq!(post("k1", json!({ "title": "one" })).await.status, 404);

    let expires: u64 = api.items("idempotency", ALICE)[0]["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    assert!((86_390..=86_400).contains(&(expires - tests::now())));
    for malformed in ["", "a b", "ä", &"k".repeat(256)] {
        let answer = post(malformed, json!({ "title": "one" })).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_header"), "{malformed:?}");
    }
    assert_eq!(post(&"k".repeat(255), json!({ "title": "one" })).await.status, 201);
}
