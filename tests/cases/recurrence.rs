//! Recurring tasks: the dates of a rule, and only one next occurrence, no matter who completes a task and how often.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, slice};

use futures_util::future::{join, join_all};
use kit::fixtures::table;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::task::{CountedFrom, Due, Occurrence, Recurrence, RecurrenceRule, TimeZone};
use tests::{ALICE, Answer, Api, Event, Fault, Operation, SECRET_SETTINGS};

use crate::calls::incoherence;

/// A rule, and the dates after the first one.
#[derive(Debug, Deserialize)]
struct Case {
    rule: String,
    time_zone: Option<String>,
    due: String,
    /// All of them, unless the last one is `…`.
    next: Vec<String>,
}

impl Case {
    fn recurrence(&self) -> Recurrence {
        let rule = RecurrenceRule::parse(&self.rule).unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
        let time_zone = self.time_zone.as_deref().map(|zone| TimeZone::parse(zone).unwrap());
        Recurrence { rule, time_zone, from: CountedFrom::Due }
    }

    /// The dates after the first one, as tasks get them: each made from the one before it.
    fn following(&self, count: usize) -> Vec<String> {
        let recurrence = self.recurrence();
        let mut due = Due::parse(&self.due).unwrap();
        let mut anchor = due.clone();
        let mut following = Vec::new();
        for number in 1..=count as u64 {
            let this = Occurrence { number, due: &due, anchor: &anchor };
            let Some(next) = recurrence.next(CountedFrom::Due, this, UNIX_EPOCH) else { break };
            assert!(next.due > due, "{self:?}: {next:?}");
            following.push(next.due.as_str().to_owned());
            if !next.is_shifted {
                anchor = next.due.clone();
            }
            due = next.due;
        }
        following
    }
}

#[test]
fn rules_match_the_dates_of_rfc_5545() {
    for case in serde_json::from_value::<Vec<Case>>(table("recurrence")["rules"].clone()).unwrap() {
        let (last, rest) = case.next.split_last().unwrap();
        if last == "…" {
            assert_eq!(case.following(rest.len()), rest, "{case:?}");
        } else {
            assert_eq!(case.following(case.next.len() + 1), case.next, "{case:?}");
        }
    }
}

#[test]
fn wrong_rules_are_refused() {
    for rule in serde_json::from_value::<Vec<String>>(table("recurrence")["refused"].clone()).unwrap() {
        assert!(RecurrenceRule::parse(&rule).is_err(), "{rule}");
    }
    let long = format!("FREQ=MONTHLY;BYMONTHDAY={}", ["1"; 120].join(","));
    assert!(RecurrenceRule::parse(&long).is_err());
    assert_eq!(RecurrenceRule::parse("freq=daily").unwrap().as_str(), "FREQ=DAILY");
    for zone in ["", "-", "europe/berlin", "Europe/Atlantis", "CEST", "3600", "#", "Europe/Berlin Europe/Paris"] {
        assert!(TimeZone::parse(zone).is_err(), "{zone}");
    }
}

/// `cargo xtask test` has python-dateutil make the cases.
#[test]
#[ignore = "needs the file of cases that RECURRENCE_CASES names"]
fn rules_agree_with_dateutil() {
    let lines = fs::read_to_string(env::var_os("RECURRENCE_CASES").unwrap()).unwrap();
    let cases: Vec<Case> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 1000);
    for case in cases {
        if case.next.is_empty() && RecurrenceRule::parse(&case.rule).is_err() {
            continue;
        }
        // dateutil looks thirty years ahead.
        let following = case.following(case.next.len());
        assert_eq!(following, case.next, "{case:?}");
    }
}

fn at(text: &str) -> SystemTime {
    let days = ["2026-12-01", "2026-12-09", "2026-12-10"].iter().position(|day| text.starts_with(day)).unwrap();
    let hours: u64 = text[11..13].parse().unwrap();
    let midnight = 1_796_083_200 + [0, 8, 9][days] * 86_400;
    UNIX_EPOCH + Duration::from_secs(midnight + hours * 3_600)
}

