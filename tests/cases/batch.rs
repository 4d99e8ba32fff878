//! Many writes in one call: each answered as by itself, or all of them or none.

use std::time::Duration;

use kit::fixtures::refused;
use serde_json::{Value, json};
use shared::app::ANSWER_WITHIN;
use tests::{ALICE, Answer, Api, BOB, Event, Fault, Operation};
use tokio::time::Instant;

/// What Lambda takes of an event and of an answer.
const LAMBDAS_LIMIT: usize = 6 * 1024 * 1024;

/// The id of a new task.
fn new(number: usize) -> String {
    format!("01990000-0000-7000-8000-{number:012}")
}

fn create(number: usize, title: &str) -> Value {
    json!({ "op": "create", "id": new(number), "task": { "title": title } })
}

fn update(id: &str, changes: Value) -> Value {
    json!({ "op": "update", "id": id, "changes": changes })
}

fn restore(id: &str) -> Value {
    json!({ "op": "restore", "id": id })
}

fn complete(id: &str, completed: bool) -> Value {
    json!({ "op": "complete", "id": id, "completed": completed })
}

fn delete(id: &str) -> Value {
    json!({ "op": "delete", "id": id })
}

/// The same item with another member.
fn with(mut item: Value, name: &str, value: Value) -> Value {
    item[name] = value;
    item
}

/// The same items, each with a key of its own.
fn keyed(items: &[Value]) -> Vec<Value> {
    let numbered = items.iter().enumerate();
    numbered.map(|(index, item)| with(item.clone(), "idempotency_key", json!(format!("k{index}")))).collect()
}

async fn send(api: &Api, body: Value) -> Answer {
    api.call(Operation::BatchTasks, &Event::by(ALICE).json(&body)).await
}

/// The ids of three tasks.
async fn three(api: &Api) -> [String; 3] {
    [api.create_titled("one").await, api.create_titled("two").await, api.create_titled("three").await]
}

async fn batch(api: &Api, items: &[Value]) -> Vec<Value> {
    rows(&send(api, json!({ "items": items })).await)
}

async fn atomic(api: &Api, items: &[Value]) -> Vec<Value> {
    rows(&send(api, json!({ "atomic": true, "items": items })).await)
}

#[track_caller]
fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["results"].as_array().unwrap().clone()
}

fn statuses(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["status"].as_u64().unwrap()).collect()
}

fn codes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["problem"]["code"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn items_of_one_task_are_done_in_order() {
    let api = Api::start().await;
    let id = new(1);
    let items = [
        update(&id, json!({ "title": "too early" })),
        create(1, "one"),
        update(&id, json!({ "title": "two", "tags": ["a"] })),
        complete(&id, true),
        update(&id, json!({})),
        create(1, "again"),
        delete(&id),
        complete(&id, false),
    ];
    let rows = batch(&api, &items).await;
    assert_eq!(statuses(&rows), [404, 201, 200, 200, 200, 412, 204, 404]);
    let etags: Vec<_> = rows.iter().map(|row| row["etag"].as_str().unwrap_or_default()).collect();
    assert_eq!(etags, ["", "\"1\"", "\"2\"", "\"3\"", "\"3\"", "", "", ""]);
    assert!(rows.iter().all(|row| row["id"] == id));
    let expected = json!({ "code": "already_exists", "detail": "There is a task with this id, or there was one that has been deleted." });
    assert_eq!((&rows[1]["problem"], &rows[5]["problem"]), (&Value::Null, &expected));
    assert_eq!(api.get(ALICE, &id).await.status, 404);
}

#[tokio::test]
async fn item_is_answered_as_the_single_operation() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let items = [
        create(1, "two"),
        with(update(&id, json!({ "title": "stale" })), "if_match", json!(7)),
        with(update(&id, json!({ "title": "three", "due": "2026-12-01" })), "if_match", json!(1.0)),
        complete(&new(9), true),
        with(delete(&id), "if_match", json!(1)),
        create(1, "taken"),
    ];
    let answer = batch(&api, &items).await;
    assert_eq!(codes(&answer), ["", "version_mismatch", "", "task_not_found", "version_mismatch", "already_exists"]);
    assert_eq!(statuses(&answer), [201, 412, 200, 404, 412, 412]);
    let task = api.get(ALICE, &id).await;
    assert_eq!((&task.body["title"], &task.body["version"]), (&json!("three"), &json!(2)));
    let task = api.get(ALICE, &new(1)).await;
    assert_eq!((&task.body["title"], &task.body["version"]), (&json!("two"), &json!(1)));
}

