//! What an API call costs: one request to DynamoDB on the usual path, and the exceptions by name.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{ALICE, Api, Content, Event, Operation, SWITCH_SETTINGS};

use crate::calls::incoherence;

/// The operations of DynamoDB that an API call made.
async fn requests_of(api: &Api, operation: Operation, event: Event) -> Vec<String> {
    api.wire.take();
    let answer = api.call(operation, &event).await;
    assert!(answer.status < 300, "{operation:?}: {answer:?}");
    api.wire.take_operations()
}

async fn set_completed(api: &Api, id: &str, completed: bool) {
    let event = Event::by(ALICE).task(id).json(&json!({ "completed": completed }));
    assert_eq!(api.call(Operation::CompleteTask, &event).await.status, 200);
}

#[tokio::test]
async fn usual_path_takes_one_request() {
    let api = Api::start().await;
    for operation in Operation::ALL {
        let id = api.create_for(operation, ALICE).await;
        let event = Event::by(ALICE).of(operation, &id);
        assert_eq!(requests_of(&api, operation, event).await, operation.asks(), "{operation:?}");
    }
    let id = api.create_id(ALICE, json!({ "title": "one", "due": "2026-12-01" })).await;
    let task = || Event::by(ALICE).task(&id);
    let body = |body: Value| task().json(&body);
    for (operation, event, expected) in [
        (Operation::CreateTask, Event::by(ALICE).json(&json!({ "title": "two" })), "PutItem"),
        (Operation::ListTasks, Event::by(ALICE), "Query"),
        (Operation::ListTasks, Event::by(ALICE).query(&[("limit", "1")]), "Query"),
        (Operation::ListTasks, Event::by(ALICE).query(&[("status", "open"), ("due_from", "2026-01-01")]), "Query"),
        (Operation::GetTask, task(), "GetItem"),
        (Operation::ReplaceTask, body(json!({ "title": "three" })), "UpdateItem"),
        (Operation::ReplaceTask, body(json!({ "title": "three" })).header("if-match", "\"2\""), "UpdateItem"),
        (Operation::UpdateTask, body(json!({ "title": "four" })), "UpdateItem"),
        (Operation::UpdateTask, body(json!({ "due": "2026-12-02" })), "UpdateItem"),
        (Operation::UpdateTask, body(json!({})), "GetItem"),
        (Operation::CompleteTask, task(), "UpdateItem"),
        (Operation::CompleteTask, body(json!({ "completed": false })), "UpdateItem"),
        (Operation::CompleteTask, body(json!({ "completed": true })), "UpdateItem"),
        (Operation::UpdateTask, body(json!({ "title": "of a completed task" })), "UpdateItem"),
        (Operation::DeleteTask, task(), "UpdateItem"),
        (Operation::RestoreTask, task(), "UpdateItem"),
        (Operation::ListTasks, Event::by(ALICE).query(&[("status", "completed")]), "Query"),
    ] {
        assert_eq!(requests_of(&api, operation, event).await, [expected], "{operation:?}");
    }
}

#[tokio::test]
async fn access_switch_costs_one_read() {
    let (off, on) = (Api::start().await, Api::start_with(&SWITCH_SETTINGS).await);
    for api in [&off, &on] {
        api.wire.meter();
    }
    for operation in Operation::of_a_user() {
        let mut units = Vec::new();
        for (api, reads) in [(&off, 0), (&on, 1)] {
            let user = format!("{operation:?}-{reads}");
            let id = api.create_for(operation, &user).await;
            api.wire.take_units();
            let requests = requests_of(api, operation, Event::by(&user).of(operation, &id)).await;
            assert_eq!(requests, [vec!["GetItem"; reads], operation.asks().to_vec()].concat(), "{operation:?}");
            units.push(api.wire.take_units());
        }
        assert_eq!(units[1] - units[0], 1.0, "{operation:?}: {units:?}");
    }
}

#[tokio::test]
async fn keyed_create_is_one_transaction() {
    let api = Api::start().await;
    let event = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "one" }));
    assert_eq!(requests_of(&api, Operation::CreateTask, event.clone()).await, ["TransactWriteItems"]);
    assert_eq!(requests_of(&api, Operation::CreateTask, event).await, ["TransactWriteItems", "GetItem"]);
}

