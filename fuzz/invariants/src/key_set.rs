//! The issuer's key set, both configured and fetched.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::FakeDynamoDb;
use serde_json::Value;

use crate::api::{Api, settings};
use crate::claims::is_texts;
use crate::json::parse;
use crate::tokens::{ISSUER, public_key, token_of_key};

/// Input: a JWKS document.
///
/// Its usable keys must be those that an independent implementation finds, and a token is accepted only if the first
/// key with its id verifies it. With a key set that has no usable keys, tokens are invalid (401); with a document that
/// is not a key set, the API is unavailable (503).
pub fn key_set(input: &[u8]) {
    let expected = usable_keys(input);
    if let Some(document) = std::str::from_utf8(input).ok().filter(|document| !document.contains('\0')) {
        let settings = settings(&[("BETTER_AUTH_URL", ISSUER), ("JWKS", document)]);
        assert!(expected.as_ref().is_none_or(|expected| settings.is_ok() != expected.is_empty()), "{expected:?}");
    }
    let Some(expected) = expected else { return };
    let issuer = FakeDynamoDb::always(input);
    let api = Api::new(&[("BETTER_AUTH_URL", ISSUER)], &issuer).expect("valid settings");
    let answer = |id: &str| api.authenticate(&format!("Bearer {}", token_of_key(id, "alice"))).0;
    let Some((id, _)) = expected.first() else {
        let is_key_set = parse(input).is_some_and(|document| document["keys"].is_array());
        assert_eq!(answer("id").status, if is_key_set { 401 } else { 503 });
        return;
    };
    let ours = expected.iter().find(|(_, key)| *key == public_key());
    for id in [Some(id), ours.map(|(id, _)| id)].into_iter().flatten() {
        let answer = answer(id);
        let is_ours = id.len() <= 256 && expected.iter().any(|(known, key)| known == id && *key == public_key());
        assert_eq!((answer.status == 204, answer.status == 401), (is_ours, !is_ours), "{answer:?}");
    }
}

/// The ids of the usable keys, each with the public key if it is an Ed25519 key and an empty string otherwise. `None`
/// if the document is not JSON or has duplicate members, because the product may still find keys in it.
fn usable_keys(document: &[u8]) -> Option<Vec<(String, String)>> {
    let document = parse(document)?;
    let mut keys: Vec<(String, String)> = Vec::new();
    for jwk in document.get("keys").and_then(Value::as_array).into_iter().flatten() {
        if let Some((id, key)) = usable_key(jwk)
            && keys.iter().all(|(known, _)| *known != id)
        {
            keys.push((id, key));
        }
    }
    Some(keys)
}

fn usable_key(jwk: &Value) -> Option<(String, String)> {
    let jwk = jwk.as_object()?;
    let given = |name: &str| jwk.get(name).filter(|value| !value.is_null());
    let texts = ["kid", "alg", "use", "crv", "x", "y", "n", "e", "x5u", "x5t", "x5t#S256"];
    if texts.iter().any(|name| given(name).is_some_and(|value| !value.is_string()))
        || given("x5c").is_some_and(|chain| !is_texts(chain))
    {
        return None;
    }
    let text = |name: &str| given(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let operations = match given("key_ops") {
        None => vec!["verify"],
        Some(operations) => operations.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?,
    };
    if !matches!(text("use"), None | Some("sig")) || !operations.contains(&"verify") {
        return None;
    }
    let id = text("kid").filter(|id| !id.is_empty())?.to_owned();
    match (jwk.get("kty")?.as_str()?, text("crv"), text("alg")) {
        ("OKP", Some("Ed25519"), None | Some("EdDSA")) if bytes("x")?.len() == 32 => Some((id, text("x")?.to_owned())),
        ("EC", Some("P-256"), None | Some("ES256")) if [bytes("x")?.len(), bytes("y")?.len()] == [32, 32] => {
            Some((id, String::new()))
        }
        ("RSA", _, None | Some("RS256" | "PS256")) if text("e") == Some("AQAB") => {
            let modulus = bytes("n")?;
            let leading_zeros = modulus.first()?.leading_zeros() as usize;
            let fits = leading_zeros < 8 && (2048..=8192).contains(&(modulus.len() * 8 - leading_zeros));
            fits.then_some((id, String::new()))
        }
        _ => None,
    }
}
