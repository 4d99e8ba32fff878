//! What a function does with its processor, without process, Runtime API and network: verifying tokens of every
//! algorithm, and answering events with DynamoDB's part already there: items become tasks, and a task an item.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on should stop")]

use std::hint::black_box;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use criterion::{Criterion, criterion_group, criterion_main};
use lambda_http::{Context, LambdaEvent, Service};
use serde_json::{Value, json};
use shared::api::{Problem, Request, Response};
use shared::app::{App, Handler, function};
use shared::aws::{Access, Connector};
use shared::settings::Settings;
use signer::{Key, Signer};
use tokio::runtime::{Builder, Runtime};

const KEYS: [Key; 5] = [Key::Secret, Key::Ed25519, Key::P256, Key::Rs256, Key::Ps256];
const USER: &str = "alice";
const TASK_ID: &str = "019370a1-7c3e-7d52-9f3b-2f1d6c7a8b90";

/// A DynamoDB with so many tasks.
#[derive(Debug, Clone)]
struct Canned {
    get: String,
    query: String,
}

impl Canned {
    fn with(tasks: usize) -> Self {
        let text = |text: &str| json!({ "S": text });
        let item = json!({
            "user_id": text(USER),
            "task_id": text(TASK_ID),
            "title": text("Write the report"),
            "description": text("Two pages, with figures."),
            "priority": text("high"),
            "due": text("2026-12-15"),
            "tags": { "L": [text("work"), text("writing")] },
            "created_at": text("2026-11-30T10:15:00.000Z"),
            "updated_at": text("2026-11-30T10:15:00.000Z"),
            "updated": text(&format!("2026-11-30T10:15:00.000Z#{TASK_ID}")),
            "open_due": text(&format!("2026-12-15#{TASK_ID}")),
            "due_key": text(&format!("2026-12-15#{TASK_ID}")),
            "write_id": { "B": "AZNwoXw+fVKfOy8dbHqLkQ==" },
            "version": { "N": "1" },
        });
        let query = json!({ "Count": tasks, "Items": vec![item.clone(); tasks], "ScannedCount": tasks });
        Self { get: json!({ "Item": item }).to_string(), query: query.to_string() }
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_query = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("Query"));
        let body = if is_query { self.query.clone() } else { self.get.clone() };
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

fn app(key: Key, tasks: usize) -> App {
    let mut variables = vec![("TASKS_TABLE", "tasks".to_owned()), ("IDEMPOTENCY_TABLE", "idempotency".to_owned())];
    variables.extend(key.settings());
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let access = Access::new("eu-central-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    App::new(
        Settings::read(value, access).expect("good settings"),
        &Connector::new(Canned::with(tasks)),
        &Connector::new(Canned::with(tasks)),
    )
}

fn event(file: &str, token: &str) -> String {
    let event: Value = serde_json::from_str(file).expect("an event");
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
        let event = event(include_str!("../../../events/get-task.json"), &Signer::with(key).token(USER));
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
    let get = event(include_str!("../../../events/get-task.json"), &token);
    measure(criterion, "answer get-task", &one, get_task::handle, &get, 200);
    let create = event(include_str!("../../../events/create-task.json"), &token);
    measure(criterion, "answer create-task", &one, create_task::handle, &create, 201);
    let list = event(include_str!("../../../events/list-tasks.json"), &token);
    for tasks in [0, 50] {
        let app = app(Key::Secret, tasks);
        measure(criterion, &format!("answer list-tasks, {tasks} tasks"), &app, list_tasks::handle, &list, 200);
    }
}

criterion_group!(benches, verification, answers);
criterion_main!(benches);
