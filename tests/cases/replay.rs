//! Every event in `events/`, replayed as API Gateway and as `cargo lambda watch` send it: what people send with `cargo
//! lambda invoke` is what is tested. `tests/fixtures/replay.json` says what each is answered with.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::fs;

use kit::fixtures::{as_cargo_lambda_watch, event, table};
use serde_json::{Map, Value, json};
use tests::{ALICE, Answer, Api, Content, Event, Operation, Signer};

use crate::completeness::assert_same;

/// How an event arrives.
const GATEWAYS: [fn(&str) -> String; 2] = [str::to_owned, as_cargo_lambda_watch];

/// An event, and what the table says of its answer.
struct Case {
    name: String,
    operation: Operation,
    status: u16,
    expected: Value,
}

/// Every event of the table, and the good one that every operation has.
fn cases() -> impl Iterator<Item = Case> {
    let table = table("replay");
    let mut names: BTreeSet<_> = table.as_object().unwrap().keys().cloned().collect();
    names.extend(Operation::ALL.map(|operation| operation.name().to_owned()));
    names.into_iter().map(move |name| {
        let function = name.split('.').next().unwrap();
        let operation = Operation::named(function).unwrap_or_else(|| panic!("{name} is of no function"));
        let expected = table.get(&name).cloned().unwrap_or_default();
        let status = expected["status"].as_u64().map_or(operation.success(), |status| u16::try_from(status).unwrap());
        Case { name, operation, status, expected }
    })
}

impl Case {
    /// Whether it names a task of the user who sends it.
    fn is_on_a_task(&self) -> bool {
        let own_id = ["unknown-task", "not-an-id", "new-task"].iter().any(|case| self.name.ends_with(case));
        (self.operation.is_on_a_task() || self.operation.answers() == Content::Rows) && !own_id
    }
}

/// The content that the events find their task with.
fn content() -> Value {
    json!({
        "title": "As it was", "description": "Before.", "priority": "high", "due": "2026-12-15", "tags": ["work"],
    })
}

struct Replayed {
    name: String,
    task: Value,
    event: Value,
    answer: Answer,
    /// The task as it is afterwards.
    left: Answer,
}

/// Sends an event as the owner of a new task.
async fn replay(api: &Api, case: &Case, gateway: fn(&str) -> String) -> Replayed {
    let mut content = content();
    if case.operation == Operation::SkipTask {
        content["recurrence"] = json!({ "rule": "FREQ=WEEKLY" });
    }
    let task = api.create(ALICE, content).await;
    let (token, id) = (Signer::default().token(ALICE), task["id"].as_str().unwrap());
    let event = gateway(&event(&case.name)).replace("TOKEN", &token).replace("TASK_ID", id);
    if case.expected["deleted"] == true {
        api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
    }
    let answer = api.call_raw(case.operation, &event).await;
    let event: Value = serde_json::from_str(&event).expect("an event in JSON");
    let left = api.get(ALICE, id).await;
    Replayed { name: format!("{}, {}", case.name, event["routeKey"]), task, event, answer, left }
}

/// Replays the events for which this holds, from both gateways.
async fn replay_all(api: &Api, is_wanted: impl Fn(&Case) -> bool, mut check: impl AsyncFnMut(Case, Replayed)) {
    for gateway in GATEWAYS {
        for case in cases().filter(&is_wanted) {
            let replayed = replay(api, &case, gateway).await;
            check(case, replayed).await;
        }
    }
}

/// Checks every event of which the table has this member. Each is the first of its user.
async fn assert_table(member: &str, shown: impl Fn(&Replayed) -> Value) {
    let mut checked = 0;
    for (case, gateway) in cases().flat_map(|case| GATEWAYS.map(|gateway| (case.name.clone(), gateway))) {
        let case = cases().find(|other| other.name == case).unwrap();
        if let Some(expected) = case.expected.get(member) {
            let replayed = replay(&Api::start().await, &case, gateway).await;
            assert_eq!(shown(&replayed), *expected, "{member} of {}: {:?}", replayed.name, replayed.answer);
            checked += 1;
        }
    }
    assert!(checked > 0, "no event has {member}");
}

/// The value of each of these elements.
fn each(elements: &Value, value: impl Fn(&Value) -> &Value) -> Value {
    elements.as_array().into_iter().flatten().map(value).cloned().collect()
}

