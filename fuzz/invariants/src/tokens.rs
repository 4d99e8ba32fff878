//! The signed tokens, and the keys with which the API trusts these and no others.

use std::sync::LazyLock;

use serde_json::{Value, json};
use signer::PrivateKey;

use crate::json::parse;

/// The secret that the API shares with the issuer.
pub(crate) const SECRET: &str = "the fuzzers' own secret, of more than thirty-two bytes";
/// The issuer of the recorded tokens, which is also their audience.
pub(crate) const ISSUER: &str = "http://127.0.0.1:4100";
/// In the year 2100, so that kept inputs keep their meaning.
const EXPIRES: u64 = 4_102_444_800;

static HMAC: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_secret(SECRET.as_bytes()));
static ED25519: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_ed25519_seed(&[7; 32]));

/// Recorded Better Auth tokens of every asymmetric algorithm, with their issuer's keys.
const RECORDED: [&str; 5] =
    ["01b-eddsa-default-50y", "04-es256-50y", "05-rs256-50y", "07-ps256-50y", "09-eddsa-definepayload-minimal-50y"];

/// Signs exactly this header and payload with [`SECRET`], valid or not.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    HMAC.sign(header, payload)
}

/// Signs a valid token for this user with [`SECRET`].
pub(crate) fn token(user: &str) -> String {
    // Formatted by hand, because kept inputs contain this token with this order of claims.
    sign(br#"{"alg":"HS256"}"#, format!(r#"{{"sub":"{user}","exp":{EXPIRES}}}"#).as_bytes())
}

/// Signs a token for this user with the private key of [`public_key`].
pub(crate) fn token_of_key(key_id: &str, user: &str) -> String {
    let header = json!({ "alg": "EdDSA", "kid": key_id }).to_string();
    let payload = json!({ "sub": user, "exp": EXPIRES, "iss": ISSUER, "aud": ISSUER }).to_string();
    ED25519.sign(header, payload)
}

/// The member `x` of the JSON Web Key that verifies tokens of [`token_of_key`]:
/// `6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw`.
pub(crate) fn public_key() -> String {
    let jwk = ED25519.public_jwk();
    jwk["x"].as_str().expect("a public key").to_owned()
}

/// The token in an `Authorization` field with the scheme `Bearer`.
pub(crate) fn of_field(field: &str) -> Option<&str> {
    let (scheme, token) = field.trim_matches([' ', '\t']).split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// The recorded tokens and their subjects.
pub(crate) fn recorded() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let recorded = RECORDED.map(read);
    recorded.iter().map(|recorded| (text(&recorded["token"]), text(&recorded["payload"]["sub"]))).collect()
}

/// The key set that verifies the recorded tokens.
pub(crate) fn recorded_keys() -> String {
    let keys = RECORDED.iter().flat_map(|file| {
        let recorded = read(file);
        recorded["jwks"]["keys"].as_array().expect("recorded keys").clone()
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
}

fn read(file: &str) -> Value {
    parse(kit::fixtures::better_auth(file).as_bytes()).expect("a recorded token")
}