#[test]
fn next_date_has_not_passed() {
    for (rule, from, due, completed, expected) in [
        // Early, in time, and late.
        ("FREQ=WEEKLY", "due", "2026-12-08", "2026-12-01T12", "2026-12-15"),
        ("FREQ=DAILY", "due", "2026-12-01", "2026-12-01T12", "2026-12-02"),
        ("FREQ=DAILY", "due", "2026-12-01", "2026-12-10T00", "2026-12-10"),
        ("FREQ=DAILY", "due", "2026-12-01", "2026-12-09T23", "2026-12-10"),
        ("FREQ=DAILY;INTERVAL=2", "due", "2026-12-01", "2026-12-10T12", "2026-12-11"),
        ("FREQ=DAILY", "due", "2026-12-01T09:00:00Z", "2026-12-10T07", "2026-12-10T09:00:00.000Z"),
        ("FREQ=DAILY", "due", "2026-12-01T09:00:00Z", "2026-12-10T10", "2026-12-11T09:00:00.000Z"),
        ("FREQ=DAILY;INTERVAL=3", "completion", "2026-12-08", "2026-12-01T12", "2026-12-04"),
        ("FREQ=DAILY;INTERVAL=3", "completion", "2026-12-01", "2026-12-09T23", "2026-12-13"),
        ("FREQ=MONTHLY", "completion", "2026-12-01T09:00:00Z", "2026-12-10T07", "2027-01-10T09:00:00.000Z"),
        ("FREQ=WEEKLY;BYDAY=MO", "completion", "2026-12-01", "2026-12-10T12", "2026-12-14"),
    ] {
        let (rule, due) = (RecurrenceRule::parse(rule).unwrap(), Due::parse(due).unwrap());
        let time_zone = Some(TimeZone::parse("Europe/Berlin").unwrap());
        let from = CountedFrom::parse(from).unwrap();
        let recurrence = Recurrence { rule, time_zone, from };
        let next = recurrence.next(from, Occurrence { number: 1, due: &due, anchor: &due }, at(completed)).unwrap();
        assert_eq!(next.due.as_str(), expected, "{recurrence:?} {due:?} {completed}");
    }
}

/// A task of Alice's that recurs each week, and some of its members.
async fn weekly(api: &Api, more: Value) -> Value {
    let mut task = json!({ "title": "Water", "due": "2099-12-01", "tags": ["home"], "priority": "high",
        "recurrence": { "rule": "FREQ=WEEKLY" } });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let task = api.create(ALICE, task).await;
    api.wire.take();
    task
}

async fn call(api: &Api, operation: Operation, task: &Value, body: Value) -> Answer {
    let event = Event::by(ALICE).task(task["id"].as_str().unwrap());
    let event = if body.is_null() { event } else { event.json(&body) };
    api.call(operation, &event).await
}

async fn complete(api: &Api, task: &Value) -> Value {
    let answer = call(api, Operation::CompleteTask, task, json!({ "completed": true })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Alice's open tasks, by due date.
async fn open(api: &Api) -> Vec<Value> {
    api.list(ALICE, &[("status", "open")]).await.body["tasks"].as_array().unwrap().clone()
}

/// The members of an object.
fn some(task: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), task[*name].clone())).collect()
}

