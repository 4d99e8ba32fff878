//! The whole stack as a developer runs it: `cargo xtask dev`, the real binaries behind `cargo lambda watch`, over HTTP.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shared::connector::{Connector, TrustedRoots};
use tests::{ALICE, BOB, SECRET, Signer};
use tokio::process::{Child, Command};
use xtask::executables::Executables;

/// A running `cargo xtask dev`, on data of its own.
struct Dev {
    process: Child,
    base_url: String,
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Value,
}

impl Dev {
    async fn start(folder: &Path) -> Self {
        let executables = Executables::build(["xtask"]).await.unwrap();
        let ready_file = folder.join("ready");
        let _ = fs::remove_file(&ready_file);
        let port = xtask::probe::free_port().await.unwrap().to_string();
        let process = Command::new(executables.path("xtask").unwrap())
            .args(["dev", "--port", &port, "--data"])
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .env("BETTER_AUTH_SECRET", SECRET)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(600);
        let base_url = loop {
            assert!(Instant::now() < deadline, "the stack does not get ready");
            match fs::read_to_string(&ready_file) {
                Ok(url) if !url.is_empty() => break url.trim().to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Self { process, base_url }
    }

    /// Ends it without warning, as a crash would.
    async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    async fn send(
        &self,
        user: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = HttpRequest::new(SdkBody::from(body.as_ref().map(Value::to_string).unwrap_or_default()));
        request.set_method(method).unwrap();
        request.set_uri(format!("{}/api/{path}", self.base_url)).unwrap();
        let token = Signer::default().token(user);
        request.headers_mut().insert("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request.headers_mut().insert("content-type", "application/json");
        }
        for (name, value) in headers {
            request.headers_mut().insert((*name).to_owned(), (*value).to_owned());
        }
        let response = Connector::trusting(TrustedRoots::System).call(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, headers, body }
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

fn temporary_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("task-api-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_work_with_their_tasks_and_find_them_again_after_a_crash() {
    let folder = temporary_folder();
    let dev = Dev::start(&folder).await;

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

    let before = dev.titles(ALICE, "").await;
    assert_eq!(before, ["third", "second", "new"]);
    dev.kill().await;
    let dev = Dev::start(&folder).await;
    assert_eq!(dev.titles(ALICE, "").await, before);
    assert_eq!(dev.titles(BOB, "").await, ["Bob's"]);
    assert_eq!(dev.send(ALICE, "GET", &path, &[], None).await.body["version"], 7);
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}
