//! The Lambda entry point of `get-health`.

use shared::app::{StartError, serve_unconnected};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve_unconnected(get_health::handle).await
}
