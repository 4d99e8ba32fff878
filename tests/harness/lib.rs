//! The test harness: the API as Lambda runs it, its own embedded DynamoDB, a signer that can forge tokens, and a wire
//! that can fail.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue should stop"
)]

mod dev;
mod http;
mod issuer;
mod lambda;
pub mod lines;
pub mod openapi;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynoxide::ImportOptions;
pub use kit::{Content, ENVIRONMENT, Event, Operation};
use local::dynamodb::{EmbeddedDynamoDb, Storage};
use serde_json::{Value, json};
use shared::app::App;
use shared::aws::{Connector, TrustedRoots};

pub use self::dev::{Dev, send, temporary_folder, try_send};
pub use self::issuer::Issuer;
pub use self::lambda::Lambda;
pub use self::openapi::OpenApi;
pub use self::wire::{Fault, Recorded, Wire};
pub use signer::{ISSUER, Key, SECRET, SECRET_SETTINGS, Signer, now};

/// The user who makes most calls.
pub const ALICE: &str = "alice";
/// Another user.
pub const BOB: &str = "bob";

/// How long tests wait for something that should happen at once.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The environment variable with the URL of DynamoDB.
pub const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// [`SECRET_SETTINGS`], with the switch that ends a user's access.
pub const SWITCH_SETTINGS: [(&str, &str); 4] =
    [SECRET_SETTINGS[0], SECRET_SETTINGS[1], SECRET_SETTINGS[2], ("ACCESS_TABLE", "access")];

/// The API: the product's app, its database, and the wire between them.
pub struct Api {
    app: App,
    database: Arc<EmbeddedDynamoDb>,
    connector: Connector,
    lines: Arc<Mutex<Vec<Value>>>,
    /// Records the requests to DynamoDB and injects faults.
    pub wire: Wire,
}

/// A function's response, which API Gateway would turn into an HTTP response.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields by lowercase name.
    pub headers: HashMap<String, String>,
    /// The body as JSON; null if it is empty.
    pub body: Value,
    /// The JSON that API Gateway gets; null if the response came over HTTP.
    pub raw: Value,
}

impl Api {
    /// Starts an API that verifies tokens with the shared secret [`SECRET`].
    pub async fn start() -> Self {
        Self::start_with(&SECRET_SETTINGS).await
    }

    /// Starts an API that verifies tokens with the public keys of [`Signer`].
    pub async fn start_with_key_set() -> Self {
        // Nothing listens there, so the API uses the configured keys.
        let nowhere = ("JWKS_URL", "http://127.0.0.1:1/jwks");
        Self::start_with(&[("BETTER_AUTH_URL", ISSUER), nowhere, ("JWKS", &Signer::key_set().to_string())]).await
    }

