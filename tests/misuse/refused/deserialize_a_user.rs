//! A user cannot be deserialized.

use shared::auth::{AuthError, AuthenticatedUser, TokenVerifier};

async fn user(verifier: TokenVerifier, token: &str) -> Result<AuthenticatedUser, AuthError> {
    Ok(serde_json::from_str::<AuthenticatedUser>(r#"{"id":"alice"}"#).unwrap())
}

fn main() {}

// Line 6 should have been:
//    verifier.verify(token).await
