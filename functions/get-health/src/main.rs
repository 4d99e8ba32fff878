//! The Lambda entry point of `get-health`.

use shared::app::{StartError, serve_without_app};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    serve_without_app(get_health::handle).await
}
