//! The Lambda entry point of `create-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(create_task::handle).await
}
