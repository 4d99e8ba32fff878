//! Subtasks: their lists, and what a write of a parent does to them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Fault, Operation, SECRET_SETTINGS};

use crate::calls::incoherence;

/// A parent with so many open subtasks.
async fn family(api: &Api, subtasks: usize) -> (String, Vec<String>) {
    let parent = api.create_titled("parent").await;
    let mut ids = Vec::new();
    for number in 0..subtasks {
        ids.push(api.create_id(ALICE, json!({ "title": number.to_string(), "parent_id": parent })).await);
    }
    (parent, ids)
}

/// Imports this many copies of a subtask.
fn multiply(api: &Api, id: &str, more: usize) {
    let item = api.item(ALICE, id).to_string();
    let copy =
        |number| serde_json::from_str(&item.replace(id, &format!("01980000-0000-7000-8000-{number:012}"))).unwrap();
    api.import("tasks", (0..more).map(copy));
}

/// A parent with this many open subtasks of ten kilobytes each.
async fn large_family(api: &Api, parent: Value, subtasks: usize) -> String {
    let parent = api.create_id(ALICE, parent).await;
    let subtask = json!({ "title": "large", "description": "ä".repeat(5_000), "parent_id": parent });
    let id = api.create_id(ALICE, subtask).await;
    multiply(api, &id, subtasks - 1);
    parent
}

/// A task that recurs each week.
fn weekly() -> Value {
    json!({ "title": "weekly", "due": "2099-12-01", "recurrence": { "rule": "FREQ=WEEKLY" } })
}

/// The next occurrence of the task that [`weekly`] makes.
async fn next_occurrence(api: &Api) -> Value {
    let open = api.list(ALICE, &[("status", "open"), ("due_from", "2099-12-02")]).await;
    let [next] = open.body["tasks"].as_array().unwrap().as_slice() else { panic!("{open:?}") };
    next.clone()
}

async fn send(api: &Api, operation: Operation, id: &str, body: &Value) -> Answer {
    let event = Event::by(ALICE).maybe_json((!body.is_null()).then_some(body));
    api.call(operation, &if operation.is_on_a_task() { event.task(id) } else { event }).await
}

/// How many of Alice's subtasks are open, completed, and deleted.
fn states(api: &Api) -> [usize; 3] {
    let items = api.items("tasks", ALICE);
    assert_eq!(items.iter().find_map(incoherence), None);
    let subtasks = items.iter().filter(|item| item["parent_id"].is_object());
    subtasks.fold([0; 3], |mut counts, item| {
        let state = if item["deleted_at"].is_object() { 2 } else { usize::from(item["completed_at"].is_object()) };
        counts[state] += 1;
        counts
    })
}

#[tokio::test]
async fn list_of_a_parent_has_progress() {
    let api = Api::start().await;
    let (parent, ids) = family(&api, 7).await;
    for id in &ids[..3] {
        send(&api, Operation::CompleteTask, id, &json!({ "completed": true })).await;
    }
    send(&api, Operation::DeleteTask, &ids[2], &Value::Null).await;
    send(&api, Operation::DeleteTask, &ids[3], &Value::Null).await;
    send(&api, Operation::UpdateTask, &ids[6], &json!({ "position": "a0" })).await;
    for limit in ["2", "100"] {
        api.wire.take();
        let pages = api.pages(ALICE, &[("parent_id", &parent), ("limit", limit)]).await;
        assert_eq!(api.wire.take().len(), pages.len(), "one request a page");
        assert_eq!(pages.iter().flat_map(Answer::titles).collect::<String>(), "60145");
        assert_eq!(pages[0].body["progress"], json!({ "completed": 2, "total": 5 }));
        assert!(pages[1..].iter().all(|page| page.body.get("progress").is_none()));
    }
    let other = api.list(ALICE, &[("parent_id", "01990000-0000-7000-8000-000000000000")]).await;
    let empty = json!({ "tasks": [], "next_cursor": null, "progress": { "completed": 0, "total": 0 } });
    assert_eq!(other.body, empty);
}

