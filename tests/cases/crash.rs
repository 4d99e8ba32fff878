//! Kills processes: a function between its write and its response, and the whole local stack under load.
#![expect(clippy::print_stdout, reason = "the seed is enough to reproduce a failure")]

use std::fs;
use std::iter::repeat_n;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{
    ALICE, Answer, Api, Dev, ENDPOINT, ENVIRONMENT, Fault, Lambda, SECRET_SETTINGS, Signer, temporary_folder, try_send,
};
use tokio::time::sleep;

use crate::calls::{Call, Client, Left};

/// How many functions run at a time: more of them would not get connected in time on a busy machine.
const PROCESSES: usize = 8;

/// Starts a function that reaches DynamoDB through the wire of `api`.
async fn function(name: &str, api: &Api) -> Lambda {
    let endpoint = (ENDPOINT, api.wire.endpoint());
    Lambda::start(name, &[&ENVIRONMENT[..], &SECRET_SETTINGS, &[endpoint]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_function_did_all_or_nothing() {
    let api = Api::start().await;
    let calls = Call::all().filter(|call| !call.reads());
    let cases = calls.flat_map(|call| [(call, Fault::Hang), (call, Fault::NoAnswer)]);
    let wrong = stream::iter(cases.map(async |(call, fault)| {
        let client = Client::new(&api, &format!("{fault:?}"), call).await;
        let operation = call.operation().name();
        let process = api.another_with(&SECRET_SETTINGS).await;
        let mut killed = function(operation, &process).await;
        killed.ready().await;
        // The function has opened its connection. On a busy machine it may have given that up, without any request.
        let (sent, done) = process.wire.totals();
        let before = call.requests_before();
        process.wire.fail_next(repeat_n(Fault::None, before).chain([fault]));
        killed.begin(&client.event().to_string()).await;
        process.wire.has_been_sent(sent + before + 1).await;
        let expected = if fault == Fault::Hang {
            Left::Untouched
        } else {
            process.wire.has_done(done + before + 1).await;
            Left::Done
        };
        killed.stop().await;
        process.wire.settle().await;
        let left = client.left(&api);
        let mut wrong = Vec::new();
        if left != expected {
            wrong.push(format!("left is {left:?}"));
        }
        if let Some((operation, event)) = client.retry() {
            let answer = function(operation.name(), &api).await.invoke(&event.to_string()).await;
            wrong.extend(client.judge_retry(&answer, &left, &api).1);
        }
        wrong.into_iter().map(|wrong| format!("{}, {fault:?}: {wrong}", call.name())).collect()
    }));
    let wrong: Vec<Vec<String>> = wrong.buffer_unordered(PROCESSES).collect().await;
    assert!(wrong.concat().is_empty(), "{}", wrong.concat().join("\n"));
}

const KILLS: u64 = 5;
const CLIENTS: usize = 6;

/// A write over HTTP that a client retries with the same key or version until it gets a response.
#[derive(Debug, Clone)]
enum Write {
    /// With the title as the idempotency key.
    Create { title: String },
    /// With this version in `If-Match`.
    Update { id: String, version: u64, title: String },
}

impl Write {
    /// Returns `None` without a response of the API itself.
    async fn send(&self, api: &str) -> Option<Answer> {
        let authorization = format!("Bearer {}", Signer::default().token(ALICE));
        let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        let tag;
        let (method, path, title) = match self {
            Self::Create { title } => {
                headers.push(("idempotency-key", title));
                ("POST", String::new(), title)
            }
            Self::Update { id, version, title } => {
                tag = format!("\"{version}\"");
                headers.push(("if-match", &tag));
                ("PATCH", format!("/{id}"), title)
            }
        };
        let url = format!("{api}/api/me/tasks{path}");
        let answer = try_send(method, &url, &headers, json!({ "title": title }).to_string()).await?;
        // Everything else comes from the gateway, which cannot reach the functions.
        [200, 201, 412].contains(&answer.status).then_some(answer)
    }
}

/// What one client knows about its tasks.
#[derive(Debug, Default)]
struct Ledger {
    /// The last response for each task.
    acknowledged: Vec<Value>,
    /// A write without a response.
    in_doubt: Option<Write>,
    /// How many writes eventually got a response.
    answered: usize,
    /// How many of them got it only after a crash.
    retried: usize,
}

impl Ledger {
    /// Creates tasks and changes each twice, until a write gets no response.
    async fn write(&mut self, api: &str, name: &str) {
        for number in 0_usize.. {
            let write = match self.acknowledged.last() {
                Some(task) if task["version"].as_u64() < Some(3) => Write::Update {
                    id: task["id"].as_str().unwrap().to_owned(),
                    version: task["version"].as_u64().unwrap(),
                    title: format!("{name}-{number}-changed"),
                },
                _ => Write::Create { title: format!("{name}-{number}") },
            };
            let Some(answer) = write.send(api).await else { return self.in_doubt = Some(write) };
            assert_ne!(answer.status, 412, "no other client writes: {write:?}");
            self.acknowledge(&write, answer.body);
        }
    }

    /// Retries the write without a response.
    async fn retry(&mut self, api: &str) {
        let Some(write) = self.in_doubt.take() else { return };
        self.retried += 1;
        let answer = write.send(api).await.unwrap();
        let (Write::Create { title } | Write::Update { title, .. }) = &write;
        let task = match (&write, answer.status) {
            // The write took effect before the crash.
            (Write::Update { id, .. }, 412) => get(api, &format!("/{id}")).await,
            _ => answer.body,
        };
        let version = if let Write::Update { version, .. } = write { version + 1 } else { 1 };
        assert_eq!((&task["title"], &task["version"]), (&json!(title), &json!(version)), "{write:?} took effect once");
        self.acknowledge(&write, task);
    }

    fn acknowledge(&mut self, write: &Write, task: Value) {
        if let Write::Update { .. } = write {
            self.acknowledged.pop();
        }
        self.acknowledged.push(task);
        self.answered += 1;
    }
}

async fn get(api: &str, path: &str) -> Value {
    let authorization = format!("Bearer {}", Signer::default().token(ALICE));
    let url = format!("{api}/api/me/tasks{path}");
    let answer = try_send("GET", &url, &[("authorization", &authorization)], "").await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// All tasks, sorted by id.
async fn all(api: &str) -> Vec<Value> {
    let (mut tasks, mut query) = (Vec::new(), "?limit=100".to_owned());
    loop {
        let page = get(api, &query).await;
        tasks.extend(page["tasks"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=100&cursor={cursor}");
    }
    tasks.sort_by_key(|task| task["id"].to_string());
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_stack_keeps_every_answered_write() {
    // A given seed reproduces a failure.
    let seed = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    println!("CRASH_SEED={seed}");
    let folder = temporary_folder("crash");
    let mut ledgers: Vec<Ledger> = (0..CLIENTS).map(|_| Ledger::default()).collect();
    for kill in 0..=KILLS {
        let dev = Dev::start(&folder, &[], &SECRET_SETTINGS).await;
        let api = dev.api();
        join_all(ledgers.iter_mut().map(|ledger| ledger.retry(&api))).await;
        let mut acknowledged: Vec<_> = ledgers.iter().flat_map(|ledger| ledger.acknowledged.clone()).collect();
        acknowledged.sort_by_key(|task| task["id"].to_string());
        assert_eq!(all(&api).await, acknowledged, "after {kill} kills");
        if kill == KILLS {
            dev.kill().await;
            break;
        }
        // Knuth's multiplier turns the seed into a random delay of 0.2 to 1.2 seconds.
        let random = (seed + kill).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        let moment = Duration::from_millis(200 + random % 1_000);
        let names: Vec<_> = (0..CLIENTS).map(|client| format!("{kill}-{client}")).collect();
        let writers = ledgers.iter_mut().zip(&names).map(|(ledger, name)| ledger.write(&api, name));
        futures_util::join!(join_all(writers), async {
            sleep(moment).await;
            dev.kill().await;
        });
    }
    let sum = |count: fn(&Ledger) -> usize| ledgers.iter().map(count).sum::<usize>();
    let (answered, retried) = (sum(|ledger| ledger.answered), sum(|ledger| ledger.retried));
    println!("{KILLS} kills, {answered} writes with a response, {retried} of them only after a retry");
    assert!(answered > retried && retried > 0, "the stack was under load when it was killed");
    fs::remove_dir_all(folder).unwrap();
}