#[tokio::test]
async fn repeated_batch_is_answered_as_the_first_time() {
    for is_atomic in [false, true] {
        let api = Api::start().await;
        let ids = three(&api).await;
        let items = keyed(&[
            create(1, "new"),
            update(&ids[0], json!({ "due": "2026-12-01" })),
            with(complete(&ids[1], true), "if_match", json!(1)),
            delete(&ids[2]),
        ]);
        let body = json!({ "atomic": is_atomic, "items": items });
        let first = rows(&send(&api, body.clone()).await);
        assert_eq!(statuses(&first), [201, 200, 200, 204]);
        let left = api.items("tasks", ALICE);
        for _ in 0..2 {
            let again = rows(&send(&api, body.clone()).await);
            assert_eq!((statuses(&again), codes(&again)), (statuses(&first), codes(&first)), "atomic: {is_atomic}");
            // A transaction does not tell the version, and who repeats it gets to know it.
            assert_eq!(again[1]["etag"], "\"2\"");
        }
        assert_eq!(api.items("tasks", ALICE), left, "atomic: {is_atomic}");

        let other = with(update(&ids[0], json!({ "due": null })), "idempotency_key", json!("k1"));
        let reused = rows(&send(&api, json!({ "atomic": is_atomic, "items": [other] })).await);
        assert_eq!((statuses(&reused), codes(&reused)), (vec![422], vec!["idempotency_key_reused"]));
        // By itself, it is the same request.
        let event = Event::by(ALICE).task(&ids[0]).json(&json!({ "due": "2026-12-01" }));
        let single = api.call(Operation::UpdateTask, &event.header("idempotency-key", "k1")).await;
        assert_eq!((single.status, &single.body["version"]), (200, &json!(2)));
    }
}

#[tokio::test]
async fn atomic_batch_is_one_transaction() {
    let api = Api::start().await;
    let ids = three(&api).await;
    api.wire.take();
    let items = [
        create(1, "new"),
        with(update(&ids[0], json!({ "title": "changed" })), "if_match", json!(1)),
        complete(&ids[1], true),
        delete(&ids[2]),
    ];
    let rows = atomic(&api, &items).await;
    assert_eq!(api.wire.take_operations(), ["TransactWriteItems"]);
    assert_eq!(statuses(&rows), [201, 200, 200, 204]);
    let etags: Vec<_> = rows.iter().map(|row| row["etag"].clone()).collect();
    assert_eq!(etags, [json!("\"1\""), json!("\"2\""), Value::Null, Value::Null]);
    assert_eq!(api.get(ALICE, &ids[0]).await.body["title"], "changed");
    assert_eq!(api.get(ALICE, &ids[1]).await.body["completed"], true);
    assert_eq!(api.get(ALICE, &ids[2]).await.status, 404);
}