#[test]
fn event_files_and_their_list_agree() {
    let files = fs::read_dir(kit::fixtures::events()).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let listed = cases().map(|case| format!("{}.json", case.name)).collect();
    assert_same("tests/fixtures/replay.json", &listed, "events/", &files);
}

#[test]
fn events_have_placeholders_and_no_tokens() {
    for case in cases() {
        let event = event(&case.name);
        assert!(!event.contains("eyJ0eXA") && !event.contains("eyJhbGci"), "{} has a token", case.name);
        assert_eq!(event.contains("TASK_ID"), case.is_on_a_task(), "{}", case.name);
    }
}

#[tokio::test]
async fn every_event_is_answered_as_listed() {
    let check = async |case: Case, Replayed { name, event, answer, .. }: Replayed| {
        let code = case.expected["code"].as_str().unwrap_or_default();
        assert_eq!((answer.status, answer.code()), (case.status, code), "{name}: {answer:?}");
        let content_type = if code.is_empty() { "application/json" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        for (field, value) in kit::ON_EVERY_ANSWER {
            assert_eq!(answer.header(field), value, "{name}");
        }
        let request_id = &event["requestContext"]["requestId"];
        assert_eq!(answer.header("x-request-id"), request_id, "{name}");
        if !code.is_empty() {
            let named = (&answer.body["request_id"], &answer.body["status"]);
            assert_eq!(named, (request_id, &json!(case.status)), "{name}");
        }
        assert_eq!(answer.raw["body"].is_null(), [204, 304].contains(&case.status), "{name}");
    };
    replay_all(&Api::start().await, |_| true, check).await;
}

#[tokio::test]
async fn answers_have_payload_format_2() {
    let check = async |_, Replayed { name, answer, .. }: Replayed| {
        // `cargo lambda watch` insists on it.
        assert_eq!((&answer.raw["cookies"], &answer.raw["isBase64Encoded"]), (&json!([]), &json!(false)), "{name}");
    };
    replay_all(&Api::start().await, |_| true, check).await;
}

#[tokio::test]
async fn created_task_is_at_its_location() {
    assert_table("location", |Replayed { answer, .. }| {
        let location = answer.header("location").strip_suffix(answer.body["id"].as_str().unwrap());
        assert_eq!((answer.header("etag"), &answer.body["version"]), ("\"1\"", &json!(1)));
        json!(location.and_then(|list| list.strip_suffix('/')))
    })
    .await;
}

#[tokio::test]
async fn base64_body_arrives_with_its_umlaut() {
    assert_table("title", |replayed| replayed.answer.body["title"].clone()).await;
}

#[tokio::test]
async fn repeated_event_with_key_makes_one_task() {
    let api = Api::start().await;
    let mut first: Map<String, Value> = Map::new();
    let check = async |case: Case, Replayed { name, answer, .. }: Replayed| {
        let task = first.entry(case.name).or_insert_with(|| answer.body.clone());
        assert_eq!((answer.status, &answer.body), (201, &*task), "{name}");
        assert_eq!(api.get(ALICE, task["id"].as_str().unwrap()).await.body, *task, "{name}");
    };
    replay_all(&api, |case| case.expected["once"] == true, check).await;
}

#[tokio::test]
async fn write_makes_the_next_version() {
    let is_write = |case: &Case| case.operation.takes_if_match() && case.status == 200;
    let check = async |case: Case, Replayed { name, task, answer, .. }: Replayed| {
        let version = case.expected["version"].as_u64().unwrap_or(2);
        assert_eq!((&answer.body["id"], &answer.body["version"]), (&task["id"], &json!(version)), "{name}");
        assert_eq!(answer.header("etag"), format!("\"{version}\""), "{name}");
    };
    replay_all(&Api::start().await, is_write, check).await;
}

#[tokio::test]
async fn refused_write_changes_nothing() {
    let is_refused = |case: &Case| case.status >= 400 || case.name == "batch-tasks.atomic-refused";
    let check = async |_, Replayed { name, task, left, .. }: Replayed| assert_eq!(left.body, task, "{name}");
    replay_all(&Api::start().await, is_refused, check).await;
}

#[tokio::test]
async fn each_write_does_what_its_event_says() {
    assert_table("changed", |Replayed { answer, .. }| {
        let content = content();
        let differs = content.as_object().unwrap().iter().filter(|(name, value)| answer.body[*name] != **value);
        differs.map(|(name, _)| (name.clone(), answer.body[name].clone())).collect()
    })
    .await;
    assert_table("completed", |Replayed { answer, .. }| {
        assert_eq!(answer.body["completed_at"].is_string(), answer.body["completed"] == true);
        answer.body["completed"].clone()
    })
    .await;
    let is_deletion = |case: &Case| case.operation == Operation::DeleteTask && case.status == 204;
    let check = async |_, Replayed { name, left, .. }: Replayed| assert_eq!(left.status, 404, "{name}");
    replay_all(&Api::start().await, is_deletion, check).await;
}

#[tokio::test]
async fn batch_answers_each_item() {
    assert_table("statuses", |replayed| each(&replayed.answer.body["results"], |row| &row["status"])).await;
    assert_table("left", |replayed| json!([replayed.left.body["version"], replayed.left.body["completed"]])).await;
}

#[tokio::test]
async fn each_read_shows_what_its_event_asks_for() {
    let is_read = |case: &Case| case.operation == Operation::GetTask && case.status < 400;
    let check = async |case: Case, Replayed { name, task, answer, .. }: Replayed| {
        let body = if case.status == 304 { &Value::Null } else { &task };
        assert_eq!((answer.header("etag"), &answer.body), ("\"1\"", body), "{name}");
    };
    replay_all(&Api::start().await, is_read, check).await;
    assert_table("titles", |Replayed { answer, .. }| {
        assert_eq!(answer.body["next_cursor"], Value::Null);
        json!(answer.titles())
    })
    .await;
    assert_table("tags", |replayed| replayed.answer.body["tags"].clone()).await;
}

#[tokio::test]
async fn problem_names_the_wrong_field() {
    let place = |error: &Value| if error["pointer"].is_null() { "parameter" } else { "pointer" };
    assert_table("wrong", |replayed| each(&replayed.answer.body["errors"], |error| &error[place(error)])).await;
    assert_table("challenge", |replayed| json!(replayed.answer.header("www-authenticate"))).await;
}

#[tokio::test]
async fn json_without_an_event_is_answered_with_400() {
    let api = Api::start().await;
    let good: Value = serde_json::from_str(&event("create-task")).unwrap();
    let others = table("not-events");
    let with = others["with"].as_array().unwrap().iter().map(|with| {
        let mut event = good.clone();
        *event.pointer_mut(with[0].as_str().unwrap()).unwrap() = with[1].clone();
        event.to_string()
    });
    let whole = others["whole"].as_array().unwrap().iter().map(Value::to_string);
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for event in whole.chain(with).chain([deep]) {
        for operation in Operation::ALL {
            let answer = api.call_raw(operation, &event).await;
            let start: String = event.chars().take(60).collect();
            assert_eq!((answer.status, answer.code()), (400, "invalid_event"), "{operation:?} of {start}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("x-request-id"), kit::INVOCATION);
            assert_eq!(answer.body["request_id"], kit::INVOCATION);
        }
    }
    assert_eq!(api.wire.take(), []);
}

#[tokio::test]
async fn unconvertible_event_is_answered_with_400() {
    let api = Api::start().await;
    let event: Value = serde_json::from_str(&event("get-task")).unwrap();
    for (path, values) in [
        ("/headers/host", ["", "a b", "a<b", "[::1", "a:99999"].as_slice()),
        ("/rawQueryString", &["a b", "<", "a=\u{7f}", "\\^`{|}", &"x".repeat(70_000)]),
        ("/rawPath", &["\u{0}:99999999", ":x"]),
    ] {
        for value in values {
            let mut event = event.clone();
            *event.pointer_mut(path).unwrap() = json!(value);
            for operation in Operation::of_a_user() {
                let answer = api.call_raw(operation, &event.to_string()).await;
                let case = format!("{operation:?}, {path}: {}", &value[..value.len().min(20)]);
                if answer.status != 401 {
                    assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{case}");
                }
                assert_eq!(answer.header("x-request-id"), event["requestContext"]["requestId"], "{case}");
            }
        }
    }
    assert_eq!(api.wire.take(), []);
}
