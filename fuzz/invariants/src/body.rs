//! Request bodies, checked against the table of fields in docs/api.md.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use shared::api::{FromBody, Problem, Request, Response};
use shared::app::App;
use shared::store::{Action, Batch, BatchItem, Precondition};
use shared::task::{
    Completion, CountedFrom, Due, NewTask, Patch, Recurrence, RecurrenceRule, Replacement, TaskChanges, TaskId,
    TimeZone,
};

use crate::api::API;
use crate::json::parse;
use crate::request::in_event;
use crate::{TASK_ID, moment};

/// Input: `n` (new task), `r` (replacement), `c` (changes), `b` (batch), or anything else (completion), then the body.
///
/// The parsed fields and the reported errors must match the table.
pub fn body(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else { return };
    match kind {
        b'n' => check(body, new_task, |content: NewTask| {
            // A new task's body has no `completed`.
            let changes = TaskChanges::from(Replacement { content, completed: false });
            as_json(&TaskChanges { completed: None, ..changes })
        }),
        b'r' => check(body, replacement, |replacement: Replacement| as_json(&replacement.into())),
        b'c' => check(body, changes, |changes: TaskChanges| as_json(&changes)),
        b'b' => check(body, batch, |batch: Batch| batch_as_json(&batch)),
        _ => check(
            body,
            completion,
            |completion: Completion| json!({ "completed": completion == Completion::Set(true) }),
        ),
    }
}

/// The fields of a body, or the pointers of its errors.
type Reading = Result<Value, Vec<String>>;

fn check<T: FromBody>(body: &[u8], expected: fn(Map<String, Value>) -> Reading, to_json: impl Fn(T) -> Value) {
    let parsed = RefCell::new(None);
    let read = async |_: &App, request: &Request| -> Result<Response, Problem> {
        parsed.replace(Some(to_json(request.body()?)));
        Ok(Response::no_content())
    };
    let (text, is_base64) = in_event(body);
    let headers = json!({ "content-type": "application/json" });
    let event = json!({
        "version": "2.0",
        "pathParameters": { "user_id": "me", "task_id": TASK_ID },
        "headers": headers,
        "body": text,
        "isBase64Encoded": is_base64,
    });
    let answer = API.with(|api| api.answer(read, &event.to_string()));

    let parsed = parsed.into_inner();
    if body.len() > T::MAX_BYTES {
        assert_eq!((answer.status, parsed), (413, None));
        return;
    }
    let Some(Value::Object(members)) = parse(body) else {
        assert_eq!((answer.code(), parsed), ("invalid_json", None));
        return;
    };
    match expected(members) {
        Ok(expected) => assert_eq!((answer.status, parsed), (204, Some(expected))),
        Err(wrong) => {
            assert_eq!((answer.code(), parsed), ("invalid_field", None));
            let mut named: Vec<_> = answer.places().collect();
            named.sort_unstable();
            let mut wrong: Vec<_> = wrong.iter().map(String::as_str).collect();
            wrong.sort_unstable();
            if wrong.len() <= 32 {
                assert_eq!(named, wrong);
            } else {
                assert!(named.len() == 32 && named.iter().all(|pointer| wrong.binary_search(pointer).is_ok()));
            }
        }
    }
}

/// Changes as JSON: unchanged fields are absent, and cleared ones are null.
fn as_json(changes: &TaskChanges) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Option<Value>| fields.extend(value.map(|value| (name.to_owned(), value)));
    add("title", changes.title.as_ref().map(|title| json!(title)));
    add("description", patched(&changes.description, |description| json!(description)));
    add("completed", changes.completed.map(|completed| json!(completed)));
    add("priority", changes.priority.map(|priority| json!(priority.as_str())));
    add("due", patched(&changes.due, |due| json!(due)));
    add("tags", changes.tags.as_ref().map(|tags| json!(tags)));
    add("parent_id", changes.parent_id.map(|id| json!(id)));
    add("position", patched(&changes.position, |position| json!(position)));
    add("recurrence", patched(&changes.recurrence, |recurrence| json!(recurrence)));
    add("this_only", changes.this_only.then_some(json!(true)));
    Value::Object(fields)
}