#[tokio::test]
async fn repetition_takes_one_request() {
    let api = Api::start().await;
    let is_one_request = |operation: &Operation| operation.takes_idempotency_key() && operation.reads_first() == 0;
    for operation in Operation::on_a_task().filter(is_one_request) {
        let id = api.create_for(operation, ALICE).await;
        let event = Event::by(ALICE).of(operation, &id).header("idempotency-key", "k");
        for _ in 0..2 {
            assert_eq!(requests_of(&api, operation, event.clone()).await, operation.asks(), "{operation:?}");
        }
    }
    let new = "01990000-0000-7000-8000-000000000000";
    let event = Event::by(ALICE).task(new).json(&json!({ "title": "x" })).header("if-none-match", "*");
    for event in [event.clone().header("idempotency-key", "k"), event.clone().header("idempotency-key", "k")] {
        assert_eq!(requests_of(&api, Operation::ReplaceTask, event).await, ["PutItem"]);
    }
    api.wire.take();
    assert_eq!(api.call(Operation::ReplaceTask, &event).await.status, 412);
    assert_eq!(api.wire.take_operations(), ["PutItem"]);
}

#[tokio::test]
async fn toggle_of_completed_task_takes_two_requests() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    set_completed(&api, &id, true).await;
    let event = Event::by(ALICE).task(&id);
    assert_eq!(requests_of(&api, Operation::CompleteTask, event).await, ["UpdateItem", "UpdateItem"]);
}

#[tokio::test]
async fn completion_and_date_keep_the_index_coherent() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for (operation, was_completed, completed, due) in states() {
        let start = json!({ "title": "one", "due": "2026-12-01", "completed": was_completed });
        requests_of(&api, Operation::ReplaceTask, Event::by(ALICE).task(&id).json(&start)).await;
        let mut body = json!({ "title": "two" });
        let members = [("completed", completed.map(Value::Bool)), ("due", due.clone())];
        body.as_object_mut()
            .unwrap()
            .extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let requests = requests_of(&api, operation, Event::by(ALICE).task(&id).json(&body)).await;
        assert_eq!(requests, ["UpdateItem"], "{operation:?} {was_completed} {body}");

        let [item] = <[Value; 1]>::try_from(api.items("tasks", ALICE)).unwrap();
        assert_eq!(incoherence(&item), None, "{operation:?} {was_completed} {body}");
        let (left_out, old_due) = if operation.answers() == Content::SentTask {
            (false, Value::Null)
        } else {
            (was_completed, json!("2026-12-01"))
        };
        assert_eq!(item["completed_at"].is_object(), completed.unwrap_or(left_out), "{operation:?} {body}");
        assert_eq!(item["due"]["S"], due.unwrap_or(old_due), "{operation:?} {body}");
    }
}

/// A write, whether the task is completed before it, and what it says of completion and date.
fn states() -> Vec<(Operation, bool, Option<bool>, Option<Value>)> {
    let mut states = Vec::new();
    for operation in [Operation::UpdateTask, Operation::ReplaceTask] {
        for was_completed in [false, true] {
            for completed in [None, Some(false), Some(true)] {
                for due in [None, Some(Value::Null), Some(json!("2026-12-02"))] {
                    states.push((operation, was_completed, completed, due));
                }
            }
        }
    }
    states
}

#[tokio::test]
async fn refusal_takes_one_request() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let missing = "01990000-0000-7000-8000-000000000000";
    for operation in Operation::ALL.into_iter().filter(|operation| operation.takes_if_match()) {
        for (task, status) in [(id.as_str(), 412), (missing, 404)] {
            let event = Event::by(ALICE).of(operation, task).header("if-match", "\"9\"");
            api.wire.take();
            assert_eq!(api.call(operation, &event).await.status, status, "{operation:?}");
            // What reads the task first can be refused by then.
            let asked = api.wire.take_operations();
            let is_first = operation.reads_first() > 0 && asked == operation.asks()[..1];
            assert!(is_first || asked == operation.asks(), "{operation:?}: {asked:?}");
        }
    }
}

