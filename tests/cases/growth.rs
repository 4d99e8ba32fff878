//! What a call costs, in requests to DynamoDB and in capacity units, and that it does not grow with the number of tasks
//! that a user has, of which nine tenths are completed or deleted.

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use futures_util::future::join_all;
use kit::fixtures::root;
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Operation};

/// How many tasks users have.
const SIZES: [usize; 3] = [1, 1_000, 100_000];

/// What a call did.
#[derive(Debug, Clone, PartialEq)]
struct Cost {
    requests: usize,
    /// Read units or write units: no call here makes both kinds of requests.
    units: f64,
}

/// A call, under the name that its row has.
#[derive(Debug)]
struct Row {
    name: &'static str,
    operation: Operation,
    cost: Cost,
}

#[tokio::test]
async fn cost_of_a_call_is_flat_in_the_number_of_tasks() {
    let api = Api::start().await;
    fill(&api).await;
    api.wire.meter();
    let mut rows: Vec<(&str, Vec<Cost>)> = Vec::new();
    for size in SIZES {
        for (number, Row { name, cost, .. }) in calls(&api, &user(size)).await.into_iter().enumerate() {
            if number == rows.len() {
                rows.push((name, Vec::new()));
            }
            rows[number].1.push(cost);
        }
    }

    // Operations without a row of their own cost what every call does.
    let documented: Vec<_> = rows.iter().filter(|(name, _)| Operation::named(name).is_none()).cloned().collect();
    let table = table(&documented);
    for (name, costs) in &rows {
        assert_eq!(costs[1], costs[2], "{name}: a hundred times as many tasks");
        if name.starts_with("list") || name.starts_with("export") {
            assert!(costs[0].units <= costs[2].units, "{name}");
            assert!(costs[2].requests <= 2 && costs[2].units <= 15.0, "{name}: {:?}", costs[2]);
        } else {
            assert_eq!(costs[0], costs[1], "{name}: a thousand times as many tasks");
        }
    }
    assert_documented(&table);
}

#[track_caller]
fn assert_documented(table: &str) {
    let page = fs::read_to_string(root().join("docs/costs.md")).unwrap();
    assert!(page.contains(table), "docs/costs.md should have this table:\n{table}");
}

fn user(size: usize) -> String {
    format!("user-{size}")
}

/// When all that was there before the test was written: changes of the last minutes are given again.
const LONG_AGO: &str = "2026-11-01T10:00:00.000Z";

/// Gives each user so many tasks: of ten, one is open, six are completed, three are deleted.
async fn fill(api: &Api) {
    let ids = [(); 3].map(|()| api.create_id(ALICE, body()));
    let ids = join_all(ids).await;
    let [_open, completed, deleted] = ids.as_slice() else { panic!("{ids:?}") };
    assert_eq!(api.call(Operation::CompleteTask, &Event::by(ALICE).task(completed)).await.status, 200);
    assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(deleted)).await.status, 204);
    let ten = [0, 1, 2, 1, 1, 2, 1, 1, 2, 1].map(|index: usize| ids[index].as_str());
    for size in SIZES {
        import_like(api, &ten, &user(size), size);
    }
}

/// Gives a user so many tasks, each like one of Alice's, that were written long ago.
fn import_like(api: &Api, ids: &[&str], user: &str, count: usize) {
    let templates = ids.iter().map(|id| {
        let item = api.item(ALICE, id);
        let old = item.to_string().replace(item["updated_at"]["S"].as_str().unwrap(), LONG_AGO);
        (*id, old.replace(&format!("\"{ALICE}\""), &format!("\"{user}\"")))
    });
    let templates: Vec<_> = templates.collect();
    let items = (0..count).map(|number| {
        let (id, item) = &templates[number % templates.len()];
        serde_json::from_str::<Value>(&item.replace(id, &format!("01990000-0000-7000-8000-{number:012}"))).unwrap()
    });
    api.import("tasks", items);
}

