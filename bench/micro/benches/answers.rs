//! What a function does with its processor, without process, Runtime API and network: verifying tokens of every
//! algorithm, and answering events with DynamoDB's part already there: items become tasks, and a task an item.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on should stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kit::{Answers, FakeDynamoDb, Operation, TASK_ID};
use lambda_http::{Context, LambdaEvent, Service};
use serde_json::Value;
use shared::api::{Problem, Request, Response};
use shared::app::{App, Handler, function};
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

/// Measures the answer to an event: JSON in, JSON out, as Lambda gives and takes it.
fn measure<H>(criterion: &mut Criterion, name: &str, app: &App, handle: H, event: &str, status: u16)
where
    H: for<'r> Handler<'r> + Copy + Send + Sync,
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

/// Each answer to an event that is only verified: less that to one that is only read, it is the verification.
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

/// Each answer as Lambda gets it. That to a page of tasks, less that to an empty one, is what fifty items take on their way
/// to JSON.
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
