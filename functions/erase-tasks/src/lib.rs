//! `DELETE /api/{user_id}/tasks`: erases everything that is stored of a user.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::signals::AuditEvent;

/// Answers 200 with whether there is more to erase, which takes another request.
///
/// # Errors
/// 401, 403, and 400 without the confirmation in `Confirm-Erase`, or with a query.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.audit(AuditEvent::TasksErased);
    request.refuse_query()?;
    request.confirm_erasure()?;
    let has_more = tasks.erase().await?;
    Ok(Response::erased(has_more))
}
