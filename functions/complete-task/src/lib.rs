//! `PATCH /api/{user_id}/tasks/{task_id}/complete`: completes a task, or reopens it.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::task::Completion;

/// Answers 200 with the task. The body says `completed`; without a body it becomes what it was not.
///
/// # Errors
/// 401, 403, 404, 400, 413, 415, 422, and 412 if `If-Match` names another version.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    let (id, precondition) = (request.task_id()?, request.if_match()?);
    let completion = request.optional_body()?.unwrap_or(Completion::Toggle);
    let task = tasks.complete(id, completion, &precondition).await?;
    Ok(Response::task(&task))
}
