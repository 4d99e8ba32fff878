//! The operations of the API. Whatever tests need to know of one stands here once, and matrices are made from it.

use std::cmp::Reverse;

use lambda_http::{Context, LambdaEvent, Service};
use serde_json::Value;
use shared::api::{Problem, Request, Response};
use shared::app::{App, function};

/// The id of every invocation.
pub const INVOCATION: &str = "invocation-id";

/// What is true of an operation, by the contract.
#[derive(Debug)]
struct Facts {
    /// The name of its directory, crate, binary and event.
    name: &'static str,
    /// The letter that names it in the inputs of fuzz targets, which are kept: it never changes.
    letter: u8,
    method: &'static str,
    path: &'static str,
    /// The status of an answer that is not a failure.
    success: u16,
    answers: Content,
    body: Body,
    /// The conditional header field that it takes.
    condition: Option<&'static str>,
    takes_idempotency_key: bool,
    /// Good queries, of which each makes it ask DynamoDB something else; none if it takes no query.
    queries: &'static [&'static str],
    /// What it asks DynamoDB for on the usual path, in this order, and nothing else.
    asks: &'static [&'static str],
    /// Whether it is for one user, who says so with a token. What is for nobody in particular does not look at a token.
    takes_token: bool,
}

/// What the body of a successful answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A task with what was sent; what was left out is at its default.
    SentTask,
    /// A task that was there before, with what was sent.
    ChangedTask,
    /// A page of tasks.
    Page,
    /// A page of tags.
    Tags,
    /// A page of changes.
    Changes,
    /// Nothing.
    Nothing,
    /// What became of each item that was sent.
    Rows,
    /// A page of everything that is stored.
    Export,
    /// Whether there is more to erase.
    Erasure,
    /// That the API answers.
    Health,
}

/// Whether a request has a body, and a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    Optional(&'static str),
    Required(&'static str),
}

/// A body that sets every field of a task.
const WHOLE_TASK: &str = r#"{
    "title": "Write the report", "description": "Two pages.", "priority": "low", "due": "2026-12-15", "tags": ["work"]
}"#;

/// A batch that can be sent again and again.
const BATCH: &str = r#"{
    "items": [{
        "op": "create", "id": "01990000-0000-7000-8000-00000000ba7c", "idempotency_key": "b7c1",
        "task": { "title": "Write the report", "description": "Two pages.", "priority": "low", "tags": ["work"] }
    }]
}"#;

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident: $function:ident = $facts:expr;)*) => {
        /// An operation of the API, and so a function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($(#[$doc])* $operation,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($operation)),*].len()] = [$(Self::$operation),*];

            fn facts(self) -> &'static Facts {
                match self { $(Self::$operation => const { &$facts },)* }
            }

            /// Runs the operation as its Lambda function does: the JSON of an event in, the JSON of an answer out.
            ///
            /// # Panics
            /// If the event is not JSON, which Lambda never sends.
            pub async fn invoke(self, app: &App, event: &str) -> Value {
                match self { $(Self::$operation => invoke(app, $function::handle, event).await,)* }
            }
        }
    };
}

