//! A function sees who is calling.

use shared::api::{Problem, Request};
use shared::app::App;

async fn caller(app: &App, request: &Request) -> Result<String, Problem> {
    Ok(String::from(app.authenticate(request).await?.id()))
}

fn main() {}
