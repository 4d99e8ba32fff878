//! The Lambda entry point of `list-tags`.

use shared::app::{StartError, serve};

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), StartError> {
    serve(list_tags::handle).await
}