#[tokio::test]
async fn refused_item_stops_an_atomic_batch() {
    let api = Api::start().await;
    let ids = [api.create_titled("one").await, api.create_titled("two").await];
    let before = api.items("tasks", ALICE);
    let good = [create(1, "new"), update(&ids[0], json!({ "title": "changed" }))];
    for (bad, status, code) in [
        (delete(&new(9)), 404, "task_not_found"),
        (with(complete(&ids[1], true), "if_match", json!(7)), 412, "version_mismatch"),
        (with(update(&ids[1], json!({})), "if_match", json!(7)), 412, "version_mismatch"),
        (json!({ "op": "create", "id": ids[1], "task": { "title": "taken" } }), 412, "already_exists"),
    ] {
        let rows = atomic(&api, &[good[0].clone(), bad.clone(), good[1].clone()]).await;
        assert_eq!(statuses(&rows), [424, status, 424], "{bad}");
        assert_eq!(codes(&rows), ["not_attempted", code, "not_attempted"], "{bad}");
        assert_eq!(api.items("tasks", ALICE), before, "{bad}");
    }
    // Each that is refused says so.
    let rows = atomic(&api, &[delete(&new(9)), good[0].clone(), complete(&new(8), true)]).await;
    assert_eq!(statuses(&rows), [404, 424, 404]);
    // What was done under its key before is not undone, and not called so.
    let done = with(complete(&ids[0], true), "idempotency_key", json!("k"));
    assert_eq!(statuses(&batch(&api, std::slice::from_ref(&done)).await), [200]);
    let rows = atomic(&api, &[done, delete(&new(9)), good[0].clone()]).await;
    assert_eq!(statuses(&rows), [200, 404, 424]);
    assert_eq!(api.get(ALICE, &new(1)).await.status, 404);
}

/// What is so already takes a second transaction without it, as long as there is anything else.
#[tokio::test]
async fn atomic_batch_writes_tasks_in_any_state() {
    let api = Api::start().await;
    let ids = three(&api).await;
    for id in &ids[..2] {
        api.call(Operation::CompleteTask, &Event::by(ALICE).task(id)).await;
    }
    api.wire.take();
    let items = [
        update(&ids[0], json!({ "due": "2026-12-01" })),
        complete(&ids[1], true),
        update(&ids[2], json!({ "due": "2026-12-02" })),
        create(1, "new"),
    ];
    let rows = atomic(&api, &items).await;
    assert_eq!(api.wire.take_operations(), ["TransactWriteItems", "TransactWriteItems"]);
    assert_eq!(statuses(&rows), [200, 200, 200, 201]);
    assert_eq!(rows[1]["etag"], "\"2\"", "it is completed already, and stays as it is");
    for (id, completed, due) in
        [(&ids[0], true, json!("2026-12-01")), (&ids[1], true, json!(null)), (&ids[2], false, json!("2026-12-02"))]
    {
        let task = api.get(ALICE, id).await.body;
        assert_eq!((&task["completed"], &task["due"]), (&json!(completed), &due));
    }
    let items = api.items("tasks", ALICE);
    assert_eq!(items.iter().find_map(crate::calls::incoherence), None);
}

#[tokio::test]
async fn batch_restores_what_was_deleted() {
    let api = Api::start().await;
    let ids = three(&api).await;
    let items = [delete(&ids[0]), restore(&ids[0]), restore(&ids[1]), restore(&new(9)), delete(&ids[2])];
    assert_eq!(statuses(&batch(&api, &items).await), [204, 200, 200, 404, 204]);
    let rows = atomic(&api, &[restore(&ids[2]), restore(&ids[1]), complete(&ids[0], true)]).await;
    assert_eq!(statuses(&rows), [200, 200, 200]);
    for (id, version) in ids.iter().zip([4, 1, 3]) {
        assert_eq!(api.get(ALICE, id).await.body["version"], version);
    }
}

