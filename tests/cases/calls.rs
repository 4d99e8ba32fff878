//! What a client asks for while something fails, what may be left of it, and what a retry makes of that: for the tests
//! of faults and of crashes.

use serde_json::{Value, json};
use tests::{Answer, Api, Content, Event, Operation, Signer};

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Create,
    CreateAs,
    List,
    Tags,
    Changes,
    Get,
    Replace,
    Update,
    Complete,
    Toggle,
    Move,
    /// The next occurrence comes with it.
    CompleteRecurring,
    Skip,
    Delete,
    Restore,
    AtomicBatch,
    Batch,
    Export,
    Erase,
}

/// What a client adds so that a repetition does no harm, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Terms {
    None,
    Key,
    IfMatch,
}

/// An operation, as a client calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    ask: Ask,
    terms: Terms,
}

/// The id that a client gives its new task.
const NEW_TASK: &str = "01990000-0000-7000-8000-000000000001";

impl Call {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        use Terms::{IfMatch, Key, None};
        let asked: [(Ask, &[Terms]); 19] = [
            (Ask::Create, &[None, Key]),
            (Ask::CreateAs, &[None, Key]),
            (Ask::List, &[None]),
            (Ask::Tags, &[None]),
            (Ask::Changes, &[None]),
            (Ask::Get, &[None]),
            (Ask::Replace, &[None, Key, IfMatch]),
            (Ask::Update, &[None, Key, IfMatch]),
            (Ask::Complete, &[None, IfMatch]),
            (Ask::Toggle, &[None, Key, IfMatch]),
            (Ask::Move, &[None, Key, IfMatch]),
            (Ask::CompleteRecurring, &[None, Key, IfMatch]),
            (Ask::Skip, &[None, Key, IfMatch]),
            (Ask::Delete, &[None, Key, IfMatch]),
            (Ask::Restore, &[None, Key, IfMatch]),
            (Ask::AtomicBatch, &[None]),
            (Ask::Batch, &[None]),
            (Ask::Export, &[None]),
            (Ask::Erase, &[None]),
        ];
        asked.into_iter().flat_map(|(ask, terms)| terms.iter().map(move |&terms| Self { ask, terms }))
    }

    /// One for each operation, in the way that a retry does no harm.
    pub(crate) fn repeatable() -> impl Iterator<Item = Self> {
        let strictest =
            |operation| Self::all().filter(move |call| call.operation() == operation).max_by_key(|call| call.terms);
        Operation::ALL.into_iter().filter_map(strictest)
    }

    pub(crate) fn operation(self) -> Operation {
        match self.ask {
            Ask::Create => Operation::CreateTask,
            Ask::List => Operation::ListTasks,
            Ask::Tags => Operation::ListTags,
            Ask::Changes => Operation::ListChanges,
            Ask::Get => Operation::GetTask,
            Ask::CreateAs | Ask::Replace => Operation::ReplaceTask,
            Ask::Update => Operation::UpdateTask,
            Ask::Complete | Ask::Toggle | Ask::CompleteRecurring => Operation::CompleteTask,
            Ask::Move => Operation::MoveTask,
            Ask::Skip => Operation::SkipTask,
            Ask::Delete => Operation::DeleteTask,
            Ask::Restore => Operation::RestoreTask,
            Ask::Batch | Ask::AtomicBatch => Operation::BatchTasks,
            Ask::Export => Operation::ExportTasks,
            Ask::Erase => Operation::EraseTasks,
        }
    }

    pub(crate) fn name(self) -> String {
        let what = match self.ask {
            Ask::CreateAs => ", new",
            Ask::Toggle => ", toggle",
            Ask::CompleteRecurring => ", recurring",
            Ask::AtomicBatch => ", atomic",
            _ => "",
        };
        let terms = match self.terms {
            Terms::None => "",
            Terms::Key => ", with a key",
            Terms::IfMatch => ", if-match",
        };
        format!("{}{what}{terms}", self.operation().name())
    }

    pub(crate) fn reads(self) -> bool {
        self.operation().reads()
    }

    pub(crate) fn success(self) -> u16 {
        if self.ask == Ask::CreateAs { 201 } else { self.operation().success() }
    }

    fn creates(self) -> bool {
        matches!(self.ask, Ask::Create | Ask::CreateAs)
    }

    pub(crate) fn is_keyed(self) -> bool {
        self.terms == Terms::Key
    }

    /// The body of a call that writes this task.
    fn body(self, task: &str) -> Option<Value> {
        match self.ask {
            Ask::Create => Some(json!({ "title": "after", "due": "2026-12-02" })),
            Ask::CreateAs | Ask::Replace => Some(json!({ "title": "after", "tags": ["new"], "completed": true })),
            Ask::Update => Some(json!({ "title": "after", "due": null })),
            Ask::Complete | Ask::CompleteRecurring => Some(json!({ "completed": true })),
            Ask::Move => Some(json!({ "after": null })),
            Ask::List | Ask::Tags | Ask::Changes | Ask::Get | Ask::Toggle | Ask::Skip | Ask::Delete | Ask::Restore => {
                None
            }
            Ask::Export | Ask::Erase => None,
            // A batch has its keys in its items.
            Ask::Batch | Ask::AtomicBatch => Some(json!({ "atomic": self.ask == Ask::AtomicBatch, "items": [{
                "op": "update", "id": task, "changes": { "title": "after", "due": null }, "idempotency_key": "key",
            }] })),
        }
    }

    /// The requests to DynamoDB before the one that does it: reads, or a plain write that is refused.
    pub(crate) fn requests_before(self) -> usize {
        self.operation().reads_first() + usize::from(self.ask == Ask::CompleteRecurring)
    }

    fn recurs(self) -> bool {
        matches!(self.ask, Ask::CompleteRecurring | Ask::Skip)
    }

    /// The task that a client has.
    fn before(self) -> Value {
        let mut task = json!({ "title": "before", "description": "kept", "priority": "high", "due": "2026-12-01", "tags": ["kept"] });
        if self.recurs() {
            task["due"] = json!("2099-12-01");
            task["recurrence"] = json!({ "rule": "FREQ=DAILY" });
        }
        task
    }

    /// What a client does that does not know whether the call was done: it repeats what may be repeated, and says what
    /// it wants instead of toggling again.
    fn retry(self) -> Option<Self> {
        match (self.ask, self.terms) {
            (Ask::Create | Ask::Skip, Terms::None) => None,
            (Ask::Toggle, Terms::None) => Some(Self { ask: Ask::Complete, ..self }),
            _ => Some(self),
        }
    }

    /// The content of the one task that is there once the call is done; null if it holds none.
    fn done(self) -> Value {
        let mut task = self.before();
        let changes = match self.ask {
            Ask::List | Ask::Tags | Ask::Changes | Ask::Get | Ask::Restore | Ask::Export => json!({}),
            Ask::Create => {
                json!({ "title": "after", "description": null, "priority": "none", "due": "2026-12-02", "tags": [] })
            }
            Ask::CreateAs | Ask::Replace => {
                json!({ "title": "after", "description": null, "priority": "none", "due": null, "tags": ["new"], "completed": true })
            }
            Ask::Update | Ask::Batch | Ask::AtomicBatch => json!({ "title": "after", "due": null }),
            Ask::Complete | Ask::Toggle | Ask::CompleteRecurring => json!({ "completed": true }),
            Ask::Move => json!({ "position": "a0" }),
            Ask::Skip => json!({ "due": "2099-12-02" }),
            Ask::Delete | Ask::Erase => return Value::Null,
        };
        task["completed"] = json!(false);
        task.as_object_mut().unwrap().remove("recurrence");
        task.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        task
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
    pub(crate) call: Call,
    user: String,
    token: String,
    before: Vec<Value>,
}

