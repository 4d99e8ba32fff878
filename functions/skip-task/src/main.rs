//! The Lambda entry point of `skip-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(skip_task::handle).await
}