#[tokio::test]
async fn cancelled_transaction_says_which_item() {
    let api = Api::start().await;
    for (reason, status, code) in [
        ("TransactionConflict", 503, "unavailable"),
        ("ProvisionedThroughputExceeded", 503, "unavailable"),
        ("ThrottlingError", 503, "unavailable"),
        ("ItemCollectionSizeLimitExceeded", 507, "storage_full"),
        ("ValidationError", 500, "internal"),
    ] {
        api.wire.fail_next([Fault::Cancelled(reason)]);
        let rows = atomic(&api, &[create(1, "one"), create(2, "two")]).await;
        assert_eq!((statuses(&rows), codes(&rows)), (vec![424, status], vec!["not_attempted", code]), "{reason}");
    }
    // Without a reason there is nothing to tell, and no end would be in sight.
    api.wire.fail_all(Fault::Cancelled("None"));
    api.wire.take();
    let rows = atomic(&api, &[create(1, "one"), create(2, "two")]).await;
    assert_eq!(codes(&rows), ["unavailable", "unavailable"]);
    assert!(api.wire.take().len() <= 6);
    assert!(api.items("tasks", ALICE).is_empty());
}

#[tokio::test]
async fn invalid_item_stops_the_batch() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let good = create(1, "new");
    for (bad, places) in refused("items of a batch") {
        let bad = bad.to_string().replace("TASK_ID", &id).replace("NEW_ID", &new(2));
        let bad: Value = serde_json::from_str(&bad).unwrap();
        for is_atomic in [false, true] {
            let answer = send(&api, json!({ "atomic": is_atomic, "items": [good, bad] })).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{bad}");
            let named = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]);
            assert!(named.eq(&places.iter().map(|place| format!("/items/1{place}")).collect::<Vec<_>>()), "{bad}");
        }
    }
    for (body, pointer) in [
        (json!({}), "/items"),
        (json!({ "items": [] }), "/items"),
        (json!({ "items": {} }), "/items"),
        (json!({ "items": vec![good.clone(); 101] }), "/items"),
        (json!({ "items": [good], "atomic": 1 }), "/atomic"),
        (json!({ "items": [good], "user_id": "bob" }), "/user_id"),
        (json!({ "items": [good, delete(&id), delete(&new(1))], "atomic": true }), "/items/2/id"),
    ] {
        let answer = send(&api, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{body}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
    }
    let left: Vec<_> = api.items("tasks", ALICE).iter().map(|item| item["task_id"]["S"].clone()).collect();
    assert_eq!(left, [json!(id)], "nothing was written");
}

#[tokio::test]
async fn batch_stays_in_the_callers_partition() {
    let api = Api::start().await;
    let foreign = api.create(BOB, json!({ "title": "Bob's" })).await;
    let id = foreign["id"].as_str().unwrap();
    let his = api.items("tasks", BOB);
    for item in [
        with(delete(id), "user_id", json!(BOB)),
        json!({ "op": "create", "id": new(1), "task": { "title": "x", "user_id": BOB } }),
        update(id, json!({ "title": "x", "user_id": BOB })),
    ] {
        let answer = send(&api, json!({ "items": [item] })).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{item}");
        assert!(answer.body["errors"][0]["pointer"].as_str().unwrap().ends_with("/user_id"), "{item}");
    }
    api.wire.take();
    let items = [update(id, json!({ "title": "x" })), complete(id, true), delete(id)];
    assert_eq!(statuses(&batch(&api, &items).await), [404, 404, 404]);
    assert_eq!(statuses(&atomic(&api, &items[..1]).await), [404]);
    let mine = json!({ "op": "create", "id": id, "task": { "title": "Alice's" } });
    assert_eq!(statuses(&atomic(&api, &[mine, create(1, "x")]).await), [201, 201]);
    for request in api.wire.take() {
        let partitions = crate::isolation::partitions(&request.body);
        assert!(!partitions.is_empty() && partitions.iter().all(|partition| partition == ALICE), "{request:?}");
    }
    assert_eq!(api.items("tasks", BOB), his);
}

