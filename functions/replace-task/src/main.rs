//! The Lambda entry point of `replace-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(replace_task::handle).await
}