/// DynamoDB ends each answer after a megabyte.
#[tokio::test]
async fn list_of_large_subtasks_is_whole_and_without_progress() {
    let api = Api::start().await;
    let parent = large_family(&api, json!({ "title": "parent" }), 150).await;
    let pages = api.pages(ALICE, &[("parent_id", &parent), ("limit", "100")]).await;
    let ids = pages.iter().flat_map(|page| page.body["tasks"].as_array().unwrap());
    let ids: Vec<_> = ids.map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (150, 150));
    // A page has half a megabyte of text at most.
    assert!(pages.len() > 2 && pages.iter().all(|page| page.raw.to_string().len() < 1024 * 1024));
    assert!(pages.iter().all(|page| page.body.get("progress").is_none()), "not all of them were counted");
}

#[tokio::test]
async fn list_of_subtasks_goes_on_behind_many_deleted_ones() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    let large = json!({ "title": "large", "description": "ä".repeat(5_000), "parent_id": parent });
    let id = api.create_id(ALICE, large).await;
    send(&api, Operation::DeleteTask, &id, &Value::Null).await;
    multiply(&api, &id, 149);
    api.create(ALICE, json!({ "title": "behind", "parent_id": parent })).await;
    let pages = api.pages(ALICE, &[("parent_id", &parent)]).await;
    assert_eq!(pages[0].titles(), [""; 0], "a megabyte of tombstones");
    assert_eq!(pages.iter().flat_map(Answer::titles).collect::<Vec<_>>(), ["behind"]);
}

#[tokio::test]
async fn only_an_open_task_of_the_first_level_can_be_a_parent() {
    let api = Api::start().await;
    let (parent, ids) = family(&api, 1).await;
    let [completed, deleted] = [api.create_titled("completed").await, api.create_titled("deleted").await];
    send(&api, Operation::CompleteTask, &completed, &Value::Null).await;
    send(&api, Operation::DeleteTask, &deleted, &Value::Null).await;
    let before = api.items("tasks", ALICE);
    let new = "01990000-0000-7000-8000-000000000001";
    for (case, refused) in
        [completed.as_str(), &deleted, &ids[0], "01990000-0000-7000-8000-000000000000", new].into_iter().enumerate()
    {
        let task = json!({ "title": "new", "parent_id": refused });
        let item = json!({ "op": "create", "id": new, "task": task });
        let batch = |atomic: bool| Event::by(ALICE).json(&json!({ "atomic": atomic, "items": [item] }));
        for (operation, event) in [
            (Operation::CreateTask, Event::by(ALICE).json(&task)),
            (Operation::CreateTask, Event::by(ALICE).json(&task).header("idempotency-key", &case.to_string())),
            (Operation::ReplaceTask, Event::by(ALICE).task(new).json(&task).header("if-none-match", "*")),
            (Operation::BatchTasks, batch(false)),
            (Operation::BatchTasks, batch(true)),
        ] {
            let answer = api.call(operation, &event).await;
            assert_eq!(answer.outcome(), (422, "invalid_field"), "{refused} {answer:?}");
            let said = answer.body["detail"].as_str().or(answer.body["results"][0]["problem"]["detail"].as_str());
            assert!(said.unwrap().contains("/parent_id"), "{answer:?}");
            assert_eq!(api.items("tasks", ALICE), before);
        }
    }
    for (operation, body) in [
        (Operation::UpdateTask, json!({ "parent_id": null })),
        (Operation::ReplaceTask, json!({ "title": "x", "parent_id": completed })),
    ] {
        let answer = send(&api, operation, &ids[0], &body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/parent_id")));
    }
    let top = send(&api, Operation::ReplaceTask, &parent, &json!({ "title": "x", "parent_id": completed })).await;
    assert_eq!(top.body["errors"][0]["pointer"], "/parent_id");
    let read = api.get(ALICE, &ids[0]).await.body;
    assert_eq!(send(&api, Operation::ReplaceTask, &ids[0], &read).await.body["parent_id"], json!(parent));
}

#[tokio::test]
async fn task_is_given_a_thousand_subtasks_at_most() {
    let api = Api::start().await;
    let (parent, _) = family(&api, 1).await;
    let mut item = api.item(ALICE, &parent);
    item["has_subtasks"] = json!({ "N": "999" });
    api.put("tasks", &item);
    let id = |number: usize| format!("01990000-0000-7000-8000-{number:012}");
    let create = |number| json!({ "op": "create", "id": id(number), "task": { "title": "new", "parent_id": parent } });
    let batch = |items: Value| Event::by(ALICE).json(&json!({ "atomic": true, "items": items }));
    let two = api.call(Operation::BatchTasks, &batch(json!([create(1), create(2)]))).await;
    assert!(two.body["results"].as_array().unwrap().iter().all(|row| row["status"] == 422), "{two:?}");
    assert_eq!(api.call(Operation::BatchTasks, &batch(json!([create(1)]))).await.outcome().0, 201);

    let task = Event::by(ALICE).json(&json!({ "title": "new", "parent_id": parent }));
    for event in [task.clone(), task.header("idempotency-key", "k")] {
        let refused = api.call(Operation::CreateTask, &event).await;
        let expected =
            json!([{ "pointer": "/parent_id", "detail": "must not have had 1,000 subtasks, which is the most" }]);
        assert_eq!((refused.status, &refused.body["errors"]), (422, &expected), "{refused:?}");
    }
    assert_eq!(states(&api), [2, 0, 0]);
}

/// The creation of a subtask as an item of a batch.
fn creation(parent: &str) -> Event {
    let task = json!({ "title": "new", "parent_id": parent });
    let item = json!({ "op": "create", "id": "01990000-0000-7000-8000-000000000001", "task": task });
    Event::by(ALICE).json(&json!({ "items": [item] }))
}

#[tokio::test]
async fn new_subtask_waits_for_others_of_its_parent() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    let conflict = Fault::Cancelled("TransactionConflict");
    api.wire.fail_all(conflict);
    api.wire.take();
    let answer = api.call(Operation::BatchTasks, &creation(&parent)).await;
    assert_eq!((answer.outcome(), api.wire.take().len()), ((503, "unavailable"), 5), "{answer:?}");
    assert_eq!(states(&api), [0, 0, 0]);
    api.wire.fail_all(Fault::None);
    api.wire.fail_next([conflict, conflict]);
    let answer = api.call(Operation::BatchTasks, &creation(&parent)).await;
    assert_eq!((answer.outcome(), api.wire.take().len()), ((201, ""), 3), "{answer:?}");
    assert_eq!(states(&api), [1, 0, 0]);
    let keyed = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "new", "parent_id": parent }));
    api.wire.fail_next([conflict]);
    let answer = api.call(Operation::CreateTask, &keyed).await;
    assert_eq!(answer.outcome(), (503, "unavailable"), "the key is in nobody else's use");
    assert_eq!(api.call(Operation::CreateTask, &keyed).await.status, 201);
}

