//! An in-process fake of DynamoDB and the issuer for fuzz targets and benches. It responds immediately and records
//! requests.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// The id of the only task.
pub const TASK_ID: &str = "019370a1-7c3e-7d52-9f3b-2f1d6c7a8b90";

/// The most requests that a call may send: those of the longest possible list, each tried three times.
pub const MAX_REQUESTS: usize = 12;
/// The most requests that a batch may send: a hundred items, each tried in two states, three times each.
const MAX_REQUESTS_OF_A_BATCH: usize = 600;

/// How a [`FakeDynamoDb`] responds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// As DynamoDB with one task or none, for any user: just enough of it to produce every kind of response that the
    /// store can get.
    Task(TaskState),
    /// As DynamoDB with lists of which no item passes the filter: every query ends where it began.
    EndlessList,
    /// With this response to every request.
    Anything {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// How many times; afterwards, as with [`TaskState::Open`].
        times: usize,
    },
    /// As DynamoDB with a fixed number of tasks, for benchmarks: the responses are prepared in advance, and requests
    /// are neither parsed nor recorded.
    Prepared {
        /// The response to everything except queries.
        item: Vec<u8>,
        /// The response to queries.
        page: Vec<u8>,
    },
}

/// The state of the task [`TASK_ID`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Open, in version 3.
    Open,
    /// Completed, in version 3.
    Completed,
    /// Deleted: only its tombstone exists.
    Deleted,
    /// No item exists.
    Absent,
}

impl TaskState {
    /// Maps a byte of fuzz input to a state.
    pub fn named(byte: u8) -> Self {
        [Self::Open, Self::Completed, Self::Deleted, Self::Absent][usize::from(byte % 4)]
    }

    fn is_there(self) -> bool {
        matches!(self, Self::Open | Self::Completed)
    }
}

/// A request to DynamoDB.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The operation, such as `UpdateItem`.
    pub operation: String,
    /// Its body.
    pub body: Value,
}

impl Asked {
    /// Checks that the request stays in this user's partition.
    ///
    /// # Panics
    /// If it does not, or if the product does not use the operation.
    pub fn must_be_of(&self, user: &str) {
        let Self { operation, body } = self;
        let partitions = match operation.as_str() {
            "GetItem" | "UpdateItem" => vec![body["Key"]["user_id"].clone()],
            "PutItem" => vec![body["Item"]["user_id"].clone()],
            "TransactWriteItems" => {
                let items = body["TransactItems"].as_array().expect("the items of a transaction");
                assert!(items.iter().all(|item| item.as_object().is_some_and(|item| item.len() == 1)), "{body}");
                let partition = |item: &'_ Value| match &item["Put"] {
                    Value::Null => item["Update"]["Key"]["user_id"].clone(),
                    put => put["Item"]["user_id"].clone(),
                };
                items.iter().map(partition).collect()
            }
            "BatchWriteItem" => {
                let tables = body["RequestItems"].as_object().expect("the tables of a batch");
                let requests = tables.values().flat_map(|requests| requests.as_array().expect("their requests"));
                requests.map(|request| request["DeleteRequest"]["Key"]["user_id"].clone()).collect()
            }
            "Query" => {
                let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
                assert!(condition.split(" AND ").any(|part| part == "user_id = :user_id"), "{body}");
                vec![body["ExpressionAttributeValues"][":user_id"].clone()]
            }
            _ => panic!("unexpected request to DynamoDB: {operation}"),
        };
        assert!(!partitions.is_empty() && partitions.iter().all(|partition| partition["S"] == user), "{body}");
    }

    /// Checks that a query begins in this user's partition. This holds for the first request only: further ones begin
    /// where DynamoDB said that the previous one ended.
    ///
    /// # Panics
    /// If it begins elsewhere.
    pub fn must_begin_in(&self, user: &str) {
        let start = self.body.get("ExclusiveStartKey");
        assert!(start.is_none_or(|start| start["user_id"]["S"] == user), "{start:?}");
    }
}

/// A connector that responds itself. Clones share their state.
#[derive(Debug, Clone)]
pub struct FakeDynamoDb(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    answers: Answers,
    asked: Vec<Asked>,
}

impl FakeDynamoDb {
    /// Creates a fake with these responses.
    pub fn new(answers: Answers) -> Self {
        Self(Arc::new(Mutex::new(State { answers, asked: Vec::new() })))
    }

    /// Creates a fake that returns this body to every request, such as an issuer with this key set.
    pub fn always(body: &[u8]) -> Self {
        Self::new(Answers::Anything { status: 200, body: body.to_vec(), times: usize::MAX })
    }

