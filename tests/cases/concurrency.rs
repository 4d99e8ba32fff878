//! Many at once: writers of one task, clients with one idempotency key, and readers of a list that others change.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{join_all, select};
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Fault, Operation, SECRET_SETTINGS};

use crate::calls::{Again, Overtaken, writes};

/// How many clients there are, each with a process of the API for itself.
const CLIENTS: usize = 16;
/// How many writes each of them wants to see done.
const WRITES: usize = 5;

/// Processes of the API on one database.
async fn processes(api: &Api) -> Vec<Api> {
    join_all((0..CLIENTS).map(|_| api.another_with(&SECRET_SETTINGS))).await
}

fn version(answer: &Answer) -> u64 {
    answer.body["version"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn versioned_writers_lose_no_update() {
    let api = Api::start().await;
    let id = &api.create_titled("0").await;
    let processes = processes(&api).await;
    // Each adds one to the number that it has read, until it has done so often enough.
    let writers = processes.iter().map(async |process| {
        let mut refused = 0;
        for _ in 0..WRITES {
            loop {
                let task = process.get(ALICE, id).await;
                let next = task.body["title"].as_str().unwrap().parse::<usize>().unwrap() + 1;
                let event = Event::by(ALICE).task(id).json(&json!({ "title": next.to_string() }));
                let answer = process.call(Operation::UpdateTask, &event.header("if-match", task.header("etag"))).await;
                if answer.status == 200 {
                    break assert_eq!(version(&answer), version(&task) + 1);
                }
                assert_eq!(answer.status, 412, "{answer:?}");
                refused += 1;
            }
        }
        refused
    });
    let refused: usize = join_all(writers).await.into_iter().sum();
    assert!(refused > 0, "nobody met anybody");
    let task = api.get(ALICE, id).await;
    assert_eq!(task.body["title"], (CLIENTS * WRITES).to_string());
    assert_eq!(version(&task), 1 + (CLIENTS * WRITES) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn unconditional_writes_each_get_a_version() {
    let api = Api::start().await;
    let id = &api.create_titled("one").await;
    let processes = processes(&api).await;
    // A quarter of the writers has one field for itself, and a quarter toggles.
    let writers = processes.iter().enumerate().map(async |(index, process)| {
        let mut answers = Vec::new();
        for number in 0..WRITES {
            let (event, text) = (Event::by(ALICE).task(id), format!("{index} {number}"));
            answers.push(match index % 4 {
                0 => process.call(Operation::UpdateTask, &event.json(&json!({ "title": text }))).await,
                1 => process.call(Operation::UpdateTask, &event.json(&json!({ "description": text }))).await,
                2 => process.call(Operation::UpdateTask, &event.json(&json!({ "tags": [text] }))).await,
                _ => process.call(Operation::CompleteTask, &event).await,
            });
        }
        answers
    });
    let answers: Vec<Vec<Answer>> = join_all(writers).await;
    // A toggle may find that others have toggled all the time; then it says so and has done nothing.
    let (done, given_up): (Vec<_>, Vec<_>) = answers.iter().flatten().partition(|answer| answer.status == 200);
    assert!(given_up.iter().all(|answer| answer.status == 503), "{given_up:?}");
    let versions: BTreeSet<_> = done.iter().map(|answer| version(answer)).collect();
    assert_eq!(versions, (2..2 + done.len() as u64).collect(), "one version for each write");

    let task = api.get(ALICE, id).await;
    assert_eq!(version(&task), 1 + done.len() as u64);
    let toggles = answers.iter().skip(3).step_by(4).flatten().filter(|answer| answer.status == 200).count();
    assert_eq!(task.body["completed"], toggles % 2 == 1, "{toggles} toggles");
    // What is there is what the last writer of each field wrote, and every answer shows its own write.
    for (quarter, field) in ["title", "description", "tags"].into_iter().enumerate() {
        let written = answers.iter().skip(quarter).step_by(4).flatten();
        let last = written.max_by_key(|answer| version(answer)).unwrap();
        assert_eq!(task.body[field], last.body[field], "{field}");
        for (index, answers) in answers.iter().enumerate().skip(quarter).step_by(4) {
            for (number, answer) in answers.iter().enumerate() {
                let shown = &answer.body[field];
                assert_eq!(shown.as_str().or(shown[0].as_str()), Some(format!("{index} {number}").as_str()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_task_stays_deleted() {
    let api = Api::start().await;
    let processes = processes(&api).await;
    for _ in 0..WRITES {
        let id = &api.create_titled("one").await;
        let calls = processes.iter().enumerate().map(async |(index, process)| {
            let event = Event::by(ALICE).task(id);
            let answer = match index % 4 {
                0 => process.call(Operation::DeleteTask, &event).await,
                1 => process.call(Operation::ReplaceTask, &event.json(&json!({ "title": "again" }))).await,
                2 => process.call(Operation::UpdateTask, &event.json(&json!({ "due": "2026-12-01" }))).await,
                _ => process.call(Operation::CompleteTask, &event).await,
            };
            answer.status
        });
        let statuses = join_all(calls).await;
        assert_eq!(statuses.iter().filter(|&&status| status == 204).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 204, 404].contains(status)), "{statuses:?}");
        let item = api.item(ALICE, id);
        assert!(item["deleted_at"].is_object() && item["state_key"].is_null(), "{item}");
        assert_eq!(item["version"]["N"], (1 + statuses.iter().filter(|&&status| status < 300).count()).to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_with_one_key_make_one_task() {
    let api = Api::start().await;
    let processes = processes(&api).await;
    let create = async |process: &Api, key: &str, title: &str| {
        let event = Event::by(ALICE).header("idempotency-key", key).json(&json!({ "title": title }));
        process.call(Operation::CreateTask, &event).await
    };
    for round in 0..WRITES {
        let key = format!("same-{round}");
        let answers = join_all(processes.iter().map(|process| create(process, &key, "one"))).await;
        let tasks: BTreeSet<_> = answers.iter().map(|answer| answer.body.to_string()).collect();
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
        assert_eq!(tasks.len(), 1, "all get the same task");
    }
    for round in 0..WRITES {
        let key = format!("different-{round}");
        let titles: Vec<_> = (0..CLIENTS).map(|number| number.to_string()).collect();
        let calls = processes.iter().zip(&titles).map(|(process, title)| create(process, &key, title));
        let answers = join_all(calls).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let reused = answers.iter().filter(|answer| answer.code() == "idempotency_key_reused").count();
        assert_eq!((made, reused), (1, CLIENTS - 1), "the first one has the key");
    }
    assert_eq!(api.items("tasks", ALICE).len(), 2 * WRITES);
    let mut made: Vec<_> = api.items("tasks", ALICE).iter().map(|task| task["task_id"].to_string()).collect();
    let mut known: Vec<_> =
        api.items("idempotency", ALICE).iter().map(|record| record["task_id"].to_string()).collect();
    made.sort();
    known.sort();
    assert_eq!(made, known, "a record for each task");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_with_one_key_write_once() {
    let api = Api::start().await;
    let processes = processes(&api).await;
    for Overtaken { operation, body, .. } in writes() {
        let id = api.create_titled("one").await;
        let event = Event::by(ALICE).task(&id).header("idempotency-key", "k");
        let event = event.maybe_json(body.as_ref());
        let answers = join_all(processes.iter().map(|process| process.call(operation, &event))).await;
        assert!(
            answers.iter().all(|answer| answer.status == 200 && version(answer) == 2),
            "{operation:?}: {answers:?}"
        );
        assert_eq!(api.item(ALICE, &id)["version"]["N"], "2", "{operation:?}");
    }
    let new = "01990000-0000-7000-8000-000000000000";
    let event = Event::by(ALICE).task(new).json(&json!({ "title": "x" })).header("if-none-match", "*");
    let keyed = event.clone().header("idempotency-key", "k");
    let answers = join_all(processes.iter().map(|process| process.call(Operation::ReplaceTask, &keyed))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let answers = join_all(processes.iter().map(|process| process.call(Operation::ReplaceTask, &event))).await;
    assert!(answers.iter().all(|answer| answer.status == 412), "{answers:?}");
    assert_eq!(api.item(ALICE, new)["version"]["N"], "1");
}

/// A client repeats after a second, when up to two others have written: nothing is done twice, and nothing undone.
#[tokio::test]
async fn repetition_after_two_others_changes_nothing() {
    for Overtaken { operation, body, again, completes } in writes() {
        for others in 0..=3 {
            let api = Api::start().await;
            let id = api.create_titled("one").await;
            let event = Event::by(ALICE).task(&id).header("idempotency-key", "k");
            let event = event.maybe_json(body.as_ref());
            let first = api.call(operation, &event).await;
            assert_eq!((first.status, version(&first)), (200, 2), "{operation:?}");
            for (operation, body) in &foreign_writes(completes)[..others] {
                api.call(*operation, &Event::by(ALICE).task(&id).json(body)).await;
            }
            let task = api.get(ALICE, &id).await;
            let repeated = api.call(operation, &event).await;
            if others < 3 || again == Again::Stays {
                assert_eq!((repeated.status, &repeated.body), (200, &task.body), "{operation:?} after {others} others");
                assert_eq!(api.get(ALICE, &id).await.body, task.body);
            } else {
                // The limit: it is a new write by now.
                assert_eq!((repeated.status, version(&repeated)), (200, 6), "{operation:?}");
            }
        }
    }
}

/// What others write of a task that is completed or not, one after another.
fn foreign_writes(completed: bool) -> [(Operation, Value); 3] {
    [
        (
            Operation::ReplaceTask,
            json!({ "title": "theirs", "due": "2026-12-24", "tags": ["theirs"], "completed": completed }),
        ),
        (Operation::UpdateTask, json!({ "title": "theirs", "description": "theirs" })),
        (Operation::UpdateTask, json!({ "title": "theirs", "priority": "low" })),
    ]
}

/// Has a call's first attempt done and its answer lost, then others write the task, and then its second attempt arrives.
/// Gives what the call and the last of the others are answered.
async fn overtaken(
    api: &Api,
    (operation, event): (Operation, &Event),
    foreign: &[(Operation, Value)],
    id: &str,
) -> (Answer, Answer) {
    let other = api.another_with(&SECRET_SETTINGS).await;
    let version = api.item(ALICE, id)["version"].clone();
    // Long enough for others to write, and less than the time that an attempt has.
    let reads = vec![Fault::None; operation.reads_first()];
    api.wire.fail_next(reads.into_iter().chain([Fault::LostAnswer, Fault::Late(Duration::from_secs(1))]));
    let others = async {
        while api.item(ALICE, id)["version"] == version {
            tokio::task::yield_now().await;
        }
        let mut last = None;
        for (operation, body) in foreign {
            let answer = other.call(*operation, &Event::by(ALICE).task(id).json(body)).await;
            assert_eq!(answer.status, operation.success(), "{operation:?}: {answer:?}");
            last = Some(answer);
        }
        last.unwrap()
    };
    let answers = futures_util::join!(api.call(operation, event), others);
    let sent = api.wire.take_operations().into_iter().filter(|operation| operation == "UpdateItem").count();
    assert!(sent > 1, "{operation:?} is tried again");
    answers
}

/// An attempt may arrive late, after the call was done and others have written.
#[tokio::test(flavor = "multi_thread")]
async fn late_attempt_undoes_no_later_write() {
    let rows = writes().into_iter().flat_map(|write| [(write.clone(), 1), (write, 2)]);
    let rows = rows.flat_map(|(write, others)| [(write.clone(), others, None), (write, others, Some("\"1\""))]);
    join_all(rows.map(async |(Overtaken { operation, body, completes, .. }, others, if_match)| {
        let row = format!("{operation:?}, {others} others, if-match {if_match:?}");
        let api = Api::start().await;
        let id = api.create_titled("one").await;
        let event = Event::by(ALICE).task(&id);
        let event = event.maybe_json(body.as_ref());
        let event = event.maybe_header("if-match", if_match);
        let (answer, last) = overtaken(&api, (operation, &event), &foreign_writes(completes)[..others], &id).await;
        assert_eq!(version(&last), 2 + others as u64, "{row}: each write is done once");
        assert_eq!(answer.status, 200, "{row}: {answer:?}");
        assert_eq!(answer.body, last.body, "{row}: the answer has the task as it is now");
        assert_eq!(api.get(ALICE, &id).await.body, last.body, "{row}: what the others wrote stands");
        assert_eq!(last.body["completed"], completes, "{row}: the completion stands");
    }))
    .await;
}

/// A completed task is toggled, and given another date, by a second request: the first one finds out that it is not open.
#[tokio::test(flavor = "multi_thread")]
async fn late_attempt_on_open_task_keeps_later_completion() {
    let calls = [(Operation::CompleteTask, None), (Operation::UpdateTask, Some(json!({ "due": "2026-11-30" })))];
    for (operation, body) in calls {
        let api = Api::start().await;
        let other = api.another_with(&SECRET_SETTINGS).await;
        let id = api.create_titled("one").await;
        let completion = |completed: bool| Event::by(ALICE).task(&id).json(&json!({ "completed": completed }));
        assert_eq!(other.call(Operation::CompleteTask, &completion(true)).await.status, 200);

        // The first attempt is given up after a second and a half, and arrives after two and a half.
        api.wire.fail_next([Fault::Late(Duration::from_millis(2_500))]);
        let event = Event::by(ALICE).task(&id).maybe_json(body.as_ref());
        let answer = api.call(operation, &event).await;
        assert_eq!((answer.status, version(&answer)), (200, 3), "{operation:?}");
        let reopened = other.call(Operation::CompleteTask, &completion(false)).await;
        let theirs = Event::by(ALICE).task(&id).json(&json!({ "due": "2026-12-24" }));
        let theirs = other.call(Operation::UpdateTask, &theirs).await;
        assert_eq!((reopened.status, theirs.status), (200, 200), "{operation:?}");
        api.wire.settle().await;
        assert_eq!(api.get(ALICE, &id).await.body, theirs.body, "{operation:?}: the late attempt did nothing");
    }
}

/// A list shows a new task before its creator has a response, so others can write it before that.
#[tokio::test(flavor = "multi_thread")]
async fn lost_create_is_found_after_two_other_writes() {
    let api = Api::start().await;
    let other = api.another_with(&SECRET_SETTINGS).await;
    api.wire.fail_next([Fault::LostAnswer, Fault::Late(Duration::from_secs(1))]);
    let event = Event::by(ALICE).json(&json!({ "title": "one" }));
    let others = async {
        let id = loop {
            match api.items("tasks", ALICE).first() {
                Some(item) => break item["task_id"]["S"].as_str().unwrap().to_owned(),
                None => tokio::task::yield_now().await,
            }
        };
        for (operation, body) in &foreign_writes(false)[..2] {
            assert_eq!(other.call(*operation, &Event::by(ALICE).task(&id).json(body)).await.status, 200);
        }
        id
    };
    let (answer, id) = futures_util::join!(api.call(Operation::CreateTask, &event), others);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!((&answer.body["id"], &answer.body["title"], version(&answer)), (&json!(id), &json!("one"), 1));
    assert_eq!(api.wire.take_operations(), ["PutItem", "PutItem"]);
    assert_eq!(api.items("tasks", ALICE).len(), 1);
    assert_eq!(version(&api.get(ALICE, &id).await), 3, "what the others wrote stands");
}

/// A task that another client deletes is gone, also for a client that wrote it before.
#[tokio::test(flavor = "multi_thread")]
async fn late_attempt_on_deleted_task_finds_none() {
    join_all(writes().into_iter().map(async |Overtaken { operation, body, .. }| {
        let api = Api::start().await;
        let id = api.create_titled("one").await;
        let event = Event::by(ALICE).task(&id).maybe_json(body.as_ref());
        let (answer, _) = overtaken(&api, (operation, &event), &[(Operation::DeleteTask, Value::Null)], &id).await;
        assert_eq!((answer.status, answer.code()), (404, "task_not_found"), "{operation:?}");
        assert_eq!(api.item(ALICE, &id)["version"]["N"], "3", "{operation:?}");
    }))
    .await;
}

/// The limit: a task remembers its last three writes. A late attempt that more than two others have overtaken is done
/// again, unless it names the version.
#[tokio::test(flavor = "multi_thread")]
async fn attempt_after_three_others_repeats_without_if_match() {
    join_all(writes().into_iter().map(async |Overtaken { operation, body, again, completes }| {
        for if_match in [None, Some("\"1\"")] {
            let api = Api::start().await;
            let id = api.create_titled("one").await;
            let event = Event::by(ALICE).task(&id).maybe_json(body.as_ref());
            let event = event.maybe_header("if-match", if_match);
            let (answer, last) = overtaken(&api, (operation, &event), &foreign_writes(completes), &id).await;
            assert_eq!(version(&last), 5, "{operation:?}");
            let task = api.get(ALICE, &id).await;
            if if_match.is_some() {
                assert_eq!(answer.status, 412, "{operation:?}: the version is another by now");
                assert_eq!(task.body, last.body, "{operation:?}: what the others wrote stands");
            } else if again == Again::Stays {
                assert_eq!((answer.status, &answer.body), (200, &last.body), "{operation:?}: it is as it should be");
                assert_eq!(task.body, last.body, "{operation:?}: what the others wrote stands");
            } else {
                assert_eq!((answer.status, version(&answer)), (200, 6), "{operation:?}: {answer:?}");
                assert_eq!(task.body, answer.body, "{operation:?}");
                if operation == Operation::CompleteTask {
                    assert_eq!(task.body["completed"], false, "the toggle toggles back");
                }
                for (name, value) in
                    body.iter().filter_map(Value::as_object).flatten().filter(|(name, _)| *name == "title")
                {
                    assert_eq!(task.body[name], *value, "{operation:?} is done over theirs");
                }
            }
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_list_shows_stable_tasks_once() {
    let api = Api::start().await;
    let others = api.another_with(&SECRET_SETTINGS).await;
    let mut standing = BTreeSet::new();
    let mut changing = Vec::new();
    // Tasks that stand lie between tasks that change, in every order that there is.
    for number in 0..30 {
        let due = (number % 3 > 0).then(|| format!("2026-12-{:02}", number % 5 + 1));
        let body = json!({ "title": format!("standing {number}"), "due": due, "tags": ["t"], "priority": "high" });
        let task = api.create(ALICE, body).await;
        if number % 2 == 0 {
            let event = Event::by(ALICE).task(task["id"].as_str().unwrap());
            api.call(Operation::CompleteTask, &event).await;
        }
        standing.insert((format!("standing {number}"), number % 2 == 0, number % 3 > 0));
        changing.push(api.create(ALICE, json!({ "title": "changing", "tags": ["t"], "priority": "high" })).await);
    }
    let ids: Vec<_> = changing.iter().map(|task| task["id"].as_str().unwrap()).collect();

    let expected = |is_listed: fn(bool, bool) -> bool| -> BTreeSet<String> {
        let listed = standing.iter().filter(|(_, is_completed, has_due)| is_listed(*is_completed, *has_due));
        listed.map(|(title, ..)| title.clone()).collect()
    };
    let all = expected(|_, _| true);
    let open = expected(|is_completed, _| !is_completed);
    let completed = expected(|is_completed, _| is_completed);
    let due = expected(|is_completed, has_due| !is_completed && has_due);
    let lists = [
        (vec![], &all),
        (vec![("status", "all"), ("tag", "t")], &all),
        (vec![("status", "completed")], &completed),
        (vec![("status", "open")], &open),
        (vec![("status", "open"), ("priority", "high")], &open),
        (vec![("status", "open"), ("due_from", "2026-12-01"), ("due_before", "2026-12-06")], &due),
    ];
    let readers = join_all(lists.iter().map(async |(query, expected)| {
        for limit in ["1", "4", "7"] {
            let pages = api.pages(ALICE, &[query.as_slice(), &[("limit", limit)]].concat()).await;
            let titles = pages.iter().flat_map(Answer::titles).map(str::to_owned);
            let standing: Vec<_> = titles.filter(|title| title.starts_with("standing")).collect();
            assert_eq!(standing.len(), expected.len(), "{query:?} by {limit} repeats or skips: {standing:?}");
            assert_eq!(standing.into_iter().collect::<BTreeSet<_>>(), **expected, "{query:?} by {limit}");
        }
    }));
    let writer = async {
        for number in 0_usize.. {
            let event = Event::by(ALICE).task(ids[number * 7 % ids.len()]);
            let due = format!("2026-12-{:02}", number % 7 + 1);
            match number % 4 {
                0 => drop(others.call(Operation::UpdateTask, &event.json(&json!({ "due": due }))).await),
                1 => drop(others.call(Operation::CompleteTask, &event).await),
                2 => drop(others.create(ALICE, json!({ "title": "new", "due": due, "tags": ["t"] })).await),
                _ if number % 16 == 3 => drop(others.call(Operation::DeleteTask, &event).await),
                _ => drop(others.call(Operation::UpdateTask, &event.json(&json!({ "title": "changed" }))).await),
            }
        }
    };
    // The writer writes until the last reader has finished.
    drop(select(Box::pin(readers), Box::pin(writer)).await);
    assert!(api.items("tasks", ALICE).len() > 70, "others wrote meanwhile");
}
