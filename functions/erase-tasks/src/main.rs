//! The Lambda entry point of `erase-tasks`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    serve(erase_tasks::handle).await
}
