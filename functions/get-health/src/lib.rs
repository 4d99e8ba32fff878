//! `GET /health`: says that the API answers.

use shared::api::{Problem, Request, Response};

/// Answers 200, whoever asks. It has no app, so it reaches neither tokens nor tasks.
///
/// # Errors
/// 400 with a query.
pub async fn handle<S>(_: &S, request: &Request) -> Result<Response, Problem> {
    request.refuse_query()?;
    Ok(Response::healthy())
}
