//! A function can read the user's id.

use shared::api::{Problem, Request};
use shared::app::App;

async fn caller(app: &App, request: &Request) -> Result<String, Problem> {
    Ok(String::from(app.authenticate(request).await?.id()))
}

fn main() {}
