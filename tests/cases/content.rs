//! Checks that every operation's response contains the stored and the sent fields.

use serde_json::{Value, json};
use tests::{ALICE, Api, Content, Event, OpenApi, Operation};

/// The members of a task that a client sets, except its completion.
const FIELDS: [&str; 5] = ["title", "description", "priority", "due", "tags"];

/// A task with all of its fields set.
fn before() -> Value {
    json!({ "title": "As it was", "description": "Before.", "priority": "high", "due": "2026-11-30", "tags": ["home", "old"] })
}

/// The defaults of a new task.
fn defaults() -> Value {
    json!({ "description": null, "priority": "none", "due": null, "tags": [] })
}

fn merged(mut base: Value, sent: &Value) -> Value {
    base.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
    base
}

/// Lists how a response differs from the expected content.
fn differences(operation: Operation, before: &Value, sent: &Value, answer: &Value) -> Vec<String> {
    let (expected, shown) = match operation.answers() {
        Content::Nothing if answer.is_null() => return Vec::new(),
        Content::Nothing => return vec![format!("{operation:?} returns {answer}")],
        Content::Erasure | Content::Health => {
            let expected = [json!({ "has_more": false }), json!({ "status": "ok" })];
            return (!expected.contains(answer))
                .then(|| format!("{operation:?} returns {answer}"))
                .into_iter()
                .collect();
        }
        Content::Tags => {
            let count_of =
                |name: &str| answer["tags"].as_array().into_iter().flatten().find(|count| count["tag"] == name);
            let tags = before["tags"].as_array().unwrap().iter();
            let missing = tags.filter(|tag| count_of(tag.as_str().unwrap()).is_none_or(|count| count["open"] == 0));
            return missing.map(|tag| format!("{operation:?}: {tag} is not counted in {answer}")).collect();
        }
        Content::Page | Content::Changes => (before.clone(), &answer["tasks"][0]),
        Content::Export => (before.clone(), answer["tasks"].as_array().unwrap().last().unwrap()),
        Content::Rows => {
            let sent = sent["items"].as_array().unwrap().iter().map(|item| &item["id"]);
            let differs = !answer["results"].as_array().unwrap().iter().map(|row| &row["id"]).eq(sent);
            return differs.then(|| format!("{operation:?} returns {answer}")).into_iter().collect();
        }
        Content::SentTask => (merged(defaults(), sent), answer),
        Content::ChangedTask => (merged(before.clone(), sent), answer),
    };
    let differing = FIELDS.into_iter().filter(|field| shown[field] != expected[field]);
    let differing =
        differing.map(|field| format!("{operation:?}: {field} is {}, not {}", shown[field], expected[field]));
    let completed = sent["completed"].as_bool().filter(|completed| shown["completed"] != *completed);
    let completed = completed.map(|completed| format!("{operation:?}: completed is not {completed}"));
    differing.chain(completed).collect()
}

#[tokio::test]
async fn answers_contain_stored_and_sent_fields() {
    let api = Api::start().await;
    // What a skipped task becomes is in `recurrence`.
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::SkipTask) {
        let mut bodies = vec![operation.good_body()];
        // Without optional fields.
        bodies.extend((operation.answers() == Content::SentTask).then(|| Some(json!({ "title": "Alone" }))));
        for body in bodies {
            let id = api.create_id(ALICE, before()).await;
            let event = if operation.is_on_a_task() { Event::by(ALICE).task(&id) } else { Event::by(ALICE) };
            let event = body.iter().fold(event, |event, body| event.json(body));
            let answer = api.call(operation, &event).await;
            assert_eq!(answer.status, operation.success(), "{operation:?}: {answer:?}");
            let sent = body.unwrap_or(json!({}));
            let differences = differences(operation, &before(), &sent, &answer.body);
            assert!(differences.is_empty(), "{}", differences.join("\n"));
        }
    }
}

#[tokio::test]
async fn answered_task_is_the_stored_one() {
    let api = Api::start().await;
    for operation in Operation::answering_a_task() {
        let id = api.create_for(operation, ALICE).await;
        let answer = api.call(operation, &Event::by(ALICE).of(operation, &id)).await;
        let read =
            api.get(ALICE, answer.body["id"].as_str().unwrap_or_else(|| panic!("{operation:?}: {answer:?}"))).await;
        assert_eq!((answer.header("etag"), &answer.body), (read.header("etag"), &read.body), "{operation:?}");
        // These read a part of what is stored: the attributes that shared/src/store/item.rs lists.
        for list in [Operation::ListTasks, Operation::ListChanges, Operation::ExportTasks] {
            let page = api.call(list, &Event::by(ALICE)).await;
            let shown = page.body["tasks"].as_array().unwrap().iter().find(|task| task["id"] == read.body["id"]);
            assert_eq!(shown, Some(&read.body), "{list:?} after {operation:?}");
        }
    }
}

/// PUT takes a task with all that an operation may have given it, and leaves that as it is.
#[tokio::test]
async fn answered_task_can_be_sent_back() {
    let (api, contract) = (Api::start().await, OpenApi::read());
    let schema = json!({ "$ref": "#/components/schemas/TaskReplacement" });
    for operation in Operation::answering_a_task() {
        let id = api.create_for(operation, ALICE).await;
        let mut task = api.call(operation, &Event::by(ALICE).of(operation, &id)).await.body;
        assert_eq!(contract.errors(&schema, &task), [""; 0], "TaskReplacement in openapi.yaml, after {operation:?}");
        let id = task["id"].as_str().unwrap_or_else(|| panic!("{operation:?}: {task}")).to_owned();
        let mut answer = api.call(Operation::ReplaceTask, &Event::by(ALICE).task(&id).json(&task)).await;
        assert_eq!(answer.status, 200, "after {operation:?}: {answer:?}");
        for written in ["updated_at", "version"] {
            answer.body[written] = task[written].take();
            task[written] = answer.body[written].clone();
        }
        assert_eq!(answer.body, task, "after {operation:?}");
    }
}

#[test]
fn incomplete_copy_is_noticed() {
    let copy = merged(before(), &merged(defaults(), &json!({ "priority": "high" })));
    let differing = differences(Operation::GetTask, &before(), &json!({}), &copy);
    assert_eq!(differing.len(), 3, "{differing:?}");
    for field in ["description", "due", "tags"] {
        assert!(differing.iter().any(|difference| difference.starts_with(&format!("GetTask: {field} is"))), "{field}");
    }
}
