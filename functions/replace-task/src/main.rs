//! The Lambda entry point of `replace-task`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    serve(replace_task::handle).await
}
