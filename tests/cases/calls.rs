//! What a client asks for while something fails, what may be left of it, and what a retry makes of that: for the tests
//! of faults and of crashes.

use serde_json::{Value, json};
use tests::{Answer, Api, Content, Event, Key, Operation, Signer};

/// An operation, as a client calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    CreateWithKey,
    List,
    Changes,
    Get,
    Replace,
    ReplaceIfMatch,
    Update,
    UpdateIfMatch,
    Complete,
    CompleteIfMatch,
    Toggle,
    ToggleIfMatch,
    Delete,
    DeleteIfMatch,
    CreateAs,
    CreateAsWithKey,
    ReplaceWithKey,
    UpdateWithKey,
    ToggleWithKey,
    DeleteWithKey,
    Batch,
    AtomicBatch,
    Export,
    Erase,
}

/// The id that a client gives its new task.
const NEW_TASK: &str = "01990000-0000-7000-8000-000000000001";

impl Call {
    pub(crate) const ALL: [Self; 25] = [
        Self::Create,
        Self::CreateWithKey,
        Self::List,
        Self::Changes,
        Self::Get,
        Self::Replace,
        Self::ReplaceIfMatch,
        Self::Update,
        Self::UpdateIfMatch,
        Self::Complete,
        Self::CompleteIfMatch,
        Self::Toggle,
        Self::ToggleIfMatch,
        Self::Delete,
        Self::DeleteIfMatch,
        Self::CreateAs,
        Self::CreateAsWithKey,
        Self::ReplaceWithKey,
        Self::UpdateWithKey,
        Self::ToggleWithKey,
        Self::DeleteWithKey,
        Self::Batch,
        Self::AtomicBatch,
        Self::Export,
        Self::Erase,
    ];

