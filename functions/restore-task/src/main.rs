//! The Lambda entry point of `restore-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(restore_task::handle).await
}
