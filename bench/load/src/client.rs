//! What a client does and knows: it keeps account of every acknowledged write, and compares it with every response.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value does not have is null")]

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// What clients do, and in how many of a hundred operations.
pub(crate) const MIX: [(Kind, u32); 9] = [
    (Kind::Get, 25),
    (Kind::List, 20),
    (Kind::Pull, 15),
    (Kind::Create, 14),
    (Kind::Update, 10),
    (Kind::Complete, 8),
    (Kind::Delete, 4),
    (Kind::Replace, 2),
    (Kind::Batch, 2),
];

const NEVER_ANSWERED: &str = "no attempt was answered";

/// An operation of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Get,
    List,
    /// Requests changes, page after page, until there are no more.
    Pull,
    Create,
    Update,
    Complete,
    Delete,
    Replace,
    /// Three creates, an update, a completion, and a deletion; every other batch is atomic.
    Batch,
}

/// A task, as far as the account goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    version: u64,
    title: String,
    completed: bool,
}

impl Known {
    fn read(task: &Value) -> Result<Self> {
        let known = || {
            let (title, completed) = (task["title"].as_str()?.to_owned(), task["completed"].as_bool()?);
            Some(Self { version: task["version"].as_u64()?, title, completed })
        };
        known().with_context(|| format!("not a task: {task}"))
    }

    /// The task after one more write.
    fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

/// Tasks by id; `None` is a deleted one.
type Tasks = HashMap<String, Option<Known>>;

/// The account of a user's tasks.
#[derive(Debug, Default)]
struct Account {
    tasks: Tasks,
    /// The tasks that no request under way is about.
    idle: Vec<String>,
    /// Ids or titles of tasks with a write that was never acknowledged: it may have been applied or not.
    unsettled: HashSet<String>,
    /// The tasks and the token of a client that syncs; taken while it does.
    replica: Option<(Tasks, Option<String>)>,
}

impl Account {
    /// Compares what a client has read with what was acknowledged.
    fn compare(&self, found: &Tasks) -> Result<()> {
        for (id, expected) in &self.tasks {
            let task = found.get(id).cloned().flatten();
            ensure!(
                task == *expected || self.unsettled.contains(id),
                "{task:?} instead of {expected:?}, which was acknowledged, under {id}"
            );
        }
        let is_unsettled = |task: &Known| self.unsettled.contains(&task.title);
        let unknown = found.iter().find(|(id, task)| {
            let known = self.tasks.contains_key(*id) || self.unsettled.contains(*id);
            !known && !task.as_ref().is_some_and(is_unsettled)
        });
        ensure!(unknown.is_none(), "a task that was never acknowledged: {unknown:?}");
        Ok(())
    }
}

/// A user and the account of what was acknowledged to it.
#[derive(Debug)]
pub(crate) struct User {
    token: String,
    account: Mutex<Account>,
}

impl User {
    pub(crate) fn new(token: String) -> Self {
        let account = Account { replica: Some(Default::default()), ..Account::default() };
        Self { token, account: Mutex::new(account) }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle task, so that its writes follow one another and their outcome is certain.
    fn take(&self, random: &mut StdRng) -> Option<(String, Known)> {
        let mut account = self.account();
        if account.idle.is_empty() {
            return None;
        }
        let index = random.random_range(..account.idle.len());
        let id = account.idle.swap_remove(index);
        let known = account.tasks.get(&id).cloned().flatten()?;
        Some((id, known))
    }

    /// Notes the outcome of the request about a task; `None` deletes it.
    fn settle(&self, id: String, known: Option<Known>) {
        let mut account = self.account();
        if known.is_some() {
            account.idle.push(id.clone());
        }
        account.tasks.insert(id, known);
    }

    fn leave_unsettled(&self, name: String) {
        self.account().unsettled.insert(name);
    }

    /// How many tasks are there, and how many have an unknown outcome.
    pub(crate) fn totals(&self) -> (usize, usize) {
        let account = self.account();
        (account.tasks.values().flatten().count(), account.unsettled.len())
    }
}

/// Sends requests, and again what was not acknowledged.
#[derive(Debug)]
pub(crate) struct Client {
    base_url: String,
    http: hyper_util::client::legacy::Client<HttpConnector, String>,
    seed: u64,
}

/// A response: its status and body.
type Answer = (u16, Value);

/// What a client that keeps all tasks needs to read them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sync {
    pub(crate) tasks: usize,
    pub(crate) requests: u64,
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

impl Client {
    pub(crate) fn new(base_url: String, seed: u64) -> Self {
        Self { base_url, http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(), seed }
    }