#[tokio::test]
async fn new_subtask_that_dynamodb_refuses_says_why() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    for (reason, outcome) in [
        ("ThrottlingError", (503, "unavailable")),
        ("ItemCollectionSizeLimitExceeded", (507, "storage_full")),
        ("ValidationError", (500, "internal")),
    ] {
        api.wire.fail_next([Fault::Cancelled(reason)]);
        let answer = api.call(Operation::BatchTasks, &creation(&parent)).await;
        assert_eq!(answer.outcome(), outcome, "{reason}");
    }
    assert_eq!(states(&api), [0, 0, 0]);
}

#[tokio::test]
async fn repeated_subtask_is_counted_once() {
    for atomic in [false, true] {
        let api = Api::start().await;
        let parent = api.create_titled("parent").await;
        let task = json!({ "title": "new", "parent_id": parent });
        let mut item = json!({ "op": "create", "id": "01990000-0000-7000-8000-000000000001", "task": task,
            "idempotency_key": "k" });
        let send = async |item: &Value| {
            let batch = Event::by(ALICE).json(&json!({ "atomic": atomic, "items": [item] }));
            api.call(Operation::BatchTasks, &batch).await
        };
        for _ in 0..2 {
            assert_eq!(send(&item).await.outcome(), (201, ""), "atomic: {atomic}");
        }
        item["idempotency_key"] = json!("another");
        assert_eq!(send(&item).await.outcome(), (412, "already_exists"));
        // This reason comes before what is wrong with the parent.
        item["task"]["parent_id"] = json!("01990000-0000-7000-8000-000000000009");
        assert_eq!(send(&item).await.outcome(), (412, "already_exists"));
        assert_eq!(api.item(ALICE, &parent)["has_subtasks"]["N"], "1");
        assert_eq!(states(&api), [1, 0, 0]);
    }
}

