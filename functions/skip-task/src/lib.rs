//! `POST /api/{user_id}/tasks/{task_id}/skip`: moves a recurring task to the next date of its rule.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Answers 200 with the task.
///
/// # Errors
/// 401, 403, 400, 404, 412 if `If-Match` names another version, and 422 if there is no next occurrence or if its key was used
/// for another request.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    let task = tasks.skip(id, &guard).await?;
    Ok(Response::task(&task))
}
