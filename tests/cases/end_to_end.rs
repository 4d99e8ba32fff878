//! The whole stack as a developer runs it, over HTTP: `cargo xtask dev` with the real binaries behind `cargo lambda
//! watch`.

use std::collections::BTreeSet;
use std::fs;
use std::iter::repeat_n;

use kit::fixtures::root;
use serde_json::{Value, json};
use tests::{ALICE, Answer, BOB, Dev, Fault, Operation, SECRET_SETTINGS, Signer, Wire, send, temporary_folder};
use tokio::process::Command;
use xtask::smoke::Smoke;

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

/// Takes the tour of `cargo xtask smoke` through a wire, and gives its error.
async fn smoke(wire: &Wire, token: &str) -> Option<String> {
    let smoke = Smoke { base: format!("{}/", wire.endpoint()), token: Some(token.to_owned()) };
    let result = tokio::task::spawn_blocking(|| smoke.run()).await.unwrap();
    result.err().map(|error| format!("{error:#}"))
}

/// The route of a call such as `GET /api/me/tasks?limit=1`.
fn route_of(call: &str) -> String {
    let segments = call.split('?').next().unwrap().split('/').map(|segment| match segment {
        "me" => "{user_id}",
        id if id.len() == 36 => "{task_id}",
        other => other,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_test_names_the_step_that_fails_and_leaves_nothing() {
    let folder = temporary_folder("smoke");
    let stack = Stack::start(&folder).await;
    let wire = Wire::to(&stack.0.api()).await;
    let token = Signer::default().token(ALICE);
    let down = Fault::Error(503, "Down");
    for (number, fault, failure) in [
        (0, Fault::None, None),
        (0, down, Some("health, without a token: answered with 503 instead of 200")),
        (1, down, Some("a bad token is refused: answered with 503")),
        (2, down, Some("another user's tasks are off limits: answered with 503")),
        (3, Fault::LostAnswer, Some("a task is created: answered with 000 instead of 201: curl")),
        (4, down, Some("it is in the list: answered with 503")),
        (6, down, Some("a stale version is refused: answered with 503 instead of 412")),
        (9, Fault::LostAnswer, Some("a batch changes it: answered with 000")),
        (16, down, Some("it is deleted: answered with 503")),
        (21, down, Some(": an unknown task: answered with 503 instead of 404")),
    ] {
        wire.fail_next(repeat_n(Fault::None, number).chain([fault]));
        let error = smoke(&wire, &token).await;
        assert_eq!(error.is_some(), failure.is_some(), "{error:?}");
        let error = error.unwrap_or_default();
        assert!(failure.is_none_or(|failure| error.contains(failure)) && !error.contains(&token), "{error}");
        assert_eq!(stack.titles(ALICE, "").await, [""; 0], "{failure:?}");
        let called: BTreeSet<_> = wire.take_operations().iter().map(|call| route_of(call)).collect();
        let missing = Operation::ALL
            .into_iter()
            .filter(|operation| !called.contains(&format!("{} {}", operation.method(), operation.path())));
        let missing: Vec<_> = missing.map(Operation::name).collect();
        assert!(failure.is_some() || missing.is_empty(), "add {missing:?} to `tour` in xtask/src/smoke.rs");
    }
    let error = smoke(&wire, "another").await.unwrap_or_default();
    assert!(error.contains("off limits: answered with 401 instead of 403"), "{error}");
    drop(stack);
    fs::remove_dir_all(folder).unwrap();
}

/// The commands of docs/api.md write a whole export into a file, and erase everything.
#[tokio::test(flavor = "multi_thread")]
async fn documented_export_is_whole_and_erasure_complete() {
    let page = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let commands = |section: &str| {
        let (_, section) = page.split_once(&format!("\n## {section}\n")).unwrap();
        section.split("```sh\n").nth(1).unwrap().split_once("```").unwrap().0.to_owned()
    };
    let folder = temporary_folder("export");
    let stack = Stack::start(&folder).await;
    let confusing = r#"","next_cursor":"01990000-0000-7000-8000-000000000000"}"#;
    for number in 0..5 {
        stack.create(ALICE, &format!("{number} {confusing}")).await;
    }
    let script = |section: &str| {
        // Two tasks a page, so that there are several.
        let commands =
            commands(section).replace("?cursor", "?limit=2&cursor").replace("/export\"", "/export?limit=2\"");
        let api = format!("api={}/api/me/tasks", stack.0.api());
        format!("{api}\nTOKEN={}\n{commands}", Signer::default().token(ALICE))
    };
    let run = async |section: &str| {
        let output = Command::new("sh").args(["-euc", &script(section)]).current_dir(&folder).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run("Export").await;
    let file = fs::read_to_string(folder.join("export.ndjson")).unwrap();
    let pages: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let titles = pages.iter().flat_map(|page| page["tasks"].as_array().unwrap()).map(|task| task["title"].clone());
    let expected: Vec<_> = (0..5).map(|number| json!(format!("{number} {confusing}"))).collect();
    assert_eq!((pages.len(), titles.collect::<Vec<_>>()), (3, expected));
    run("Erasure").await;
    assert_eq!(stack.titles(ALICE, "").await, [""; 0]);
    drop(stack);
    fs::remove_dir_all(folder).unwrap();
}