impl Client {
    /// A client named after what happens to it, whose task is made through `api`, which must work and believe its token.
    pub(crate) async fn new(api: &Api, what: &str, call: Call) -> Self {
        let user = format!("{what}-{}", call.name()).replace([' ', ','], "-");
        let mut client = Self { call, token: Signer::default().token(&user), user, before: Vec::new() };
        // A request may time out on a busy machine: what counts is that the task is there.
        while !call.creates() && client.before.is_empty() {
            let answer = api.call(Operation::CreateTask, &client.anything().json(&call.before())).await;
            assert!([201, 503].contains(&answer.status), "{answer:?}");
            client.before = api.items("tasks", &client.user);
        }
        while call.ask == Ask::Restore && client.before[0]["deleted_at"].is_null() {
            let task = client.before[0]["task_id"]["S"].as_str().unwrap().to_owned();
            api.call(Operation::DeleteTask, &client.anything().task(&task)).await;
            client.before = api.items("tasks", &client.user);
        }
        api.wire.take();
        client
    }

    /// The same client with another token.
    pub(crate) fn bearing(self, token: String) -> Self {
        Self { token, ..self }
    }

    /// The same client with a token of this signer.
    pub(crate) fn signed_by(self, signer: &Signer) -> Self {
        let token = signer.token(&self.user);
        self.bearing(token)
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
        let (status, expected) = match (retry.ask, retry.terms) {
            _ if retry.reads() => (retry.success(), Left::Untouched),
            _ if *left == Left::Untouched => (retry.success(), Left::Done),
            // Under the same key it is answered as the first time, and done once.
            (_, Terms::Key) | (Ask::Batch | Ask::AtomicBatch | Ask::Erase, _) => (retry.success(), Left::Done),
            (Ask::Delete, _) => (404, Left::Done),
            (Ask::CreateAs, _) | (_, Terms::IfMatch) => (412, Left::Done),
            // A task that is what was asked for stays as it is.
            (Ask::Complete | Ask::CompleteRecurring | Ask::Restore, _) => (retry.success(), Left::Done),
            _ => (retry.success(), Left::DoneAgain),
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
        let has_record = self.call == Call { ask: Ask::Create, terms: Terms::Key };
        let known = items.iter().filter(|_| has_record).map(|item| &item["task_id"]);
        if !records.iter().map(|record| &record["task_id"]).eq(known) {
            return Left::Broken(format!("records {records:?} of tasks {items:?}"));
        }
        if items == self.before {
            return Left::Untouched;
        }
        if items.is_empty() && self.call.ask == Ask::Erase {
            return Left::Done;
        }
        let (next, items): (Vec<_>, Vec<_>) = items.into_iter().partition(is_next_occurrence);
        if next.len() != usize::from(self.call.ask == Ask::CompleteRecurring) {
            return Left::Broken(format!("{} next occurrences", next.len()));
        }
        let [item] = items.as_slice() else { return Left::Broken(format!("{} tasks", items.len())) };
        if content(item) != self.call.done() {
            return Left::Broken(format!("{item}"));
        }
        match version(item) - self.before.first().map_or(0, version) - 1 {
            0 => Left::Done,
            1 => Left::DoneAgain,
            _ => Left::Broken(format!("version {}", version(item))),
        }
    }

    /// How a successful answer differs from what is in the table.
    pub(crate) fn disagreement(&self, answer: &Answer, api: &Api) -> Option<String> {
        let answers = self.call.operation().answers();
        if answers == Content::Nothing {
            return None;
        }
        let items = without_marks(api.items("tasks", &self.user));
        if answers == Content::Tags {
            let counts = json!([{ "tag": "kept", "key": "kept", "open": 1, "completed": 0 }]);
            return (answer.body["tags"] != counts).then(|| format!("{answer:?} of {items:?}"));
        }
        if answers == Content::Erasure {
            return (answer.body["has_more"] == items.is_empty()).then(|| format!("{answer:?} of {items:?}"));
        }
        let items: Vec<_> = items.into_iter().filter(|item| !is_next_occurrence(item)).collect();
        let [item] = items.as_slice() else { return Some(format!("{answer:?} of {} tasks", items.len())) };
        let shown = match answers {
            Content::Rows => &answer.body["results"][0],
            Content::Page | Content::Changes | Content::Export => &answer.body["tasks"][0],
            Content::SentTask | Content::ChangedTask => &answer.body,
            Content::Tags | Content::Nothing | Content::Erasure | Content::Health => unreachable!("it shows no task"),
        };
        let agrees = if answers == Content::Rows {
            // A transaction does not tell the version.
            shown["etag"].is_null() || shown["etag"] == format!("\"{}\"", version(item))
        } else {
            let content = content(item);
            let mut fields = content.as_object().into_iter().flatten();
            shown["version"] == version(item)
                && content.is_object()
                && fields.all(|(name, value)| shown[name] == *value)
        };
        (!agrees || shown["id"] != item["task_id"]["S"]).then(|| format!("{shown} is answered, and {item} is there"))
    }

    fn event_of(&self, call: Call) -> Event {
        let task = self.before.first().map_or(NEW_TASK, |item| item["task_id"]["S"].as_str().unwrap());
        let event = self.anything().maybe_json(call.body(task).as_ref());
        let event = if call.operation().is_on_a_task() { event.task(task) } else { event };
        let event = event.maybe_header("if-none-match", (call.ask == Ask::CreateAs).then_some("*"));
        match call.terms {
            Terms::None => event,
            Terms::Key => event.header("idempotency-key", "key"),
            Terms::IfMatch => {
                let version = self.before.first().map_or(1, version);
                event.header("if-match", &format!("\"{version}\""))
            }
        }
    }

    fn anything(&self) -> Event {
        Event::anonymous("me").bearer(&self.token)
    }
}

/// The items but for what an erasure leaves.
pub(crate) fn without_marks(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().filter(|item| !item["task_id"]["S"].as_str().unwrap().starts_with("00000000-0000-")).collect()
}

/// A write of a task that others overtake.
#[derive(Debug, Clone)]
pub(crate) struct Overtaken {
    pub(crate) operation: Operation,
    pub(crate) body: Option<Value>,
    /// What becomes of a task that is as the write wants it, and does not remember the write any more.
    pub(crate) again: Again,
    /// Whether it leaves the task completed.
    pub(crate) completes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It is written again.
    Writes,
    /// It stays as it is.
    Stays,
}

/// A replacement, an update, a toggle, a completion, and a move.
pub(crate) fn writes() -> [Overtaken; 5] {
    let write = |operation, body, again| Overtaken { operation, body, again, completes: false };
    let completion = |body, again| Overtaken { completes: true, ..write(Operation::CompleteTask, body, again) };
    [
        write(Operation::ReplaceTask, Some(json!({ "title": "ours", "due": "2026-11-30" })), Again::Writes),
        write(Operation::UpdateTask, Some(json!({ "title": "ours" })), Again::Writes),
        completion(None, Again::Writes),
        completion(Some(json!({ "completed": true })), Again::Stays),
        write(Operation::MoveTask, Some(json!({ "after": null })), Again::Writes),
    ]
}

/// The content of an item, as the API would show it; null of a tombstone.
fn content(item: &Value) -> Value {
    if item["deleted_at"].is_object() {
        return Value::Null;
    }
    let tags: Vec<_> = item["tags"]["L"].as_array().unwrap().iter().map(|tag| &tag["S"]).collect();
    let mut content = json!({ "tags": tags, "completed": item["completed_at"].is_object() });
    for name in ["title", "description", "priority", "due"] {
        content[name] = item[name]["S"].clone();
    }
    if item["task_position"].is_object() {
        content["position"] = item["task_position"]["S"].clone();
    }
    content
}

/// Whether it is the second occurrence of a daily task, as completing the first one made it.
fn is_next_occurrence(item: &Value) -> bool {
    let is_second = item["series"]["S"].as_str().is_some_and(|series| series.ends_with("#2"));
    is_second && item["due"]["S"] == "2099-12-02" && version(item) == 1
}

fn version(item: &Value) -> u64 {
    item["version"]["N"].as_str().unwrap().parse().unwrap()
}

/// What does not fit together in an item: the keys of its indexes follow from the rest of it, a tombstone is not in the index
/// by state, and its content is there as a whole or not at all.
pub(crate) fn incoherence(item: &Value) -> Option<String> {
    let id = item["task_id"]["S"].as_str().unwrap();
    let updated = format!("{}#{id}", item["updated_at"]["S"].as_str().unwrap());
    let is_deleted = item["deleted_at"].is_object();
    let has_content = item["title"].is_object();
    let due_key = has_content.then(|| format!("open#{}#{id}", item["due"]["S"].as_str().unwrap_or("~")));
    let done_key = item["completed_at"]["S"].as_str().map(|at| format!("completed#{at}#{id}"));
    let (parent, position) = (item["parent_id"]["S"].as_str(), item["task_position"]["S"].as_str());
    let is_open = !is_deleted && done_key.is_none();
    let keys = [
        ("updated", Some(updated)),
        ("state_key", done_key.clone().or_else(|| due_key.clone()).filter(|_| !is_deleted)),
        ("due_key", due_key),
        ("done_key", done_key),
        ("position_key", position.filter(|_| is_open && parent.is_none()).map(|position| format!("{position}#{id}"))),
        ("child_key", parent.map(|parent| format!("{parent}#{}#{id}", position.unwrap_or("~")))),
    ];
    let fits = keys.iter().all(|(name, expected)| item[name]["S"].as_str() == expected.as_deref());
    let is_whole = ["title", "tags", "priority", "created_at"].iter().all(|name| item[name].is_object());
    let is_empty = ["title", "description", "tags", "due", "priority"].iter().all(|name| item[name].is_null());
    let is_right = if is_deleted { is_whole || is_empty } else { is_whole };
    (!fits || !is_right).then(|| format!("half-written: {item}"))
}