#[tokio::test]
async fn page_reads_a_bounded_number_of_items() {
    let api = Api::start().await;
    let wanted = json!({ "title": "wanted", "tags": ["rare"], "priority": "high" });
    let wanted = api.create(ALICE, wanted).await;
    for number in 0..1_200 {
        api.create(ALICE, json!({ "title": number.to_string() })).await;
    }
    api.wire.take();
    let query = [("priority", "high"), ("limit", "10")];
    let page = api.list(ALICE, &query).await;
    assert!(page.titles().is_empty());
    let requests = api.wire.take();
    let read: u64 = requests.iter().map(|request| request.body["Limit"].as_u64().unwrap()).sum();
    assert!(read <= 1_000 && requests.len() <= 4, "{read} items in {} requests", requests.len());

    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = api.list(ALICE, &[query[0], query[1], ("cursor", cursor)]).await;
    assert_eq!((next.body["tasks"][0].clone(), &next.body["next_cursor"]), (wanted, &Value::Null));

    for search in [("q", "want"), ("tag", "RARE")] {
        api.wire.take();
        assert_eq!(api.list(ALICE, &[search, ("limit", "10")]).await.titles(), ["wanted"]);
        let limits: Vec<_> = api.wire.take().iter().map(|request| request.body["Limit"].clone()).collect();
        assert_eq!(limits, [11, 1_000, 1_000], "{search:?}");
    }

    api.wire.take();
    assert_eq!(api.list(ALICE, &[("limit", "100")]).await.titles().len(), 100);
    assert_eq!(api.list(ALICE, &[("limit", "100"), ("status", "open")]).await.titles().len(), 100);
    for request in api.wire.take() {
        assert_eq!(request.body["Limit"], 101, "one more than the page, to know whether there is another");
    }
}

#[tokio::test]
async fn further_request_reads_what_fills_the_page() {
    let api = Api::start().await;
    for number in 0..200 {
        let tags = if number < 190 { ["old", "odd"] } else { ["new", "odd"] };
        api.create(ALICE, json!({ "title": number.to_string(), "tags": tags[..1 + number % 2] })).await;
    }
    for (tag, limit, expected) in [
        // Of 51 tasks 26 are odd: for the 25 still missing, twice as many and a quarter more.
        ("odd", "50", vec![51, 62]),
        // Where they end, every request reads four times as many as the one before it.
        ("new", "10", vec![11, 25, 100, 400]),
    ] {
        api.wire.take();
        let page = api.list(ALICE, &[("tag", tag), ("limit", limit)]).await;
        assert_eq!(page.titles().len().to_string(), limit);
        let limits: Vec<_> = api.wire.take().iter().map(|request| request.body["Limit"].clone()).collect();
        assert_eq!(limits, expected, "{tag}");
    }
}

#[tokio::test]
async fn largest_page_stays_far_below_lambdas_limit() {
    const FAR_BELOW: usize = 3_000_000;
    const TASKS: usize = 100;
    // Escaped once in the page and once more in what Lambda takes; two UTF-16 units; the two control characters there are.
    for character in ['"', '\\', '\u{1d11e}', '\t', '\n'] {
        let api = Api::start().await;
        // A title has no control characters, and white space around it is dropped.
        let line = if character.is_control() { '"' } else { character };
        let tags: Vec<_> =
            (0..20_u8).map(|number| format!("{}{}", char::from(b'a' + number), line.to_string().repeat(49))).collect();
        let largest = json!({
            "title": line.to_string().repeat(200), "description": character.to_string().repeat(10_000), "tags": tags,
        });
        let task = api.create(ALICE, largest).await;
        let [item] = <[Value; 1]>::try_from(api.items("tasks", ALICE)).unwrap();
        let id = task["id"].as_str().unwrap();
        api.import(
            "tasks",
            (1..TASKS).map(|number| {
                let other = item.to_string().replace(id, &format!("01990000-0000-7000-8000-{number:012}"));
                serde_json::from_str(&other).unwrap()
            }),
        );

        let mut ids = BTreeSet::new();
        let mut pages = api.pages(ALICE, &[("limit", "100")]).await;
        pages.push(api.call(Operation::ExportTasks, &Event::by(ALICE)).await);
        for page in pages {
            let bytes = page.raw.to_string().len();
            assert!(bytes < FAR_BELOW, "{character:?}: {bytes} bytes");
            let tasks = page.body["tasks"].as_array().unwrap_or_else(|| panic!("{page:?}"));
            assert!(!tasks.is_empty() && tasks.iter().all(|other| other["description"] == task["description"]));
            ids.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(ids.len(), TASKS, "{character:?}");
    }
}