/// Writes of a parent, and how many of three open subtasks and a completed one are open, completed, and deleted then.
fn writes() -> Vec<(Operation, Value, [usize; 3])> {
    let (completed, deleted, same) = ([0, 4, 0], [0, 0, 4], [3, 1, 0]);
    let batch = |atomic: bool, item: &Value| (Operation::BatchTasks, json!({ "atomic": atomic, "items": [item] }));
    let complete = json!({ "op": "complete", "id": "ID", "completed": true });
    let delete = json!({ "op": "delete", "id": "ID" });
    let in_batches =
        [false, true].map(|atomic| [(batch(atomic, &complete), completed), (batch(atomic, &delete), deleted)]);
    let writes = [
        ((Operation::CompleteTask, json!({ "completed": true })), completed),
        ((Operation::CompleteTask, Value::Null), completed),
        ((Operation::UpdateTask, json!({ "completed": true, "title": "x" })), completed),
        ((Operation::ReplaceTask, json!({ "completed": true, "title": "x" })), completed),
        ((Operation::DeleteTask, Value::Null), deleted),
        ((Operation::UpdateTask, json!({ "title": "x", "position": "a0" })), same),
        ((Operation::ReplaceTask, json!({ "title": "x" })), same),
    ];
    let all = writes.into_iter().chain(in_batches.into_iter().flatten());
    all.map(|((operation, body), left)| (operation, body, left)).collect()
}

#[tokio::test]
async fn subtasks_are_completed_and_deleted_with_their_parent() {
    for (operation, body, left) in writes() {
        let api = Api::start().await;
        let (parent, ids) = family(&api, 4).await;
        send(&api, Operation::CompleteTask, &ids[0], &json!({ "completed": true })).await;
        let first_completed = api.item(ALICE, &ids[0])["completed_at"].clone();
        let body: Value = serde_json::from_str(&body.to_string().replace("ID", &parent)).unwrap();
        let answer = send(&api, operation, &parent, &body).await;
        assert!([200, 204].contains(&answer.outcome().0), "{operation:?} {body} {answer:?}");
        assert_eq!(states(&api), left, "{operation:?} {body}");
        if left[1] == 4 {
            assert_eq!(api.item(ALICE, &ids[0])["completed_at"], first_completed);
            // Reopening leaves them, and a subtask can be reopened by itself.
            send(&api, Operation::CompleteTask, &parent, &json!({ "completed": false })).await;
            assert_eq!(states(&api), left);
            send(&api, Operation::CompleteTask, &parent, &json!({ "completed": true })).await;
            send(&api, Operation::CompleteTask, &ids[1], &json!({ "completed": false })).await;
            send(&api, Operation::UpdateTask, &parent, &json!({ "completed": true, "title": "again" })).await;
            assert_eq!(states(&api), [1, 3, 0]);
        }
    }
}

/// More subtasks than a transaction takes: wherever it ends, the parent is written with the last of them, and a repetition
/// finishes.
#[tokio::test]
async fn interrupted_write_of_many_subtasks_goes_on() {
    for operation in [Operation::CompleteTask, Operation::DeleteTask] {
        let api = Api::start().await;
        let (parent, ids) = family(&api, 1).await;
        multiply(&api, &ids[0], 249);
        let (field, state) = if operation == Operation::CompleteTask { ("completed_at", 1) } else { ("deleted_at", 2) };
        let mut done = 0;
        // The plain write, the subtasks, and then transactions of a hundred.
        for sent in [2, 3] {
            api.wire.fail_next(vec![Fault::None; sent]);
            api.wire.fail_all(Fault::Error(500, "InternalServerError"));
            let answer = send(&api, operation, &parent, &Value::Null).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            api.wire.fail_all(Fault::None);
            let counts = states(&api);
            assert!(counts[state] >= done && counts[state] < 250, "{counts:?}");
            done = counts[state];
            assert!(api.item(ALICE, &parent)[field].is_null(), "the parent comes last");
        }
        assert!(done > 0);
        let answer = send(&api, operation, &parent, &Value::Null).await;
        assert!([200, 204].contains(&answer.status), "{answer:?}");
        assert_eq!(states(&api)[state], 250);
        assert!(api.item(ALICE, &parent)[field].is_object());
    }
}

