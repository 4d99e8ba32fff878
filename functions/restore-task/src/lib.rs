//! `POST /api/{user_id}/tasks/{task_id}/restore`: brings a deleted task back.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Answers 200 with the task as it was when it was deleted. One that is not deleted stays as it is.
///
/// # Errors
/// 401, 403, 400, 404, 410 if it was deleted too long ago, 412 if `If-Match` names another version, and 422 if its key was
/// used for another request.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    let task = tasks.restore(id, &guard).await?;
    Ok(Response::task(&task))
}