#[tokio::test]
async fn completing_makes_the_next_occurrence() {
    let api = Api::start().await;
    let task = weekly(&api, json!({ "description": "All of them" })).await;
    let recurrence = json!({ "rule": "FREQ=WEEKLY", "time_zone": null, "from": "due" });
    let place = ["recurrence", "series_id", "occurrence"];
    assert_eq!(some(&task, &place), json!({ "recurrence": recurrence, "series_id": task["id"], "occurrence": 1 }));

    let completed = complete(&api, &task).await;
    assert_eq!(api.wire.take_operations(), ["UpdateItem", "TransactWriteItems"]);
    assert_eq!(completed, api.get(ALICE, task["id"].as_str().unwrap()).await.body);
    assert_eq!(some(&completed, &place), json!({ "recurrence": null, "series_id": task["id"], "occurrence": 1 }));
    let next = open(&api).await.pop().unwrap();
    let content = ["title", "description", "priority", "tags", "recurrence", "series_id"];
    assert_eq!(some(&next, &content), some(&task, &content));
    assert_eq!(
        some(&next, &["due", "occurrence", "version"]),
        json!({ "due": "2099-12-08", "occurrence": 2, "version": 1 })
    );
    let changed = api.call(Operation::ListChanges, &Event::by(ALICE)).await;
    assert_eq!(changed.body["tasks"].as_array().unwrap().len(), 2);

    // Reopened and completed again, it makes none.
    for completed in [false, true] {
        call(&api, Operation::CompleteTask, &task, json!({ "completed": completed })).await;
    }
    assert_eq!(open(&api).await, slice::from_ref(&next));
    // The next one goes on.
    complete(&api, &next).await;
    assert_eq!(open(&api).await[0]["occurrence"], 3);
    assert!(api.items("tasks", ALICE).iter().all(|item| incoherence(item).is_none()));
}

