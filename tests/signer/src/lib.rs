//! Signs tokens for tests, benches, and the local stack. It can also forge them: any header and any payload, with the
//! issuer's keys or others.
//!
//! It signs with aws-lc. The product verifies with ring, so a bug in one library cannot hide a bug in the other.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue should stop"
)]

mod private_key;

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

pub use self::private_key::PrivateKey;

/// The secret that the API shares with the issuer.
pub const SECRET: &str = "the tests' own secret, of more than thirty-two bytes";
/// The issuer, which is also the audience.
pub const ISSUER: &str = "https://front.example";

/// The settings of a function that trusts the tokens of [`Signer::default`].
pub const SECRET_SETTINGS: [(&str, &str); 3] =
    [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", ISSUER), ("TOKEN_AUDIENCE", ISSUER)];

/// The environment variables that a function needs besides the authentication settings. The credentials are the
/// examples from the AWS documentation.
pub const ENVIRONMENT: [(&str, &str); 6] = [
    ("TASKS_TABLE", "tasks"),
    ("IDEMPOTENCY_TABLE", "idempotency"),
    ("LOG_HASH_KEY", "a key for hashes of at least thirty-two bytes"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
];

/// A key that a token can be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// HS256 with [`SECRET`].
    Secret,
    /// HS256 with another secret.
    OtherSecret,
    /// HS256 with the issuer's public key as the secret: the classic algorithm confusion.
    PublicKeyAsSecret,
    /// The issuer's Ed25519 key, `kid` "ed".
    Ed25519,
    /// The issuer's P-256 key, `kid` "ec".
    P256,
    /// The issuer's RSA key for RS256, `kid` "rs".
    Rs256,
    /// The issuer's RSA key for PS256, `kid` "ps".
    Ps256,
    /// An Ed25519 key that is not the issuer's.
    OtherEd25519,
    /// An RSA key that is not the issuer's.
    OtherRs256,
}

struct Issuer {
    ed25519: PrivateKey,
    p256: PrivateKey,
    rsa: PrivateKey,
}

static ISSUER_KEYS: LazyLock<Issuer> = LazyLock::new(Issuer::generate);
static OTHER_KEYS: LazyLock<Issuer> = LazyLock::new(Issuer::generate);

impl Issuer {
    fn generate() -> Self {
        Self { ed25519: PrivateKey::new_ed25519(), p256: PrivateKey::new_p256(), rsa: PrivateKey::new_rsa() }
    }
}

/// Creates tokens. The default signer creates valid tokens with the shared secret.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The signing key.
    pub key: Key,
    /// The header.
    pub header: Map<String, Value>,
    /// The claims without the subject.
    pub claims: Map<String, Value>,
}

impl Default for Signer {
    fn default() -> Self {
        Self::with(Key::Secret)
    }
}

impl Signer {
    /// A signer whose tokens are valid if the API trusts this key.
    pub fn with(key: Key) -> Self {
        let mut header = object(json!({ "alg": key.algorithm_name() }));
        header.extend(key.kid().map(|kid| ("kid".to_owned(), json!(kid))));
        let claims = object(json!({ "iat": now(), "exp": now() + 900, "iss": ISSUER, "aud": ISSUER }));
        Self { key, header, claims }
    }

    /// Sets members of the header; null removes one.
    pub fn header(mut self, members: Value) -> Self {
        merge(&mut self.header, members);
        self
    }

    /// Sets claims; null removes one.
    pub fn claims(mut self, members: Value) -> Self {
        merge(&mut self.claims, members);
        self
    }

    /// Signs a token for this subject.
    pub fn token(&self, subject: &str) -> String {
        let mut claims = object(json!({ "sub": subject }));
        merge(&mut claims, Value::Object(self.claims.clone()));
        self.sign(&Value::Object(self.header.clone()).to_string(), &Value::Object(claims).to_string())
    }

