//! HS256, and nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Deserialize;

use crate::Result;

/// Verifies tokens with the shared secret.
pub(crate) struct Verifier(hmac::Key);

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

impl Verifier {
    pub(crate) fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Returns the subject of a valid token.
    pub(crate) fn verify(&self, token: &str) -> Result<String> {
        let (signed, signature) = token.rsplit_once('.').ok_or("not a token")?;
        let (header, claims) = signed.split_once('.').ok_or("not a token")?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
        if header.alg != "HS256" {
            return Err("another algorithm".into());
        }
        hmac::verify(&self.0, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?).map_err(|_| "forged")?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
        if claims.exp <= SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() {
            return Err("expired".into());
        }
        Ok(claims.sub)
    }
}
