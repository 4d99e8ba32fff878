//! The seven operations.

use shared::api::GatewayResponse;
use shared::app::App;

/// The id of every invocation.
pub(crate) const INVOCATION: &str = "invocation-id";

/// An operation of the API, and so a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST …/tasks`
    CreateTask,
    /// `GET …/tasks`
    ListTasks,
    /// `GET …/tasks/{task_id}`
    GetTask,
    /// `PUT …/tasks/{task_id}`
    ReplaceTask,
    /// `PATCH …/tasks/{task_id}`
    UpdateTask,
    /// `PATCH …/tasks/{task_id}/complete`
    CompleteTask,
    /// `DELETE …/tasks/{task_id}`
    DeleteTask,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CreateTask,
        Self::ListTasks,
        Self::GetTask,
        Self::ReplaceTask,
        Self::UpdateTask,
        Self::CompleteTask,
        Self::DeleteTask,
    ];

    /// Those that need a task in the path.
    pub const ON_A_TASK: [Self; 5] =
        [Self::GetTask, Self::ReplaceTask, Self::UpdateTask, Self::CompleteTask, Self::DeleteTask];

    /// The name of its directory, crate and binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateTask => "create-task",
            Self::ListTasks => "list-tasks",
            Self::GetTask => "get-task",
            Self::ReplaceTask => "replace-task",
            Self::UpdateTask => "update-task",
            Self::CompleteTask => "complete-task",
            Self::DeleteTask => "delete-task",
        }
    }

    /// The operation with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Runs the operation as its Lambda function does.
    pub async fn answer(self, app: &App, event: &str) -> GatewayResponse {
        match self {
            Self::CreateTask => app.answer(&create_task::handle, event, INVOCATION).await,
            Self::ListTasks => app.answer(&list_tasks::handle, event, INVOCATION).await,
            Self::GetTask => app.answer(&get_task::handle, event, INVOCATION).await,
            Self::ReplaceTask => app.answer(&replace_task::handle, event, INVOCATION).await,
            Self::UpdateTask => app.answer(&update_task::handle, event, INVOCATION).await,
            Self::CompleteTask => app.answer(&complete_task::handle, event, INVOCATION).await,
            Self::DeleteTask => app.answer(&delete_task::handle, event, INVOCATION).await,
        }
    }
}
