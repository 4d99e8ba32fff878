//! Users can export everything that is stored about them, and have it erased.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::app::ANSWER_WITHIN;
use tests::{ALICE, Answer, Api, BOB, Event, Fault, Operation, SECRET_SETTINGS};

use crate::calls::without_marks;

/// What is left of a user in the two tables.
const NOTHING: [Vec<Value>; 2] = [Vec::new(), Vec::new()];

async fn call(api: &Api, operation: Operation, query: &[(&str, &str)]) -> Answer {
    api.call(operation, &Event::by(ALICE).query(query)).await
}

/// Erases everything of Alice's, and gives how many calls it takes.
async fn erase(api: &Api) -> usize {
    for calls in 1..100 {
        let answer = call(api, Operation::EraseTasks, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.body["has_more"] == false {
            return calls;
        }
    }
    panic!("an erasure does not end");
}

/// Everything that is stored of a user, but for the marks of an erasure.
fn stored(api: &Api, user: &str) -> [Vec<Value>; 2] {
    [without_marks(api.items("tasks", user)), api.items("idempotency", user)]
}

/// Gives a user a task of each kind, a tombstone, and the record of a key.
async fn fill(api: &Api, user: &str) {
    let keyed = Event::by(user).json(&json!({ "title": "with a key" })).header("idempotency-key", "k");
    assert_eq!(api.call(Operation::CreateTask, &keyed).await.status, 201);
    for operation in [Operation::GetTask, Operation::CompleteTask, Operation::DeleteTask] {
        let id = api.create(user, json!({ "title": operation.name(), "tags": ["all"] })).await["id"].clone();
        api.call(operation, &Event::by(user).task(id.as_str().unwrap())).await;
    }
}

/// Puts copies of Alice's first task, under ids of their own.
fn import_copies(api: &Api, count: usize) {
    let item = api.items("tasks", ALICE)[0].to_string();
    let id = api.items("tasks", ALICE)[0]["task_id"]["S"].as_str().unwrap().to_owned();
    let copy =
        |number| serde_json::from_str(&item.replace(&id, &format!("01980000-0000-7000-8000-{number:012}"))).unwrap();
    api.import("tasks", (0..count).map(copy));
}

/// All changes since a token, or what has become of that: the ids of tasks, the ids of deleted tasks, and the last token.
async fn pull(api: &Api, since: Option<&str>, limit: &str) -> Result<(Vec<String>, Vec<String>, String), String> {
    let (mut tasks, mut deleted, mut since) = (Vec::new(), Vec::new(), since.map(str::to_owned));
    loop {
        let query = [("limit", limit)].into_iter().chain(since.as_deref().map(|since| ("since", since)));
        let page = call(api, Operation::ListChanges, &query.collect::<Vec<_>>()).await;
        if page.status != 200 {
            return Err(page.code().to_owned());
        }
        for (all, name) in [(&mut tasks, "tasks"), (&mut deleted, "deleted")] {
            all.extend(page.body[name].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        }
        let next = page.body["next"].as_str().unwrap().to_owned();
        if page.body["has_more"] == false {
            return Ok((tasks, deleted, next));
        }
        since = Some(next);
    }
}

#[tokio::test]
async fn export_has_everything_once() {
    let api = Api::start().await;
    for user in [ALICE, BOB] {
        fill(&api, user).await;
    }
    for limit in ["1", "2", "500"] {
        let (mut ids, mut titles, mut deleted, mut cursor) = (BTreeSet::new(), BTreeSet::new(), 0, None::<String>);
        loop {
            let query = [("limit", limit)].into_iter().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = call(&api, Operation::ExportTasks, &query.collect::<Vec<_>>()).await;
            let [tasks, tombstones] = ["tasks", "deleted"].map(|name| page.body[name].as_array().unwrap());
            assert!(tasks.len() + tombstones.len() <= limit.parse().unwrap());
            for task in tasks.iter().chain(tombstones) {
                assert!(ids.insert(task["id"].clone().to_string()), "{task} comes twice");
            }
            titles.extend(tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()));
            deleted += tombstones.len();
            cursor = page.body["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert!(titles.iter().eq(["complete-task", "get-task", "with a key"]), "{titles:?}");
        assert_eq!((ids.len(), deleted), (4, 1));
    }
}

/// Without the marks, a device would keep what has been erased.
#[tokio::test]
async fn erasure_without_marks_is_no_success() {
    let api = Api::start().await;
    for (reason, outcome) in [
        ("ThrottlingError", (503, "unavailable")),
        ("ItemCollectionSizeLimitExceeded", (507, "storage_full")),
        ("None", (500, "internal")),
    ] {
        fill(&api, ALICE).await;
        let (_, _, token) = pull(&api, None, "500").await.unwrap();
        // The tasks and the records, each found and deleted, and then the marks.
        api.wire.fail_next([Fault::None, Fault::None, Fault::None, Fault::None, Fault::Cancelled(reason)]);
        assert_eq!(call(&api, Operation::EraseTasks, &[]).await.outcome(), outcome, "{reason}");
        assert_eq!(erase(&api).await, 1);
        assert_eq!(pull(&api, Some(&token), "500").await.unwrap_err(), "tasks_erased", "{reason}");
    }
}

#[tokio::test]
async fn erasure_leaves_nothing_of_one_user_and_everything_of_others() {
    let api = Api::start().await;
    for user in [ALICE, BOB] {
        fill(&api, user).await;
    }
    let ended = json!({ "user_id": { "S": ALICE }, "not_before": { "N": "0" } });
    api.put("access", &ended);
    let others = stored(&api, BOB);
    for _ in 0..2 {
        assert_eq!(erase(&api).await, 1);
        assert_eq!(api.items("access", ALICE), std::slice::from_ref(&ended), "it is the operator's");
        assert_eq!(stored(&api, ALICE), NOTHING);
    }
    assert_eq!(stored(&api, BOB), others);
    assert_eq!(api.items("tasks", BOB), others[0], "nobody else has marks");

    // What is left says nothing, is nobody's task, and goes by itself.
    let marks = api.items("tasks", ALICE);
    assert_eq!(marks.len(), 2);
    for mark in &marks {
        let names: BTreeSet<_> = mark.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["deleted_at", "expires_at", "task_id", "updated", "updated_at", "user_id", "version"];
        assert!(names.iter().eq(&expected), "{mark}");
        let id = mark["task_id"]["S"].as_str().unwrap();
        for operation in Operation::on_a_task() {
            let answer = api.call(operation, &Event::by(ALICE).of(operation, id)).await;
            assert_eq!((answer.status, answer.code()), (404, "task_not_found"), "{operation:?}");
        }
        let new = Event::by(ALICE).task(id).json(&json!({ "title": "x" })).header("if-none-match", "*");
        assert_eq!(api.call(Operation::ReplaceTask, &new).await.code(), "invalid_task_id");
    }
    assert_eq!(api.items("tasks", ALICE), marks);
    for status in ["all", "open", "completed"] {
        let page = call(&api, Operation::ListTasks, &[("status", status), ("limit", "1")]).await;
        assert_eq!((&page.body["tasks"], &page.body["next_cursor"]), (&json!([]), &Value::Null), "{status}");
    }
    let export = call(&api, Operation::ExportTasks, &[]).await;
    assert_eq!(export.body, json!({ "tasks": [], "deleted": [], "next_cursor": null }));
    let again = Event::by(ALICE).json(&json!({ "title": "another" })).header("idempotency-key", "k");
    assert_eq!(api.call(Operation::CreateTask, &again).await.status, 201, "the key is forgotten");
    assert_eq!(api.list(ALICE, &[]).await.titles(), ["another"]);
}

#[tokio::test]
async fn erasure_needs_its_confirmation() {
    let api = Api::start().await;
    fill(&api, ALICE).await;
    let before = stored(&api, ALICE);
    api.wire.take();
    for (path, confirmation) in
        [("me", ""), ("me", ALICE), ("me", "ME"), (ALICE, "me"), (ALICE, BOB), (ALICE, "Alice"), (ALICE, "*")]
    {
        let event = Event::by(ALICE).at(path).header("confirm-erase", confirmation);
        for event in [event.clone(), event.header("confirm-erase", path)] {
            let answer = api.call(Operation::EraseTasks, &event).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_header"), "{confirmation} at {path}");
            assert!(answer.body["detail"].as_str().unwrap().contains("Confirm-Erase"), "{answer:?}");
        }
    }
    assert_eq!(api.wire.take(), []);
    assert_eq!(stored(&api, ALICE), before);
}

#[tokio::test]
async fn token_from_before_an_erasure_leads_to_a_fresh_sync() {
    let api = Api::start().await;
    for limit in ["1", "500"] {
        fill(&api, ALICE).await;
        let (tasks, _, kept) = pull(&api, None, limit).await.unwrap();
        assert!(tasks.len() > 2);
        let first = call(&api, Operation::ListChanges, &[("limit", "1")]).await;
        let latest = call(&api, Operation::ListChanges, &[("since", "latest")]).await;
        let [within, latest] = [&first, &latest].map(|page| page.body["next"].as_str().unwrap());
        erase(&api).await;
        for token in [kept.as_str(), within, latest] {
            assert_eq!(pull(&api, Some(token), limit).await, Err("tasks_erased".to_owned()));
        }

        // Read from the beginning, it is an empty list with a valid token.
        let (tasks, deleted, next) = pull(&api, None, limit).await.unwrap();
        assert_eq!((tasks, deleted), (Vec::new(), Vec::new()));
        let id = api.create_titled("afterwards").await;
        let (tasks, _, next) = pull(&api, Some(&next), limit).await.unwrap();
        assert_eq!(tasks, [id]);
        erase(&api).await;
        assert_eq!(pull(&api, Some(&next), limit).await, Err("tasks_erased".to_owned()), "erased again");
    }
}

#[tokio::test]
async fn erasure_goes_on_where_it_was_interrupted() {
    let api = Api::start().await;
    fill(&api, ALICE).await;
    import_copies(&api, 120);
    let before = stored(&api, ALICE)[0].len();
    let (.., token) = pull(&api, None, "500").await.unwrap();

    // The second batch is done and not answered, and nothing is answered afterwards.
    api.wire.fail_next([Fault::None; 3]);
    api.wire.fail_all(Fault::NoAnswer);
    let answer = call(&api, Operation::EraseTasks, &[]).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    api.wire.settle().await;
    assert_eq!(stored(&api, ALICE)[0].len(), before - 50);
    assert_eq!(erase(&api).await, 1);
    assert_eq!(stored(&api, ALICE), NOTHING);
    assert_eq!(pull(&api, Some(&token), "500").await, Err("tasks_erased".to_owned()));
}

/// What DynamoDB leaves of a batch, because a partition takes only so much, is tried again after growing pauses.
#[tokio::test]
async fn unprocessed_deletions_are_repeated_within_bounds() {
    let api = Api::start().await;
    fill(&api, ALICE).await;
    let before = stored(&api, ALICE);
    let unprocessed = [Fault::None, Fault::Unprocessed];
    api.wire.fail_next(unprocessed.repeat(50));
    let begun = Instant::now();
    assert_eq!(call(&api, Operation::EraseTasks, &[]).await.body, json!({ "has_more": true }));
    assert!(begun.elapsed() < ANSWER_WITHIN && api.wire.take().len() < 25);
    assert_eq!(stored(&api, ALICE), before);
    api.wire.fail_next(unprocessed.repeat(2));
    assert_eq!(erase(&api).await, 1);
    assert_eq!(stored(&api, ALICE), NOTHING);
}

#[tokio::test]
async fn large_erasure_takes_several_calls() {
    let api = Api::start().await;
    fill(&api, ALICE).await;
    import_copies(&api, 2_100);
    // On a busy machine, time may run out earlier.
    assert!(erase(&api).await >= 2);
    assert_eq!(stored(&api, ALICE), NOTHING);
}

/// Erasures at the same time, while others write: all of them end, and one more finds the rest.
#[tokio::test(flavor = "multi_thread")]
async fn erasures_and_writes_at_the_same_time_all_end() {
    let api = Api::start().await;
    fill(&api, BOB).await;
    let others = stored(&api, BOB);
    let processes = join_all((0..8).map(|_| api.another_with(&SECRET_SETTINGS))).await;
    let work = processes.iter().enumerate().map(async |(number, process)| {
        for round in 0..4 {
            if number < 4 {
                erase(process).await;
            } else {
                let id = process.create_titled("during").await;
                let key = format!("{number}-{round}");
                let keyed = Event::by(ALICE).json(&json!({ "title": "x" })).header("idempotency-key", &key);
                process.call(Operation::CreateTask, &keyed).await;
                let update = Event::by(ALICE).task(&id).json(&json!({ "title": "changed" }));
                let status = process.call(Operation::UpdateTask, &update).await.status;
                assert!([200, 404].contains(&status), "{status}");
            }
        }
    });
    join_all(work).await;
    erase(&api).await;
    assert_eq!(stored(&api, ALICE), NOTHING);
    assert_eq!(pull(&api, None, "1").await.unwrap().0, [""; 0]);
    assert_eq!(stored(&api, BOB), others);
}

#[tokio::test]
async fn health_needs_nothing() {
    let api = Api::start().await;
    api.wire.fail_all(Fault::Hang);
    for event in [Event::anonymous(""), Event::anonymous("").bearer("undefined"), Event::by(ALICE)] {
        let answer = api.call(Operation::GetHealth, &event).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "status": "ok" })));
    }
    assert_eq!(api.wire.take(), []);
}
