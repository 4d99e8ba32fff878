//! `PUT /api/{user_id}/tasks/{task_id}`: replaces a task, or creates one under an id of the client's own.

use shared::api::{Problem, PutTarget, Request, Response};
use shared::app::App;
use shared::task::Replacement;

/// Answers 200 with the task. What the body leaves out is reset; what only the server sets may be sent, and is ignored.
/// With `If-None-Match: *` it answers 201 with the new task.
///
/// # Errors
/// 401, 403, 400, 404, 415, 413, 422, and 412 if `If-Match` names another version, or if the new task is there already.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let (target, guard) = (request.put_target()?, request.guard()?);
    let replacement: Replacement = request.body()?;
    match target {
        PutTarget::Existing(id) => Ok(Response::task(&tasks.replace(id, replacement, &guard).await?)),
        PutTarget::New(id) => {
            let task = tasks.create_as(id, replacement, guard.idempotency_key.as_ref()).await?;
            Ok(Response::created(&task, request))
        }
    }
}
