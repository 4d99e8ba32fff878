//! Good tokens of every algorithm, for measurements, and the settings under which they are believed.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The user that every token names.
pub const USER: &str = "alice";

const SECRET: &str = "a secret of the measurements, of more than 32 bytes";
const ISSUER: &str = "https://front.example";

/// A key for each algorithm.
pub struct Keys(Vec<Key>);

struct Key {
    algorithm: Algorithm,
    private: EncodingKey,
    /// `None` of the shared secret.
    public: Option<Value>,
}

impl Keys {
    /// Makes them.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn generate() -> Result<Self> {
        let random = SystemRandom::new();

        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).context("no Ed25519 key")?;
        let pair = Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).context("no Ed25519 key")?;
        let ed25519_public = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) });

        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).context("no P-256 key")?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref()).context("no P-256 key")?;
        // An uncompressed point: one byte that says so, and two coordinates.
        let (x, y) =
            pair.public_key().as_ref().get(1..).and_then(|point| point.split_at_checked(32)).context("no point")?;
        let p256_public = json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) });

        let pair = RsaKeyPair::generate(KeySize::Rsa2048).context("no RSA key")?;
        let rsa: Pkcs8V1Der<'_> = pair.as_der().context("no RSA key")?;
        // `jsonwebtoken` wants PKCS #1, which begins after the 26 bytes that PKCS #8 wraps around a key of this size.
        let rsa = EncodingKey::from_rsa_der(rsa.as_ref().get(26..).context("no RSA key")?);
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let rsa_public = json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" });

        let key = |algorithm, private, public| Key { algorithm, private, public };
        Ok(Self(vec![
            key(Algorithm::HS256, EncodingKey::from_secret(SECRET.as_bytes()), None),
            key(Algorithm::EdDSA, EncodingKey::from_ed_der(ed25519.as_ref()), Some(ed25519_public)),
            key(Algorithm::ES256, EncodingKey::from_ec_der(p256.as_ref()), Some(p256_public)),
            key(Algorithm::RS256, rsa.clone(), Some(rsa_public.clone())),
            key(Algorithm::PS256, rsa, Some(rsa_public)),
        ]))
    }

    /// A token of [`USER`] that is valid for an hour.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token(&self, algorithm: Algorithm) -> Result<String> {
        let key = self.0.iter().find(|key| key.algorithm == algorithm).context("no key for this algorithm")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is wrong")?.as_secs();
        let claims = json!({ "sub": USER, "iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 3_600 });
        let kid = key.public.as_ref().map(|_| format!("{algorithm:?}"));
        let header = Header { kid, ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &key.private).context("cannot sign a token")
    }

    /// The settings of a function that believes the tokens of `algorithm`. Those of public keys are given in full, so
    /// that nothing is fetched, and where they could be fetched nobody listens.
    #[must_use]
    pub fn settings(&self, algorithm: Algorithm) -> Vec<(&'static str, String)> {
        if algorithm == Algorithm::HS256 {
            return vec![("BETTER_AUTH_SECRET", SECRET.to_owned())];
        }
        vec![
            ("BETTER_AUTH_URL", ISSUER.to_owned()),
            ("JWKS_URL", "http://127.0.0.1:1/jwks".to_owned()),
            ("JWKS", self.key_set().to_string()),
        ]
    }

    fn key_set(&self) -> Value {
        let published = self.0.iter().filter_map(|key| {
            let mut public = key.public.clone()?;
            let name = format!("{:?}", key.algorithm);
            public.as_object_mut()?.extend([("kid".to_owned(), json!(name)), ("alg".to_owned(), json!(name))]);
            Some(public)
        });
        json!({ "keys": published.collect::<Vec<_>>() })
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
