//! What DynamoDB refuses, what it holds that is not ours, and what goes wrong in a function itself.

use serde_json::{Value, json};
use shared::api::{Problem, Request, Response};
use shared::app::App;
use tests::{ALICE, Answer, Api, Event, Fault, Operation};

async fn call(api: &Api, operation: Operation, id: &str) -> Answer {
    api.call(operation, &Event::by(ALICE).of(operation, id)).await
}

fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.outcome(), (503, "unavailable"), "{what}: {answer:?}");
    // A result of a batch has no header fields.
    assert!(answer.status == 200 || answer.header("retry-after") == "1", "{what}");
    assert!(!answer.body.to_string().contains("made by the test"), "{what}: the cause stays in the log");
}

#[tokio::test]
async fn temporary_errors_are_unavailable() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    let before = api.items("tasks", ALICE);
    for operation in Operation::of_a_user() {
        for fault in [
            Fault::Error(400, "RequestLimitExceeded"),
            Fault::Error(400, "LimitExceededException"),
            Fault::Error(400, "ReplicatedWriteConflictException"),
            Fault::Error(400, "TransactionConflictException"),
            Fault::Error(400, "TransactionInProgressException"),
            Fault::Error(502, "x"),
        ] {
            api.wire.fail_all(fault);
            assert_unavailable(&call(&api, operation, &id).await, &format!("{operation:?}, {fault:?}"));
        }
    }
    assert_eq!(api.items("tasks", ALICE), before);
}

#[tokio::test]
async fn full_partition_is_507() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    api.wire.fail_all(Fault::Error(400, "ItemCollectionSizeLimitExceededException"));
    for operation in Operation::ALL.into_iter().filter(|operation| !operation.reads()) {
        let answer = call(&api, operation, &id).await;
        assert_eq!(answer.outcome(), (507, "storage_full"), "{operation:?}");
    }
}

#[tokio::test]
async fn cancelled_transaction_says_why() {
    let api = Api::start().await;
    let event = Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": "one" }));
    for (reason, status, code, retry_after) in [
        ("TransactionConflict", 409, "idempotency_key_in_flight", "1"),
        ("ProvisionedThroughputExceeded", 503, "unavailable", "1"),
        ("ThrottlingError", 503, "unavailable", "1"),
        ("ItemCollectionSizeLimitExceeded", 507, "storage_full", ""),
        ("ValidationError", 500, "internal", ""),
    ] {
        api.wire.fail_next([Fault::Cancelled(reason)]);
        let answer = api.call(Operation::CreateTask, &event).await;
        assert_eq!(
            (answer.status, answer.code(), answer.header("retry-after")),
            (status, code, retry_after),
            "{reason}"
        );
    }
    assert!(api.items("tasks", ALICE).is_empty() && api.items("idempotency", ALICE).is_empty());
}

#[tokio::test]
async fn panic_is_answered() {
    let api = Api::start().await;
    let event = Event::by(ALICE).to_string();
    async fn panics(_: &App, _: &Request) -> Result<Response, Problem> {
        panic!("a secret")
    }
    let answer = kit::invoke(api.app(), panics, &event).await;
    let answer = Answer::from(answer);
    assert_eq!((answer.status, answer.code()), (500, "internal"));
    assert!(!answer.raw.to_string().contains("a secret"));
}

#[tokio::test]
async fn operation_that_never_ends_is_answered() {
    let api = Api::start().await;
    let event = Event::by(ALICE).to_string();
    async fn never_ends(_: &App, _: &Request) -> Result<Response, Problem> {
        std::future::pending().await
    }
    let answer = kit::invoke(api.app(), never_ends, &event).await;
    assert_unavailable(&Answer::from(answer), "an operation that never ends");
}

#[tokio::test]
async fn misconfiguration_is_a_server_fault_without_details() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for code in
        ["ResourceNotFoundException", "AccessDeniedException", "ValidationException", "UnrecognizedClientException"]
    {
        api.wire.fail_all(Fault::Error(400, code));
        for operation in Operation::of_a_user() {
            let answer = call(&api, operation, &id).await;
            assert_eq!(answer.outcome(), (500, "internal"), "{operation:?} {code}");
            let text = answer.raw.to_string();
            assert!(!text.contains(code) && !text.contains("made by the test"), "{operation:?}: {text}");
        }
    }
}

#[tokio::test]
async fn malformed_item_is_a_server_fault() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for attribute in ["title", "priority", "tags", "created_at", "updated_at", "version"] {
        let mut item = api.item(ALICE, &id);
        item[attribute] = json!({ "BOOL": true });
        api.put("tasks", &item);
        // To count tags, nothing else of a task is read.
        let reads =
            |operation: &Operation| operation.reads() && (*operation != Operation::ListTags || attribute == "tags");
        for operation in Operation::of_a_user().filter(reads) {
            let answer = call(&api, operation, &id).await;
            assert_eq!((answer.status, answer.code()), (500, "internal"), "{operation:?} {attribute}");
        }
        item.as_object_mut().unwrap().remove(attribute);
    }
}

#[tokio::test]
async fn expired_idempotency_key_is_ignored() {
    let api = Api::start().await;
    let event = |title: &str| Event::by(ALICE).header("idempotency-key", "k").json(&json!({ "title": title }));
    assert_eq!(api.call(Operation::CreateTask, &event("one")).await.status, 201);
    let mut record: Value = api.items("idempotency", ALICE)[0].clone();
    record["expires_at"] = json!({ "N": (tests::now() - 1).to_string() });
    api.put("idempotency", &record);
    assert_eq!(api.call(Operation::CreateTask, &event("two")).await.status, 201);
    assert_eq!(api.items("tasks", ALICE).len(), 2);
}
