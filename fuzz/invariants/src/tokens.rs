//! Tokens that are signed, and the settings under which they are believed. No other token may be.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::json::parse;

/// The secret that the API and its issuer share.
pub(crate) const SECRET: &str = "the fuzzers' own secret, of more than thirty-two bytes";
/// The issuer of the recorded tokens, which is also their audience.
pub(crate) const ISSUER: &str = "http://127.0.0.1:4100";
/// The year 2100: a kept input must mean the same for as long as anybody replays it.
const EXPIRES: u64 = 4_102_444_800;

static HMAC: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));
static ED25519: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes are a private key"));

/// Tokens of every algorithm that were recorded from Better Auth, with the keys that its issuer published.
const RECORDED: [&str; 5] = [
    include_str!("../../../tests/fixtures/better-auth/01b-eddsa-default-50y.json"),
    include_str!("../../../tests/fixtures/better-auth/04-es256-50y.json"),
    include_str!("../../../tests/fixtures/better-auth/05-rs256-50y.json"),
    include_str!("../../../tests/fixtures/better-auth/07-ps256-50y.json"),
    include_str!("../../../tests/fixtures/better-auth/09-eddsa-definepayload-minimal-50y.json"),
];

/// A token of [`SECRET`] with exactly this header and payload, whatever they say.
pub(crate) fn sign(header: &[u8], payload: &[u8]) -> String {
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = hmac::sign(&HMAC, signing_input.as_bytes());
    format!("{signing_input}.{}", encode(signature))
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
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = ED25519.sign(signing_input.as_bytes());
    format!("{signing_input}.{}", encode(signature))
}

/// The member `x` of the JSON Web Key whose tokens [`token_of_key`] makes: `6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw`.
pub(crate) fn public_key() -> &'static str {
    static ENCODED: LazyLock<String> = LazyLock::new(|| encode(ED25519.public_key()));
    &ENCODED
}

/// What follows the scheme `Bearer` in an `Authorization` field.
pub(crate) fn of_field(field: &str) -> Option<&str> {
    let (scheme, token) = field.trim_matches([' ', '\t']).split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

/// The recorded tokens, and the subject of each.
pub(crate) fn recorded() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a recorded text").to_owned();
    let recorded = RECORDED.map(|file| parse(file.as_bytes()).expect("a recorded token"));
    recorded.iter().map(|recorded| (text(&recorded["token"]), text(&recorded["payload"]["sub"]))).collect()
}

/// The key set that verifies the recorded tokens.
pub(crate) fn recorded_keys() -> String {
    let keys = RECORDED.iter().flat_map(|file| {
        let recorded = parse(file.as_bytes()).expect("a recorded token");
        recorded["jwks"]["keys"].as_array().expect("recorded keys").clone()
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
