//! Manual order: positions that clients and the server make, and moves.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{ALICE, Answer, Api, Event, Fault, Operation, SECRET_SETTINGS};

use crate::calls::incoherence;

/// Creates tasks with these titles and positions, and gives their ids.
async fn tasks(api: &Api, positions: &[(&str, Option<&str>)], parent: Option<&str>) -> Vec<String> {
    let create = positions.iter().map(|(title, position)| {
        api.create_id(ALICE, json!({ "title": title, "position": position, "parent_id": parent }))
    });
    let mut ids = Vec::new();
    // One after another: their ids are in this order.
    for task in create {
        ids.push(task.await);
    }
    ids
}

async fn in_order(api: &Api, parent: Option<&str>, limit: &str) -> String {
    let list = parent.map_or(("sort", "position"), |parent| ("parent_id", parent));
    let pages = api.pages(ALICE, &[list, ("limit", limit)]).await;
    pages.iter().flat_map(Answer::titles).collect::<Vec<_>>().join(" ")
}

async fn move_task(api: &Api, id: &str, to: &Value) -> Answer {
    api.call(Operation::MoveTask, &Event::by(ALICE).task(id).json(to)).await
}

async fn update(api: &Api, id: &str, changes: Value) -> Answer {
    api.call(Operation::UpdateTask, &Event::by(ALICE).task(id).json(&changes)).await
}

fn assert_coherent(api: &Api) {
    assert_eq!(api.items("tasks", ALICE).iter().find_map(incoherence), None);
}

#[tokio::test]
async fn moved_task_is_where_the_body_says() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    for parent in [None, Some(parent.as_str())] {
        let rest = if parent.is_some() { " x" } else { "" };
        for (moved, to, expected) in [
            (0, json!({ "after": "2" }), "b c a d"),
            (3, json!({ "before": "1" }), "a d b c"),
            (2, json!({ "after": null }), "c a b d"),
            (1, json!({ "before": null }), "a c d b"),
            (4, json!({ "after": "0" }), "a x b c d"),
            (1, json!({ "after": "0" }), "a b c d"),
            (1, json!({ "before": "2" }), "a b c d"),
            (0, json!({ "before": "0" }), "422"),
        ] {
            let positions = [("a", Some("a0")), ("b", Some("a1")), ("c", Some("a2")), ("d", Some("a2V")), ("x", None)];
            let ids = tasks(&api, &positions, parent).await;
            let to: Value = to
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, index)| {
                    let id = index.as_str().map(|index| ids[index.parse::<usize>().unwrap()].clone());
                    (name.clone(), json!(id))
                })
                .collect::<serde_json::Map<_, _>>()
                .into();
            api.wire.take();
            let answer = move_task(&api, &ids[moved], &to).await;
            if expected == "422" {
                assert_eq!(answer.body["errors"][0]["pointer"], "/before", "{answer:?}");
            } else {
                assert_eq!((answer.status, &answer.body["version"]), (200, &json!(2)), "{to} {answer:?}");
                let requests = if parent.is_some() { 4 } else { 3 };
                assert!(api.wire.take_operations().len() <= requests, "reads, and one write");
                let expected = if moved == 4 { expected.to_owned() } else { format!("{expected}{rest}") };
                for limit in ["2", "100"] {
                    assert_eq!(in_order(&api, parent, limit).await, expected, "{to}");
                }
            }
            assert_coherent(&api);
            for id in &ids {
                api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await;
            }
        }
    }
}

