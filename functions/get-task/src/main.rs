//! The Lambda entry point of `get-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(get_task::handle).await
}