operations! {
    /// Creates a task.
    CreateTask: create_task = Facts {
        name: "create-task",
        letter: b'c',
        method: "POST",
        path: "/api/{user_id}/tasks",
        success: 201,
        answers: Content::SentTask,
        body: Body::Required(WHOLE_TASK),
        condition: None,
        takes_idempotency_key: true,
        queries: &[],
        asks: &["PutItem"],
        takes_token: true,
    };
    /// Lists tasks.
    ListTasks: list_tasks = Facts {
        name: "list-tasks",
        letter: b'l',
        method: "GET",
        path: "/api/{user_id}/tasks",
        success: 200,
        answers: Content::Page,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        queries: &[
            "status=completed&tag=work",
            "status=open",
            "status=all",
            "q=report",
            "sort=position",
            "parent_id=01990000-0000-7000-8000-000000000000",
        ],
        asks: &["Query"],
        takes_token: true,
    };
    /// Counts the tasks of each tag.
    ListTags: list_tags = Facts {
        name: "list-tags",
        letter: b't',
        method: "GET",
        path: "/api/{user_id}/tags",
        success: 200,
        answers: Content::Tags,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        // {"list":"tags","task_id":"01990000-0000-7000-8000-000000000000"}
        queries: &["cursor=eyJsaXN0IjoidGFncyIsInRhc2tfaWQiOiIwMTk5MDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAifQ"],
        asks: &["Query"],
        takes_token: true,
    };
    /// Lists what changed.
    ListChanges: list_changes = Facts {
        name: "list-changes",
        letter: b'h',
        method: "GET",
        path: "/api/{user_id}/tasks/changes",
        success: 200,
        answers: Content::Changes,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        queries: &["limit=1", "since=latest"],
        asks: &["Query"],
        takes_token: true,
    };
    /// Reads a task.
    GetTask: get_task = Facts {
        name: "get-task",
        letter: b'g',
        method: "GET",
        path: "/api/{user_id}/tasks/{task_id}",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::None,
        condition: Some("if-none-match"),
        takes_idempotency_key: false,
        queries: &[],
        asks: &["GetItem"],
        takes_token: true,
    };
    /// Replaces a task.
    ReplaceTask: replace_task = Facts {
        name: "replace-task",
        letter: b'r',
        method: "PUT",
        path: "/api/{user_id}/tasks/{task_id}",
        success: 200,
        answers: Content::SentTask,
        body: Body::Required(WHOLE_TASK),
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["UpdateItem"],
        takes_token: true,
    };
    /// Changes parts of a task.
    UpdateTask: update_task = Facts {
        name: "update-task",
        letter: b'u',
        method: "PATCH",
        path: "/api/{user_id}/tasks/{task_id}",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::Required(r#"{ "title": "Write the long report", "priority": "low" }"#),
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["UpdateItem"],
        takes_token: true,
    };
    /// Completes or reopens a task.
    CompleteTask: complete_task = Facts {
        name: "complete-task",
        letter: b'x',
        method: "PATCH",
        path: "/api/{user_id}/tasks/{task_id}/complete",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::Optional(r#"{ "completed": true }"#),
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["UpdateItem"],
        takes_token: true,
    };
    /// Moves a task within its list.
    MoveTask: move_task = Facts {
        name: "move-task",
        letter: b'm',
        method: "POST",
        path: "/api/{user_id}/tasks/{task_id}/move",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::Required(r#"{ "after": null }"#),
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["GetItem", "Query", "UpdateItem"],
        takes_token: true,
    };
    /// Skips an occurrence of a recurring task.
    SkipTask: skip_task = Facts {
        name: "skip-task",
        letter: b's',
        method: "POST",
        path: "/api/{user_id}/tasks/{task_id}/skip",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::None,
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["GetItem", "UpdateItem"],
        takes_token: true,
    };
    /// Deletes a task.
    DeleteTask: delete_task = Facts {
        name: "delete-task",
        letter: b'd',
        method: "DELETE",
        path: "/api/{user_id}/tasks/{task_id}",
        success: 204,
        answers: Content::Nothing,
        body: Body::None,
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["UpdateItem"],
        takes_token: true,
    };
    /// Brings a deleted task back.
    RestoreTask: restore_task = Facts {
        name: "restore-task",
        letter: b'v',
        method: "POST",
        path: "/api/{user_id}/tasks/{task_id}/restore",
        success: 200,
        answers: Content::ChangedTask,
        body: Body::None,
        condition: Some("if-match"),
        takes_idempotency_key: true,
        queries: &[],
        asks: &["UpdateItem"],
        takes_token: true,
    };
    /// Makes many writes.
    BatchTasks: batch_tasks = Facts {
        name: "batch-tasks",
        letter: b'b',
        method: "POST",
        path: "/api/{user_id}/tasks/batch",
        success: 200,
        answers: Content::Rows,
        body: Body::Required(BATCH),
        condition: None,
        takes_idempotency_key: false,
        queries: &[],
        asks: &["PutItem"],
        takes_token: true,
    };
    /// Gives everything that is stored of a user.
    ExportTasks: export_tasks = Facts {
        name: "export-tasks",
        letter: b'e',
        method: "GET",
        path: "/api/{user_id}/tasks/export",
        success: 200,
        answers: Content::Export,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        queries: &["limit=1", "cursor=01990000-0000-7000-8000-000000000000"],
        asks: &["Query"],
        takes_token: true,
    };
    /// Erases everything that is stored of a user.
    EraseTasks: erase_tasks = Facts {
        name: "erase-tasks",
        letter: b'z',
        method: "DELETE",
        path: "/api/{user_id}/tasks",
        success: 200,
        answers: Content::Erasure,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        queries: &[],
        asks: &["Query", "BatchWriteItem", "Query", "TransactWriteItems"],
        takes_token: true,
    };
    /// Says that the API answers.
    GetHealth: get_health = Facts {
        name: "get-health",
        letter: b'o',
        method: "GET",
        path: "/health",
        success: 200,
        answers: Content::Health,
        body: Body::None,
        condition: None,
        takes_idempotency_key: false,
        queries: &[],
        asks: &[],
        takes_token: false,
    };
}

impl Operation {
    /// The name of its directory, crate, binary and event.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The letter that names it in the inputs of fuzz targets.
    pub fn letter(self) -> u8 {
        self.facts().letter
    }

    /// The method of its route.
    pub fn method(self) -> &'static str {
        self.facts().method
    }

    /// The path of its route, as `template.yaml` and `openapi.yaml` write it.
    pub fn path(self) -> &'static str {
        self.facts().path
    }

    /// The status of an answer that is not a failure.
    pub fn success(self) -> u16 {
        self.facts().success
    }

    /// What the body of a successful answer holds.
    pub fn answers(self) -> Content {
        self.facts().answers
    }

    /// Whether it takes a body.
    pub fn takes_body(self) -> bool {
        self.facts().body != Body::None
    }

    /// Whether it cannot do without a body.
    pub fn needs_body(self) -> bool {
        matches!(self.facts().body, Body::Required(_))
    }

    /// How long its body may be.
    pub fn max_body_bytes(self) -> usize {
        if self.answers() == Content::Rows { 1024 * 1024 } else { 64 * 1024 }
    }

    /// A body that it takes, if it takes one.
    ///
    /// # Panics
    /// If the body in its facts is not JSON.
    pub fn good_body(self) -> Option<Value> {
        match self.facts().body {
            Body::None => None,
            Body::Optional(body) | Body::Required(body) => {
                Some(serde_json::from_str(body).expect("a good body is JSON"))
            }
        }
    }

    /// The conditional header field that it usually takes: `if-match` or `if-none-match`.
    pub fn condition(self) -> Option<&'static str> {
        self.facts().condition
    }

    /// Whether it takes `If-Match`.
    pub fn takes_if_match(self) -> bool {
        self.condition() == Some("if-match")
    }

    /// Whether it creates a task under the id in its path, if `If-None-Match: *` says so.
    pub fn creates_under_its_id(self) -> bool {
        self.method() == "PUT"
    }

    /// Whether it takes an `Idempotency-Key`.
    pub fn takes_idempotency_key(self) -> bool {
        self.facts().takes_idempotency_key
    }

    /// Whether it takes parameters in the query.
    pub fn takes_query(self) -> bool {
        !self.queries().is_empty()
    }

    /// Good queries, each of which makes it ask DynamoDB something else.
    pub fn queries(self) -> &'static [&'static str] {
        self.facts().queries
    }

    /// The requests that it sends to DynamoDB on the usual path, in their order.
    pub fn asks(self) -> &'static [&'static str] {
        self.facts().asks
    }

    /// Whether it changes nothing.
    pub fn reads(self) -> bool {
        self.asks().iter().all(reads)
    }

    /// How many requests it sends before the one that changes something.
    pub fn reads_first(self) -> usize {
        self.asks().iter().take_while(|request| reads(request)).count()
    }

    /// Whether it is for one user, who says so with a token.
    pub fn takes_token(self) -> bool {
        self.facts().takes_token
    }

    /// Whether its path names a task.
    pub fn is_on_a_task(self) -> bool {
        self.path().contains("{task_id}")
    }

    /// The operations that are for one user.
    pub fn of_a_user() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|operation| operation.takes_token())
    }

    /// The operations whose paths name a task.
    pub fn on_a_task() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|operation| operation.is_on_a_task())
    }

    /// Those whose answer is one task.
    pub fn answering_a_task() -> impl Iterator<Item = Self> {
        let is_task = |operation: &Self| matches!(operation.answers(), Content::SentTask | Content::ChangedTask);
        Self::ALL.into_iter().filter(is_task)
    }

    /// The operation with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The operation that inputs of fuzz targets name with this letter.
    pub fn lettered(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.letter() == letter)
    }

    /// The operation of a user that a request with this method and these segments after `/api/` means: the one whose route
    /// is most like them. A method that no route has reads what the path names, so that every input means something.
    pub fn routed(method: &str, segments: &[&str]) -> Self {
        let unlikeness = |operation: &Self| {
            let route: Vec<_> = operation.route().collect();
            let literals = || route.iter().zip(segments).filter(|(name, _)| !name.starts_with('{'));
            let wrong = literals().filter(|(name, segment)| name != segment).count();
            // As API Gateway does, a literal before a parameter.
            (route.len().abs_diff(segments.len()), wrong, Reverse(literals().count()))
        };
        let is_on_a_task = segments.len() > 2;
        let of_method = |method: &str| {
            let same = Self::of_a_user().filter(|operation| operation.method() == method);
            same.filter(|operation| (operation.route().count() > 2) == is_on_a_task).min_by_key(unlikeness)
        };
        of_method(method).or_else(|| of_method("GET")).expect("there is something to read")
    }

    /// The segments of its path after `/api/`.
    pub fn route(self) -> impl Iterator<Item = &'static str> {
        self.path().trim_start_matches("/api/").split('/')
    }
}