/// Others write a subtask before the first transaction.
#[tokio::test]
async fn overtaken_write_of_many_subtasks_begins_anew() {
    let api = Api::start().await;
    let (parent, ids) = family(&api, 1).await;
    multiply(&api, &ids[0], 149);
    api.wire.fail_next([Fault::None, Fault::None, Fault::Cancelled("ConditionalCheckFailed")]);
    let answer = send(&api, Operation::CompleteTask, &parent, &json!({ "completed": true })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(states(&api), [0, 150, 0]);
    assert_eq!(api.item(ALICE, &parent)["version"]["N"], "2");
}

/// DynamoDB gives them in two answers.
#[tokio::test]
async fn large_subtasks_are_completed_and_made_anew() {
    for (operation, body) in
        [(Operation::CompleteTask, json!({ "completed": true })), (Operation::UpdateTask, json!({ "completed": true }))]
    {
        let api = Api::start().await;
        let parent = large_family(&api, weekly(), 150).await;
        let answer = send(&api, operation, &parent, &body).await;
        assert_eq!(answer.status, 200, "{operation:?}: {answer:?}");
        assert_eq!(states(&api), [150, 150, 0], "{operation:?}");
        let next = next_occurrence(&api).await["id"].clone();
        assert_eq!(api.item(ALICE, next.as_str().unwrap())["has_subtasks"]["N"], "150", "{operation:?}");
    }
}

/// Another device adds it after the subtasks were read.
#[tokio::test]
async fn subtask_added_meanwhile_is_completed_with_its_parent() {
    let api = Api::start().await;
    let other = api.another_with(&SECRET_SETTINGS).await;
    let (parent, ids) = family(&api, 1).await;
    send(&api, Operation::CompleteTask, &ids[0], &Value::Null).await;
    let (_, done) = api.wire.totals();
    api.wire.fail_next([Fault::None, Fault::Slow(Duration::from_secs(1))]);
    let complete = send(&api, Operation::CompleteTask, &parent, &Value::Null);
    let add = async {
        api.wire.has_done(done + 2).await;
        send(&other, Operation::CreateTask, "", &json!({ "title": "late", "parent_id": parent })).await
    };
    let (completed, added) = Box::pin(join(complete, add)).await;
    assert_eq!((completed.status, added.status), (200, 201), "{completed:?} {added:?}");
    assert_eq!(states(&api), [0, 2, 0]);
}

#[tokio::test]
async fn atomic_batch_writes_families() {
    let api = Api::start().await;
    let id = |number: usize| format!("01990000-0000-7000-8000-{number:012}");
    let create = |number: usize, parent: Option<usize>| {
        json!({ "op": "create", "id": id(number), "idempotency_key": "k",
            "task": { "title": number.to_string(), "parent_id": parent.map(id) } })
    };
    let send = async |items: &Value| {
        let answer =
            api.call(Operation::BatchTasks, &Event::by(ALICE).json(&json!({ "atomic": true, "items": items }))).await;
        let rows = answer.body["results"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone();
        rows.iter().map(|row| row["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let family = json!([create(1, None), create(2, Some(1)), create(3, Some(1))]);
    for _ in 0..2 {
        assert_eq!(send(&family).await, [201, 201, 201]);
        assert_eq!(states(&api), [2, 0, 0]);
    }
    assert_eq!(send(&json!([create(4, Some(1)), create(5, Some(1)), create(6, None)])).await, [201, 201, 201]);
    let grandchild = json!([create(7, None), create(8, Some(7)), create(9, Some(8))]);
    assert_eq!(send(&grandchild).await, [424, 424, 422]);
    let written = json!([{ "op": "update", "id": id(6), "changes": { "title": "x" } }, create(7, Some(6))]);
    assert_eq!(send(&written).await, [424, 422]);
    // What an item says of a subtask goes before what its parent's would do to it.
    let complete = json!([
        { "op": "complete", "id": id(1), "completed": true },
        { "op": "update", "id": id(2), "changes": { "title": "still open" } },
        { "op": "delete", "id": id(3) },
    ]);
    assert_eq!(send(&complete).await, [200, 200, 204]);
    assert_eq!(states(&api), [1, 2, 1]);
}

#[tokio::test]
async fn batch_creates_a_parent_before_its_subtasks() {
    let api = Api::start().await;
    let id = |number: usize| format!("01990000-0000-7000-8000-{number:012}");
    let items: Vec<_> = (0..30)
        .map(|number| {
            let parent = (number % 3 > 0).then(|| id(number - number % 3));
            json!({ "op": "create", "id": id(number), "task": { "title": "x", "parent_id": parent } })
        })
        .collect();
    let answer = api.call(Operation::BatchTasks, &Event::by(ALICE).json(&json!({ "items": items }))).await;
    let rows = answer.body["results"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["status"] == 201), "{answer:?}");
    assert_eq!(states(&api), [20, 0, 0]);
}

/// Two devices add subtasks while a third one completes or deletes the parent: what is added is done with it, or refused.
#[tokio::test(flavor = "multi_thread")]
async fn added_subtask_never_stays_open_under_a_completed_parent() {
    for operation in [Operation::CompleteTask, Operation::DeleteTask] {
        for round in 0..6 {
            let api = Api::start().await;
            let (parent, _) = family(&api, 2).await;
            let processes = join_all((0..4).map(|_| api.another_with(&SECRET_SETTINGS))).await;
            let work = processes.iter().enumerate().map(async |(index, process)| {
                let mut refused = 0;
                if index == 0 {
                    tokio::time::sleep(Duration::from_millis(5 * round)).await;
                    while send(process, operation, &parent, &Value::Null).await.status == 503 {}
                    return refused;
                }
                for number in 0..6 {
                    let task = json!({ "title": format!("{index} {number}"), "parent_id": parent });
                    let key = format!("{index} {number}").replace(' ', "-");
                    let event = Event::by(ALICE).json(&task);
                    let event = if index == 1 { event.header("idempotency-key", &key) } else { event };
                    let mut answer = process.call(Operation::CreateTask, &event).await;
                    while answer.status == 503 {
                        answer = process.call(Operation::CreateTask, &event).await;
                    }
                    assert!([201, 422].contains(&answer.status), "{answer:?}");
                    refused += usize::from(answer.status == 422);
                }
                refused
            });
            let refused: usize = join_all(work).await.into_iter().sum();
            let [open, completed, deleted] = states(&api);
            assert_eq!((open, completed + deleted), (0, 20 - refused), "{operation:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_add_subtasks_and_none_is_lost() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    let processes = join_all((0..4).map(|_| api.another_with(&SECRET_SETTINGS))).await;
    let work = processes.iter().map(async |process| {
        let mut ids = Vec::new();
        while ids.len() < 5 {
            let answer = send(process, Operation::CreateTask, "", &json!({ "title": "x", "parent_id": parent })).await;
            assert!([201, 503].contains(&answer.status), "{answer:?}");
            ids.extend(answer.body["id"].as_str().map(str::to_owned));
        }
        ids
    });
    let created: BTreeSet<_> = join_all(work).await.into_iter().flatten().collect();
    let listed = api.list(ALICE, &[("parent_id", &parent)]).await;
    let ids = listed.body["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned());
    assert_eq!(ids.collect::<BTreeSet<_>>(), created);
    assert_eq!(api.item(ALICE, &parent)["version"]["N"], "1", "a new subtask is no change of its parent");
}

#[tokio::test]
async fn restored_parent_brings_back_what_was_deleted_with_it() {
    let api = Api::start().await;
    let (parent, ids) = family(&api, 4).await;
    send(&api, Operation::CompleteTask, &ids[0], &Value::Null).await;
    send(&api, Operation::DeleteTask, &ids[1], &Value::Null).await;
    send(&api, Operation::UpdateTask, &ids[2], &json!({ "position": "a0" })).await;
    let before = api.list(ALICE, &[("parent_id", &parent)]).await;
    for _ in 0..2 {
        assert_eq!(send(&api, Operation::DeleteTask, &parent, &Value::Null).await.status, 204);
        assert_eq!(states(&api), [0, 0, 4]);
        // By itself, a subtask has no parent to come back to.
        let alone = send(&api, Operation::RestoreTask, &ids[3], &Value::Null).await;
        assert_eq!((alone.status, &alone.body["errors"][0]["pointer"]), (422, &json!("/parent_id")), "{alone:?}");
        let restored = send(&api, Operation::RestoreTask, &parent, &Value::Null).await;
        assert_eq!((restored.status, &restored.body), (200, &api.get(ALICE, &parent).await.body));
        assert_eq!(states(&api), [2, 1, 1], "what was deleted before stays deleted");
        let after = api.list(ALICE, &[("parent_id", &parent)]).await;
        assert_eq!((after.titles(), &after.body["progress"]), (before.titles(), &before.body["progress"]));
    }
    assert_eq!(send(&api, Operation::RestoreTask, &ids[1], &Value::Null).await.status, 200);
    assert_eq!(states(&api), [3, 1, 0]);
    for item in api.items("tasks", ALICE) {
        assert!(item["deleted_with"].is_null(), "{item}");
    }
}

#[tokio::test]
async fn batch_restores_a_family() {
    for atomic in [false, true] {
        let api = Api::start().await;
        let (parent, ids) = family(&api, 3).await;
        send(&api, Operation::DeleteTask, &ids[0], &Value::Null).await;
        send(&api, Operation::DeleteTask, &parent, &Value::Null).await;
        for (id, outcome) in [(&ids[1], (422, "invalid_field")), (&parent, (200, ""))] {
            let items = json!([{ "op": "restore", "id": id }]);
            let restored = send(&api, Operation::BatchTasks, "", &json!({ "atomic": atomic, "items": items })).await;
            assert_eq!(restored.outcome(), outcome, "{restored:?}");
        }
        assert_eq!(states(&api), [2, 0, 1], "what was deleted before stays deleted");
    }
}

/// A subtask is restored while its parent is deleted: it goes with it, or is refused, and never stays without one.
#[tokio::test(flavor = "multi_thread")]
async fn restored_subtask_never_stays_under_a_deleted_parent() {
    let api = Api::start().await;
    let other = api.another_with(&SECRET_SETTINGS).await;
    for _ in 0..10 {
        let (parent, ids) = family(&api, 2).await;
        send(&api, Operation::DeleteTask, &ids[0], &Value::Null).await;
        let delete = async { while send(&api, Operation::DeleteTask, &parent, &Value::Null).await.status == 503 {} };
        let restore =
            async { while send(&other, Operation::RestoreTask, &ids[0], &Value::Null).await.status == 503 {} };
        join(delete, restore).await;
        assert_eq!(states(&api)[..2], [0, 0]);
    }
}

/// The next occurrence has the subtasks of this one, open again, and once, however often and wherever it ends.
#[tokio::test]
async fn next_occurrence_has_the_subtasks_anew() {
    let api = Api::start().await;
    let recurring = json!({ "title": "weekly", "due": "2099-12-01", "recurrence": { "rule": "FREQ=WEEKLY" } });
    let parent = api.create_id(ALICE, recurring).await;
    for (title, position) in [("b", "a1"), ("a", "a0"), ("c", "a2")] {
        let subtask = json!({ "title": title, "position": position, "parent_id": parent, "due": "2099-11-30" });
        let id = api.create_id(ALICE, subtask).await;
        if title == "a" {
            send(&api, Operation::CompleteTask, &id, &Value::Null).await;
        }
    }
    let complete = Event::by(ALICE).task(&parent).json(&json!({ "completed": true })).header("idempotency-key", "k");
    // The plain write, its subtasks twice, and a transaction whose answer is lost.
    api.wire.fail_next([Fault::None, Fault::None, Fault::None, Fault::LostAnswer]);
    for _ in 0..2 {
        let completed = api.call(Operation::CompleteTask, &complete).await;
        assert_eq!((completed.status, &completed.body["completed"]), (200, &json!(true)), "{completed:?}");
    }
    assert_eq!(states(&api), [3, 3, 0]);
    let open = api.list(ALICE, &[("status", "open")]).await;
    let next = open.body["tasks"].as_array().unwrap().iter().find(|task| task["title"] == "weekly").unwrap();
    let list = api.list(ALICE, &[("parent_id", next["id"].as_str().unwrap())]).await;
    assert_eq!((list.titles(), &list.body["progress"]), (vec!["a", "b", "c"], &json!({ "completed": 0, "total": 3 })));
    assert!(list.body["tasks"].as_array().unwrap().iter().all(|task| task["due"].is_null()));
    let subtask = list.body["tasks"][0]["id"].as_str().unwrap();
    for (operation, recurring) in [
        (
            Operation::CreateTask,
            json!({ "title": "x", "parent_id": next["id"], "due": "2099-12-01", "recurrence": { "rule": "FREQ=DAILY" } }),
        ),
        (Operation::UpdateTask, json!({ "due": "2099-12-01", "recurrence": { "rule": "FREQ=DAILY" } })),
        (Operation::ReplaceTask, json!({ "title": "x", "due": "2099-12-01", "recurrence": { "rule": "FREQ=DAILY" } })),
    ] {
        let refused = send(&api, operation, subtask, &recurring).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!("/recurrence")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn next_occurrence_has_subtasks_without_positions_in_the_same_order() {
    let api = Api::start().await;
    let parent = api.create_id(ALICE, weekly()).await;
    let titles = ["a", "b", "c", "d", "e", "f"];
    for title in titles {
        api.create_id(ALICE, json!({ "title": title, "parent_id": parent })).await;
        // Ids are in order by their milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    send(&api, Operation::CompleteTask, &parent, &Value::Null).await;
    let next = next_occurrence(&api).await["id"].clone();
    let list = api.list(ALICE, &[("parent_id", next.as_str().unwrap())]).await;
    assert_eq!(list.titles(), titles);
}

#[tokio::test]
async fn next_occurrence_is_without_deleted_subtasks() {
    let api = Api::start().await;
    let parent = api.create_id(ALICE, weekly()).await;
    let subtask = api.create_id(ALICE, json!({ "title": "deleted", "parent_id": parent })).await;
    send(&api, Operation::DeleteTask, &subtask, &Value::Null).await;
    assert_eq!(send(&api, Operation::CompleteTask, &parent, &Value::Null).await.status, 200);
    let next = next_occurrence(&api).await["id"].clone();
    assert_eq!(states(&api), [0, 0, 1]);
    // It counts as a task without subtasks, for which none are read.
    api.wire.take();
    assert_eq!(send(&api, Operation::CompleteTask, next.as_str().unwrap(), &Value::Null).await.status, 200);
    assert_eq!(api.wire.take_operations(), ["UpdateItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn interrupted_completion_makes_no_subtask_twice() {
    let api = Api::start().await;
    let parent = api.create_id(ALICE, weekly()).await;
    let subtask = api.create_id(ALICE, json!({ "title": "done", "parent_id": parent })).await;
    send(&api, Operation::CompleteTask, &subtask, &Value::Null).await;
    multiply(&api, &subtask, 149);
    // The plain write, the subtasks twice, and the first transaction.
    api.wire.fail_next([Fault::None; 4]);
    api.wire.fail_all(Fault::Error(500, "InternalServerError"));
    let complete = json!({ "completed": true });
    assert_eq!(send(&api, Operation::CompleteTask, &parent, &complete).await.status, 503);
    api.wire.fail_all(Fault::None);
    let [made, 150, 0] = states(&api) else { panic!("{:?}", states(&api)) };
    assert!(made > 0 && made < 150, "{made}");
    let answer = send(&api, Operation::CompleteTask, &parent, &complete).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(states(&api), [150, 150, 0]);
    let next = next_occurrence(&api).await["id"].clone();
    assert_eq!(api.item(ALICE, next.as_str().unwrap())["has_subtasks"]["N"], "150");
}
