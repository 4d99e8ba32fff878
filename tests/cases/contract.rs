//! The HTTP contract, status by status.

mod input;
mod keys;
mod lists;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use shared::task::Timestamp;
use tests::{ALICE, Answer, Api, Event, Operation};

use crate::calls::incoherence;

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
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", "must not have a time of zero, or more than a day from now"),
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

#[tokio::test]
async fn task_that_was_read_can_be_put_back() {
    let api = Api::start().await;
    let id = api.create_id(ALICE, whole()).await;
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
    let id = api.create_id(ALICE, json!({ "title": "one", "due": "2026-12-01" })).await;
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
async fn deleted_task_is_gone_and_can_be_restored() {
    let api = Api::start().await;
    let body = json!({ "title": "secret", "description": "secret", "tags": ["secret"], "due": "2026-12-01" });
    let task = api.create(ALICE, body).await;
    let id = task["id"].as_str().unwrap();
    let answer = api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
    assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    for operation in Operation::on_a_task().filter(|operation| *operation != Operation::RestoreTask) {
        let event = Event::by(ALICE).of(operation, id);
        assert_eq!(api.call(operation, &event).await.status, 404, "{operation:?}");
    }
    for status in ["all", "open", "completed"] {
        assert!(api.list(ALICE, &[("status", status)]).await.titles().is_empty());
    }
    assert!(!export(&api).await.contains("secret"));
    let item = api.item(ALICE, id);
    let lifetime = item["expires_at"]["N"].as_str().unwrap().parse::<u64>().unwrap() - tests::now();
    assert!((2_591_990..=2_592_000).contains(&lifetime), "30 days: {lifetime}");

    let since = api.call(Operation::ListChanges, &Event::by(ALICE).query(&[("since", "latest")])).await;
    let since = since.body["next"].as_str().unwrap();
    let restored = restore(&api, id).await;
    let mut expected = task.clone();
    expected["version"] = json!(3);
    expected["updated_at"] = restored.body["updated_at"].clone();
    assert_eq!((restored.status, &restored.body), (200, &expected));
    let changes = api.call(Operation::ListChanges, &Event::by(ALICE).query(&[("since", since)])).await;
    assert_eq!((&changes.body["tasks"], &changes.body["deleted"]), (&json!([expected]), &json!([])));
    assert!(export(&api).await.contains("secret"));
    let item = api.item(ALICE, id);
    assert!(item["expires_at"].is_null() && incoherence(&item).is_none(), "{item}");
    assert_eq!(restore(&api, id).await.body, expected, "what is not deleted stays as it is");
}

async fn export(api: &Api) -> String {
    api.call(Operation::ExportTasks, &Event::by(ALICE)).await.body.to_string()
}

async fn restore(api: &Api, id: &str) -> Answer {
    api.call(Operation::RestoreTask, &Event::by(ALICE).task(id)).await
}

#[tokio::test]
async fn restored_task_is_in_the_list_it_was_in() {
    let api = Api::start().await;
    for (body, status) in [
        (json!({ "title": "open" }), "open"),
        (json!({ "title": "due", "due": "2026-12-01" }), "open"),
        (json!({ "title": "completed", "due": "2026-12-01", "completed": true }), "completed"),
    ] {
        let (title, list) = (body["title"].clone(), [("status", status)]);
        let id = api.create_id(ALICE, json!({ "title": "one", "due": "2027-01-01" })).await;
        patch(&api, &id, body).await;
        let before = api.list(ALICE, &list).await.titles().join(",");
        assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await.status, 204);
        assert!(!api.list(ALICE, &list).await.titles().iter().any(|shown| title == *shown));
        assert_eq!(restore(&api, &id).await.status, 200);
        assert_eq!(api.list(ALICE, &list).await.titles().join(","), before);
        assert_eq!(incoherence(&api.item(ALICE, &id)), None);
    }
}

#[tokio::test]
async fn task_can_be_restored_only_for_a_while() {
    let api = Api::start().await;
    for (days, seconds_ago, status) in [
        ("7", 7 * 86_400 - 60, 200),
        ("7", 7 * 86_400 + 60, 410),
        ("1", 86_400 + 60, 410),
        ("30", 29 * 86_400, 200),
        ("0", 0, 410),
    ] {
        let api = api.another_with(&[&tests::SECRET_SETTINGS[..], &[("RESTORE_WINDOW_DAYS", days)]].concat()).await;
        let id = api.create_titled("secret").await;
        assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(&id)).await.status, 204);
        let mut item = api.item(ALICE, &id);
        assert_eq!(incoherence(&item), None);
        if days != "0" {
            let at = Timestamp::from(SystemTime::now() - Duration::from_secs(seconds_ago));
            item["deleted_at"]["S"] = json!(at.as_str());
            api.put("tasks", &item);
        }
        let answer = restore(&api, &id).await;
        let code = if status == 410 { "restore_expired" } else { "" };
        assert_eq!((answer.status, answer.code()), (status, code), "{days} days, {seconds_ago} s: {answer:?}");
    }
}

/// Whatever an operation has left in a task: the attributes that a deletion removes are listed in shared/src/store/item.rs.
#[tokio::test]
async fn without_restorations_a_deleted_task_keeps_nothing() {
    let api = Api::start().await;
    let api = api.another_with(&[&tests::SECRET_SETTINGS[..], &[("RESTORE_WINDOW_DAYS", "0")]].concat()).await;
    for operation in Operation::answering_a_task() {
        let id = api.create_for(operation, ALICE).await;
        let written = api.call(operation, &Event::by(ALICE).of(operation, &id)).await;
        let id = written.body["id"].as_str().unwrap_or_else(|| panic!("{operation:?}: {written:?}"));
        assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await.status, 204);
        let item = api.item(ALICE, id);
        let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
        let expected =
            "deleted_at expires_at task_id updated updated_at user_id version write_id write_id_2 write_id_3";
        assert_eq!(names.join(" "), expected, "after {operation:?}");
    }
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
            let id = api.create_for(operation, ALICE).await;
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
