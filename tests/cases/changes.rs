//! Delta sync on a whole database: what a client has that reads changes is what is there.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use kit::fixtures::refused;
use serde_json::{Value, json};
use shared::store::OVERLAP;
use tests::{ALICE, Answer, Api, BOB, Event, Fault, Operation, SECRET_SETTINGS};

async fn changes(api: &Api, user: &str, query: &[(&str, &str)]) -> Answer {
    api.call(Operation::ListChanges, &Event::by(user).query(query)).await
}

async fn delete(api: &Api, id: &str) {
    assert_eq!(api.call(Operation::DeleteTask, &Event::by(ALICE).task(id)).await.status, 204);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A client that keeps all tasks of Alice's.
#[derive(Default)]
struct Replica {
    since: Option<String>,
    tasks: BTreeMap<String, Value>,
}

impl Replica {
    /// Reads a page, and gives its answer.
    async fn page(&mut self, api: &Api, limit: usize) -> Answer {
        let limit = limit.to_string();
        let query = [("limit", limit.as_str())].into_iter().chain(self.since.as_deref().map(|since| ("since", since)));
        let page = changes(api, ALICE, &query.collect::<Vec<_>>()).await;
        assert_eq!(page.status, 200, "{page:?}");
        for task in page.body["tasks"].as_array().unwrap() {
            self.tasks.insert(text(&task["id"]).to_owned(), task.clone());
        }
        for task in page.body["deleted"].as_array().unwrap() {
            self.tasks.remove(text(&task["id"]));
        }
        self.since = Some(text(&page.body["next"]).to_owned());
        page
    }

    /// Reads pages until there are no more.
    async fn pull(&mut self, api: &Api, limit: usize) -> usize {
        for pages in 1..1_000 {
            if self.page(api, limit).await.body["has_more"] == false {
                return pages;
            }
        }
        panic!("a pull does not end");
    }

    /// Whether it has what lists show, and nothing else.
    async fn assert_complete(&self, api: &Api) {
        let pages = api.pages(ALICE, &[("limit", "100")]).await;
        let tasks = pages.iter().flat_map(|page| page.body["tasks"].as_array().unwrap());
        let listed = tasks.map(|task| (text(&task["id"]).to_owned(), task.clone())).collect();
        assert_eq!(self.tasks, listed);
    }
}

#[tokio::test]
async fn first_pull_gives_every_task_and_the_next_what_changed() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(api.create_titled(&number.to_string()).await);
    }
    delete(&api, &ids[6]).await;
    let mut replica = Replica::default();
    let first = replica.page(&api, 3).await;
    assert_eq!((first.titles().as_slice(), &first.body["has_more"]), (["0", "1", "2"].as_slice(), &json!(true)));
    assert_eq!(replica.pull(&api, 3).await, 2, "seven of them");
    replica.assert_complete(&api).await;

    let event = Event::by(ALICE).task(&ids[1]).json(&json!({ "title": "changed" }));
    assert_eq!(api.call(Operation::UpdateTask, &event).await.status, 200);
    delete(&api, &ids[0]).await;
    // What has changed is the last that there is.
    let page = replica.page(&api, 500).await;
    assert_eq!(page.titles().last(), Some(&"changed"));
    let deleted = page.body["deleted"].as_array().unwrap();
    let item = api.item(ALICE, &ids[0]);
    let expected = json!({ "id": ids[0], "deleted_at": item["deleted_at"]["S"], "version": 2 });
    assert_eq!((deleted.len(), deleted.last()), (2, Some(&expected)));
    replica.assert_complete(&api).await;
}

#[tokio::test]
async fn changes_from_now_on_ask_nobody() {
    let api = Api::start().await;
    age(&api, &api.create_titled("old").await);
    api.wire.take();
    let latest = changes(&api, ALICE, &[("since", "latest")]).await;
    let next = text(&latest.body["next"]);
    assert_eq!(latest.body, json!({ "tasks": [], "deleted": [], "next": next, "has_more": false }));
    assert_eq!(api.wire.take(), []);

    api.create_titled("new").await;
    assert_eq!(changes(&api, ALICE, &[("since", next)]).await.titles(), ["new"]);
    assert_eq!(changes(&api, ALICE, &[]).await.titles(), ["old", "new"]);
}

/// Makes a task that was written long ago.
fn age(api: &Api, id: &str) {
    let item = api.item(ALICE, id);
    let old = item.to_string().replace(item["updated_at"]["S"].as_str().unwrap(), "2026-11-01T10:00:00.000Z");
    api.put("tasks", &serde_json::from_str(&old).unwrap());
}

#[tokio::test]
async fn old_changes_are_given_once() {
    let api = Api::start().await;
    for title in ["one", "two", "three"] {
        age(&api, &api.create_titled(title).await);
    }
    let mut replica = Replica::default();
    assert_eq!(replica.pull(&api, 2).await, 2);
    assert_eq!(replica.page(&api, 2).await.titles(), [""; 0]);
}

#[tokio::test]
async fn expired_tombstones_and_tasks_do_not_disturb() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    delete(&api, &id).await;
    let item = api.items("tasks", ALICE).remove(0);
    let expired = item.to_string().replace(item["expires_at"]["N"].as_str().unwrap(), "1");
    api.put("tasks", &serde_json::from_str(&expired).unwrap());
    let page = changes(&api, ALICE, &[]).await;
    assert_eq!((page.status, &page.body["deleted"][0]["id"]), (200, &json!(id)));
}