    /// Does one operation and returns how many requests were repeated.
    ///
    /// # Errors
    /// A response is not what the account says it must be.
    pub(crate) async fn perform(&self, user: &User, kind: Kind, number: u64) -> Result<u64> {
        let mut call = Call::new(self, user, number);
        call.perform(kind).await.with_context(|| format!("{kind:?}, operation {number}"))?;
        Ok(call.repeated)
    }

    /// Reads everything that a user has and compares it with the account. Returns the number of tasks read.
    ///
    /// # Errors
    /// An acknowledged write is missing, or something is there that nobody wrote.
    pub(crate) async fn audit(&self, user: &User) -> Result<usize> {
        let mut call = Call::new(self, user, 0);
        let mut stored = Tasks::new();
        call.pull(&mut stored, None).await?.context("the changes cannot be read")?;
        let (mut replica, since) = user.account().replica.take().unwrap_or_default();
        call.pull(&mut replica, since).await?.context("the changes cannot be read")?;
        let account = user.account();
        account.compare(&stored).context("a full sync")?;
        account.compare(&replica).context("a client that has synced all along")?;
        Ok(stored.values().flatten().count())
    }

    /// Creates tasks, a hundred per request.
    pub(crate) async fn fill(&self, user: &User, tasks: usize) -> Result<()> {
        for number in 0..tasks / 100 {
            let mut call = Call::new(self, user, number as u64);
            let items: Vec<_> = (0..100)
                .map(|_| {
                    let (id, key) = (Uuid::now_v7().to_string(), call.name("fill"));
                    json!({ "op": "create", "id": id, "task": described(&key), "idempotency_key": key })
                })
                .collect();
            let answer = call.request("POST", "/batch", &json!({ "items": items })).await?;
            ensure!(answer.as_ref().is_some_and(|(status, _)| *status == 200), "a batch of creates: {answer:?}");
        }
        Ok(())
    }

    /// Reads all of a user's tasks, and then what has changed since: both as a client does that keeps them.
    pub(crate) async fn sync(&self, user: &User) -> Result<[Sync; 2]> {
        let (first, since) = self.pulled(user, None).await?;
        let (again, _) = self.pulled(user, since).await?;
        Ok([first, again])
    }

    async fn pulled(&self, user: &User, since: Option<String>) -> Result<(Sync, Option<String>)> {
        let (begun, mut call, mut tasks) = (Instant::now(), Call::new(self, user, 0), Tasks::new());
        let next = call.pull(&mut tasks, since).await?;
        // Each request takes a key.
        Ok((Sync { tasks: tasks.len(), requests: call.keys, bytes: call.bytes, time: begun.elapsed() }, next))
    }

    async fn send(&self, request: Request<String>) -> Result<(Answer, usize)> {
        const PATIENCE: Duration = Duration::from_secs(35);
        let exchange = async {
            let response = self.http.request(request).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            let bytes = body.len();
            let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
            Ok::<_, Error>(((status, body), bytes))
        };
        timeout(PATIENCE, exchange).await.context("no response in time")?
    }
}

/// One operation.
struct Call<'a> {
    client: &'a Client,
    user: &'a User,
    random: StdRng,
    number: u64,
    keys: u64,
    repeated: u64,
    bytes: usize,
}

impl<'a> Call<'a> {
    fn new(client: &'a Client, user: &'a User, number: u64) -> Self {
        let random = StdRng::seed_from_u64(client.seed.wrapping_add(number));
        Self { client, user, random, number, keys: 0, repeated: 0, bytes: 0 }
    }

    async fn perform(&mut self, kind: Kind) -> Result<()> {
        match kind {
            Kind::List => return self.list().await,
            Kind::Pull => {
                let replica = self.user.account().replica.take();
                if let Some((mut tasks, since)) = replica {
                    let next = self.pull(&mut tasks, since.clone()).await?;
                    let is_answered = next.is_some();
                    self.user.account().replica = Some((tasks, next.or(since)));
                    ensure!(is_answered, NEVER_ANSWERED);
                    return Ok(());
                }
            }
            Kind::Create => return self.create().await,
            Kind::Batch => return self.batch().await,
            _ => {}
        }
        let Some((id, known)) = self.user.take(&mut self.random) else { return self.create().await };
        let title = self.name("title");
        let (method, action, body, expected) = match kind {
            Kind::Update => ("PATCH", "", json!({ "title": title }), Some(Known { title, ..known.next() })),
            Kind::Complete => {
                let completed = !known.completed;
                let next = Known { completed, ..known.next() };
                ("PATCH", "/complete", json!({ "completed": completed }), Some(next))
            }
            Kind::Replace => {
                let body = json!({ "title": title, "completed": known.completed });
                ("PUT", "", body, Some(Known { title, ..known.next() }))
            }
            Kind::Delete => ("DELETE", "", Value::Null, None),
            _ => ("GET", "", Value::Null, Some(known)),
        };
        let path = format!("/{id}{action}");
        let Some((status, task)) = self.request(method, &path, &body).await? else {
            if kind == Kind::Get {
                self.user.settle(id, expected);
                bail!(NEVER_ANSWERED);
            }
            self.user.leave_unsettled(id);
            return Ok(());
        };
        match &expected {
            None => ensure!(status == 204, "deleting {id}: {status} {task}"),
            Some(expected) => {
                ensure!(status == 200, "{method} {path}: {status} {task}");
                let found = Known::read(&task)?;
                ensure!(found == *expected, "{method} {path} returns {found:?} instead of {expected:?}");
            }
        }
        self.user.settle(id, expected);
        Ok(())
    }

