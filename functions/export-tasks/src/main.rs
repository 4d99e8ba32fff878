//! The Lambda entry point of `export-tasks`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(export_tasks::handle).await
}
