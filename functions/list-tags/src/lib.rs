//! `GET /api/{user_id}/tags`: counts the tasks of each tag.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::store::TagsQuery;

/// Answers 200 with the tags of as many tasks as one call reads, and the cursor of the next ones.
///
/// # Errors
/// 401, 403, and 400 naming each parameter of the query that is wrong.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    let query: TagsQuery = request.tags_query()?;
    let page = tasks.tags(&query).await?;
    Ok(Response::tags(&page))
}
