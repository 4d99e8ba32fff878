//! `DELETE /api/{user_id}/tasks/{task_id}`: deletes a task.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Answers 204. The task can be restored for a while.
///
/// # Errors
/// 401, 403, 400, 404, 412 if `If-Match` names another version, and 422 if its key was used for another request.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    tasks.delete(id, &guard).await?;
    Ok(Response::no_content())
}
