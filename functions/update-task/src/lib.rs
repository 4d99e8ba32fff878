//! `PATCH /api/{user_id}/tasks/{task_id}`: changes parts of a task, as a JSON merge patch (RFC 7396).

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::task::TaskChanges;

/// Answers 200 with the task. What the patch leaves out stays, and what it says is null is reset.
///
/// # Errors
/// 401, 403, 400, 404, 415, 413, 422, and 412 if `If-Match` names another version.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    let changes: TaskChanges = request.body()?;
    let task = tasks.update(id, changes, &guard).await?;
    Ok(Response::task(&task))
}
