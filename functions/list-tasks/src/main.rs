//! The Lambda entry point of `list-tasks`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(list_tasks::handle).await
}