    /// Signs exactly this header and payload, valid or not.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        self.key.private().sign(header, payload)
    }

    /// Signs exactly these segments, valid or not.
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        self.key.private().sign_segments(header, payload)
    }

    /// The issuer's public keys as it publishes them.
    pub fn key_set() -> Value {
        let keys = &ISSUER_KEYS;
        let entry = |key: &PrivateKey, kid: &str, algorithm: &str| {
            let mut entry = object(key.public_jwk());
            entry.extend(object(json!({ "kid": kid, "alg": algorithm })));
            entry
        };
        json!({ "keys": [
            entry(&keys.ed25519, "ed", "EdDSA"),
            entry(&keys.p256, "ec", "ES256"),
            entry(&keys.rsa, "rs", "RS256"),
            entry(&keys.rsa, "ps", "PS256"),
        ] })
    }
}

impl Key {
    /// The keys in [`Signer::key_set`].
    pub const PUBLISHED: [Self; 4] = [Self::Ed25519, Self::P256, Self::Rs256, Self::Ps256];

    /// The name of its algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
    pub fn algorithm_name(self) -> &'static str {
        match self {
            Self::Secret | Self::OtherSecret | Self::PublicKeyAsSecret => "HS256",
            Self::Ed25519 | Self::OtherEd25519 => "EdDSA",
            Self::P256 => "ES256",
            Self::Rs256 | Self::OtherRs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    fn kid(self) -> Option<&'static str> {
        match self {
            Self::Secret | Self::OtherSecret => None,
            Self::Ed25519 | Self::OtherEd25519 | Self::PublicKeyAsSecret => Some("ed"),
            Self::P256 => Some("ec"),
            Self::Rs256 | Self::OtherRs256 => Some("rs"),
            Self::Ps256 => Some("ps"),
        }
    }

    fn private(self) -> PrivateKey {
        match self {
            Self::Secret => PrivateKey::from_secret(SECRET.as_bytes()),
            Self::OtherSecret => PrivateKey::from_secret(&[b'x'; 48]),
            Self::PublicKeyAsSecret => {
                let public = ISSUER_KEYS.ed25519.public_jwk();
                PrivateKey::from_secret(&URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap())
            }
            Self::Ed25519 => ISSUER_KEYS.ed25519.clone(),
            Self::P256 => ISSUER_KEYS.p256.clone(),
            Self::Rs256 => ISSUER_KEYS.rsa.clone(),
            Self::Ps256 => ISSUER_KEYS.rsa.with_pss(),
            Self::OtherEd25519 => OTHER_KEYS.ed25519.clone(),
            Self::OtherRs256 => OTHER_KEYS.rsa.clone(),
        }
    }

    /// The settings of a function that trusts tokens of this key. They include the public keys, because nothing listens
    /// at the key set's URL.
    pub fn settings(self) -> Vec<(&'static str, String)> {
        if self.kid().is_none() {
            return SECRET_SETTINGS.map(|(name, value)| (name, value.to_owned())).into();
        }
        vec![
            ("BETTER_AUTH_URL", ISSUER.to_owned()),
            ("JWKS_URL", "http://127.0.0.1:1/jwks".to_owned()),
            ("JWKS", Signer::key_set().to_string()),
        ]
    }
}

/// An issuer for development with a shared secret, like a front end's own server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSecretIssuer {
    /// The shared secret.
    pub secret: String,
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
}

impl SharedSecretIssuer {
    /// Signs a token for this user that is valid from now on for `lifetime`.
    pub fn token(&self, user: &str, lifetime: Duration) -> String {
        let (issued, expires) = (now(), now() + lifetime.as_secs());
        let claims = json!({ "sub": user, "iat": issued, "exp": expires, "iss": self.issuer, "aud": self.audience });
        PrivateKey::from_secret(self.secret.as_bytes()).sign(r#"{"alg":"HS256","typ":"JWT"}"#, claims.to_string())
    }
}

/// Generates a shared secret of 32 random bytes in hexadecimal.
pub fn random_secret() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { panic!("not an object: {value}") }
}

fn merge(into: &mut Map<String, Value>, members: Value) {
    for (name, value) in object(members) {
        if value.is_null() {
            into.remove(&name)
        } else {
            into.insert(name, value)
        };
    }
}