    /// Changes the responses.
    pub fn answer_with(&self, answers: Answers) {
        self.state(|state| state.answers = answers);
    }

    /// Takes the requests since the last call.
    pub fn take(&self) -> Vec<Asked> {
        self.state(|state| std::mem::take(&mut state.asked))
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpConnector for FakeDynamoDb {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(body) = self.state(|state| state.answers.prepared(&request)) {
            return respond(200, body);
        }
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let asked = operation.map(|(_, operation)| Asked {
            operation: operation.to_owned(),
            body: serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("the request is JSON"),
        });
        let (status, body) = self.state(|state| {
            let answer = state.answers.to(asked.as_ref());
            state.asked.extend(asked);
            assert!(state.asked.len() <= MAX_REQUESTS_OF_A_BATCH, "a call sends endless requests to DynamoDB");
            answer
        });
        respond(status, body)
    }
}

fn respond(status: u16, body: Vec<u8>) -> HttpConnectorFuture {
    let status = status.try_into().expect("a three-digit status");
    HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
}

impl Answers {
    /// Prepares responses with this many open tasks.
    pub fn tasks(count: usize) -> Self {
        let item = TaskState::Open.item();
        let page = json!({ "Count": count, "ScannedCount": count, "Items": vec![item.clone(); count] });
        let bytes = |body: Value| body.to_string().into_bytes();
        Self::Prepared { item: bytes(json!({ "Item": item })), page: bytes(page) }
    }

    fn prepared(&self, request: &HttpRequest) -> Option<Vec<u8>> {
        let Self::Prepared { item, page } = self else { return None };
        let is_query = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("Query"));
        Some(if is_query { page.clone() } else { item.clone() })
    }

    /// The response to a request to DynamoDB, or without one, to a request for the issuer's key set.
    fn to(&mut self, asked: Option<&Asked>) -> (u16, Vec<u8>) {
        let answer = match (self, asked) {
            (Self::Anything { status, body, times: times @ 1.. }, _) => {
                *times -= 1;
                return (*status, body.clone());
            }
            (_, None) => return (404, Vec::new()),
            (Self::Anything { .. } | Self::Prepared { .. }, Some(asked)) => TaskState::Open.to(asked),
            (Self::Task(state), Some(asked)) => state.to(asked),
            (Self::EndlessList, Some(asked)) => Ok(endless_list(&asked.body)),
        };
        match answer {
            Ok(body) => (200, body.to_string().into_bytes()),
            Err(error) => (400, error.to_string().into_bytes()),
        }
    }
}

impl TaskState {
    fn to(self, asked: &Asked) -> Result<Value, Value> {
        let request = &asked.body;
        match asked.operation.as_str() {
            "GetItem" if self == Self::Absent => Ok(json!({})),
            "GetItem" => Ok(json!({ "Item": self.item() })),
            "Query" if request["TableName"] == "idempotency" => Ok(json!({ "ScannedCount": 0, "Items": [] })),
            "BatchWriteItem" => Ok(json!({ "UnprocessedItems": {} })),
            // Of indexes, that by last write alone has tombstones.
            "Query" if self.is_there() || (self == Self::Deleted && request["IndexName"] == "by_updated") => {
                Ok(json!({ "Count": 1, "ScannedCount": 1, "Items": [self.item()] }))
            }
            "Query" => Ok(json!({ "Count": 0, "ScannedCount": 0, "Items": [] })),
            "PutItem" if !self.has(&request["Item"]) => Ok(json!({})),
            "UpdateItem" if self.allows(request) => Ok(json!({ "Attributes": self.item() })),
            "PutItem" | "UpdateItem" => {
                let mut error = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
                if self != Self::Absent {
                    error["Item"] = self.item();
                }
                Err(error)
            }
            "TransactWriteItems" if request["TransactItems"][0]["Put"]["Item"]["fingerprint"].is_object() => {
                self.create_once(request)
            }
            "TransactWriteItems" => self.transact(request),
            operation => panic!("unexpected request to DynamoDB: {operation}"),
        }
    }

    /// Whether there is an item with the key of this one.
    fn has(self, item: &Value) -> bool {
        item["task_id"]["S"] == TASK_ID && self != Self::Absent
    }

