//! The whole stack as a developer runs it, over HTTP: `cargo xtask dev` with the real binaries behind `cargo lambda
//! watch`.

use std::fs;

use serde_json::{Value, json};
use tests::{ALICE, Answer, BOB, Dev, SECRET_SETTINGS, Signer, send, temporary_folder};

/// The stack, called with tokens that the tests sign.
struct Stack(Dev);

impl Stack {
    async fn start(folder: &std::path::Path) -> Self {
        Self(Dev::start(folder, &[], &SECRET_SETTINGS).await)
    }

    async fn send(
        &self,
        user: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let authorization = format!("Bearer {}", Signer::default().token(user));
        let mut fields = vec![("authorization", authorization.as_str())];
        fields.extend(body.is_some().then_some(("content-type", "application/json")));
        fields.extend(headers);
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        send(method, &format!("{}/api/{path}", self.0.api()), &fields, body).await
    }

    async fn create(&self, user: &str, title: &str) -> Value {
        let answer = self.send(user, "POST", "me/tasks", &[], Some(json!({ "title": title }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.headers["location"], format!("/api/me/tasks/{}", answer.body["id"].as_str().unwrap()));
        answer.body
    }

    async fn titles(&self, user: &str, query: &str) -> Vec<String> {
        let page = self.send(user, "GET", &format!("me/tasks{query}"), &[], None).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let tasks = page.body["tasks"].as_array().unwrap();
        tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_find_their_tasks_after_a_crash() {
    let folder = temporary_folder("end-to-end");
    let dev = Stack::start(&folder).await;

    let first = dev.create(ALICE, "first").await;
    for title in ["second", "third"] {
        dev.create(ALICE, title).await;
    }
    let bobs = dev.create(BOB, "Bob's").await;
    let path = format!("me/tasks/{}", first["id"].as_str().unwrap());
    let foreign = format!("me/tasks/{}", bobs["id"].as_str().unwrap());

    let page = dev.send(ALICE, "GET", "me/tasks?limit=2", &[], None).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    assert_eq!(dev.titles(ALICE, &format!("?limit=2&cursor={cursor}")).await, ["first"]);
    assert_eq!(dev.titles(BOB, "").await, ["Bob's"]);
    assert_eq!(dev.send(ALICE, "GET", &foreign, &[], None).await.status, 404);
    assert_eq!(dev.send(ALICE, "GET", "bob/tasks", &[], None).await.status, 403);
    assert_eq!(dev.send(ALICE, "GET", "%61lice/tasks", &[], None).await.status, 200, "decoded once");
    assert_eq!(dev.send(ALICE, "GET", "%2561lice/tasks", &[], None).await.status, 403, "and not twice");

    assert_eq!(dev.send(ALICE, "GET", "me/tasks/batch", &[], None).await.status, 404, "a route of another method");

    let patch = |title: &str| Some(json!({ "title": title }));
    assert_eq!(dev.send(ALICE, "PATCH", &path, &[], patch("changed")).await.body["version"], 2);
    assert_eq!(dev.send(ALICE, "PATCH", &path, &[("if-match", "\"1\"")], patch("stale")).await.status, 412);
    let changed = dev.send(ALICE, "PATCH", &path, &[("if-match", "\"2\"")], patch("again")).await;
    assert_eq!((changed.status, changed.headers["etag"].as_str()), (200, "\"3\""));
    let replaced = dev.send(ALICE, "PUT", &path, &[], Some(json!({ "title": "new", "due": "2026-12-01" }))).await;
    assert_eq!((replaced.status, &replaced.body["due"]), (200, &json!("2026-12-01")));
    for expected in [true, false, true] {
        let toggled = dev.send(ALICE, "PATCH", &format!("{path}/complete"), &[], None).await;
        assert_eq!((toggled.status, &toggled.body["completed"]), (200, &json!(expected)), "{}", toggled.body);
    }
    assert_eq!(dev.titles(ALICE, "?status=completed").await, ["new"]);

    let key = [("idempotency-key", "k1")];
    let once = dev.send(ALICE, "POST", "me/tasks", &key, patch("once")).await;
    let again = dev.send(ALICE, "POST", "me/tasks", &key, patch("once")).await;
    assert_eq!((once.status, again.status, &once.body), (201, 201, &again.body));
    let gone = format!("me/tasks/{}", once.body["id"].as_str().unwrap());
    assert_eq!(dev.send(ALICE, "DELETE", &gone, &[], None).await.status, 204);
    assert_eq!(dev.send(ALICE, "DELETE", &gone, &[], None).await.status, 404);
    assert_eq!(dev.send("", "GET", "me/tasks", &[], None).await.status, 401);

    // Its path is not that of a task.
    let changes = dev.send(ALICE, "GET", "me/tasks/changes?limit=500", &[], None).await;
    assert_eq!((changes.status, changes.titles().as_slice()), (200, ["second", "third", "new"].as_slice()));
    assert_eq!(changes.body["deleted"][0]["id"], once.body["id"]);
    let next = format!("me/tasks/changes?since={}", changes.body["next"].as_str().unwrap());
    assert_eq!(dev.send(ALICE, "GET", &next, &[], None).await.status, 200);
    assert_eq!(dev.send(BOB, "GET", &next, &[], None).await.body["code"], "invalid_sync_token");
    for method in ["PUT", "PATCH", "DELETE"] {
        let answer = dev.send(ALICE, method, "me/tasks/changes", &[], patch("x").filter(|_| method != "DELETE")).await;
        assert_eq!(answer.status, 404, "{method}: {}", answer.body);
    }
    let items = json!({ "items": [{ "op": "delete", "id": once.body["id"] }, { "op": "delete", "id": first["id"], "if_match": 1 }] });
    let batch = dev.send(ALICE, "POST", "me/tasks/batch", &[], Some(items)).await;
    let statuses = batch.body["results"].as_array().unwrap().iter().map(|row| row["status"].as_u64().unwrap());
    assert_eq!(statuses.collect::<Vec<_>>(), [404, 412]);

    let before = dev.titles(ALICE, "").await;
    assert_eq!(before, ["third", "second", "new"]);
    dev.0.kill().await;
    let dev = Stack::start(&folder).await;
    assert_eq!(dev.titles(ALICE, "").await, before);
    assert_eq!(dev.titles(BOB, "").await, ["Bob's"]);
    assert_eq!(dev.send(ALICE, "GET", &path, &[], None).await.body["version"], 7);
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}
