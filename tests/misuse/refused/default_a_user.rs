//! There is no default user.

use shared::auth::{AuthError, AuthenticatedUser, TokenVerifier};

async fn user(verifier: TokenVerifier, token: &str) -> Result<AuthenticatedUser, AuthError> {
    Ok(AuthenticatedUser::default())
}

fn main() {}

// Line 6 should have been:
//    verifier.verify(token).await
