//! `PATCH /api/{user_id}/tasks/{task_id}/complete`: completes a task, or reopens it.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::task::Completion;

/// Answers 200 with the task. The body says `completed`; without a body it becomes what it was not.
///
/// # Errors
/// 401, 403, 400, 404, 415, 413, 422, and 412 if `If-Match` names another version.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    let completion: Option<Completion> = request.optional_body()?;
    let task = tasks.complete(id, completion.unwrap_or(Completion::Toggle), &guard).await?;
    Ok(Response::task(&task))
}