#[tokio::test]
async fn move_names_the_field_that_is_wrong() {
    let api = Api::start().await;
    let ids = tasks(&api, &[("a", Some("a0")), ("without a position", None)], None).await;
    let children = tasks(&api, &[("child", Some("a0"))], Some(&ids[0])).await;
    let close = tasks(&api, &[("low", Some("b00")), ("high", Some(&format!("b00{}1", "0".repeat(96))))], None).await;
    let unknown = "01990000-0000-7000-8000-000000000000";
    for (body, pointer) in [
        (json!({}), "/before"),
        (json!({ "before": null, "after": null }), "/after"),
        (json!({ "before": 1 }), "/before"),
        (json!({ "after": "x" }), "/after"),
        (json!({ "after": null, "x": 1 }), "/x"),
        (json!({ "before": unknown }), "/before"),
        (json!({ "before": ids[1] }), "/before"),
        (json!({ "after": children[0] }), "/after"),
        (json!({ "before": close[1] }), "/before"),
    ] {
        let moved = api.create_titled("moved").await;
        let answer = move_task(&api, &moved, &body).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{body} {answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body} {answer:?}");
        assert_eq!(api.item(ALICE, &moved)["version"]["N"], "1");
    }
    let of_another_list = move_task(&api, &children[0], &json!({ "after": ids[0] })).await;
    assert_eq!(of_another_list.body["errors"][0]["pointer"], "/after", "{of_another_list:?}");
}

#[tokio::test]
async fn equal_positions_sort_by_id_and_leave_no_room() {
    let api = Api::start().await;
    let twice = [("a", Some("a0")), ("b", Some("a1")), ("c", Some("a1")), ("d", Some("a1")), ("e", Some("a2"))];
    let ids = tasks(&api, &twice, None).await;
    assert_eq!(in_order(&api, None, "1").await, "a b c d e");
    let x = api.create_titled("x").await;
    assert_eq!(move_task(&api, &x, &json!({ "before": ids[2] })).await.body["position"], "a0V");
    assert_eq!(in_order(&api, None, "1").await, "a x b c d e");
    assert_eq!(move_task(&api, &x, &json!({ "after": ids[2] })).await.body["position"], "a1V");
    assert_eq!(in_order(&api, None, "1").await, "a b c d x e");
}

/// Every write that says where a task is, of every kind of task: its keys follow from the rest, which every item shows.
#[tokio::test]
async fn keys_of_lists_in_order_follow_every_write() {
    let api = Api::start().await;
    let parent = api.create_titled("parent").await;
    let changes = [
        json!({ "position": "a5" }),
        json!({ "position": null }),
        json!({ "position": "a5", "completed": true }),
        json!({ "position": "a5", "completed": false }),
        json!({ "position": null, "completed": false }),
        json!({ "completed": false }),
        json!({ "completed": true }),
        json!({ "title": "x", "due": "2026-12-01" }),
    ];
    for position in [Value::Null, json!("a0")] {
        for parent in [Value::Null, json!(parent)] {
            for completed in [false, true] {
                let task = json!({ "title": "task", "position": position, "parent_id": parent });
                let new = async || {
                    let id = api.create_id(ALICE, task.clone()).await;
                    update(&api, &id, json!({ "completed": completed })).await;
                    id
                };
                for changes in &changes {
                    let id = new().await;
                    let answer = update(&api, &id, changes.clone()).await;
                    assert_eq!(answer.status, 200, "{task} {changes} {answer:?}");
                    assert_eq!(answer.body, api.get(ALICE, &id).await.body);
                    let mut replacement = json!({ "title": "replaced" });
                    replacement.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
                    for parent in [Value::Null, parent.clone()] {
                        replacement["parent_id"] = parent;
                        let put = Event::by(ALICE).task(&id).json(&replacement);
                        let answer = api.call(Operation::ReplaceTask, &put).await;
                        assert_eq!(answer.status, 200, "{task} {replacement} {answer:?}");
                        assert_eq!(answer.body["position"], changes["position"]);
                        assert_coherent(&api);
                    }
                }
                let id = new().await;
                for _ in 0..2 {
                    assert_eq!(api.call(Operation::CompleteTask, &Event::by(ALICE).task(&id)).await.status, 200);
                    assert_coherent(&api);
                }
                let atomic = json!({ "atomic": true, "items": [
                    { "op": "update", "id": id, "changes": { "position": "a7" } },
                ] });
                let answer = api.call(Operation::BatchTasks, &Event::by(ALICE).json(&atomic)).await;
                assert_eq!(answer.outcome().0, 200, "{task} {answer:?}");
                assert_eq!(move_task(&api, &id, &json!({ "before": null })).await.status, 200);
                for operation in [Operation::DeleteTask, Operation::RestoreTask] {
                    assert!(api.call(operation, &Event::by(ALICE).task(&id)).await.status < 300, "{task}");
                    assert_coherent(&api);
                }
            }
        }
    }
}