    /// One for each operation, in the way that a retry does no harm.
    pub(crate) const REPEATABLE: [Self; 11] = [
        Self::CreateWithKey,
        Self::List,
        Self::Changes,
        Self::Get,
        Self::ReplaceIfMatch,
        Self::UpdateIfMatch,
        Self::ToggleIfMatch,
        Self::DeleteIfMatch,
        Self::Batch,
        Self::Export,
        Self::Erase,
    ];

    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Create | Self::CreateWithKey => Operation::CreateTask,
            Self::List => Operation::ListTasks,
            Self::Changes => Operation::ListChanges,
            Self::Get => Operation::GetTask,
            Self::CreateAs | Self::CreateAsWithKey | Self::Replace | Self::ReplaceIfMatch | Self::ReplaceWithKey => {
                Operation::ReplaceTask
            }
            Self::Update | Self::UpdateIfMatch | Self::UpdateWithKey => Operation::UpdateTask,
            Self::Complete | Self::CompleteIfMatch | Self::Toggle | Self::ToggleIfMatch | Self::ToggleWithKey => {
                Operation::CompleteTask
            }
            Self::Delete | Self::DeleteIfMatch | Self::DeleteWithKey => Operation::DeleteTask,
            Self::Batch | Self::AtomicBatch => Operation::BatchTasks,
            Self::Export => Operation::ExportTasks,
            Self::Erase => Operation::EraseTasks,
        }
    }

    pub(crate) fn name(self) -> String {
        let how = match self {
            Self::CreateAs => ", new",
            Self::CreateAsWithKey => ", new, with a key",
            Self::AtomicBatch => ", atomic",
            Self::Toggle => ", toggle",
            Self::ToggleWithKey => ", toggle, with a key",
            _ if self.is_keyed() => ", with a key",
            Self::ToggleIfMatch => ", toggle, if-match",
            _ if self.is_conditional() => ", if-match",
            _ => "",
        };
        format!("{}{how}", self.operation().name())
    }

    pub(crate) fn reads(self) -> bool {
        self.operation().reads()
    }

    pub(crate) fn success(self) -> u16 {
        if self.is_under_its_id() { 201 } else { self.operation().success() }
    }

    fn creates(self) -> bool {
        matches!(self, Self::Create | Self::CreateWithKey) || self.is_under_its_id()
    }

    fn is_under_its_id(self) -> bool {
        matches!(self, Self::CreateAs | Self::CreateAsWithKey)
    }

    /// A batch has its keys in its items.
    fn is_a_batch(self) -> bool {
        matches!(self, Self::Batch | Self::AtomicBatch)
    }

    pub(crate) fn is_keyed(self) -> bool {
        matches!(
            self,
            Self::CreateWithKey
                | Self::CreateAsWithKey
                | Self::ReplaceWithKey
                | Self::UpdateWithKey
                | Self::ToggleWithKey
                | Self::DeleteWithKey
        )
    }

    fn is_conditional(self) -> bool {
        matches!(
            self,
            Self::ReplaceIfMatch
                | Self::UpdateIfMatch
                | Self::CompleteIfMatch
                | Self::ToggleIfMatch
                | Self::DeleteIfMatch
        )
    }

    /// The body of a call that writes this task.
    fn body(self, task: &str) -> Option<Value> {
        match self {
            Self::Create | Self::CreateWithKey => Some(json!({ "title": "after", "due": "2026-12-02" })),
            Self::CreateAs | Self::CreateAsWithKey | Self::Replace | Self::ReplaceIfMatch | Self::ReplaceWithKey => {
                Some(json!({ "title": "after", "tags": ["new"], "completed": true }))
            }
            Self::Update | Self::UpdateIfMatch | Self::UpdateWithKey => Some(json!({ "title": "after", "due": null })),
            Self::Complete | Self::CompleteIfMatch => Some(json!({ "completed": true })),
            Self::List | Self::Changes | Self::Get | Self::Export | Self::Erase => None,
            Self::Toggle | Self::ToggleIfMatch | Self::ToggleWithKey => None,
            Self::Delete | Self::DeleteIfMatch | Self::DeleteWithKey => None,
            Self::Batch | Self::AtomicBatch => Some(json!({ "atomic": self == Self::AtomicBatch, "items": [{
                "op": "update", "id": task, "changes": { "title": "after", "due": null }, "idempotency_key": "key",
            }] })),
        }
    }

    /// What a client does that does not know whether the call was done: it repeats what may be repeated, and says what
    /// it wants instead of toggling again.
    fn retry(self) -> Option<Self> {
        match self {
            Self::Create => None,
            Self::Toggle => Some(Self::Complete),
            call => Some(call),
        }
    }

    /// The content of the one task that is there once the call is done; null if it holds none.
    fn done(self) -> Value {
        let (high, kept) = (json!("high"), json!("kept"));
        match self {
            Self::Create | Self::CreateWithKey => {
                json!({ "title": "after", "description": null, "priority": "none", "due": "2026-12-02", "tags": [], "completed": false })
            }
            Self::List | Self::Changes | Self::Get | Self::Export => {
                json!({ "title": "before", "description": kept, "priority": high, "due": "2026-12-01", "tags": ["kept"], "completed": false })
            }
            Self::CreateAs | Self::CreateAsWithKey | Self::Replace | Self::ReplaceIfMatch | Self::ReplaceWithKey => {
                json!({ "title": "after", "description": null, "priority": "none", "due": null, "tags": ["new"], "completed": true })
            }
            Self::Update | Self::UpdateIfMatch | Self::UpdateWithKey | Self::Batch | Self::AtomicBatch => {
                json!({ "title": "after", "description": kept, "priority": high, "due": null, "tags": ["kept"], "completed": false })
            }
            Self::Complete | Self::CompleteIfMatch | Self::Toggle | Self::ToggleIfMatch | Self::ToggleWithKey => {
                json!({ "title": "before", "description": kept, "priority": high, "due": "2026-12-01", "tags": ["kept"], "completed": true })
            }
            Self::Delete | Self::DeleteIfMatch | Self::DeleteWithKey | Self::Erase => Value::Null,
        }
    }
}

/// What is in the tables after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Left {
    /// What was there before.
    Untouched,
    /// All that the call does, done once.
    Done,
    /// The same content, written twice: the task is a version further.
    DoneAgain,
    /// Anything else: something is lost, half-written, or there twice.
    Broken(String),
}

impl Left {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Untouched => "untouched",
            Self::Done => "done once",
            Self::DoneAgain => "done again",
            Self::Broken(_) => "LOST",
        }
    }
}

/// A user with one task, or with none if they are about to create it, and what they call.
#[derive(Clone)]
pub(crate) struct Client {
    call: Call,
    user: String,
    token: String,
    before: Vec<Value>,
}

