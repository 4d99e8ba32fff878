//! Private keys and their signatures (RFC 7515 §5.1).

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use aws_lc_rs::{hmac, signature};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key for signing tokens. Clones share it.
#[derive(Debug, Clone)]
pub enum PrivateKey {
    /// HS256.
    Secret(Arc<hmac::Key>),
    /// EdDSA.
    Ed25519(Arc<Ed25519KeyPair>),
    /// ES256.
    P256(Arc<EcdsaKeyPair>),
    /// RS256.
    RsaPkcs1(Arc<RsaKeyPair>),
    /// PS256.
    RsaPss(Arc<RsaKeyPair>),
}

impl PrivateKey {
    /// Creates a shared secret for HS256.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self::Secret(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Derives the Ed25519 key of this seed, the same in every run.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Self {
        Self::Ed25519(Arc::new(Ed25519KeyPair::from_seed_unchecked(seed).unwrap()))
    }

    pub(crate) fn new_ed25519() -> Self {
        Self::Ed25519(Arc::new(Ed25519KeyPair::generate().unwrap()))
    }

    pub(crate) fn new_p256() -> Self {
        Self::P256(Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
    }

    pub(crate) fn new_rsa() -> Self {
        Self::RsaPkcs1(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The same RSA key for PS256.
    pub(crate) fn with_pss(&self) -> Self {
        let Self::RsaPkcs1(pair) = self else { panic!("only RSA keys sign with PSS") };
        Self::RsaPss(Arc::clone(pair))
    }

    /// Signs exactly this header and payload, valid or not.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_segments(&encode(header), &encode(payload))
    }

    /// Signs exactly these segments, valid or not.
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        let signing_input = format!("{header}.{payload}");
        let signature = encode(self.signature(signing_input.as_bytes()));
        format!("{signing_input}.{signature}")
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, padding: &'static dyn signature::RsaEncoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, message, &mut signature).unwrap();
            signature
        };
        match self {
            Self::Secret(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::RsaPkcs1(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::RsaPss(pair) => rsa(pair, &RSA_PSS_SHA256),
        }
    }

    /// The members of its JSON Web Key (RFC 7517) that define the public key.
    pub fn public_jwk(&self) -> Value {
        match self {
            Self::Secret(_) => panic!("a shared secret is not published"),
            Self::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
            Self::P256(pair) => {
                // An uncompressed point: a prefix byte and two coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Self::RsaPkcs1(pair) | Self::RsaPss(pair) => {
                let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
                json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" })
            }
        }
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