#[tokio::test]
async fn manual_order_is_of_open_tasks() {
    let api = Api::start().await;
    tasks(&api, &[("b", Some("a1"))], None).await;
    let new = "01990000-0000-7000-8000-000000000000";
    let task = json!({ "title": "a", "position": "a0", "completed": true });
    let event = Event::by(ALICE).task(new).json(&task).header("if-none-match", "*");
    assert_eq!(api.call(Operation::ReplaceTask, &event).await.status, 201);
    assert_coherent(&api);
    assert_eq!(in_order(&api, None, "100").await, "b");
    assert_eq!(update(&api, new, json!({ "completed": false })).await.status, 200);
    assert_eq!(in_order(&api, None, "100").await, "a b", "its position stayed");
    let open = api.list(ALICE, &[("sort", "position"), ("status", "open")]).await;
    assert_eq!(open.titles(), ["a", "b"], "saying so changes nothing");
}

#[tokio::test]
async fn repeated_move_is_done_once() {
    let api = Api::start().await;
    let ids = tasks(&api, &[("a", Some("a0")), ("b", Some("a1")), ("c", Some("a2"))], None).await;
    let event = Event::by(ALICE).task(&ids[2]).json(&json!({ "before": ids[1] })).header("idempotency-key", "k");
    api.wire.fail_next([Fault::None, Fault::None, Fault::LostAnswer]);
    let first = api.call(Operation::MoveTask, &event).await;
    assert_eq!((first.status, &first.body["version"]), (200, &json!(2)));
    // Its neighbours have changed since, and the request is the same.
    move_task(&api, &ids[0], &json!({ "before": null })).await;
    assert_eq!(api.call(Operation::MoveTask, &event).await.body, first.body);
    let other = Event::by(ALICE).task(&ids[2]).json(&json!({ "after": ids[1] })).header("idempotency-key", "k");
    assert_eq!(api.call(Operation::MoveTask, &other).await.code(), "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_at_the_same_time_all_end_in_one_order() {
    let api = Api::start().await;
    let positions: Vec<_> = (0..8).map(|number| format!("a{number}")).collect();
    let positions: Vec<_> = positions.iter().map(|position| (position.as_str(), Some(position.as_str()))).collect();
    let ids = tasks(&api, &positions, None).await;
    let processes = join_all((0..8).map(|_| api.another_with(&SECRET_SETTINGS))).await;
    let movers = processes.iter().enumerate().map(async |(index, process)| {
        for round in 0..8 {
            let other = &ids[(index + round + 1) % 8];
            if *other != ids[index] {
                let to = if round % 2 == 0 { json!({ "before": other }) } else { json!({ "after": other }) };
                assert_eq!(move_task(process, &ids[index], &to).await.status, 200);
            }
        }
    });
    tokio::time::timeout(Duration::from_secs(60), join_all(movers)).await.unwrap();
    assert_coherent(&api);
    let pages = api.pages(ALICE, &[("sort", "position"), ("limit", "3")]).await;
    let listed = pages.iter().flat_map(|page| page.body["tasks"].as_array().unwrap());
    let keys: Vec<_> = listed.map(|task| (task["position"].to_string(), task["id"].to_string())).collect();
    assert!(keys.len() == 8 && keys.is_sorted(), "{keys:?}");
}
