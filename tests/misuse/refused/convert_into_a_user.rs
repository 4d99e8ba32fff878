//! A string does not convert into a user.

use shared::auth::{AuthError, AuthenticatedUser, TokenVerifier};

async fn user(verifier: TokenVerifier, token: &str) -> Result<AuthenticatedUser, AuthError> {
    Ok(String::from("alice").into())
}

fn main() {}

// Line 6 should have been:
//    verifier.verify(token).await
