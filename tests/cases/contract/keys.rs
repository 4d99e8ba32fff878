//! Writes that are repeated with their idempotency key.

use super::*;

/// The writes of a task that a key makes repeatable, each with a body that asks for something else.
fn keyed_writes() -> Vec<(Operation, Option<Value>, Option<Value>)> {
    let other = |operation: Operation| match operation {
        Operation::CompleteTask => Some(json!({ "completed": false })),
        Operation::MoveTask => Some(json!({ "before": null })),
        _ => operation.takes_body().then(|| json!({ "title": "another" })),
    };
    let writes = Operation::on_a_task().filter(|operation| operation.takes_idempotency_key());
    let writes: Vec<_> = writes.map(|operation| (operation, operation.good_body(), other(operation))).collect();
    let toggle = (Operation::CompleteTask, None, Some(json!({ "completed": true })));
    writes.into_iter().chain([toggle]).collect()
}

/// A new task for this operation, and its version.
async fn task_for(api: &Api, operation: Operation) -> (String, u64) {
    let id = api.create_for(operation, ALICE).await;
    if operation != Operation::RestoreTask {
        return (id, 1);
    }
    assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await.status, 204);
    (id, 2)
}

fn keyed(id: &str, key: &str, body: Option<&Value>) -> Event {
    let event = Event::by(ALICE).task(id).header("idempotency-key", key);
    body.iter().fold(event, |event, body| event.json(body))
}

#[tokio::test]
async fn repeated_write_with_its_key_is_done_once() {
    let api = Api::start().await;
    for (operation, body, other) in keyed_writes() {
        let (id, version) = task_for(&api, operation).await;
        let (event, current) = (keyed(&id, "k", body.as_ref()), format!("\"{version}\""));
        let first = api.call(operation, &event.clone().header("if-match", &current)).await;
        assert_eq!(first.status, operation.success(), "{operation:?}: {first:?}");
        let items = api.items("tasks", ALICE);
        // What it demands is no part of what it asks for.
        for event in [event.clone(), event.clone().header("if-match", &current), event.header("if-match", "\"7\"")] {
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
        let (id, _) = task_for(&api, operation).await;
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