#[tokio::test]
async fn token_is_of_its_user_and_of_changes() {
    let api = Api::start().await;
    for title in ["one", "two"] {
        api.create_titled(title).await;
    }
    let kept = changes(&api, ALICE, &[]).await.body["next"].clone();
    let within = changes(&api, ALICE, &[("limit", "1")]).await.body["next"].clone();
    let cursor = api.list(ALICE, &[("limit", "1")]).await.body["next_cursor"].clone();
    let decoded = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text(&within)).unwrap()).unwrap();
    assert!(!decoded.contains(ALICE), "{decoded}");
    let other_list = BASE64_URL_SAFE_NO_PAD.encode(decoded.replace("changes", "tasks"));
    api.wire.take();
    for (user, token) in [
        (BOB, text(&kept)),
        (BOB, text(&within)),
        (ALICE, text(&cursor)),
        (ALICE, &other_list),
        (ALICE, ""),
        (ALICE, "now"),
        (ALICE, &format!("{}=", text(&kept))),
    ] {
        let answer = changes(&api, user, &[("since", token)]).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_sync_token"), "{token:?}");
        assert_eq!(answer.body["errors"][0]["parameter"], "since");
    }
    let answer = api.list(ALICE, &[("cursor", text(&kept))]).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"));
    assert_eq!(api.wire.take(), [], "nothing was read");
}

#[tokio::test]
async fn token_older_than_tombstones_is_gone() {
    let api = Api::start().await;
    let token = changes(&api, ALICE, &[("since", "latest")]).await.body["next"].clone();
    let json = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text(&token)).unwrap()).unwrap();
    let given = serde_json::from_str::<Value>(&json).unwrap()["after"].clone();
    let at = |after: &str| BASE64_URL_SAFE_NO_PAD.encode(json.replace(text(&given), after));
    api.wire.take();
    let answer = changes(&api, ALICE, &[("since", &at("2020-01-01T00:00:00.000Z"))]).await;
    assert_eq!((answer.status, answer.code()), (410, "sync_token_expired"));
    assert_eq!(api.wire.take(), []);
    let answer = changes(&api, ALICE, &[("since", &at("2100-01-01T00:00:00.000Z"))]).await;
    assert_eq!((answer.status, answer.titles().len()), (200, 0), "a token from the future gives no right to anything");
}

#[tokio::test]
async fn limit_and_parameters_are_checked() {
    let api = Api::start().await;
    for (query, places) in refused("queries of changes") {
        let answer = api.call(Operation::ListChanges, &Event::by(ALICE).raw_query(query.as_str().unwrap())).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"), "{query}");
        assert_eq!(answer.body["errors"][0]["parameter"], places[0], "{query}");
    }
    assert_eq!(changes(&api, ALICE, &[("limit", "500")]).await.status, 200);
}

/// The attempt was given up and is still on its way while the client reads; then it lands behind what was read.
#[tokio::test]
async fn late_attempt_is_in_the_next_pull() {
    let api = Api::start().await;
    let writer = api.another_with(&SECRET_SETTINGS).await;
    let id = api.create_titled("before").await;
    let mut replica = Replica::default();
    replica.pull(&api, 500).await;
    let event = Event::by(ALICE).task(&id).json(&json!({ "title": "late" }));
    writer.wire.fail_all(Fault::Late(Duration::from_secs(7)));
    let given_up = writer.call(Operation::UpdateTask, &event).await;
    assert_eq!(given_up.status, 503);
    // Others write, and the client reads, before it lands.
    api.create_titled("meanwhile").await;
    replica.pull(&api, 500).await;
    assert_eq!(replica.tasks[&id]["title"], "before");
    writer.wire.settle().await;
    let late = api.get(ALICE, &id).await.body;
    assert_eq!(late["title"], "late");
    let newest = replica.tasks.values().map(|task| text(&task["updated_at"])).max().unwrap();
    assert!(text(&late["updated_at"]) < newest, "it has landed behind what was read");
    replica.pull(&api, 500).await;
    replica.assert_complete(&api).await;
}

/// Many processes write while clients read pages of different sizes.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_converge_while_many_write() {
    const WRITES: usize = 40;
    let api = Api::start().await;
    let writers = join_all((0..4).map(|_| api.another_with(&SECRET_SETTINGS))).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(api.create_titled(&number.to_string()).await);
    }
    let write = async |number: usize, api: &Api| {
        for round in 0..WRITES {
            let event = Event::by(ALICE).task(&ids[(number * 5 + round * 7) % ids.len()]);
            let (operation, event) = match (number + round) % 9 {
                0 => (Operation::CreateTask, Event::by(ALICE).json(&json!({ "title": format!("{number} {round}") }))),
                1 | 2 => (Operation::CompleteTask, event),
                3 if round > WRITES / 2 => (Operation::DeleteTask, event),
                _ => (Operation::UpdateTask, event.json(&json!({ "title": format!("{number} {round}") }))),
            };
            let answer = api.call(operation, &event).await;
            assert!([200, 201, 204, 404].contains(&answer.status), "{answer:?}");
        }
    };
    let read = async |limit: usize| {
        let mut replica = Replica::default();
        for _ in 0..8 {
            replica.pull(&api, limit).await;
        }
        replica
    };
    let writing = join_all(writers.iter().enumerate().map(|(number, api)| write(number, api)));
    let reading = join_all([1, 3, 500].map(read));
    let (_, mut replicas) = tokio::join!(writing, reading);
    for replica in &mut replicas {
        // The first one ends what was begun meanwhile.
        replica.pull(&api, 50).await;
        replica.pull(&api, 50).await;
        replica.assert_complete(&api).await;
    }
}

#[test]
fn overlap_covers_the_functions_timeout() {
    const SIGNATURE: Duration = Duration::from_mins(5);
    for function in local::template::Template::read().unwrap().functions {
        let under_way = SIGNATURE + Duration::from_secs(function.timeout);
        assert!(under_way + Duration::from_secs(30) <= OVERLAP, "{}", function.logical_id);
    }
}
