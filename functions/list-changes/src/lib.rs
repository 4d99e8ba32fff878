//! `GET /api/{user_id}/tasks/changes`: lists what changed since the client was here last.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::store::ChangesQuery;

/// Answers 200 with changed and deleted tasks, and the token to come back with.
///
/// # Errors
/// 401, 403, 400 naming each parameter of the query that is wrong, and 410 for a token that is too old.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    let query: ChangesQuery = request.changes_query()?;
    let changes = tasks.changes(&query).await?;
    Ok(Response::changes(&changes))
}
