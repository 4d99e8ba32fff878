//! `POST /api/{user_id}/tasks/{task_id}/move`: moves a task within its list.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::store::Destination;

/// Answers 200 with the task in its new position, before or after the task that the body names.
///
/// # Errors
/// 401, 403, 400, 404, 415, 413, 412 if `If-Match` names another version, and 422 if the other task is not in the same list.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (id, guard) = (request.task_id()?, request.guard()?);
    let destination: Destination = request.body()?;
    let task = tasks.move_task(id, destination, &guard).await?;
    Ok(Response::task(&task))
}