    async fn create(&mut self) -> Result<()> {
        let title = self.name("title");
        let body = described(&title);
        let Some((status, task)) = self.request("POST", "", &body).await? else {
            self.user.leave_unsettled(title);
            return Ok(());
        };
        ensure!(status == 201, "a create: {status} {task}");
        let (found, expected) = (Known::read(&task)?, Known { version: 1, title, completed: false });
        ensure!(found == expected, "a create returns {found:?} instead of {expected:?}");
        self.user.settle(task["id"].as_str().context("a task without id")?.to_owned(), Some(found));
        Ok(())
    }

    /// Every task of the page is as new as what was acknowledged before.
    async fn list(&mut self) -> Result<()> {
        let before = self.user.account().tasks.clone();
        let page = self.request("GET", "?limit=50", &Value::Null).await?;
        let (status, page) = page.context(NEVER_ANSWERED)?;
        ensure!(status == 200, "a list: {status} {page}");
        for task in page["tasks"].as_array().context("a page without tasks")? {
            let (id, found) = (task["id"].as_str().unwrap_or_default(), Known::read(task)?);
            match before.get(id) {
                Some(Some(known)) => ensure!(found.version >= known.version, "a list has {id} before {known:?}"),
                Some(None) => bail!("a list has {id}, which was deleted"),
                None => {}
            }
        }
        Ok(())
    }

    /// Applies all changes since a token, and returns the next token; `None` if a page was never served.
    async fn pull(&mut self, tasks: &mut Tasks, mut since: Option<String>) -> Result<Option<String>> {
        loop {
            let since_query = since.map(|since| format!("&since={since}")).unwrap_or_default();
            let path = format!("/changes?limit=500{since_query}");
            let Some((status, page)) = self.request("GET", &path, &Value::Null).await? else { return Ok(None) };
            ensure!(status == 200, "changes: {status} {page}");
            let changed = page["tasks"].as_array().context("changes without tasks")?;
            for task in changed {
                let (id, found) = (task["id"].as_str().unwrap_or_default(), Known::read(task)?);
                let known = tasks.entry(id.to_owned()).or_insert_with(|| Some(found.clone()));
                if known.as_ref().is_some_and(|known| known.version < found.version) {
                    *known = Some(found);
                }
            }
            for deleted in page["deleted"].as_array().context("changes without deleted")? {
                tasks.insert(deleted["id"].as_str().unwrap_or_default().to_owned(), None);
            }
            since = page["next"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                return Ok(since);
            }
        }
    }

    async fn batch(&mut self) -> Result<()> {
        let mut items = Vec::new();
        for _ in 0..3 {
            let (id, title) = (Uuid::now_v7().to_string(), self.name("title"));
            let item = json!({ "op": "create", "id": id, "task": { "title": title } });
            items.push((id, Some(Known { version: 1, title, completed: false }), item, 201));
        }
        for op in ["update", "complete", "delete"] {
            let Some((id, known)) = self.user.take(&mut self.random) else { break };
            let title = self.name("title");
            let (more, next, status) = match op {
                "update" => (json!({ "changes": { "title": title } }), Some(Known { title, ..known.next() }), 200),
                "complete" => {
                    let completed = !known.completed;
                    (json!({ "completed": completed }), Some(Known { completed, ..known.next() }), 200)
                }
                _ => (json!({}), None, 204),
            };
            let mut item = json!({ "op": op, "id": id });
            merge(&mut item, more);
            items.push((id, next, item, status));
        }
        for (_, _, item, _) in &mut items {
            let key = self.name("item");
            merge(item, json!({ "idempotency_key": key }));
        }
        let bodies: Vec<_> = items.iter().map(|(_, _, item, _)| item).collect();
        let body = json!({ "atomic": self.number.is_multiple_of(2), "items": bodies });
        let answer = self.request("POST", "/batch", &body).await?;
        for (index, (id, next, _, expected)) in items.into_iter().enumerate() {
            let Some((status, answer)) = &answer else {
                self.user.leave_unsettled(id);
                continue;
            };
            ensure!(*status == 200, "a batch: {status} {answer}");
            let row = &answer["results"][index];
            ensure!(row["status"] == expected, "an item of a batch: {row}");
            self.user.settle(id, next);
        }
        Ok(())
    }

