//! A user cannot be constructed by hand.

use shared::auth::{AuthError, AuthenticatedUser, TokenVerifier};

async fn user(verifier: TokenVerifier, token: &str) -> Result<AuthenticatedUser, AuthError> {
    verifier.verify(token).await.map(|_| AuthenticatedUser { id: String::from("alice"), issued: None })
}

fn main() {}

// Line 6 should have been:
//    verifier.verify(token).await
