//! Writes of tasks that others belong to: refused by themselves, and then done in one transaction.

use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Fault, Operation};

use crate::calls::incoherence;

/// Writes that concern the subtasks of a task as well.
fn writes() -> Vec<(Operation, Value)> {
    let batch = |atomic: bool, item: Value| (Operation::BatchTasks, json!({ "atomic": atomic, "items": [item] }));
    let complete = json!({ "op": "complete", "id": "ID", "completed": true });
    let delete = json!({ "op": "delete", "id": "ID" });
    vec![
        (Operation::CompleteTask, json!({ "completed": true })),
        (Operation::CompleteTask, Value::Null),
        (Operation::UpdateTask, json!({ "completed": true, "title": "changed" })),
        (Operation::ReplaceTask, json!({ "completed": true, "title": "changed" })),
        (Operation::DeleteTask, Value::Null),
        batch(false, complete.clone()),
        batch(true, complete),
        batch(true, delete),
    ]
}

/// A task of Alice's that has a subtask.
async fn parent(api: &Api) -> String {
    let id = api.create_id(ALICE, json!({ "title": "parent", "due": "2026-12-01" })).await;
    api.create(ALICE, json!({ "title": "subtask", "parent_id": id })).await;
    api.wire.take();
    id
}

fn event(id: &str, (operation, body): &(Operation, Value)) -> Event {
    let event = Event::by(ALICE);
    let body = body.to_string().replace("ID", id);
    let event = if body == "null" { event } else { event.json(&serde_json::from_str(&body).unwrap()) };
    if operation.is_on_a_task() { event.task(id) } else { event }
}

async fn send(api: &Api, id: &str, write: &(Operation, Value)) -> Answer {
    api.call(write.0, &event(id, write)).await
}

#[tokio::test]
async fn linked_write_is_refused_and_then_one_transaction() {
    let api = Api::start().await;
    for write in writes() {
        let id = parent(&api).await;
        let answer = send(&api, &id, &write).await;
        assert!([200, 204].contains(&answer.outcome().0), "{write:?} {answer:?}");
        let asked = api.wire.take_operations();
        let is_atomic = write.1["atomic"] == true;
        let first = if is_atomic { "TransactWriteItems" } else { "UpdateItem" };
        assert_eq!(asked, [first, "Query", "TransactWriteItems"], "{write:?}");
        let item = api.item(ALICE, &id);
        assert_eq!(incoherence(&item), None);
        assert_eq!(item["version"]["N"], "2", "{write:?}");
        if answer.body["version"].is_number() {
            let read = api.get(ALICE, &id).await;
            assert_eq!(answer.body, read.body, "the answer is the task as it is");
        }
    }
}

#[tokio::test]
async fn linked_write_of_a_changed_task_begins_anew() {
    let api = Api::start().await;
    for write in writes() {
        for reason in ["ConditionalCheckFailed", "TransactionConflict"] {
            let id = parent(&api).await;
            api.wire.fail_next([Fault::None, Fault::None, Fault::Cancelled(reason)]);
            let answer = send(&api, &id, &write).await;
            if write.1["atomic"] == true && reason == "TransactionConflict" {
                assert_eq!(answer.outcome().0, 503, "{write:?}");
                continue;
            }
            assert!([200, 204].contains(&answer.outcome().0), "{write:?} {answer:?}");
            // A toggle looks in between whether the task is completed by now.
            let toggles = write == (Operation::CompleteTask, Value::Null);
            assert_eq!(api.wire.take_operations().len(), if toggles { 7 } else { 6 }, "{write:?}");
            assert_eq!(api.item(ALICE, &id)["version"]["N"], "2", "{write:?}");
        }
    }
}

#[tokio::test]
async fn linked_write_is_not_done_if_its_subtasks_cannot_be_read() {
    let api = Api::start().await;
    for write in writes() {
        let id = parent(&api).await;
        let before = api.items("tasks", ALICE);
        api.wire.fail_next([Fault::None, Fault::Error(400, "AccessDeniedException")]);
        let answer = send(&api, &id, &write).await;
        assert_eq!(answer.outcome(), (500, "internal"), "{write:?} {answer:?}");
        assert_eq!(api.items("tasks", ALICE), before, "{write:?}");
    }
}
