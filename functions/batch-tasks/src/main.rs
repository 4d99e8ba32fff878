//! The Lambda entry point of `batch-tasks`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(batch_tasks::handle).await
}
