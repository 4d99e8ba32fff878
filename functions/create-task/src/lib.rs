//! `POST /api/{user_id}/tasks`: creates a task.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::task::NewTask;

/// Answers 201 with the new task. With an `Idempotency-Key`, the same request makes no second one.
///
/// # Errors
/// 401, 403, 400, 415, 413, 422; with a key 409 while it is in use, and 404 if its task has been deleted since.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let idempotency_key = request.idempotency_key()?;
    let new_task: NewTask = request.body()?;
    let task = tasks.create(new_task, idempotency_key.as_ref()).await?;
    Ok(Response::created(&task, request))
}
