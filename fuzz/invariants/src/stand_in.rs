//! DynamoDB and the issuer, as far as an invariant needs them: each request is answered at once, and kept.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::TASK_ID;

/// What a call may come to: the requests of a list that reads as much as it may, each tried three times.
const MAX_REQUESTS: usize = 12;

/// What a [`StandIn`] answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answers {
    /// DynamoDB with one task of the user's, or none, whoever asks: just enough of it for the store to get any of the
    /// answers that DynamoDB could give it.
    Task(TaskState),
    /// DynamoDB whose lists have no item that passes the filter: where it stopped reading is where it began.
    EndlessList,
    /// This, whatever is asked.
    Anything {
        /// The status of HTTP.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// How many times; then there is a task, which is open.
        times: usize,
    },
}

/// What there is of the task with the id [`TASK_ID`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// It is open, in version 3.
    Open,
    /// It is completed, in version 3.
    Completed,
    /// Its tombstone.
    Deleted,
    /// Nothing.
    Absent,
}

impl TaskState {
    /// The state that an input names with this byte.
    pub(crate) fn named(byte: u8) -> Self {
        [Self::Open, Self::Completed, Self::Deleted, Self::Absent][usize::from(byte % 4)]
    }

    fn is_there(self) -> bool {
        matches!(self, Self::Open | Self::Completed)
    }
}

/// A request that DynamoDB was sent.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The operation, such as `UpdateItem`.
    pub(crate) operation: String,
    /// Its body.
    pub(crate) body: Value,
}

/// A connector that ends here. Clones share what they answer and keep.
#[derive(Debug, Clone)]
pub(crate) struct StandIn(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    answers: Answers,
    asked: Vec<Asked>,
}

impl StandIn {
    pub(crate) fn new(answers: Answers) -> Self {
        Self(Arc::new(Mutex::new(State { answers, asked: Vec::new() })))
    }

    /// Answers so from now on.
    pub(crate) fn answer_with(&self, answers: Answers) {
        self.state(|state| state.answers = answers);
    }

    /// What DynamoDB was asked since this was called last.
    pub(crate) fn take(&self) -> Vec<Asked> {
        self.state(|state| std::mem::take(&mut state.asked))
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpConnector for StandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let asked = operation.map(|(_, operation)| Asked {
            operation: operation.to_owned(),
            body: serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("DynamoDB is sent JSON"),
        });
        let (status, body) = self.state(|state| {
            let answer = state.answers.to(asked.as_ref());
            state.asked.extend(asked);
            assert!(state.asked.len() <= MAX_REQUESTS, "a call asks DynamoDB without end");
            answer
        });
        let status = status.try_into().expect("a status of three digits");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

impl Answers {
    /// The answer to what DynamoDB is asked, or to a request for the issuer's key set.
    fn to(&mut self, asked: Option<&Asked>) -> (u16, Vec<u8>) {
        let answer = match (self, asked) {
            (Self::Anything { status, body, times: times @ 1.. }, _) => {
                *times -= 1;
                return (*status, body.clone());
            }
            (_, None) => return (404, Vec::new()),
            (Self::Anything { .. }, Some(asked)) => TaskState::Open.to(asked),
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
            "Query" if self.is_there() => Ok(json!({ "Count": 1, "ScannedCount": 1, "Items": [self.item()] })),
            "Query" => Ok(json!({ "Count": 0, "ScannedCount": 0, "Items": [] })),
            "PutItem" => Ok(json!({})),
            "UpdateItem" if self.allows(request) => Ok(json!({ "Attributes": self.item() })),
            "UpdateItem" => {
                let mut error = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
                if self != Self::Absent {
                    error["Item"] = self.item();
                }
                Err(error)
            }
            "TransactWriteItems" => self.create_once(request),
            operation => panic!("DynamoDB is asked for {operation}"),
        }
    }

    /// Whether the conditions hold that a write of a task makes.
    fn allows(self, request: &Value) -> bool {
        let condition = request["ConditionExpression"].as_str().expect("a write has a condition");
        let required = match self {
            Self::Open => "attribute_not_exists(open_due)",
            Self::Completed => "attribute_exists(open_due)",
            Self::Deleted | Self::Absent => return false,
        };
        let values = request["ExpressionAttributeValues"].as_object().expect("a write has values");
        let mut versions = values.iter().filter(|(name, _)| name.starts_with(":version_"));
        let in_version = !condition.contains("#version IN") || versions.any(|(_, version)| version["N"] == "3");
        !condition.contains(required) && in_version
    }

    /// A create with a key: new, done before, or used for another task, as the state has it.
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
        let text = |text: &str| json!({ "S": text });
        let mut item = json!({
            "task_id": text(TASK_ID),
            "write_id": { "B": "AZNwoXw+fVKfOy8dbHqLkQ==" },
            "version": { "N": "3" },
        });
        if self == Self::Deleted {
            item["deleted_at"] = text("2026-11-30T10:15:00.000Z");
            return item;
        }
        item["title"] = text("Write the report");
        item["priority"] = text("high");
        item["due"] = text("2026-12-15");
        item["tags"] = json!({ "L": [text("work")] });
        item["created_at"] = text("2026-11-30T10:15:00.000Z");
        item["updated_at"] = text("2026-11-30T10:15:00.000Z");
        if self == Self::Completed {
            item["completed_at"] = text("2026-11-30T10:15:00.000Z");
        }
        item
    }
}

fn endless_list(request: &Value) -> Value {
    let position = match &request["ExclusiveStartKey"] {
        // The first position there can be inside of what is asked for.
        Value::Null => {
            let values = &request["ExpressionAttributeValues"];
            let mut position = json!({ "user_id": values[":user_id"], "task_id": { "S": TASK_ID } });
            if request["IndexName"] == "open_by_due" {
                let due = match (&values[":from"]["S"], &values[":before"]["S"]) {
                    (Value::String(from), _) => from,
                    (_, Value::String(_)) => "0000-01-01",
                    _ => "~",
                };
                position["open_due"] = json!({ "S": format!("{due}#{TASK_ID}") });
            }
            position
        }
        start => start.clone(),
    };
    json!({ "Count": 0, "ScannedCount": 1_000, "Items": [], "LastEvaluatedKey": position })
}