/// What a client pays that has never been here, and one that comes back when nothing has changed.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "how long it takes is no promise, and good to know")]
async fn sync_of_ten_thousand_tasks_is_paid_once() {
    let api = Api::start().await;
    let ids = [api.create_id(ALICE, body()).await, api.create_id(ALICE, body()).await];
    assert_eq!(api.call(Operation::CompleteTask, &Event::by(ALICE).task(&ids[1])).await.status, 200);
    import_like(&api, &[&ids[0], &ids[1]], "syncs", 10_000);
    api.wire.meter();
    let (mut since, mut tasks, mut bytes, mut rows) = (None::<String>, 0, 0, Vec::new());
    let begun = Instant::now();
    loop {
        let query = [("limit", "500")].into_iter().chain(since.as_deref().map(|since| ("since", since)));
        let event = Event::by("syncs").query(&query.collect::<Vec<_>>());
        let mut page = measured(&api, "a page", Operation::ListChanges, event.clone(), &mut rows).await;
        // An attempt may time out on a busy machine.
        for _ in 0..5 {
            if rows.last().is_some_and(|row| row.cost.requests > 1) {
                rows.pop();
                page = measured(&api, "a page", Operation::ListChanges, event.clone(), &mut rows).await;
            }
        }
        tasks += page.titles().len();
        bytes += page.raw["body"].as_str().unwrap().len();
        since = page.body["next"].as_str().map(str::to_owned);
        if page.body["has_more"] == false {
            break;
        }
    }
    println!("10,000 tasks were read in {:?}", begun.elapsed());
    assert_eq!(tasks, 10_000);
    assert!(rows.iter().all(|row| row.cost.requests == 1), "{rows:?}");
    let (requests, units) = (rows.len(), rows.iter().map(|row| row.cost.units).sum::<f64>());

    let event = Event::by("syncs").query(&[("since", since.as_deref().unwrap())]);
    let mut rows = Vec::new();
    let delta = measured(&api, "an empty delta", Operation::ListChanges, event, &mut rows).await;
    assert_eq!((&delta.body["tasks"], &delta.body["deleted"]), (&json!([]), &json!([])));
    assert_eq!(rows[0].cost, Cost { requests: 1, units: 1.0 }, "an empty delta");
    let table = format!(
        "| sync of 10,000 tasks | requests | units | bytes |\n|---|---:|---:|---:|\n\
         | all of them, 500 a page | {requests} | {units} | {bytes} |\n\
         | again, nothing has changed | 1 | 1 | {} |\n",
        delta.raw["body"].as_str().unwrap().len(),
    );
    assert_documented(&table);
    assert_documented(&table_of_searches(&api, "syncs").await);
}

