//! `cargo xtask smoke`: calls every operation of a deployed stack. It removes the task that it creates, even when a step fails,
//! and leaves the user's other tasks alone.
#![expect(clippy::print_stdout, reason = "a line for each step")]

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::project;

/// Where to go, and as whom.
#[derive(Args)]
pub struct Smoke {
    /// The URL of the API, such as https://tasks.example.com.
    #[arg(long, value_name = "URL")]
    pub base: String,
    /// A token of a user for tests. Without it, the variable TOKEN is used, which others on this machine cannot read.
    #[arg(long)]
    pub token: Option<String>,
}

/// A request, and how it must be answered.
struct Step<'a> {
    what: &'a str,
    status: u16,
    method: &'a str,
    path: &'a str,
    headers: &'a [&'a str],
    body: Option<Value>,
}

impl Smoke {
    /// Calls the operations, and prints a line for each step.
    ///
    /// # Errors
    /// The first step that fails: what it does, and how it was answered.
    pub fn run(self) -> Result<()> {
        let token = self.token.or_else(|| std::env::var("TOKEN").ok()).context("pass --token, or set TOKEN")?;
        let (shell, base) = (project::shell()?, self.base.trim_end_matches('/'));
        let get = |what, status, path, headers| {
            Step { what, status, method: "GET", path, headers, body: None }.take(&shell, base)
        };
        let user = format!("Authorization: Bearer {token}");
        let health = get("health, without a token", 200, "/health", &[])?;
        ensure!(health.get("status").is_some_and(|status| status == "ok"), "health is {health}");
        get("a bad token is refused", 401, "/api/me/tasks", &["Authorization: Bearer bad"])?;
        get("another user's tasks are off limits", 403, "/api/smoke-test-nobody/tasks", &[&user])?;

        // The key finds the task again if the answer to the first request is lost.
        let key = format!("Idempotency-Key: smoke-{}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos());
        let create = |what| {
            let body = Some(json!({ "title": "Smoke test" }));
            let headers = &[user.as_str(), &key];
            let task = Step { what, status: 201, method: "POST", path: "/api/me/tasks", headers, body };
            anyhow::Ok(format!(
                "/api/me/tasks/{}",
                task.take(&shell, base)?.get("id").and_then(Value::as_str).context("no id")?
            ))
        };
        let toured = create("a task is created").and_then(|path| tour(&shell, base, &user, &path));
        let Err(failure) = toured else { return unknown_task(&shell, base, &user) };
        let path = create("the task is found again")?;
        let headers = &[user.as_str()];
        Step { what: "the task is removed", status: 204, method: "DELETE", path: &path, headers, body: None }
            .take(&shell, base)
            .with_context(|| format!("{failure:#}; and then"))?;
        Err(failure)
    }
}

/// What can be done with a task, until it is deleted. An erasure would take the user's other tasks along, so it only has to ask
/// for its confirmation.
fn tour(shell: &Shell, base: &str, user: &str, path: &str) -> Result<()> {
    let list = "/api/me/tasks?limit=100";
    let listed =
        Step { what: "it is in the list", status: 200, method: "GET", path: list, headers: &[user], body: None }
            .take(shell, base)?;
    let is_there = |task: &Value| task.get("id").and_then(Value::as_str).is_some_and(|id| path.ends_with(id));
    ensure!(
        listed.get("tasks").and_then(Value::as_array).is_some_and(|tasks| tasks.iter().any(is_there)),
        "it is not in the list"
    );
    let [complete, move_, skip, restore] = ["complete", "move", "skip", "restore"].map(|verb| format!("{path}/{verb}"));
    let change =
        json!({ "op": "update", "id": path.rsplit('/').next(), "changes": { "title": "Smoke test, in a batch" } });
    for (what, status, method, path, field, body) in [
        ("it is changed", 200, "PATCH", path, "", Some(json!({ "title": "Smoke test, changed" }))),
        ("a stale version is refused", 412, "PATCH", path, "If-Match: \"1\"", Some(json!({ "title": "stale" }))),
        ("it is completed", 200, "PATCH", &complete, "", Some(json!({ "completed": true }))),
        ("it is replaced", 200, "PUT", path, "", Some(json!({ "title": "Smoke test, replaced" }))),
        ("a batch changes it", 200, "POST", "/api/me/tasks/batch", "", Some(json!({ "items": [change] }))),
        ("it has the version of its four changes", 304, "GET", path, "If-None-Match: \"5\"", None),
        ("it is moved", 200, "POST", &move_, "", Some(json!({ "after": null }))),
        ("changes are listed", 200, "GET", "/api/me/tasks/changes?since=latest", "", None),
        ("tasks are exported", 200, "GET", "/api/me/tasks/export?limit=1", "", None),
        ("an erasure needs its confirmation", 400, "DELETE", "/api/me/tasks", "", None),
        ("it does not recur, and is not skipped", 422, "POST", &skip, "", None),
        ("it is deleted", 204, "DELETE", path, "", None),
        ("it is restored", 200, "POST", &restore, "", None),
        ("tags are counted", 200, "GET", "/api/me/tags", "", None),
        ("it is deleted again", 204, "DELETE", path, "", None),
        ("it is gone", 404, "GET", path, "", None),
    ] {
        let headers: Vec<_> = [user, field].into_iter().filter(|field| !field.is_empty()).collect();
        Step { what, status, method, path, headers: &headers, body }.take(shell, base)?;
    }
    Ok(())
}

/// Asks each operation on one task for a task that does not exist, as its file in `events/` would. So no function is left out.
fn unknown_task(shell: &Shell, base: &str, user: &str) -> Result<()> {
    let mut events = shell.read_dir("events")?;
    // Names with a second dot are further cases of an operation.
    events.retain(|path| path.file_stem().is_some_and(|name| !name.to_string_lossy().contains('.')));
    for path in events {
        let event: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let text = |name| event.get(name).and_then(Value::as_str);
        let (method, route) = text("routeKey").and_then(|key| key.split_once(' ')).context("no route")?;
        if !route.contains("{task_id}") {
            continue;
        }
        let what = format!("{}: an unknown task", path.file_stem().unwrap_or_default().display());
        let path = route.replace("{user_id}", "me").replace("{task_id}", "00000000-0000-7000-8000-000000000000");
        let body = text("body").map(serde_json::from_str).transpose()?;
        Step { what: &what, status: 404, method, path: &path, headers: &[user], body }.take(shell, base)?;
    }
    Ok(())
}

impl Step<'_> {
    /// Sends the request, and gives the body of the answer. What curl is told goes through its standard input: arguments can be
    /// seen by others.
    fn take(self, shell: &Shell, base: &str) -> Result<Value> {
        let Self { what, status, method, path, headers, body } = self;
        let mut config = vec![("url", format!("{base}{path}")), ("request", method.to_owned())];
        config.push(("write-out", "\n%{http_code}".to_owned()));
        config.extend(headers.iter().map(|field| ("header", (*field).to_owned())));
        if let Some(body) = body {
            config.extend([("header", "Content-Type: application/json".to_owned()), ("data", body.to_string())]);
        }
        // A string of JSON is one for curl.
        let config: Vec<_> = config.iter().map(|(name, value)| format!("{name} = {}\n", json!(value))).collect();
        let curl = cmd!(shell, "curl --silent --show-error --max-time 30 --config -");
        let output = curl.stdin(config.concat()).quiet().ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, answered) = text.rsplit_once('\n').unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if answered != status.to_string() {
            let error = String::from_utf8_lossy(&output.stderr);
            let said = if body.is_null() { error.trim().to_owned() } else { body.to_string() };
            anyhow::bail!("{what}: answered with {answered} instead of {status}: {said}");
        }
        println!("ok  {what} ({status})");
        Ok(body)
    }
}
