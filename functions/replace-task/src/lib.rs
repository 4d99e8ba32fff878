//! `PUT /api/{user_id}/tasks/{task_id}`: replaces a task.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::task::Replacement;

/// Answers 200 with the task. What the body leaves out is reset; what only the server sets may be sent, and is ignored.
///
/// # Errors
/// 401, 403, 400, 404, 415, 413, 422, and 412 if `If-Match` names another version.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, precondition) = (request.task_id()?, request.if_match()?);
    let replacement: Replacement = request.body()?;
    let task = tasks.replace(id, replacement, &precondition).await?;
    Ok(Response::task(&task))
}
