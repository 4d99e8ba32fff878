//! `POST /api/{user_id}/tasks`: creates a task.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Answers 201 with the new task. With an `Idempotency-Key`, the same request makes no second one.
///
/// # Errors
/// 401, 403, 400, 413, 415, 422, and 409 while the key is in use.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    let idempotency_key = request.idempotency_key()?;
    let new_task = request.body()?;
    let task = tasks.create(new_task, idempotency_key.as_ref()).await?;
    Ok(Response::created(&task, request))
}
