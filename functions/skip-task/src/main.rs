//! The Lambda entry point of `skip-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    serve(skip_task::handle).await
}
