//! `GET /api/{user_id}/tasks/{task_id}`: reads a task.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Answers 200 with the task, or 304 if the client has it already.
///
/// # Errors
/// 401, 403, 404, and 400 for a query or an `If-None-Match` that is not a list of entity tags.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let task = tasks.get(request.task_id()?).await?;
    let current = request.has_current(task.version)?;
    Ok(if current { Response::not_modified(&task) } else { Response::task(&task) })
}
