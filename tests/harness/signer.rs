//! A signer of tokens that can lie: any header, any payload, with the issuer's keys or with others.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

/// The secret that the API and its issuer share.
pub const SECRET: &str = "the tests' own secret, of more than thirty-two bytes";
/// The issuer of the key set, which is also its audience.
pub const ISSUER: &str = "https://front.example";

/// A key that a token can be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// HS256 with [`SECRET`].
    Secret,
    /// HS256 with a secret of somebody else.
    OtherSecret,
    /// HS256 with the text of the issuer's public key: the classic confusion.
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

struct KeyMaterial {
    private: EncodingKey,
    public: Value,
}

struct Issuer {
    ed25519: KeyMaterial,
    p256: KeyMaterial,
    rsa: KeyMaterial,
}

static ISSUER_KEYS: LazyLock<Issuer> = LazyLock::new(Issuer::generate);
static OTHER_KEYS: LazyLock<Issuer> = LazyLock::new(Issuer::generate);

impl Issuer {
    fn generate() -> Self {
        let random = SystemRandom::new();

        let der = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) });
        let ed25519 = KeyMaterial { private: EncodingKey::from_ed_der(der.as_ref()), public };

        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let public = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
        let p256 = KeyMaterial { private: EncodingKey::from_ec_der(der.as_ref()), public };

        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let public = json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" });
        // `jsonwebtoken` wants PKCS #1, which begins after the 26 bytes that PKCS #8 wraps around a key of this size.
        let rsa = KeyMaterial { private: EncodingKey::from_rsa_der(&der.as_ref()[26..]), public };

        Self { ed25519, p256, rsa }
    }
}

/// Makes tokens. The default one makes good tokens of the shared secret.
#[derive(Debug, Clone)]
pub struct Signer {
    /// What it signs with.
    pub key: Key,
    /// The header.
    pub header: Map<String, Value>,
    /// The claims, but for the subject.
    pub claims: Map<String, Value>,
}

impl Default for Signer {
    fn default() -> Self {
        Self::with(Key::Secret)
    }
}

impl Signer {
    /// A signer whose tokens are good, if the API believes this key.
    pub fn with(key: Key) -> Self {
        let mut header = object(json!({ "alg": key.algorithm_name() }));
        let mut claims = object(json!({ "iat": now(), "exp": now() + 900 }));
        if let Some(kid) = key.kid() {
            header.insert("kid".to_owned(), json!(kid));
            claims.extend(object(json!({ "iss": ISSUER, "aud": ISSUER })));
        }
        Self { key, header, claims }
    }

    /// The same with other members of the header; null takes one away.
    pub fn header(mut self, members: Value) -> Self {
        merge(&mut self.header, members);
        self
    }

    /// The same with other claims; null takes one away.
    pub fn claims(mut self, members: Value) -> Self {
        merge(&mut self.claims, members);
        self
    }

    /// A token for this subject.
    pub fn token(&self, subject: &str) -> String {
        let mut claims = object(json!({ "sub": subject }));
        merge(&mut claims, Value::Object(self.claims.clone()));
        self.sign(&Value::Object(self.header.clone()).to_string(), &Value::Object(claims).to_string())
    }

    /// A token of exactly this header and payload, whatever they say.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        self.sign_segments(&encode(header), &encode(payload))
    }

    /// A token of these segments, whatever they are.
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        let signing_input = format!("{header}.{payload}");
        let (algorithm, key) = self.key.private();
        let signature = crypto::sign(signing_input.as_bytes(), &key, algorithm).unwrap();
        format!("{signing_input}.{signature}")
    }

    /// The issuer's public keys as it publishes them.
    pub fn key_set() -> Value {
        let keys = &ISSUER_KEYS;
        let entry = |key: &KeyMaterial, kid: &str, algorithm: &str| {
            let mut entry = object(key.public.clone());
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
    /// Those that the key set of [`Signer::key_set`] publishes.
    pub const PUBLISHED: [Self; 4] = [Self::Ed25519, Self::P256, Self::Rs256, Self::Ps256];

    fn algorithm_name(self) -> &'static str {
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

    fn private(self) -> (Algorithm, EncodingKey) {
        match self {
            Self::Secret => (Algorithm::HS256, EncodingKey::from_secret(SECRET.as_bytes())),
            Self::OtherSecret => (Algorithm::HS256, EncodingKey::from_secret(&[b'x'; 48])),
            Self::PublicKeyAsSecret => {
                let public = URL_SAFE_NO_PAD.decode(ISSUER_KEYS.ed25519.public["x"].as_str().unwrap()).unwrap();
                (Algorithm::HS256, EncodingKey::from_secret(&public))
            }
            Self::Ed25519 => (Algorithm::EdDSA, ISSUER_KEYS.ed25519.private.clone()),
            Self::P256 => (Algorithm::ES256, ISSUER_KEYS.p256.private.clone()),
            Self::Rs256 => (Algorithm::RS256, ISSUER_KEYS.rsa.private.clone()),
            Self::Ps256 => (Algorithm::PS256, ISSUER_KEYS.rsa.private.clone()),
            Self::OtherEd25519 => (Algorithm::EdDSA, OTHER_KEYS.ed25519.private.clone()),
            Self::OtherRs256 => (Algorithm::RS256, OTHER_KEYS.rsa.private.clone()),
        }
    }
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
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