    /// Writes of a batch: all of them, or none and why.
    fn transact(self, request: &Value) -> Result<Value, Value> {
        let actions = request["TransactItems"].as_array().expect("the items of a transaction");
        let is_done = |action: &Value| match &action["Put"] {
            Value::Null => self.allows(&action["Update"]),
            put => !self.has(&put["Item"]),
        };
        if actions.iter().all(is_done) {
            return Ok(json!({}));
        }
        let reason = |action: &Value| match (is_done(action), self) {
            (true, _) => json!({ "Code": "None" }),
            (false, Self::Absent) => json!({ "Code": "ConditionalCheckFailed" }),
            (false, _) => json!({ "Code": "ConditionalCheckFailed", "Item": self.item() }),
        };
        Err(json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": actions.iter().map(reason).collect::<Vec<_>>(),
        }))
    }

    /// Whether the conditions of a write hold.
    fn allows(self, request: &Value) -> bool {
        let condition = request["ConditionExpression"].as_str().expect("a write has a condition");
        let refuted = match self {
            Self::Open => "attribute_exists(completed_at)",
            Self::Completed => "attribute_not_exists(completed_at)",
            Self::Deleted => "attribute_not_exists(deleted_at)",
            Self::Absent => return false,
        };
        let restores = condition.contains("deleted_at >= :oldest");
        let values = request["ExpressionAttributeValues"].as_object().expect("a write has values");
        let mut versions = values.iter().filter(|(name, _)| name.starts_with(":version_"));
        let in_version = !condition.contains("#version IN") || versions.any(|(_, version)| version["N"] == "3");
        !condition.contains(refuted) && in_version && restores == (self == Self::Deleted)
    }

    /// A creation with an idempotency key: depending on the state, the key is new, was used for the same task, or was
    /// used for another one.
    fn create_once(self, request: &Value) -> Result<Value, Value> {
        let sent = &request["TransactItems"][0]["Put"]["Item"]["fingerprint"];
        let fingerprint = match self {
            Self::Absent => return Ok(json!({})),
            Self::Open | Self::Completed => sent.clone(),
            Self::Deleted => json!({ "S": "of another task" }),
        };
        let record = json!({ "fingerprint": fingerprint, "task_id": { "S": TASK_ID } });
        Err(json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": [{ "Code": "ConditionalCheckFailed", "Item": record }, { "Code": "None" }],
        }))
    }

    fn item(self) -> Value {
        let mut item: Value = serde_json::from_str(include_str!("../../fixtures/item.json")).expect("an item");
        let members = item.as_object_mut().expect("an item");
        members.retain(|name, _| match (self, name.as_str()) {
            (_, "task_id" | "write_id" | "version") => true,
            (Self::Deleted, name) => !["state_key", "completed_at", "done_key"].contains(&name),
            (Self::Completed, name) => name != "deleted_at",
            (Self::Open | Self::Absent, name) => !["deleted_at", "completed_at", "done_key"].contains(&name),
        });
        if self == Self::Completed {
            members["state_key"] = members["done_key"].clone();
        }
        item
    }
}

fn endless_list(request: &Value) -> Value {
    let values = &request["ExpressionAttributeValues"];
    let position = match &request["ExclusiveStartKey"] {
        // Changes begin after a key, which a kept token has not all of.
        Value::Null if request["IndexName"] == "by_updated" => {
            let after = values[":after"]["S"].as_str().unwrap_or("2026-11-30T10:15:00.000Z");
            let (at, task_id) = after.split_once('#').unwrap_or((after, TASK_ID));
            json!({
                "user_id": values[":user_id"],
                "task_id": { "S": task_id },
                "updated": { "S": format!("{at}#{task_id}") },
            })
        }
        // A possible position within the requested range.
        Value::Null => {
            let mut position = json!({ "user_id": values[":user_id"], "task_id": { "S": TASK_ID } });
            if request["IndexName"] == "by_state" {
                let at = match (values[":from"]["S"].as_str(), values[":state"]["S"].as_str()) {
                    (Some("open#"), _) => "open#0000-01-01",
                    (Some(from), _) => from,
                    (None, Some("open#")) => "open#~",
                    (None, _) => "completed#2026-11-30T10:15:00.000Z",
                };
                position["state_key"] = json!({ "S": format!("{at}#{TASK_ID}") });
            }
            if request["IndexName"] == "by_position" {
                position["position_key"] = json!({ "S": format!("a0#{TASK_ID}") });
            }
            if let Some(parent) = values[":parent"]["S"].as_str() {
                position["child_key"] = json!({ "S": format!("{parent}~#{TASK_ID}") });
            }
            position
        }
        start => start.clone(),
    };
    json!({ "Count": 0, "ScannedCount": 1_000, "Items": [], "LastEvaluatedKey": position })
}