/// What it costs to look through everything.
async fn table_of_searches(api: &Api, user: &str) -> String {
    let mut table = String::from("| all of 10,000 tasks | calls | requests | units |\n|---|---:|---:|---:|\n");
    for (name, operation, query) in [
        ("a search for what no task has", Operation::ListTasks, Some(("q", "nothing"))),
        ("tags with counts", Operation::ListTags, None),
    ] {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = query.into_iter().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let event = Event::by(user).query(&query.collect::<Vec<_>>());
            let page = answered(api, operation, &event, &mut rows).await;
            cursor = page.body["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert!(rows.iter().all(|cost| cost.requests <= 4 && cost.units <= MOST_UNITS), "{rows:?}");
        let requests: usize = rows.iter().map(|cost| cost.requests).sum();
        let units: f64 = rows.iter().map(|cost| cost.units).sum();
        let _ = writeln!(table, "| {name} | {} | {requests} | {units} |", rows.len());
    }
    table
}

/// Calls until no attempt times out, as some do on a busy machine, and notes what the last call cost.
async fn answered(api: &Api, operation: Operation, event: &Event, costs: &mut Vec<Cost>) -> Answer {
    for _ in 0..10 {
        api.wire.take();
        api.wire.take_units();
        let answer = api.call(operation, event).await;
        let cost = Cost { requests: api.wire.take().len(), units: api.wire.take_units() };
        if answer.status == 200 && cost.requests <= 4 {
            costs.push(cost);
            return answer;
        }
    }
    panic!("{operation:?} does not succeed");
}

/// What one list reads at most, whatever the tasks look like: four times a megabyte and the task that reaches beyond it.
const MOST_UNITS: f64 = 4.0 * (256.0 + 12.0);

#[tokio::test]
async fn list_reads_bounded_units() {
    let api = Api::start().await;
    api.wire.meter();
    let mut table = String::from("| the most that one list reads | requests | units |\n|---|---:|---:|\n");
    for (name, user, sizes) in [
        ("100 tasks of the largest size, none with the tag", "largest", vec![45_000; 100]),
        // Each request ends with the task that reaches beyond a megabyte.
        ("1,200 tasks of sizes chosen for it", "chosen", [vec![10_400; 101], vec![3_400; 1_099]].concat()),
    ] {
        import_sized(&api, user, &sizes).await;
        let mut rows = Vec::new();
        let query = [("tag", "none"), ("limit", "100")];
        let page = measured(&api, name, Operation::ListTasks, Event::by(user).query(&query), &mut rows).await;
        assert!(page.titles().is_empty() && page.body["next_cursor"].is_string(), "{page:?}");
        let [Row { cost: Cost { requests, units }, .. }] = rows.as_slice() else { panic!("{rows:?}") };
        assert!(*requests <= 4 && *units <= MOST_UNITS, "{name}: {requests} requests, {units} units");
        let _ = writeln!(table, "| {name} | {requests} | {units} |");
    }
    assert_documented(&table);
}

/// What one erasure writes at most: it stops after the batch that reaches six thousand units, and a batch has 25 tasks, each
/// with the entries of three indexes at most.
const MOST_ERASED: f64 = 6_000.0 + 25.0 * 4.0 * 45.0;

#[tokio::test]
async fn erasure_takes_bounded_units_a_call() {
    let api = Api::start().await;
    api.wire.meter();
    import_sized(&api, "large", &vec![45_000; 60]).await;
    import_sized(&api, "small", &vec![1_000; 200]).await;
    let mut rows = Vec::new();
    for user in ["large", "small"] {
        let answer = measured(&api, user, Operation::EraseTasks, Event::by(user), &mut rows).await;
        assert_eq!(answer.body["has_more"], user == "large");
    }
    let [large, small] = rows.as_slice() else { panic!("{rows:?}") };
    // What it reads is a twelfth of that.
    assert!(large.cost.units <= MOST_ERASED * 13.0 / 12.0, "{large:?}");
    let table = format!(
        "| erasure | requests | units |\n|---|---:|---:|\n\
         | one call, which ends after 50 tasks of the largest size | {} | {} |\n\
         | all of 200 tasks of a kilobyte | {} | {} |\n",
        large.cost.requests, large.cost.units, small.cost.requests, small.cost.units,
    );
    assert_documented(&table);
}

/// Gives a user tasks with items of these sizes, newest first.
async fn import_sized(api: &Api, user: &str, sizes: &[usize]) {
    const PADDING: &str = "the padding";
    let id = api.create_id(ALICE, json!({ "title": "x", "description": PADDING })).await;
    let item = api.item(ALICE, &id);
    // Names and values, as DynamoDB counts them.
    let rest: usize = 500;
    let items = sizes.iter().enumerate().map(|(number, size)| {
        let other = item.to_string().replace(&id, &format!("01990000-0000-7000-8000-{:012}", sizes.len() - number));
        let other = other.replace(&format!("\"{ALICE}\""), &format!("\"{user}\""));
        serde_json::from_str::<Value>(&other.replace(PADDING, &"x".repeat(size - rest))).unwrap()
    });
    api.import("tasks", items);
}

/// A task as people write them.
fn body() -> Value {
    json!({
        "title": "Send the second quarter's figures to the auditors",
        "description": "All of them, those of the branches included; the template is in the shared folder.",
        "priority": "high",
        "due": "2026-12-01T09:00:00Z",
        "tags": ["work", "finance"],
    })
}

/// What the calls cost a user, by name.
async fn calls(api: &Api, user: &str) -> Vec<Row> {
    let (mut rows, mut of_changes) = (Vec::new(), Vec::new());
    // Before anything is written: changes of the last minutes are given again.
    let changes = |query: &[(&str, &str)]| Event::by(user).query(query);
    let first = changes(&[("limit", "50")]);
    let page = measured(api, "list of all changes", Operation::ListChanges, first, &mut of_changes).await;
    let next = changes(&[("limit", "50"), ("since", page.body["next"].as_str().unwrap())]);
    measured(api, "list of all changes, next page", Operation::ListChanges, next, &mut of_changes).await;
    let latest = api.call(Operation::ListChanges, &changes(&[("since", "latest")])).await;
    let none = changes(&[("since", latest.body["next"].as_str().unwrap())]);
    let page = measured(api, "list of changes, none", Operation::ListChanges, none, &mut of_changes).await;
    assert_eq!((&page.body["tasks"], &page.body["deleted"]), (&json!([]), &json!([])));

    let mut of_rights = Vec::new();
    let export = Event::by(user).query(&[("limit", "50")]);
    measured(api, "export", Operation::ExportTasks, export, &mut of_rights).await;
    // Somebody else's, because others follow here.
    let other = format!("{user}-erased");
    api.create(&other, body()).await;
    measured(api, "erasure of a task", Operation::EraseTasks, Event::by(&other), &mut of_rights).await;
    measured(api, "health", Operation::GetHealth, Event::anonymous("me"), &mut of_rights).await;

    let created = measured(api, "create", Operation::CreateTask, Event::by(user).json(&body()), &mut rows).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    let key = Event::by(user).json(&body()).header("idempotency-key", "a-key");
    measured(api, "create with an idempotency key", Operation::CreateTask, key, &mut rows).await;

    let task = || Event::by(user).task(&id);
    measured(api, "get", Operation::GetTask, task(), &mut rows).await;
    for (first, next, status) in [
        ("list, newest first", "list, newest first, next page", "all"),
        ("list of open tasks", "list of open tasks, next page", "open"),
        ("list of completed tasks", "list of completed tasks, next page", "completed"),
    ] {
        let query = |cursor: &str| match cursor {
            "" => Event::by(user).query(&[("status", status)]),
            cursor => Event::by(user).query(&[("status", status), ("cursor", cursor)]),
        };
        let page = measured(api, first, Operation::ListTasks, query(""), &mut rows).await;
        // A user with one task has no second page, so the first page is read again instead.
        let cursor = page.body["next_cursor"].as_str().unwrap_or_default();
        measured(api, next, Operation::ListTasks, query(cursor), &mut rows).await;
    }

    rows.append(&mut of_changes);

    let json = |body: Value| task().json(&body);
    let set = |completed: bool| json(json!({ "completed": completed }));
    for (name, operation, event) in [
        ("replace", Operation::ReplaceTask, json(body())),
        ("update of the title", Operation::UpdateTask, json(json!({ "title": "Send them to the other auditors" }))),
        ("update of the due date", Operation::UpdateTask, json(json!({ "due": "2026-12-02T09:00:00Z" }))),
        ("complete", Operation::CompleteTask, set(true)),
        ("reopen", Operation::CompleteTask, set(false)),
        ("toggle of an open task", Operation::CompleteTask, task()),
        ("toggle of a completed task", Operation::CompleteTask, task()),
        ("delete", Operation::DeleteTask, task()),
        ("restore", Operation::RestoreTask, task()),
    ] {
        measured(api, name, operation, event, &mut rows).await;
    }
    of_a_list_in_order(api, user, &mut rows).await;
    let mut recurring = body();
    recurring["recurrence"] = json!({ "rule": "FREQ=WEEKLY;BYDAY=MO", "time_zone": "Europe/Berlin" });
    let recurring = api.create_id(user, recurring).await;
    for (name, operation) in [("skip", Operation::SkipTask), ("complete a recurring task", Operation::CompleteTask)] {
        measured(api, name, operation, Event::by(user).task(&recurring), &mut rows).await;
    }
    for (name, atomic, first) in [("batch of ten creates", false, 10), ("batch of ten creates, atomic", true, 20)] {
        let items: Vec<_> = (first..first + 10)
            .map(|number| json!({ "op": "create", "id": format!("01980000-0000-7000-8000-{number:012}"), "task": body() }))
            .collect();
        let event = Event::by(user).json(&json!({ "atomic": atomic, "items": items }));
        measured(api, name, Operation::BatchTasks, event, &mut rows).await;
    }
    rows.append(&mut of_rights);
    // Whatever has no row above.
    let measured_above: Vec<_> = rows.iter().map(|row| row.operation).collect();
    // Tags are counted by reading all tasks, which is measured elsewhere.
    let others = Operation::ALL.into_iter().filter(|operation| *operation != Operation::ListTags);
    for operation in others.filter(|operation| !measured_above.contains(operation)) {
        let created = api.create(user, body()).await;
        let event = Event::by(user).of(operation, created["id"].as_str().unwrap());
        measured(api, operation.name(), operation, event, &mut rows).await;
    }
    rows
}

/// What tasks with a position and subtasks cost. The task that is moved is the only one with a position.
async fn of_a_list_in_order(api: &Api, user: &str, rows: &mut Vec<Row>) {
    let with = |field: &str, value: &str| {
        let mut task = body();
        task[field] = json!(value);
        task
    };
    let parent = api.create_id(user, with("position", "a0")).await;
    let on = |id: &str| Event::by(user).task(id);
    let position = on(&parent).json(&json!({ "position": "a1" }));
    measured(api, "update of the position", Operation::UpdateTask, position, rows).await;
    measured(api, "move", Operation::MoveTask, on(&parent).json(&json!({ "after": null })), rows).await;
    let list = Event::by(user).query(&[("sort", "position")]);
    measured(api, "list of open tasks in order, one task", Operation::ListTasks, list, rows).await;
    let subtask = || Event::by(user).json(&with("parent_id", &parent));
    for number in 0..9 {
        let name = if number == 0 { "create of a subtask" } else { "create-task" };
        measured(api, name, Operation::CreateTask, subtask(), rows).await;
    }
    rows.retain(|row| row.name != "create-task");
    let list = Event::by(user).query(&[("parent_id", &parent)]);
    measured(api, "list of nine subtasks", Operation::ListTasks, list, rows).await;
    measured(api, "complete, with nine subtasks", Operation::CompleteTask, on(&parent), rows).await;
    measured(
        api,
        "reopen a task with a position",
        Operation::CompleteTask,
        on(&parent).json(&json!({ "completed": false })),
        rows,
    )
    .await;
    measured(api, "delete, with nine subtasks", Operation::DeleteTask, on(&parent), rows).await;
}

/// Makes a call, and notes what it cost.
async fn measured(api: &Api, name: &'static str, operation: Operation, event: Event, rows: &mut Vec<Row>) -> Answer {
    api.wire.take();
    api.wire.take_units();
    let answer = api.call(operation, &event).await;
    assert!(answer.status < 300, "{name}: {answer:?}");
    let cost = Cost { requests: api.wire.take().len(), units: api.wire.take_units() };
    rows.push(Row { name, operation, cost });
    answer
}

/// As docs/costs.md has it.
fn table(rows: &[(&str, Vec<Cost>)]) -> String {
    let mut table = String::from(
        "| call | requests | units with 1 task | with 1,000 | with 100,000 |\n|---|---:|---:|---:|---:|\n",
    );
    for (name, costs) in rows {
        let requests = costs.iter().map(|cost| cost.requests).max().unwrap_or_default();
        let units: Vec<_> = costs.iter().map(|cost| cost.units.to_string()).collect();
        let _ = writeln!(table, "| {name} | {requests} | {} |", units.join(" | "));
    }
    table
}