#[tokio::test]
async fn every_completing_write_makes_one_next_occurrence() {
    let api = Api::start().await;
    let batch = |atomic: bool, item: Value| (Operation::BatchTasks, json!({ "atomic": atomic, "items": [item] }));
    let item = json!({ "op": "complete", "id": "ID", "completed": true, "idempotency_key": "k" });
    let replacement =
        json!({ "title": "Water", "due": "2099-12-01", "completed": true, "recurrence": { "rule": "FREQ=WEEKLY" } });
    for (operation, body) in [
        (Operation::CompleteTask, json!({ "completed": true })),
        (Operation::CompleteTask, Value::Null),
        (Operation::UpdateTask, json!({ "completed": true })),
        (Operation::UpdateTask, json!({ "completed": true, "recurrence": { "rule": "FREQ=WEEKLY" } })),
        (Operation::ReplaceTask, replacement),
        batch(false, item.clone()),
        batch(true, item),
    ] {
        for fault in [Fault::None, Fault::LostAnswer] {
            let task = weekly(&api, json!({})).await;
            let id = task["id"].as_str().unwrap();
            let event = Event::by(ALICE);
            let event = if operation.is_on_a_task() { event.task(id).header("idempotency-key", "k") } else { event };
            let body: Value = serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
            let event = if body.is_null() { event } else { event.json(&body) };
            api.wire.fail_next([Fault::None, fault]);
            for _ in 0..3 {
                let answer = api.call(operation, &event).await;
                assert_eq!(answer.outcome().0, 200, "{operation:?} {body} {fault:?} {answer:?}");
            }
            let series: Vec<_> = api
                .items("tasks", ALICE)
                .into_iter()
                .filter(|item| item.to_string().contains(&format!("{id}#")))
                .collect();
            assert_eq!(series.len(), 2, "{operation:?} {body} {fault:?} {series:?}");
            assert!(series.iter().all(|item| incoherence(item).is_none()), "{series:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_complete_at_once_make_one() {
    let api = Api::start().await;
    let task = weekly(&api, json!({})).await;
    let devices = join_all((0..16).map(|_| api.another_with(&SECRET_SETTINGS))).await;
    let answers = join_all(
        devices.iter().map(|device| call(device, Operation::CompleteTask, &task, json!({ "completed": true }))),
    )
    .await;
    assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.status == 200));
    assert_eq!(api.items("tasks", ALICE).len(), 2);
    assert_eq!(open(&api).await.len(), 1);
}

#[tokio::test]
async fn id_of_the_next_occurrence_follows_from_the_series() {
    let api = Api::start().await;
    let task = weekly(&api, json!({})).await;
    let other = api.another_with(&SECRET_SETTINGS).await;
    let mut before = api.item(ALICE, task["id"].as_str().unwrap());
    complete(&api, &task).await;
    let next = open(&api).await.remove(0);
    let id = |task: &Value| task["id"].as_str().unwrap().to_owned();
    assert_eq!(id(&next)[..13], id(&task)[..13], "the same time");
    // An operator restores the task as it was before: it is completed, and the next one is there.
    before["version"] = json!({ "N": "7" });
    api.put("tasks", &before);
    let completed = complete(&other, &task).await;
    assert_eq!(completed["version"], 8);
    assert_eq!(open(&api).await, [next]);
}

#[tokio::test]
async fn series_ends() {
    let api = Api::start().await;
    for rule in ["FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20991202"] {
        let first = weekly(&api, json!({ "recurrence": { "rule": rule } })).await;
        complete(&api, &first).await;
        let second = open(&api).await.remove(0);
        assert_eq!(second["due"], "2099-12-02");
        let skipped = call(&api, Operation::SkipTask, &second, Value::Null).await;
        assert_eq!((skipped.status, skipped.code()), (422, "no_next_occurrence"));
        let last = complete(&api, &second).await;
        assert_eq!(some(&last, &["recurrence", "occurrence"]), json!({ "recurrence": null, "occurrence": 2 }));
        assert!(open(&api).await.is_empty());
    }
    for atomic in [false, true] {
        let only = weekly(&api, json!({ "recurrence": { "rule": "FREQ=DAILY;COUNT=1" } })).await;
        let item = json!({ "op": "complete", "id": only["id"], "completed": true });
        let batch = Event::by(ALICE).json(&json!({ "atomic": atomic, "items": [item] }));
        assert_eq!(api.call(Operation::BatchTasks, &batch).await.outcome(), (200, ""));
        assert!(open(&api).await.is_empty());
    }
    let task = weekly(&api, json!({})).await;
    let ended = call(&api, Operation::UpdateTask, &task, json!({ "recurrence": null })).await.body;
    assert!(ended.get("series_id").is_none() && ended.get("recurrence").is_none());
    complete(&api, &task).await;
    assert!(open(&api).await.is_empty());
    let task = weekly(&api, json!({})).await;
    assert_eq!(call(&api, Operation::DeleteTask, &task, Value::Null).await.status, 204);
    assert!(open(&api).await.is_empty());
}

#[tokio::test]
async fn changes_are_for_all_after_or_for_this_one_only() {
    let api = Api::start().await;
    let task = weekly(&api, json!({ "description": "All" })).await;
    // All after.
    let body = json!({ "title": "Water all", "recurrence": { "rule": "FREQ=WEEKLY;INTERVAL=2" } });
    let changed = call(&api, Operation::UpdateTask, &task, body).await.body;
    assert_eq!(some(&changed, &["series_id", "occurrence"]), some(&task, &["series_id", "occurrence"]));
    // This one only.
    for body in [
        json!({ "scope": "occurrence", "title": "Water two", "due": "2099-12-03", "priority": "low", "tags": [] }),
        json!({ "scope": "occurrence", "title": "Water three", "description": null }),
    ] {
        api.wire.take();
        assert_eq!(call(&api, Operation::UpdateTask, &task, body).await.status, 200);
        assert_eq!(api.wire.take_operations(), ["UpdateItem"]);
    }
    let completed = complete(&api, &task).await;
    let names = ["title", "description", "due", "priority", "tags"];
    let this =
        json!({ "title": "Water three", "description": null, "due": "2099-12-03", "priority": "low", "tags": [] });
    assert_eq!(some(&completed, &names), this);
    let next = open(&api).await.remove(0);
    let later = json!({ "title": "Water all", "description": "All", "due": "2099-12-15", "priority": "high", "tags": ["home"] });
    assert_eq!(some(&next, &names), later);

    // A part that was absent stays so; and what is changed for all after counts, whatever was changed before.
    for body in [
        json!({ "scope": "occurrence", "title": "x", "description": "this" }),
        json!({ "title": "Water for all", "description": "For all" }),
        json!({ "scope": "occurrence", "description": "this" }),
    ] {
        call(&api, Operation::UpdateTask, &next, body).await;
    }
    complete(&api, &next).await;
    let third = open(&api).await.remove(0);
    assert_eq!(some(&third, &names[..2]), json!({ "title": "Water for all", "description": "For all" }));
    let items = api.items("tasks", ALICE);
    assert!(items.iter().all(|item| !item.to_string().contains("series_")), "{items:?}");
}

#[tokio::test]
async fn description_of_one_occurrence_stays_with_it() {
    let api = Api::start().await;
    let task = weekly(&api, json!({})).await;
    call(&api, Operation::UpdateTask, &task, json!({ "scope": "occurrence", "description": "Only this time" })).await;
    assert_eq!(complete(&api, &task).await["description"], "Only this time");
    let next = open(&api).await.remove(0);
    assert_eq!(next["description"], Value::Null);
    let item = api.item(ALICE, next["id"].as_str().unwrap());
    assert!(item["description"].is_null(), "absent, as in any task without one: {item}");
}

/// It was completed before it recurred.
#[tokio::test]
async fn recurrence_of_a_completed_task_makes_no_next_occurrence() {
    let recurrence = json!({ "rule": "FREQ=WEEKLY" });
    let changes = json!({ "completed": true, "recurrence": recurrence });
    let item = json!({ "op": "update", "id": "ID", "changes": changes });
    let replacement = json!({ "title": "x", "due": "2099-12-01", "completed": true, "recurrence": recurrence });
    for (operation, body) in [
        (Operation::UpdateTask, changes),
        (Operation::ReplaceTask, replacement),
        (Operation::BatchTasks, json!({ "items": [item] })),
        (Operation::BatchTasks, json!({ "atomic": true, "items": [item] })),
    ] {
        let api = Api::start().await;
        let task = api.create(ALICE, json!({ "title": "x", "due": "2099-12-01" })).await;
        let completed = complete(&api, &task).await;
        let body = body.to_string().replace("ID", task["id"].as_str().unwrap());
        let event = Event::by(ALICE).json(&serde_json::from_str(&body).unwrap());
        let event = if operation.is_on_a_task() { event.task(task["id"].as_str().unwrap()) } else { event };
        assert_eq!(api.call(operation, &event).await.outcome(), (200, ""), "{operation:?}");
        let left = api.get(ALICE, task["id"].as_str().unwrap()).await.body;
        assert_eq!(left["completed_at"], completed["completed_at"], "{operation:?}");
        assert_eq!(api.items("tasks", ALICE).len(), 1, "{operation:?}");
    }
}

#[tokio::test]
async fn key_of_a_write_that_ends_a_series_fits_no_other() {
    let api = Api::start().await;
    let task = weekly(&api, json!({})).await;
    let event = Event::by(ALICE).task(task["id"].as_str().unwrap()).header("idempotency-key", "k");
    let ends = event.clone().json(&json!({ "title": "last", "recurrence": null }));
    for _ in 0..2 {
        let ended = api.call(Operation::UpdateTask, &ends).await;
        assert_eq!((ended.status, &ended.body["version"]), (200, &json!(2)), "{ended:?}");
    }
    let other = api.call(Operation::UpdateTask, &event.json(&json!({ "title": "last" }))).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
}

#[tokio::test]
async fn scope_of_a_task_that_does_not_recur_is_all_of_it() {
    let api = Api::start().await;
    let task = api.create(ALICE, json!({ "title": "one", "due": "2099-12-01" })).await;
    let body = json!({ "scope": "occurrence", "title": "two", "due": "2099-12-02" });
    let changed = call(&api, Operation::UpdateTask, &task, body).await;
    assert_eq!(
        some(&changed.body, &["title", "due", "version"]),
        json!({ "title": "two", "due": "2099-12-02", "version": 2 })
    );
    let item = api.item(ALICE, task["id"].as_str().unwrap());
    assert_eq!(incoherence(&item), None);
    assert!(!item.to_string().contains("series"));

    let changes = json!({ "scope": "occurrence", "title": "three" });
    let item = json!({ "op": "update", "id": task["id"], "changes": changes });
    let batch = Event::by(ALICE).json(&json!({ "atomic": true, "items": [item] }));
    assert_eq!(api.call(Operation::BatchTasks, &batch).await.outcome(), (200, ""));
    assert_eq!(api.get(ALICE, task["id"].as_str().unwrap()).await.body["title"], "three");
}

#[tokio::test]
async fn recurring_task_has_a_due_date() {
    let api = Api::start().await;
    let recurring = weekly(&api, json!({})).await;
    let undated = api.create(ALICE, json!({ "title": "undated" })).await;
    let rule = json!({ "rule": "FREQ=DAILY" });
    for (operation, task, body, pointer) in [
        (Operation::CreateTask, &undated, json!({ "title": "x", "recurrence": rule }), "/due"),
        (Operation::ReplaceTask, &undated, json!({ "title": "x", "recurrence": rule }), "/due"),
        (Operation::UpdateTask, &undated, json!({ "recurrence": rule }), "/due"),
        (Operation::UpdateTask, &recurring, json!({ "due": null }), "/due"),
        (Operation::UpdateTask, &recurring, json!({ "due": null, "scope": "occurrence" }), "/due"),
        (Operation::UpdateTask, &recurring, json!({ "due": null, "completed": true }), "/due"),
        (Operation::UpdateTask, &recurring, json!({ "due": null, "recurrence": rule }), "/due"),
        (Operation::UpdateTask, &recurring, json!({ "scope": "occurrence", "completed": true }), "/scope"),
        (Operation::UpdateTask, &recurring, json!({ "scope": "occurrence", "recurrence": rule }), "/scope"),
        (Operation::UpdateTask, &recurring, json!({ "scope": "all" }), "/scope"),
        (Operation::UpdateTask, &recurring, json!({ "recurrence": { "rule": "FREQ=SECONDLY" } }), "/recurrence/rule"),
        (Operation::UpdateTask, &recurring, json!({ "recurrence": {} }), "/recurrence/rule"),
        (
            Operation::UpdateTask,
            &recurring,
            json!({ "recurrence": { "rule": "FREQ=DAILY", "time_zone": "Mars" } }),
            "/recurrence/time_zone",
        ),
        (
            Operation::UpdateTask,
            &recurring,
            json!({ "recurrence": { "rule": "FREQ=DAILY", "from": "now" } }),
            "/recurrence/from",
        ),
        (Operation::UpdateTask, &recurring, json!({ "recurrence": { "rule": "FREQ=DAILY", "x": 1 } }), "/recurrence/x"),
        (Operation::UpdateTask, &recurring, json!({ "recurrence": "FREQ=DAILY" }), "/recurrence"),
        (Operation::UpdateTask, &recurring, json!({ "series_id": recurring["id"] }), "/series_id"),
        // It matches dates, but none in the years of this one.
        (
            Operation::UpdateTask,
            &recurring,
            json!({ "due": "2099-03-01", "recurrence": { "rule": "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29" } }),
            "/recurrence/rule",
        ),
    ] {
        let answer = if operation == Operation::CreateTask {
            api.call(operation, &Event::by(ALICE).json(&body)).await
        } else {
            call(&api, operation, task, body.clone()).await
        };
        assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{body} {answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1, "{body} {answer:?}");
    }
    let both = call(&api, Operation::UpdateTask, &recurring, json!({ "due": null, "recurrence": null })).await;
    assert_eq!((both.status, &both.body["due"]), (200, &Value::Null));
}

#[tokio::test]
async fn skipping_moves_the_task_to_the_next_date() {
    let api = Api::start().await;
    let task = weekly(&api, json!({ "description": "All" })).await;
    let body = json!({ "scope": "occurrence", "title": "Once", "description": null, "due": "2099-12-02" });
    call(&api, Operation::UpdateTask, &task, body).await;
    api.wire.take();
    let event = Event::by(ALICE).task(task["id"].as_str().unwrap()).header("idempotency-key", "k");
    for _ in 0..2 {
        let skipped = api.call(Operation::SkipTask, &event).await;
        assert_eq!(skipped.status, 200, "{skipped:?}");
        let expected = json!({ "id": task["id"], "title": "Water", "description": "All", "due": "2099-12-08", "occurrence": 2, "version": 3 });
        assert_eq!(some(&skipped.body, &["id", "title", "description", "due", "occurrence", "version"]), expected);
    }
    assert_eq!(api.wire.take_operations(), ["GetItem", "UpdateItem", "GetItem"]);
    let item = api.item(ALICE, task["id"].as_str().unwrap());
    assert_eq!(incoherence(&item), None);
    assert!(!item.to_string().contains("series_"), "{item}");
    let stale = call(&api, Operation::SkipTask, &task, Value::Null).await;
    assert_eq!(stale.body["occurrence"], 3);
    complete(&api, &task).await;
    assert_eq!(some(&open(&api).await[0], &["due", "occurrence"]), json!({ "due": "2099-12-22", "occurrence": 4 }));
    let once = api.create(ALICE, json!({ "title": "once", "due": "2099-12-01" })).await;
    for task in [&task, &once] {
        let over = call(&api, Operation::SkipTask, task, Value::Null).await;
        assert_eq!((over.status, over.code()), (422, "no_next_occurrence"));
    }
}

/// Skips a task whose title another device changes after each of this many reads.
async fn skip_while_others_write(api: &Api, task: &Value, if_match: Option<&str>, reads: usize) -> Answer {
    let other = api.another_with(&SECRET_SETTINGS).await;
    let (_, done) = api.wire.totals();
    let slow = [Fault::Slow(Duration::from_secs(1)), Fault::None];
    api.wire.fail_next((0..reads).flat_map(|_| slow));
    let others = async {
        for read in 0..reads {
            api.wire.has_done(done + 2 * read + 1).await;
            let answer = call(&other, Operation::UpdateTask, task, json!({ "title": format!("theirs {read}") })).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    };
    let event = Event::by(ALICE).task(task["id"].as_str().unwrap()).maybe_header("if-match", if_match);
    Box::pin(join(api.call(Operation::SkipTask, &event), others)).await.0
}

#[tokio::test]
async fn overtaken_skip_begins_anew_unless_it_names_the_version() {
    let api = Api::start().await;
    let task = weekly(&api, json!({})).await;
    let skipped = skip_while_others_write(&api, &task, None, 1).await;
    let expected = json!({ "title": "theirs 0", "due": "2099-12-08", "version": 3 });
    assert_eq!((skipped.status, some(&skipped.body, &["title", "due", "version"])), (200, expected));

    api.wire.take();
    let known = skip_while_others_write(&api, &task, Some("\"3\""), 1).await;
    assert_eq!((known.status, known.code()), (412, "version_mismatch"));
    assert_eq!(api.wire.take_operations(), ["GetItem", "UpdateItem"]);
    let never = skip_while_others_write(&api, &task, None, 3).await;
    assert_eq!((never.status, never.code()), (503, "unavailable"));
    let left = api.get(ALICE, task["id"].as_str().unwrap()).await.body;
    assert_eq!(some(&left, &["title", "due"]), json!({ "title": "theirs 2", "due": "2099-12-08" }));
}

#[tokio::test]
async fn skipped_time_of_day_comes_back() {
    let api = Api::start().await;
    let recurrence = json!({ "rule": "FREQ=DAILY", "time_zone": "Europe/Berlin" });
    let task = weekly(&api, json!({ "due": "2099-03-28T02:30:00+01:00", "recurrence": recurrence })).await;
    complete(&api, &task).await;
    let gap = open(&api).await.remove(0);
    assert_eq!(gap["due"], "2099-03-29T01:30:00.000Z");
    complete(&api, &gap).await;
    assert_eq!(open(&api).await[0]["due"], "2099-03-30T00:30:00.000Z");

    let task = weekly(&api, json!({ "due": "2099-03-28T02:30:00+01:00", "recurrence": recurrence })).await;
    for due in ["2099-03-29T01:30:00.000Z", "2099-03-30T00:30:00.000Z"] {
        assert_eq!(call(&api, Operation::SkipTask, &task, Value::Null).await.body["due"], due);
    }
}

#[tokio::test]
async fn atomic_batch_makes_all_next_occurrences_or_none() {
    let api = Api::start().await;
    let tasks = join_all((0..3).map(|_| weekly(&api, json!({})))).await;
    let item = |op: &str, task: &Value| json!({ "op": op, "id": task["id"] });
    let complete = |task: &Value| json!({ "op": "complete", "id": task["id"], "completed": true });
    let missing = json!({ "op": "delete", "id": "01990000-0000-7000-8000-000000000009" });
    let send = async |items: Vec<Value>| {
        let answer =
            api.call(Operation::BatchTasks, &Event::by(ALICE).json(&json!({ "atomic": true, "items": items }))).await;
        let rows = answer.body["results"].as_array().unwrap().clone();
        rows.iter().map(|row| row["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let before = api.items("tasks", ALICE);
    assert_eq!(send(vec![complete(&tasks[0]), item("skip", &tasks[1]), missing]).await, [424, 424, 404]);
    let absent = json!({ "id": "01990000-0000-7000-8000-000000000009" });
    assert_eq!(send(vec![complete(&tasks[0]), item("skip", &absent)]).await, [424, 404]);
    assert_eq!(api.items("tasks", ALICE), before);
    assert_eq!(send(vec![complete(&tasks[0]), item("skip", &tasks[1]), complete(&tasks[2])]).await, [200; 3]);
    let occurrences: Vec<_> = open(&api).await.iter().map(|task| task["occurrence"].clone()).collect();
    assert_eq!(occurrences, [2, 2, 2]);
    assert_eq!(api.items("tasks", ALICE).len(), 5);

    // A batch that takes the id of the next occurrence itself.
    let task = weekly(&api, json!({})).await;
    let before = api.item(ALICE, task["id"].as_str().unwrap());
    call(&api, Operation::CompleteTask, &task, json!({ "completed": true })).await;
    let next = open(&api).await.into_iter().find(|next| next["series_id"] == task["id"]).unwrap();
    api.put("tasks", &before);
    let change = json!({ "op": "update", "id": next["id"], "changes": { "title": "changed" } });
    assert_eq!(send(vec![complete(&task), change]).await, [200, 200]);

    // Each of these writes a task and makes one.
    let mut many = Vec::new();
    for _ in 0..51 {
        many.push(weekly(&api, json!({})).await);
    }
    let before = api.items("tasks", ALICE);
    assert_eq!(send(many.iter().map(complete).collect()).await, [422; 51]);
    assert_eq!(api.items("tasks", ALICE), before);
    assert_eq!(send(many[..50].iter().map(complete).collect()).await, [200; 50]);
}