    /// Starts an API with these authentication settings.
    pub async fn start_with(auth: &[(&str, &str)]) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let database = EmbeddedDynamoDb::start(Storage::Memory, address).await.expect("the embedded DynamoDB starts");
        // There is no TLS here, and the system's many roots would be parsed for every test.
        let connector = Connector::trusting(TrustedRoots::amazon().expect("built-in roots"));
        Self::on(Arc::new(database), connector, auth).await
    }

    /// Starts another instance of the API on the same database, with these authentication settings and its own wire.
    pub async fn another_with(&self, auth: &[(&str, &str)]) -> Self {
        Self::on(Arc::clone(&self.database), self.connector.clone(), auth).await
    }

    async fn on(database: Arc<EmbeddedDynamoDb>, connector: Connector, auth: &[(&str, &str)]) -> Self {
        let wire = Wire::to(database.endpoint()).await;
        let settings = kit::settings(&[auth, &[(ENDPOINT, wire.endpoint())]].concat()).expect("valid settings");
        let lines = Arc::default();
        let app = App::new(settings, &connector, &connector).with_lines(lines::keep_in(&lines));
        Self { app, database, connector, lines, wire }
    }

    /// Takes the lines of the requests since the last call.
    pub fn take_lines(&self) -> Vec<Value> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    /// The product's app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Sends an event to an operation.
    pub async fn call(&self, operation: Operation, event: &Event) -> Answer {
        self.call_raw(operation, &event.to_string()).await
    }

    /// Sends any text as an event to an operation.
    pub async fn call_raw(&self, operation: Operation, event: &str) -> Answer {
        Answer::from(operation.invoke(&self.app, event).await)
    }

    /// Creates a task from this body and returns it.
    pub async fn create(&self, user: &str, body: Value) -> Value {
        let answer = self.call(Operation::CreateTask, &Event::by(user).json(&body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    /// Creates a task from this body and returns its id.
    pub async fn create_id(&self, user: &str, body: Value) -> String {
        self.create(user, body).await["id"].as_str().unwrap().to_owned()
    }

    /// Creates a task with this title for Alice and returns its id.
    pub async fn create_titled(&self, title: &str) -> String {
        self.create_id(ALICE, json!({ "title": title })).await
    }

    /// Creates a task that this operation is for, and returns its id.
    pub async fn create_for(&self, operation: Operation, user: &str) -> String {
        let recurrence = (operation == Operation::SkipTask).then(|| json!({ "rule": "FREQ=DAILY" }));
        self.create_id(user, json!({ "title": "one", "due": "2099-12-01", "recurrence": recurrence })).await
    }

    /// Gets a task of this user through the API.
    pub async fn get(&self, user: &str, id: &str) -> Answer {
        self.call(Operation::GetTask, &Event::by(user).task(id)).await
    }

    /// Lists a page of this user's tasks.
    pub async fn list(&self, user: &str, query: &[(&str, &str)]) -> Answer {
        self.call(Operation::ListTasks, &Event::by(user).query(query)).await
    }

    /// Reads all pages of a list of this user's.
    pub async fn pages(&self, user: &str, query: &[(&str, &str)]) -> Vec<Answer> {
        let (mut pages, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let position: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor.as_str())).collect();
            let page = self.list(user, &[query, &position].concat()).await;
            cursor = page.body["next_cursor"].as_str().map(str::to_owned);
            pages.push(page);
            if cursor.is_none() {
                return pages;
            }
        }
    }

    /// A user's task or tombstone as DynamoDB JSON.
    pub fn item(&self, user: &str, id: &str) -> Value {
        self.items("tasks", user).into_iter().find(|item| item["task_id"]["S"] == id).unwrap()
    }

    /// All items in a user's partition of a table, including tombstones, as DynamoDB JSON.
    pub fn items(&self, table: &str, user: &str) -> Vec<Value> {
        let mut request = json!({
            "TableName": table,
            "KeyConditionExpression": "user_id = :user_id",
            "ExpressionAttributeValues": { ":user_id": { "S": user } },
        });
        let mut items = Vec::new();
        // Each response ends after a megabyte.
        loop {
            let response = self.database.database().query(serde_json::from_value(request.clone()).unwrap()).unwrap();
            let response = serde_json::to_value(response).unwrap();
            items.extend(response["Items"].as_array().unwrap().iter().cloned());
            match response.get("LastEvaluatedKey") {
                Some(key) if key.is_object() => request["ExclusiveStartKey"] = key.clone(),
                _ => return items,
            }
        }
    }

    /// Puts many items in DynamoDB JSON, bypassing the API.
    pub fn import(&self, table: &str, items: impl IntoIterator<Item = Value>) {
        let items = items.into_iter().map(|item| serde_json::from_value(item).unwrap()).collect();
        let options = ImportOptions { record_streams: false, set_cached_at: false };
        self.database.database().import_items(table, items, options).unwrap();
    }

    /// Puts an item in DynamoDB JSON, bypassing the API.
    pub fn put(&self, table: &str, item: &Value) {
        let request = json!({ "TableName": table, "Item": item });
        self.database.database().put_item(serde_json::from_value(request).unwrap()).unwrap();
    }
}

impl From<Value> for Answer {
    fn from(raw: Value) -> Self {
        let headers = raw["headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned()));
        let body = raw["body"].as_str();
        Self {
            status: u16::try_from(raw["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers.collect(),
            body: body.map_or(Value::Null, |body| serde_json::from_str(body).expect("a JSON body")),
            raw: raw.clone(),
        }
    }
}

impl Answer {
    /// The code of a problem; empty if the body is not a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The status and the code of the one thing that was asked for: of a batch of one item, those of its result.
    pub fn outcome(&self) -> (u16, &str) {
        match self.body["results"].as_array().map(Vec::as_slice) {
            Some([row]) => {
                let status = u16::try_from(row["status"].as_u64().unwrap()).unwrap();
                (status, row["problem"]["code"].as_str().unwrap_or_default())
            }
            _ => (self.status, self.code()),
        }
    }

    /// A header field; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The titles of a page of tasks, in order.
    pub fn titles(&self) -> Vec<&str> {
        let tasks = self.body["tasks"].as_array().unwrap_or_else(|| panic!("not a page: {self:?}"));
        tasks.iter().map(|task| task["title"].as_str().unwrap()).collect()
    }
}
