//! What an API call costs: one request to DynamoDB on the usual path, and the exceptions by name.

use serde_json::{Value, json};
use tests::{ALICE, Api, Event, Operation};

/// The operations of DynamoDB that an API call made.
async fn requests_of(api: &Api, operation: Operation, event: Event) -> Vec<String> {
    api.wire.take();
    let answer = api.call(operation, &event).await;
    assert!(answer.status < 300, "{answer:?}");
    api.wire.take_operations()
}

async fn set_completed(api: &Api, id: &str, completed: bool) {
    let event = Event::by(ALICE).task(id).json(&json!({ "completed": completed }));
    assert_eq!(api.call(Operation::CompleteTask, &event).await.status, 200);
}

#[tokio::test]
async fn the_usual_path_takes_one_request() {
    let api = Api::start().await;
    let id = api.create(ALICE, json!({ "title": "one", "due": "2026-12-01" })).await["id"].as_str().unwrap().to_owned();
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
    ] {
        assert_eq!(requests_of(&api, operation, event).await, [expected], "{operation:?}");
    }
}

#[tokio::test]
async fn a_keyed_create_is_one_transaction_and_its_repetition_reads_the_task() {
    let api = Api::start().await;
    let event = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "one" }));
    assert_eq!(requests_of(&api, Operation::CreateTask, event.clone()).await, ["TransactWriteItems"]);
    assert_eq!(requests_of(&api, Operation::CreateTask, event).await, ["TransactWriteItems", "GetItem"]);
}

#[tokio::test]
async fn a_completed_task_takes_a_second_request_for_a_toggle_and_for_a_date() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let event = || Event::by(ALICE).task(&id);
    for (operation, event) in [
        (Operation::CompleteTask, event()),
        (Operation::UpdateTask, event().json(&json!({ "due": "2026-12-01" }))),
        (Operation::ReplaceTask, event().json(&json!({ "title": "two" }))),
    ] {
        set_completed(&api, &id, true).await;
        assert_eq!(requests_of(&api, operation, event).await, ["UpdateItem", "UpdateItem"], "{operation:?}");
    }
}

#[tokio::test]
async fn a_refusal_takes_one_request_and_no_read() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let missing = "01990000-0000-7000-8000-000000000000";
    for operation in [Operation::UpdateTask, Operation::CompleteTask, Operation::DeleteTask] {
        for (task, status) in [(id.as_str(), 412), (missing, 404)] {
            let event = Event::by(ALICE).task(task).header("if-match", "\"9\"").json(&json!({ "title": "x" }));
            let event = if operation == Operation::CompleteTask {
                Event::by(ALICE).task(task).header("if-match", "\"9\"")
            } else {
                event
            };
            api.wire.take();
            assert_eq!(api.call(operation, &event).await.status, status, "{operation:?}");
            assert_eq!(api.wire.take_operations(), ["UpdateItem"]);
        }
    }
}

#[tokio::test]
async fn a_page_reads_a_bounded_number_of_items() {
    let api = Api::start().await;
    let wanted = api.create(ALICE, json!({ "title": "wanted", "tags": ["rare"] })).await;
    for number in 0..1_200 {
        api.create(ALICE, json!({ "title": number.to_string() })).await;
    }
    api.wire.take();
    let query = [("tag", "rare"), ("limit", "10")];
    let page = api.list(ALICE, &query).await;
    assert!(page.titles().is_empty());
    let requests = api.wire.take();
    let read: u64 = requests.iter().map(|request| request.body["Limit"].as_u64().unwrap()).sum();
    assert!(read <= 1_000 && requests.len() <= 5, "{read} items in {} requests", requests.len());

    let cursor = page.body["next_cursor"].as_str().unwrap();
    let next = api.list(ALICE, &[query[0], query[1], ("cursor", cursor)]).await;
    assert_eq!((next.body["tasks"][0].clone(), &next.body["next_cursor"]), (wanted, &Value::Null));

    api.wire.take();
    assert_eq!(api.list(ALICE, &[("limit", "100")]).await.titles().len(), 100);
    assert_eq!(api.list(ALICE, &[("limit", "100"), ("status", "open")]).await.titles().len(), 100);
    for request in api.wire.take() {
        assert_eq!(request.body["Limit"], 101, "one more than the page, to know whether there is another");
    }
}

#[tokio::test]
async fn a_further_request_reads_as_much_as_is_likely_to_fill_the_page() {
    let api = Api::start().await;
    for number in 0..200 {
        let tags = if number < 190 { ["old", "odd"] } else { ["new", "odd"] };
        api.create(ALICE, json!({ "title": number.to_string(), "tags": tags[..1 + number % 2] })).await;
    }
    for (tag, limit, expected) in [
        // Of 51 tasks 26 are odd: for the 25 still missing, twice as many and a quarter more.
        ("odd", "50", vec![51, 62]),
        // Where they end, every request reads twice as many as the one before it.
        ("new", "10", vec![11, 25, 50, 100, 200]),
    ] {
        api.wire.take();
        let page = api.list(ALICE, &[("tag", tag), ("limit", limit)]).await;
        assert_eq!(page.titles().len().to_string(), limit);
        let limits: Vec<_> = api.wire.take().iter().map(|request| request.body["Limit"].clone()).collect();
        assert_eq!(limits, expected, "{tag}");
    }
}