impl Client {
    /// A client whose task is made through `api`, which must work and believe the token.
    pub(crate) async fn new(api: &Api, user: &str, token: &str, call: Call) -> Self {
        let mut client = Self { call, user: user.to_owned(), token: token.to_owned(), before: Vec::new() };
        if !call.creates() {
            let body = json!({ "title": "before", "description": "kept", "priority": "high", "due": "2026-12-01", "tags": ["kept"] });
            // A request may time out on a busy machine: what counts is that the task is there.
            while client.before.is_empty() {
                let answer = api.call(Operation::CreateTask, &client.anything().json(&body)).await;
                assert!([201, 503].contains(&answer.status), "{answer:?}");
                client.before = api.items("tasks", user);
            }
        }
        client
    }

    /// The same client with another token.
    pub(crate) fn bearing(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// The same client with a good token of this key.
    pub(crate) fn signed_by(self, key: Key) -> Self {
        let token = Signer::with(key).token(&self.user);
        self.bearing(&token)
    }

    /// The status of a success.
    pub(crate) fn success(&self) -> u16 {
        self.call.success()
    }

    /// Calls.
    pub(crate) async fn call(&self, api: &Api) -> Answer {
        api.call(self.call.operation(), &self.event()).await
    }

    /// The event of the call.
    pub(crate) fn event(&self) -> Event {
        self.event_of(self.call)
    }

    /// What a client calls that knows nothing of the outcome, if there is anything that does no harm.
    pub(crate) fn retry(&self) -> Option<(Operation, Event)> {
        self.call.retry().map(|retry| (retry.operation(), self.event_of(retry)))
    }

    /// What is left after that call, and what is wrong with it, if there was `left` before.
    pub(crate) fn judge_retry(&self, answer: &Answer, left: &Left, api: &Api) -> (Left, Vec<String>) {
        let retry = self.call.retry().unwrap();
        let is_done = *left != Left::Untouched;
        let (status, expected) = match retry {
            _ if retry.reads() => (retry.success(), Left::Untouched),
            // Under the same key it is answered as the first time, and done once.
            _ if retry.is_keyed() || retry.is_a_batch() || retry == Call::Erase => (retry.success(), Left::Done),
            Call::CreateAs if is_done => (412, Left::Done),
            Call::Delete | Call::DeleteIfMatch if is_done => (404, Left::Done),
            _ if retry.is_conditional() && is_done => (412, Left::Done),
            // A task that is what was asked for stays as it is.
            Call::Complete if is_done => (retry.success(), Left::Done),
            _ if is_done => (retry.success(), Left::DoneAgain),
            _ => (retry.success(), Left::Done),
        };
        let after = self.left(api);
        let mut wrong = Vec::new();
        let (answered, _) = answer.outcome();
        if answered != status {
            wrong.push(format!("the retry is answered with {answered}, not {status}"));
        }
        if after != expected {
            wrong.push(format!("the retry leaves {after:?}, not {expected:?}"));
        }
        if answer.status < 300 {
            wrong.extend(self.disagreement(answer, api));
        }
        (after, wrong)
    }

    /// What is left in the tables.
    pub(crate) fn left(&self, api: &Api) -> Left {
        let items = without_marks(api.items("tasks", &self.user));
        let records = api.items("idempotency", &self.user);
        if let Some(incoherence) = items.iter().find_map(incoherence) {
            return Left::Broken(incoherence);
        }
        let known = if self.call == Call::CreateWithKey { items.clone() } else { Vec::new() };
        if !records.iter().map(|record| &record["task_id"]).eq(known.iter().map(|item| &item["task_id"])) {
            return Left::Broken(format!("records {records:?} of tasks {items:?}"));
        }
        if items == self.before {
            return Left::Untouched;
        }
        if self.call == Call::Erase && items.is_empty() {
            return Left::Done;
        }
        let [item] = items.as_slice() else { return Left::Broken(format!("{} tasks", items.len())) };
        if content(item) != self.call.done() {
            return Left::Broken(format!("{item}"));
        }
        let first_version = if self.call.creates() { 1 } else { 2 };
        match version(item) - first_version {
            0 => Left::Done,
            1 => Left::DoneAgain,
            _ => Left::Broken(format!("version {}", version(item))),
        }
    }

    /// How a successful answer differs from what is in the table.
    pub(crate) fn disagreement(&self, answer: &Answer, api: &Api) -> Option<String> {
        let items = without_marks(api.items("tasks", &self.user));
        let task = match self.call.operation().answers() {
            Content::Nothing | Content::Health => return None,
            Content::Erasure => {
                return (answer.body["has_more"] == items.is_empty()).then(|| format!("{answer:?} of {items:?}"));
            }
            Content::Rows => {
                let [item] = items.as_slice() else { return Some(format!("{} tasks", items.len())) };
                let (row, etag) = (&answer.body["results"][0], format!("\"{}\"", version(item)));
                // A transaction does not tell the version.
                let agrees = row["id"] == item["task_id"]["S"] && (row["etag"] == etag || row["etag"].is_null());
                return (!agrees).then(|| format!("{row} is answered, and {item} is there"));
            }
            Content::Page | Content::Changes | Content::Export => &answer.body["tasks"][0],
            Content::SentTask | Content::ChangedTask => &answer.body,
        };
        let [item] = items.as_slice() else { return Some(format!("{task} of {} tasks", items.len())) };
        let content = content(item);
        let fields = content.as_object().into_iter().flatten();
        let agrees = item["task_id"]["S"] == task["id"]
            && json!(version(item)) == task["version"]
            && content.is_object()
            && fields.into_iter().all(|(name, value)| task[name] == *value);
        (!agrees).then(|| format!("{task} is answered, and {item} is there"))
    }

    fn event_of(&self, call: Call) -> Event {
        let mut event = self.anything();
        let task = self.before.first().map_or(NEW_TASK, |item| item["task_id"]["S"].as_str().unwrap());
        if call.operation().is_on_a_task() {
            event = event.task(task);
        }
        if let Some(body) = call.body(task) {
            event = event.json(&body);
        }
        if call.is_conditional() {
            event = event.header("if-match", "\"1\"");
        }
        if call.is_under_its_id() {
            event = event.header("if-none-match", "*");
        }
        if call.is_keyed() {
            event = event.header("idempotency-key", "key");
        }
        event
    }

    fn anything(&self) -> Event {
        Event::anonymous("me").bearer(&self.token)
    }
}

/// The items but for what an erasure leaves.
pub(crate) fn without_marks(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().filter(|item| !item["task_id"]["S"].as_str().unwrap().starts_with("00000000-0000-")).collect()
}

/// The content of an item, as the API would show it; null of a tombstone.
fn content(item: &Value) -> Value {
    if item["deleted_at"].is_object() {
        return Value::Null;
    }
    let tags: Vec<_> = item["tags"]["L"].as_array().unwrap().iter().map(|tag| &tag["S"]).collect();
    json!({
        "title": item["title"]["S"],
        "description": item["description"]["S"],
        "priority": item["priority"]["S"],
        "due": item["due"]["S"],
        "tags": tags,
        "completed": item["completed_at"].is_object(),
    })
}

fn version(item: &Value) -> u64 {
    item["version"]["N"].as_str().unwrap().parse().unwrap()
}

/// What does not fit together in an item: the keys of its indexes follow from the rest of it, and a tombstone has none
/// of its content.
pub(crate) fn incoherence(item: &Value) -> Option<String> {
    let id = item["task_id"]["S"].as_str().unwrap();
    let updated = format!("{}#{id}", item["updated_at"]["S"].as_str().unwrap());
    let due_key = format!("{}#{id}", item["due"]["S"].as_str().unwrap_or("~"));
    let is_deleted = item["deleted_at"].is_object();
    let is_open = !is_deleted && !item["completed_at"].is_object();
    let keys = [
        ("updated", Some(updated)),
        ("due_key", (!is_deleted).then(|| due_key.clone())),
        ("open_due", is_open.then_some(due_key)),
    ];
    let fits = keys.iter().all(|(name, expected)| item[name]["S"].as_str() == expected.as_deref());
    let is_empty = ["title", "description", "tags", "due", "priority"].iter().all(|name| item[name].is_null());
    (!fits || is_deleted != is_empty).then(|| format!("half-written: {item}"))
}
