//! `GET /api/{user_id}/tasks/export`: gives everything that is stored of a user's tasks.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::signals::AuditEvent;
use shared::store::ExportQuery;

/// Answers 200 with a page of tasks and deleted tasks, and the cursor of the next one.
///
/// # Errors
/// 401, 403, and 400 naming each parameter of the query that is wrong.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.audit(AuditEvent::TasksExported);
    let query: ExportQuery = request.export_query()?;
    let export = tasks.export(&query).await?;
    Ok(Response::export(&export))
}
