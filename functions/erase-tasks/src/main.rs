//! The Lambda entry point of `erase-tasks`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(erase_tasks::handle).await
}