    /// Sends a request until it is answered with something else than "try again". Returns `None` if it never is.
    async fn request(&mut self, method: &str, path: &str, body: &Value) -> Result<Option<Answer>> {
        const ATTEMPTS: u32 = 10;
        let key = self.name("key");
        for attempt in 0..ATTEMPTS {
            let url = format!("{}/api/me/tasks{path}", self.client.base_url);
            let mut request = Request::builder().method(method).uri(url);
            request = request.header("authorization", format!("Bearer {}", self.user.token));
            if method != "GET" && !path.starts_with("/batch") {
                request = request.header("idempotency-key", &key);
            }
            let text = if body.is_null() { String::new() } else { body.to_string() };
            if !body.is_null() {
                request = request.header("content-type", "application/json");
            }
            let answer = self.client.send(request.body(text)?).await;
            match answer.map(|(answer, bytes)| {
                self.bytes += bytes;
                answer
            }) {
                Ok((429 | 503 | 409, _)) | Err(_) => {}
                Ok((200, rows)) if rows_say_try_again(&rows) => {}
                Ok((status, body)) if status >= 500 => return Err(anyhow!("{method} {path}: {status} {body}")),
                Ok(answer) => return Ok(Some(answer)),
            }
            self.repeated += 1;
            sleep(Duration::from_millis(100 << attempt.min(4))).await;
        }
        Ok(None)
    }

    /// A name that no other operation uses.
    fn name(&mut self, what: &str) -> String {
        self.keys += 1;
        format!("{what} {}.{}.{}", self.client.seed, self.number, self.keys).replace(' ', "-")
    }
}

/// A new task as people write them.
fn described(title: &str) -> Value {
    json!({
        "title": title,
        "description": "All of them, those of the branches included; the template is in the shared folder.",
        "due": "2026-12-01T09:00:00Z",
        "tags": ["work"],
    })
}

/// Whether items of a batch can be sent again; with their keys, those that were done are not done twice. A 424 only says that
/// another item has failed, perhaps for good.
fn rows_say_try_again(answer: &Value) -> bool {
    answer["results"].as_array().is_some_and(|rows| rows.iter().any(|row| row["status"] == 503))
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(version: u64, title: &str) -> Option<Known> {
        Some(Known { version, title: title.to_owned(), completed: false })
    }

    fn tasks(tasks: &[(&str, Option<Known>)]) -> Tasks {
        tasks.iter().map(|(id, task)| ((*id).to_owned(), task.clone())).collect()
    }

    #[test]
    fn refused_batch_is_not_sent_again() {
        for (statuses, is_sent_again) in [([201, 200], false), ([503, 424], true), ([412, 424], false)] {
            let answer = json!({ "results": statuses.map(|status| json!({ "status": status })) });
            assert_eq!(rows_say_try_again(&answer), is_sent_again, "{statuses:?}");
        }
    }

    #[test]
    fn lost_and_doubled_writes_are_found() {
        let account = Account {
            tasks: tasks(&[("a", task(2, "milk")), ("b", None), ("u", task(1, "unknown update"))]),
            unsettled: ["u", "unknown create", "batch"].map(str::to_owned).into(),
            ..Account::default()
        };
        let right =
            [("a", task(2, "milk")), ("u", task(2, "any")), ("x", task(1, "unknown create")), ("batch", task(1, "y"))];
        account.compare(&tasks(&right)).unwrap();
        account.compare(&tasks(&right[..1])).unwrap();
        for (what, found) in [
            ("a lost create", vec![]),
            ("a lost update", vec![("a", task(1, "milk"))]),
            ("a doubled update", vec![("a", task(3, "milk"))]),
            ("another's content", vec![("a", task(2, "bread"))]),
            ("a lost deletion", vec![("a", task(2, "milk")), ("b", task(1, "bread"))]),
            ("a doubled create", vec![("a", task(2, "milk")), ("c", task(1, "milk"))]),
        ] {
            assert!(account.compare(&tasks(&found)).is_err(), "{what}");
        }
    }
}
