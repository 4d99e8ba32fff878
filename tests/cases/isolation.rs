//! Users reach only their own tasks, in every operation.

use serde_json::{Value, json};
use tests::{ALICE, Api, BOB, Event, Operation, SWITCH_SETTINGS};

use crate::agreement::every_request_of;

/// Calls an operation and returns the response that API Gateway gets and the operations on DynamoDB. All test events
/// have the same request id, so complete responses can be compared.
async fn observed(api: &Api, operation: Operation, event: &Event) -> (String, Vec<String>) {
    api.wire.take();
    let answer = api.call(operation, event).await;
    (answer.raw.to_string(), api.wire.take_operations())
}

#[tokio::test]
async fn owner_is_served_by_id_and_as_me() {
    let api = Api::start().await;
    for operation in Operation::of_a_user() {
        for path in [ALICE, "me"] {
            let task = api.create_for(operation, ALICE).await;
            let answer = api.call(operation, &Event::by(ALICE).at(path).of(operation, &task)).await;
            assert_eq!(answer.status, operation.success(), "{operation:?} at {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn foreign_path_is_forbidden_before_any_read() {
    let api = Api::start().await;
    let task = api.create_titled("mine").await;
    let before = api.items("tasks", ALICE);
    api.wire.take();
    let short =
        [ALICE, "nobody", "", " ", "ME", "Me", "m%65", "bob ", " bob", "Bob", "bob/", "bob%00", "%62ob", "bo", "bobb"];
    let long = ["..", ".", "*", "me,bob", "null", "bob,alice", "bob/../alice", "undefined", "{user_id}"];
    for operation in Operation::of_a_user() {
        for path in short.into_iter().chain(long) {
            // Errors in the body, the query, and the id do not matter, because the path is checked first.
            let event = Event::by(BOB).at(path).raw_query("limit=x").header("if-match", "x");
            for event in [event.clone().of(operation, &task), event.task("no-id").body("text/plain", "{")] {
                let answer = api.call(operation, &event).await;
                assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{operation:?} at {path:?}");
            }
        }
    }
    assert_eq!(api.wire.take(), [], "no data was read");
    assert_eq!(api.items("tasks", ALICE), before);
}

#[tokio::test]
async fn forbidden_answer_hides_whether_the_user_exists() {
    let api = Api::start().await;
    let task = api.create_titled("mine").await;
    for operation in Operation::of_a_user() {
        let event = |user: &str| Event::by(BOB).at(user).of(operation, &task);
        let existing = observed(&api, operation, &event(ALICE)).await;
        assert!(existing.0.contains("forbidden") && existing.1.is_empty(), "{operation:?}: {existing:?}");
        assert_eq!(existing, observed(&api, operation, &event("nobody")).await, "{operation:?}");
    }
}

#[tokio::test]
async fn foreign_and_missing_task_are_the_same() {
    let api = Api::start().await;
    let foreign = api.create_titled("Alice's").await;
    let deleted = api.create_id(BOB, json!({ "title": "gone" })).await;
    api.call(Operation::DeleteTask, &Event::by(BOB).task(&deleted)).await;
    let missing = "01990000-0000-7000-8000-000000000000";
    for operation in Operation::on_a_task() {
        for if_match in [None, Some("\"1\""), Some("\"7\""), Some("*")] {
            let event = |id: &str| Event::by(BOB).of(operation, id).maybe_header("if-match", if_match);
            let of_missing = observed(&api, operation, &event(missing)).await;
            assert!(of_missing.0.contains("task_not_found"), "{operation:?}, {if_match:?}: {of_missing:?}");
            // His own deleted task can be restored.
            let absent = if operation == Operation::RestoreTask { &[&foreign][..] } else { &[&foreign, &deleted] };
            for id in absent {
                assert_eq!(
                    observed(&api, operation, &event(id)).await,
                    of_missing,
                    "{operation:?}, {if_match:?} of {id}"
                );
            }
            let (of_no_id, _) = observed(&api, operation, &event("not-an-id")).await;
            assert_eq!(of_no_id, of_missing.0, "{operation:?}, {if_match:?}");
        }
    }
    let still_there = api.get(ALICE, &foreign).await;
    assert_eq!((still_there.status, &still_there.body["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn id_of_anothers_task_is_free() {
    let api = Api::start().await;
    let foreign = api.create_titled("Alice's").await;
    let before = api.items("tasks", ALICE);
    let event = Event::by(BOB).task(&foreign).json(&json!({ "title": "Bob's" })).header("if-none-match", "*");
    // Under whichever key: nothing tells Bob that Alice has a task with this id.
    let answer = api.call(Operation::ReplaceTask, &event.header("idempotency-key", "k")).await;
    assert_eq!((answer.status, &answer.body["title"], &answer.body["version"]), (201, &json!("Bob's"), &json!(1)));
    assert_eq!(api.items("tasks", ALICE), before);
}

#[tokio::test]
async fn lists_hold_only_the_callers_tasks() {
    let api = Api::start().await;
    for user in [ALICE, BOB] {
        for number in 0..3 {
            api.create(user, json!({ "title": format!("{user} {number}"), "due": "2026-12-01" })).await;
        }
    }
    for user in [ALICE, BOB] {
        for status in ["all", "open"] {
            let page = api.list(user, &[("status", status)]).await;
            assert_eq!(page.titles().len(), 3);
            assert!(page.titles().iter().all(|title| title.starts_with(user)), "{page:?}");
        }
    }
}

#[tokio::test]
async fn cursor_stays_in_the_callers_partition() {
    let api = Api::start().await;
    for user in [ALICE, BOB] {
        for number in 0..4 {
            api.create(user, json!({ "title": format!("{user} {number}") })).await;
        }
    }
    for status in ["all", "open"] {
        let query = [("status", status), ("limit", "2")];
        let first = api.list(ALICE, &query).await;
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let page = api.list(BOB, &[query[0], query[1], ("cursor", cursor)]).await;
        assert_eq!(page.status, 200);
        assert!(page.titles().iter().all(|title| title.starts_with(BOB)), "{page:?}");
    }
}

#[tokio::test]
async fn user_id_in_body_or_query_is_refused() {
    let api = Api::start().await;
    let task = api.create_titled("mine").await;
    for name in ["user_id", "userId", "user", "owner", "sub"] {
        for operation in Operation::ALL.into_iter().filter(|operation| operation.takes_body()) {
            let mut body = operation.good_body().unwrap();
            body[name] = json!(ALICE);
            let answer = api.call(operation, &Event::by(ALICE).task(&task).json(&body)).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{operation:?}");
            assert_eq!(answer.body["errors"][0]["pointer"], format!("/{name}"), "{operation:?}");
        }
        let answer = api.list(ALICE, &[(name, ALICE)]).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"));
        assert_eq!(answer.body["errors"][0]["parameter"], name);
    }
}

#[tokio::test]
async fn every_request_names_the_callers_partition() {
    let api = Api::start_with(&SWITCH_SETTINGS).await;
    for operation in Operation::of_a_user() {
        let requests = every_request_of(&api, operation).await;
        assert!(requests.len() > 1, "{operation:?}: the switch, and what it does");
        for request in requests {
            let partitions = partitions(&request.body);
            assert!(!partitions.is_empty(), "{operation:?}: {request:?}");
            assert!(partitions.iter().all(|partition| partition == ALICE), "{operation:?}: {request:?}");
        }
    }
}

/// Every partition key in a request to DynamoDB, at any depth.
pub(crate) fn partitions(request: &Value) -> Vec<String> {
    match request {
        Value::Object(members) => {
            let own = ["user_id", ":user_id"].into_iter().filter_map(|name| members.get(name)?["S"].as_str());
            own.map(str::to_owned).chain(members.values().flat_map(partitions)).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(partitions).collect(),
        _ => Vec::new(),
    }
}
