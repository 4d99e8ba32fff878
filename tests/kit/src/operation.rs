//! The operations of the API. Whatever tests need to know of one stands here once, and matrices are made from it.

use lambda_http::{Context, LambdaEvent, Service};
use serde_json::Value;
use shared::app::{App, Handler, function};

/// The id of every invocation.
pub const INVOCATION: &str = "invocation-id";

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident($letter:literal) = $name:literal $function:ident, $method:ident $path:literal, $success:literal;)*) => {
        /// An operation of the API, and so a function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($(#[$doc])* $operation,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: [Self; [$($success),*].len()] = [$(Self::$operation),*];

            /// The name of its directory, crate, binary and event.
            pub fn name(self) -> &'static str {
                match self { $(Self::$operation => $name,)* }
            }

            /// The letter that names it in the inputs of fuzz targets, which are kept: it never changes.
            pub fn letter(self) -> u8 {
                match self { $(Self::$operation => $letter,)* }
            }

            /// The method of its route.
            pub fn method(self) -> &'static str {
                match self { $(Self::$operation => stringify!($method),)* }
            }

            /// The path of its route, as `template.yaml` and `openapi.yaml` write it.
            pub fn path(self) -> &'static str {
                match self { $(Self::$operation => $path,)* }
            }

            /// The status of an answer that is not a failure.
            pub fn success(self) -> u16 {
                match self { $(Self::$operation => $success,)* }
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
    CreateTask(b'c') = "create-task" create_task, POST "/api/{user_id}/tasks", 201;
    /// Lists tasks.
    ListTasks(b'l') = "list-tasks" list_tasks, GET "/api/{user_id}/tasks", 200;
    /// Reads a task.
    GetTask(b'g') = "get-task" get_task, GET "/api/{user_id}/tasks/{task_id}", 200;
    /// Replaces a task.
    ReplaceTask(b'r') = "replace-task" replace_task, PUT "/api/{user_id}/tasks/{task_id}", 200;
    /// Changes parts of a task.
    UpdateTask(b'u') = "update-task" update_task, PATCH "/api/{user_id}/tasks/{task_id}", 200;
    /// Completes or reopens a task.
    CompleteTask(b'x') = "complete-task" complete_task, PATCH "/api/{user_id}/tasks/{task_id}/complete", 200;
    /// Deletes a task.
    DeleteTask(b'd') = "delete-task" delete_task, DELETE "/api/{user_id}/tasks/{task_id}", 204;
}

impl Operation {
    /// The operation with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The operation that inputs of fuzz targets name with this letter.
    pub fn lettered(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.letter() == letter)
    }

    /// Whether its path names a task.
    pub fn is_on_a_task(self) -> bool {
        self.path().contains("{task_id}")
    }

    /// The operations whose paths name a task.
    pub fn on_a_task() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|operation| operation.is_on_a_task())
    }
}

/// As [`Operation::invoke`], for any operation.
///
/// # Panics
/// If the event is not JSON.
pub async fn invoke(app: &App, handle: impl for<'r> Handler<'r> + Copy + Send + Sync, event: &str) -> Value {
    let event = serde_json::from_str(event).expect("Lambda sends JSON");
    let mut context = Context::default();
    INVOCATION.clone_into(&mut context.request_id);
    let Ok(answer) = function(app, handle).call(LambdaEvent::new(event, context)).await;
    serde_json::to_value(&answer).expect("an answer is JSON")
}
