//! Tokens that are signed, and the settings under which they are believed. No other token may be.

use std::sync::LazyLock;

use serde_json::{Value, json};
use signer::PrivateKey;

use crate::json::parse;

/// The secret that the API and its issuer share.
pub(crate) const SECRET: &str = "the fuzzers' own secret, of more than thirty-two bytes";
/// The issuer of the recorded tokens, which is also their audience.
pub(crate) const ISSUER: &str = "http://127.0.0.1:4100";
/// The year 2100: a kept input must mean the same for as long as anybody replays it.
const EXPIRES: u64 = 4_102_444_800;

static HMAC: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_secret(SECRET.as_bytes()));
static ED25519: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::from_ed25519_seed(&[7; 32]));

/// Tokens of every algorithm that were recorded from Better Auth, with the keys that its issuer published.
const RECORDED: [&str; 5] =
    ["01b-eddsa-default-50y", "04-es256-50y", "05-rs256-50y", "07-ps256-50y", "09-eddsa-definepayload-minimal-50y"];

/// A token of [`SECRET`] with exactly this header and payload, whatever they say.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    HMAC.sign(header, payload)
}

/// A good token of [`SECRET`] for this user.
pub(crate) fn token(user: &str) -> String {
    // Text, because kept inputs have this token in one order of its claims.
    sign(br#"{"alg":"HS256"}"#, format!(r#"{{"sub":"{user}","exp":{EXPIRES}}}"#).as_bytes())
}

/// A token for this user, signed with the private key that [`public_key`] belongs to.
pub(crate) fn token_of_key(key_id: &str, user: &str) -> String {
    let header = json!({ "alg": "EdDSA", "kid": key_id }).to_string();
    let payload = json!({ "sub": user, "exp": EXPIRES, "iss": ISSUER, "aud": ISSUER }).to_string();
    ED25519.sign(header, payload)
}

/// The member `x` of the JSON Web Key whose tokens [`token_of_key`] makes: `6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw`.
pub(crate) fn public_key() -> String {
    let jwk = ED25519.public_jwk();
    jwk["x"].as_str().expect("a public key").to_owned()
}

/// What follows the scheme `Bearer` in an `Authorization` field.
pub(crate) fn of_field(field: &str) -> Option<&str> {
    let (scheme, token) = field.trim_matches([' ', '\t']).split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// The recorded tokens, and the subject of each.
pub(crate) fn recorded() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a recorded text").to_owned();
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
