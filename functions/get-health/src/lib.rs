//! `GET /health`: says that the API answers.

use shared::api::{Problem, Request, Response};
use shared::app::App;

/// Always responds with 200. Reads neither tokens nor tasks.
///
/// # Errors
/// 400 with a query.
pub async fn handle(_: &App, request: &Request) -> Result<Response, Problem> {
    request.refuse_query()?;
    Ok(Response::healthy())
}
