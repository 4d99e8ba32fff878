//! A function cannot read the token.

use shared::api::{Problem, Request};
use shared::app::App;

async fn caller(app: &App, request: &Request) -> Result<String, Problem> {
    Ok(String::from(request.unverified_token()?))
}

fn main() {}

// Line 7 should have been:
//    Ok(String::from(app.authenticate(request).await?.id()))
