//! `GET /api/{user_id}/tasks`: lists tasks, page by page.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::store::ListQuery;

/// Answers 200 with a page of tasks and the cursor of the next one.
///
/// # Errors
/// 401, 403, and 400 naming each parameter of the query that is wrong.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    let query: ListQuery = request.list_query()?;
    let page = tasks.list(&query).await?;
    Ok(Response::page(&page))
}
