//! A user comes from a verified token.

use shared::auth::{AuthError, AuthenticatedUser, TokenVerifier};

async fn user(verifier: TokenVerifier, token: &str) -> Result<AuthenticatedUser, AuthError> {
    verifier.verify(token).await
}

fn main() {}
