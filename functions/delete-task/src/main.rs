//! The Lambda entry point of `delete-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(delete_task::handle).await
}