/// Whether a request to DynamoDB changes nothing.
fn reads(request: &&str) -> bool {
    ["GetItem", "Query"].contains(request)
}

/// As [`Operation::invoke`], for any operation.
///
/// # Panics
/// If the event is not JSON.
pub async fn invoke(
    app: &App,
    handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy,
    event: &str,
) -> Value {
    let event = serde_json::from_str(event).expect("Lambda sends JSON");
    let mut context = Context::default();
    INVOCATION.clone_into(&mut context.request_id);
    let Ok(answer) = function(app, handle).call(LambdaEvent::new(event, context)).await;
    serde_json::to_value(&answer).expect("an answer is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kept inputs name operations with these letters. A new operation gets a new one; no other ever changes.
    const LETTERS: &[(char, &str)] = &[
        ('c', "create-task"),
        ('l', "list-tasks"),
        ('h', "list-changes"),
        ('t', "list-tags"),
        ('g', "get-task"),
        ('r', "replace-task"),
        ('u', "update-task"),
        ('x', "complete-task"),
        ('m', "move-task"),
        ('s', "skip-task"),
        ('d', "delete-task"),
        ('v', "restore-task"),
        ('b', "batch-tasks"),
        ('e', "export-tasks"),
        ('z', "erase-tasks"),
        ('o', "get-health"),
    ];

    #[test]
    fn fuzz_letters_never_change() {
        for (letter, name) in LETTERS {
            let lettered = u8::try_from(*letter).ok().and_then(Operation::lettered);
            assert_eq!(lettered.map(Operation::name), Some(*name), "the letter {letter} is that of {name}");
        }
        for operation in Operation::ALL {
            let row = (char::from(operation.letter()), operation.name());
            assert!(LETTERS.contains(&row), "add {row:?} to LETTERS in tests/kit/src/operation.rs");
        }
        for (letter, meaning) in [(b'k', "a create with a key"), (b'a', "an atomic batch")] {
            let taken = Operation::lettered(letter).map(Operation::name);
            assert_eq!(taken, None, "give it another letter: in inputs of `database`, this one means {meaning}");
        }
    }

    #[test]
    fn every_route_leads_to_its_operation() {
        for operation in Operation::of_a_user() {
            let segments: Vec<_> = operation.route().collect();
            assert_eq!(Operation::routed(operation.method(), &segments), operation);
        }
    }

    #[test]
    fn literal_goes_before_parameter() {
        assert_eq!(Operation::routed("GET", &["me", "tasks", "changes"]), Operation::ListChanges);
        assert_eq!(Operation::routed("GET", &["me", "tasks", "change"]), Operation::GetTask);
        assert_eq!(Operation::routed("PATCH", &["me", "tasks", "changes"]), Operation::UpdateTask);
    }

    #[test]
    fn unknown_methods_read() {
        assert_eq!(Operation::routed("TRACE", &["me", "tasks"]), Operation::ListTasks);
        assert_eq!(Operation::routed("POST", &["me", "tasks", "1"]), Operation::BatchTasks);
        assert_eq!(Operation::routed("TRACE", &["me", "tasks", "1"]), Operation::GetTask);
        assert_eq!(Operation::routed("PATCH", &["me", "tasks", "1", "x", "y"]), Operation::CompleteTask);
    }
}