fn patched<T>(patch: &Patch<T>, to_json: impl Fn(&T) -> Value) -> Option<Value> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(Value::Null),
        Patch::Set(value) => Some(to_json(value)),
    }
}

fn batch_as_json(batch: &Batch) -> Value {
    let item = |BatchItem { id, action, guard }: &BatchItem| {
        let (op, what) = match action {
            Action::Create(task) => ("create", as_json(&task.clone().into())),
            Action::Update(changes) => ("update", as_json(changes)),
            Action::Complete(completed) => ("complete", json!(completed)),
            Action::Skip => ("skip", Value::Null),
            Action::Delete => ("delete", Value::Null),
            Action::Restore => ("restore", Value::Null),
        };
        let version = match &guard.precondition {
            Precondition::None => Value::Null,
            Precondition::Version(versions) => json!(versions),
        };
        let key = guard.idempotency_key.as_ref().map(|key| format!("{key:?}"));
        json!([op, id.to_string(), what, version, key])
    };
    json!({ "atomic": batch.atomic, "items": batch.items.iter().map(item).collect::<Vec<_>>() })
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn batch(mut members: Map<String, Value>) -> Reading {
    let atomic = members.remove("atomic").unwrap_or(json!(false));
    let items = members.remove("items");
    let mut wrong: Vec<_> = members.keys().map(|name| pointer(name)).collect();
    wrong.extend((!atomic.is_boolean()).then(|| "/atomic".to_owned()));
    let items = match items {
        Some(Value::Array(items)) if (1..=100).contains(&items.len()) => items,
        _ => {
            wrong.push("/items".to_owned());
            return Err(wrong);
        }
    };
    let (mut tasks, mut parsed) = (HashSet::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match batch_item(item) {
            Ok(item) => {
                if !tasks.insert(item[1].clone()) && atomic == true {
                    wrong.push(format!("/items/{index}/id"));
                }
                parsed.push(item);
            }
            Err(places) => wrong.extend(places.into_iter().map(|place| format!("/items/{index}{place}"))),
        }
    }
    if wrong.is_empty() { Ok(json!({ "atomic": atomic, "items": parsed })) } else { Err(wrong) }
}

fn batch_item(item: Value) -> Reading {
    let Value::Object(mut members) = item else { return Err(vec![String::new()]) };
    let op = members.remove("op");
    let Some(op @ ("create" | "update" | "complete" | "skip" | "delete" | "restore")) =
        op.as_ref().and_then(Value::as_str)
    else {
        return Err(vec!["/op".to_owned()]);
    };
    let mut wrong = Vec::new();
    let id = members.remove("id");
    let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
    let is_id =
        if op == "create" { TaskId::parse_new(id, SystemTime::now()).is_ok() } else { TaskId::parse(id).is_some() };
    wrong.extend((!is_id).then(|| "/id".to_owned()));
    let key = members.remove("idempotency_key");
    let is_key = |text: &str| (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    wrong.extend(key.iter().filter(|key| !key.as_str().is_some_and(is_key)).map(|_| "/idempotency_key".to_owned()));
    let version = if op == "create" { None } else { members.remove("if_match") };
    let as_version = |version: &Value| {
        // A number with a fraction is written with a point.
        let digits = version.as_f64().map(|number| number.to_string());
        digits?.parse::<u64>().ok().filter(|version| (1..1 << 53).contains(version))
    };
    let is_version = |version: &Value| as_version(version).is_some();
    wrong.extend(version.iter().filter(|version| !is_version(version)).map(|_| "/if_match".to_owned()));
    let mut inner = |name: &str, read: &dyn Fn(Map<String, Value>) -> Reading| match members.remove(name) {
        Some(Value::Object(inner)) => {
            read(inner).map_err(|places| places.into_iter().map(|place| format!("/{name}{place}")).collect::<Vec<_>>())
        }
        _ => Err(vec![format!("/{name}")]),
    };
    let what = match op {
        "create" => inner("task", &|members| replacement_of(members, if is_id { id } else { "" })),
        "update" => inner("changes", &changes),
        "complete" => members.remove("completed").filter(Value::is_boolean).ok_or(vec!["/completed".to_owned()]),
        _ => Ok(Value::Null),
    };
    wrong.extend(members.keys().map(|name| pointer(name)));
    let key = key.map(|key| format!("IdempotencyKey({key})"));
    let version = version.as_ref().and_then(as_version).map(|version| [version]);
    unless_wrong(wrong, what).map(|what| json!([op, id, what, version, key]))
}

/// The reading, unless something else is wrong as well.
fn unless_wrong(wrong: Vec<String>, reading: Reading) -> Reading {
    match reading {
        Ok(value) if wrong.is_empty() => Ok(value),
        Ok(_) => Err(wrong),
        Err(more) => Err([wrong, more].concat()),
    }
}

fn replacement(members: Map<String, Value>) -> Reading {
    replacement_of(members, TASK_ID)
}

fn replacement_of(mut members: Map<String, Value>, task: &str) -> Reading {
    let other_id = members.remove("id").is_some_and(|id| task.is_empty() || id != task);
    for name in ["completed_at", "created_at", "updated_at", "version", "series_id", "occurrence"] {
        members.remove(name);
    }
    let completed = members.remove("completed").unwrap_or(json!(false));
    let mut wrong: Vec<_> = other_id.then(|| "/id".to_owned()).into_iter().collect();
    wrong.extend((!completed.is_boolean()).then(|| "/completed".to_owned()));
    let mut fields = unless_wrong(wrong, new_task(members))?;
    fields["completed"] = completed;
    Ok(fields)
}

fn new_task(mut members: Map<String, Value>) -> Reading {
    let has_title = members.contains_key("title");
    // In changes, null resets these fields; a new task must omit them instead.
    let wrong_nulls = ["priority", "tags"].map(|name| members.get(name).is_some_and(Value::is_null).then_some(name));
    let defaults = json!({
        "description": null, "priority": "none", "due": null, "tags": [], "position": null, "recurrence": null,
    });
    let parent = members.remove("parent_id").filter(|parent| !parent.is_null());
    let is_parent = |parent: &Value| parent.as_str().is_some_and(|id| TaskId::parse(id).is_some());
    for (name, value) in defaults.as_object().into_iter().flatten() {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let mut wrong: Vec<_> = wrong_nulls.into_iter().flatten().map(|name| format!("/{name}")).collect();
    for name in ["completed", "scope"] {
        wrong.extend(members.remove(name).map(|_| format!("/{name}")));
    }
    wrong.extend((!has_title).then(|| "/title".to_owned()));
    wrong.extend(parent.iter().filter(|parent| !is_parent(parent)).map(|_| "/parent_id".to_owned()));
    let mut fields = unless_wrong(wrong, changes(members))?;
    if let Some(parent) = parent {
        fields["parent_id"] = parent;
    }
    Ok(fields)
}

fn changes(members: Map<String, Value>) -> Reading {
    let (mut fields, mut wrong) = (Map::new(), Vec::new());
    let mut known = None;
    for (name, value) in members {
        let parsed = match (name.as_str(), &value) {
            ("description" | "due" | "position", Value::Null) => Ok(Value::Null),
            ("priority", Value::Null) => Ok(json!("none")),
            ("tags", Value::Null) => Ok(json!([])),
            ("title", Value::String(text)) => line(text, 200),
            ("description", Value::String(text)) if is_description(text) => Ok(value),
            ("completed", Value::Bool(_)) => Ok(value),
            ("priority", Value::String(text)) if ["none", "low", "medium", "high"].contains(&text.as_str()) => {
                Ok(value)
            }
            ("due", Value::String(text)) => moment::due(text).map(Value::String).map_err(|()| vec![String::new()]),
            ("tags", Value::Array(tags)) => labels(tags),
            ("position", Value::String(text)) if is_position(text) => Ok(value),
            ("recurrence", Value::Null) => Ok(Value::Null),
            ("recurrence", Value::Object(members)) => recurrence(members).map(|parsed| {
                let shown = json!(parsed);
                known = Some(parsed);
                shown
            }),
            ("scope", Value::String(text)) if ["series", "occurrence"].contains(&text.as_str()) => Ok(value),
            _ => Err(vec![String::new()]),
        };
        match parsed {
            Ok(value) => fields.extend([(name, value)]),
            Err(places) => {
                wrong.extend(places.into_iter().map(|place| format!("{}{place}", pointer(&name))));
            }
        }
    }
    match (known, fields.get("due")) {
        (Some(_), Some(Value::Null)) => wrong.push("/due".to_owned()),
        (Some(recurrence), Some(Value::String(due)))
            if Due::parse(due).is_ok_and(|due| recurrence.check(&due).is_err()) =>
        {
            wrong.push("/recurrence/rule".to_owned());
        }
        _ => {}
    }
    if fields.remove("scope").is_some_and(|scope| scope == "occurrence") {
        if fields.contains_key("completed") || fields.contains_key("recurrence") {
            wrong.push("/scope".to_owned());
        } else if !fields.is_empty() {
            fields.insert("this_only".to_owned(), json!(true));
        }
    }
    if wrong.is_empty() { Ok(Value::Object(fields)) } else { Err(wrong) }
}

fn recurrence(members: &Map<String, Value>) -> Result<Recurrence, Vec<String>> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let rule = text("rule").and_then(|rule| RecurrenceRule::parse(rule).ok());
    let time_zone = match members.get("time_zone") {
        None | Some(Value::Null) => Some(None),
        Some(zone) => zone.as_str().and_then(|zone| TimeZone::parse(zone).ok()).map(Some),
    };
    let from = match members.get("from") {
        None => Some(CountedFrom::Due),
        Some(from) => from.as_str().and_then(|from| CountedFrom::parse(from).ok()),
    };
    let is_known = |name: &&String| ["rule", "time_zone", "from"].contains(&name.as_str());
    let mut wrong: Vec<_> = members.keys().filter(|name| !is_known(name)).map(|name| pointer(name)).collect();
    let parts = [("/rule", rule.is_none()), ("/time_zone", time_zone.is_none()), ("/from", from.is_none())];
    wrong.extend(parts.into_iter().filter(|(_, is_wrong)| *is_wrong).map(|(name, _)| name.to_owned()));
    match (rule, time_zone, from) {
        (Some(rule), Some(time_zone), Some(from)) if wrong.is_empty() => Ok(Recurrence { rule, time_zone, from }),
        _ => Err(wrong),
    }
}

fn completion(members: Map<String, Value>) -> Reading {
    let others = members.keys().filter(|name| *name != "completed");
    let mut wrong: Vec<_> = others.map(|name| pointer(name)).collect();
    let completed = members.get("completed").and_then(Value::as_bool);
    wrong.extend(completed.is_none().then(|| "/completed".to_owned()));
    unless_wrong(wrong, Ok(json!({ "completed": completed })))
}

/// An order key: an integer, whose length its first letter says, and a fraction without a zero at its end.
fn is_position(text: &str) -> bool {
    let Some(head) = text.bytes().next().filter(u8::is_ascii_alphabetic) else { return false };
    let integer = 2 + if head >= b'a' { head - b'a' } else { b'Z' - head };
    let integer = usize::from(integer);
    text.len() <= 100
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (text.len() == integer || (text.len() > integer && !text.ends_with('0')))
        && text.trim_end_matches('0') != "A"
}

fn is_description(text: &str) -> bool {
    let is_allowed = |character: char| matches!(character, '\t' | '\n') || !character.is_control();
    text.chars().count() <= 10_000 && text.chars().all(is_allowed)
}

/// Checks for 1 to `longest` characters without controls. The error is the pointer of the whole value.
fn line(text: &str, longest: usize) -> Result<Value, Vec<String>> {
    let text = text.trim();
    let fits = (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(json!(text)) } else { Err(vec![String::new()]) }
}

fn labels(tags: &[Value]) -> Result<Value, Vec<String>> {
    let labels: Vec<_> = tags.iter().map(|tag| line(tag.as_str().unwrap_or_default(), 50).ok()).collect();
    let wrong = labels.iter().enumerate().filter(|(_, label)| label.is_none()).map(|(index, _)| format!("/{index}"));
    let wrong: Vec<_> = wrong.collect();
    let differ = || labels.iter().enumerate().all(|(index, label)| !labels[..index].contains(label));
    match wrong.is_empty() {
        true if labels.len() <= 20 && differ() => Ok(json!(labels)),
        true => Err(vec![String::new()]),
        false => Err(wrong),
    }
}
