//! Measures what a function itself computes, without process, Runtime API, and network: verifying tokens of each
//! algorithm, and handling events with a fake DynamoDB, which includes converting between items and tasks.
#![expect(clippy::expect_used, reason = "a measurement that cannot continue should stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kit::{Answers, FakeDynamoDb, Operation, TASK_ID};
use lambda_http::{Context, LambdaEvent, Service};
use serde_json::Value;
use shared::api::{Problem, Request, Response};
use shared::app::{App, function};
use shared::aws::Connector;
use signer::{Key, Signer};
use tokio::runtime::{Builder, Runtime};

const KEYS: [Key; 5] = [Key::Secret, Key::Ed25519, Key::P256, Key::Rs256, Key::Ps256];
const USER: &str = "alice";

fn app(key: Key, tasks: usize) -> App {
    let settings = key.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let dynamodb = Connector::new(FakeDynamoDb::new(Answers::tasks(tasks)));
    App::new(kit::settings(&settings).expect("good settings"), &dynamodb, &dynamodb)
}

fn event(operation: Operation, token: &str) -> String {
    let event: Value = serde_json::from_str(&kit::fixtures::event(operation.name())).expect("an event");
    event.to_string().replace("Bearer TOKEN", &format!("Bearer {token}")).replace("TASK_ID", TASK_ID)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

async fn read(_: &App, _: &Request) -> Result<Response, Problem> {
    Ok(Response::no_content())
}

async fn verify(app: &App, request: &Request) -> Result<Response, Problem> {
    app.authenticate(request).await?;
    Ok(Response::no_content())
}

/// Measures handling one event, from Lambda's JSON to Lambda's JSON.
fn measure<H>(criterion: &mut Criterion, name: &str, app: &App, handle: H, event: &str, status: u16)
where
    H: AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy,
{
    let runtime = runtime();
    let mut function = function(app, handle);
    let mut answer = || {
        let event = serde_json::from_str(black_box(event)).expect("an event");
        let Ok(answer) = runtime.block_on(function.call(LambdaEvent::new(event, Context::default())));
        serde_json::to_string(&answer).expect("an answer")
    };
    assert!(answer().contains(&format!(r#""statusCode":{status},"#)));
    criterion.bench_function(name, |bencher| bencher.iter(&mut answer));
}

/// Measures events whose token is verified. Subtract "read", in which it is not, to get the cost of verification.
fn verification(criterion: &mut Criterion) {
    for key in KEYS {
        let app = app(key, 1);
        let event = event(Operation::GetTask, &Signer::with(key).token(USER));
        if key == Key::Secret {
            measure(criterion, "read", &app, read, &event, 204);
        }
        measure(criterion, &format!("read and verify, {}", key.algorithm_name()), &app, verify, &event, 204);
    }
}

/// Measures whole operations. The difference between a full and an empty page is the cost of converting fifty items to
/// JSON.
fn answers(criterion: &mut Criterion) {
    let token = Signer::default().token(USER);
    let one = app(Key::Secret, 1);
    let get = event(Operation::GetTask, &token);
    measure(criterion, "answer get-task", &one, get_task::handle, &get, 200);
    let create = event(Operation::CreateTask, &token);
    measure(criterion, "answer create-task", &one, create_task::handle, &create, 201);
    let list = event(Operation::ListTasks, &token);
    for tasks in [0, 50] {
        let app = app(Key::Secret, tasks);
        measure(criterion, &format!("answer list-tasks, {tasks} tasks"), &app, list_tasks::handle, &list, 200);
    }
}

criterion_group!(benches, verification, answers);
criterion_main!(benches);
