//! `POST /api/{user_id}/tasks/batch`: makes many writes.

use shared::api::{Problem, Request, Response};
use shared::app::App;
use shared::store::Batch;

/// Answers 200 with what became of each item, in their order.
///
/// # Errors
/// 401, 403, 400, 415, 413, and 422 naming what is wrong with any item: then none of them is done.
pub async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let user = app.authenticate(request).await?;
    let tasks = app.tasks_of(user, request)?;
    request.refuse_query()?;
    let batch: Batch = request.body()?;
    let rows = tasks.batch(batch).await;
    Ok(Response::rows(rows))
}
