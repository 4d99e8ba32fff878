//! The Lambda entry point of `list-changes`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(list_changes::handle).await
}