#[tokio::test]
async fn largest_batch_stays_inside_of_lambdas_bounds() {
    // Of the characters that grow most on their way: escaped in the body, and once more in the event.
    for is_atomic in [false, true] {
        let api = Api::start().await;
        let items: Vec<_> = (0..100)
            .map(|number| {
                let task = json!({ "title": "x", "description": "\"".repeat(5_150) });
                json!({ "op": "create", "id": new(number), "task": task, "idempotency_key": "k".repeat(20) })
            })
            .collect();
        let body = json!({ "atomic": is_atomic, "items": items }).to_string();
        assert!((1_000_000..=1024 * 1024).contains(&body.len()), "{}", body.len());
        let event = Event::by(ALICE).body("application/json", &body);
        assert!(event.to_string().len() < LAMBDAS_LIMIT / 2);
        let begun = Instant::now();
        let answer = api.call(Operation::BatchTasks, &event).await;
        assert!(begun.elapsed() < ANSWER_WITHIN);
        assert_eq!(statuses(&rows(&answer)), [201; 100]);
        assert!(answer.raw.to_string().len() < 64 * 1024);
        assert_eq!(api.items("tasks", ALICE).len(), 100);

        let too_long = format!("{}{body}", " ".repeat(1024 * 1024 + 1 - body.len()));
        let answer = api.call(Operation::BatchTasks, &Event::by(ALICE).body("application/json", &too_long)).await;
        assert_eq!((answer.status, answer.code()), (413, "body_too_large"));
        assert_eq!(answer.body["detail"], "The body must be at most 1024 KiB.");
    }
}

#[tokio::test]
async fn batch_is_answered_although_dynamodb_hangs() {
    for is_atomic in [false, true] {
        let api = Api::start().await;
        api.wire.fail_all(Fault::Hang);
        let items: Vec<_> = (0..100).map(|number| create(number, "x")).collect();
        let begun = Instant::now();
        let rows = rows(&send(&api, json!({ "atomic": is_atomic, "items": items })).await);
        let took = begun.elapsed();
        assert!(took < ANSWER_WITHIN - Duration::from_secs(3), "the issuer may take three seconds more: {took:?}");
        assert!(codes(&rows).iter().all(|code| *code == "unavailable"), "{rows:?}");
        let asked = api.wire.take();
        assert!(!asked.is_empty() && asked.len() < 100, "most had no turn: {} requests", asked.len());
        // Sent again, all of them are done.
        api.wire.settle().await;
        let again = batch(&api, &items).await;
        assert_eq!(statuses(&again), [201; 100]);
    }
}

/// Items that change nothing are read one after another.
#[tokio::test]
async fn atomic_batch_that_runs_out_of_time_writes_nothing() {
    let api = Api::start().await;
    let mut items = vec![complete(&api.create_titled("one").await, true), update(&new(9), json!({}))];
    for number in 0..10 {
        items.push(update(&api.create_titled(&number.to_string()).await, json!({})));
    }
    let before = api.items("tasks", ALICE);
    api.wire.fail_all(Fault::Slow(Duration::from_secs(1)));
    let begun = Instant::now();
    let rows = atomic(&api, &items).await;
    assert!(begun.elapsed() < ANSWER_WITHIN);
    let [written, absent, read, .., unread] = statuses(&rows)[..] else { panic!("{rows:?}") };
    assert_eq!([written, absent, read, unread], [503, 404, 200, 503], "{rows:?}");
    assert_eq!(api.items("tasks", ALICE), before);
}

#[tokio::test]
async fn items_run_side_by_side_but_few_at_a_time() {
    const DELAY: Duration = Duration::from_millis(300);
    let api = Api::start().await;
    api.wire.fail_all(Fault::Slow(DELAY));
    let items: Vec<_> = (0..24).map(|number| create(number, "x")).collect();
    let begun = Instant::now();
    assert_eq!(statuses(&batch(&api, &items).await), [201; 24]);
    let took = begun.elapsed();
    assert!(took >= 3 * DELAY, "more than eight at a time: {took:?}");
    assert!(took < 12 * DELAY, "one after another: {took:?}");
}
