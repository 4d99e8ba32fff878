//! The Lambda entry point of `restore-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    serve(restore_task::handle).await
}
