//! Keys that signatures are verified with, and how a JSON Web Key (RFC 7517) becomes one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;

/// A key, ready for use, and the one algorithm that it is good for.
pub(crate) struct VerificationKey {
    id: String,
    key: Key,
}

enum Key {
    Hs256(hmac::Key),
    EdDsa(UnparsedPublicKey<Vec<u8>>),
    Es256(UnparsedPublicKey<Vec<u8>>),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    Ps256(RsaPublicKeyComponents<Vec<u8>>),
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("VerificationKey");
        fields.field("id", &self.id).field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

impl VerificationKey {
    /// The shared secret: its exact bytes, for HS256 alone.
    pub(super) fn from_secret(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self { id: String::new(), key: Key::Hs256(key) }
    }

    /// The algorithm's name as a header writes it (RFC 7518 §3.1, RFC 8037 §3.1).
    pub(super) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Hs256(_) => "HS256",
            Key::EdDsa(_) => "EdDSA",
            Key::Es256(_) => "ES256",
            Key::Rs256(_) => "RS256",
            Key::Ps256(_) => "PS256",
        }
    }

    /// Whether this key made the signature.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let rsa = |key: &RsaPublicKeyComponents<Vec<u8>>, parameters: &RsaParameters| {
            key.verify(parameters, message, signature)
        };
        match &self.key {
            Key::Hs256(key) => hmac::verify(key, message, signature),
            Key::EdDsa(key) | Key::Es256(key) => key.verify(message, signature),
            Key::Rs256(key) => rsa(key, &RSA_PKCS1_2048_8192_SHA256),
            Key::Ps256(key) => rsa(key, &RSA_PSS_2048_8192_SHA256),
        }
        .is_ok()
    }

    fn from_jwk(jwk: &Jwk<'_>) -> Option<Self> {
        let for_signatures = jwk.r#use.as_deref().is_none_or(|r#use| r#use == "sig");
        let for_verifying = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let id = jwk.kid.as_deref().filter(|id| for_signatures && for_verifying && !id.is_empty())?;
        // A key without `alg` is of an issuer that has one algorithm a key type.
        let key = match (jwk.kty.as_ref(), jwk.crv.as_deref(), jwk.alg.as_deref()) {
            ("OKP", Some("Ed25519"), None | Some("EdDSA")) => {
                Key::EdDsa(UnparsedPublicKey::new(&ED25519, coordinate(jwk.x.as_deref())?))
            }
            ("EC", Some("P-256"), None | Some("ES256")) => {
                let uncompressed = [vec![4], coordinate(jwk.x.as_deref())?, coordinate(jwk.y.as_deref())?].concat();
                Key::Es256(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed))
            }
            ("RSA", None, alg @ (None | Some("RS256" | "PS256"))) => {
                let (n, e) = (modulus(jwk.n.as_deref())?, exponent(jwk.e.as_deref())?);
                let components = RsaPublicKeyComponents { n, e };
                if alg == Some("PS256") { Key::Ps256(components) } else { Key::Rs256(components) }
            }
            _ => return None,
        };
        Some(Self { id: id.to_owned(), key })
    }
}

/// The keys of a JSON Web Key Set that can be used: each entry is read by itself, and one that is malformed, of
/// another kind or use, or weak is passed over. Of two with the same `kid` the first counts.
///
/// `None` if the document is not a key set at all.
pub(crate) fn parse_key_set(document: &[u8]) -> Option<Vec<Arc<VerificationKey>>> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }

    if !is_object(document) {
        return None;
    }
    let document: Document<'_> = serde_json::from_slice(document).ok()?;
    let mut keys: Vec<Arc<VerificationKey>> = Vec::new();
    for entry in document.keys.iter().filter(|entry| is_object(entry.get().as_bytes())) {
        let Ok(jwk) = json::from_slice::<Jwk<'_>>(entry.get().as_bytes()) else { continue };
        if let Some(key) = VerificationKey::from_jwk(&jwk)
            && find_key(&keys, &key.id).is_none()
        {
            keys.push(Arc::new(key));
        }
    }
    Some(keys)
}

/// To serde a struct may be an array as well; a key set and a key may not.
fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

/// The key with this id.
pub(super) fn find_key<'a>(keys: &'a [Arc<VerificationKey>], id: &str) -> Option<&'a Arc<VerificationKey>> {
    keys.iter().find(|key| key.id == id)
}

#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    r#use: Option<Cow<'a, str>>,
    key_ops: Option<Vec<String>>,
    #[serde(borrow)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow)]
    y: Option<Cow<'a, str>>,
    #[serde(borrow)]
    n: Option<Cow<'a, str>>,
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
}

/// An Ed25519 key or a coordinate on P-256: 32 bytes.
fn coordinate(text: Option<&str>) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| bytes.len() == 32)
}

/// An RSA modulus of 2048 to 8192 bits: less is weak, and more makes every forged token expensive.
fn modulus(text: Option<&str>) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| {
        let leading_zeros = bytes.first().map_or(8, |byte| byte.leading_zeros() as usize);
        leading_zeros < 8 && (2048..=8192).contains(&(bytes.len() * 8 - leading_zeros))
    })
}

/// The one RSA exponent in use, 65537.
fn exponent(text: Option<&str>) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| bytes == &[1, 0, 1])
}

fn decode(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ids(keys: &Value) -> Option<Vec<(String, &'static str)>> {
        let keys = parse_key_set(keys.to_string().as_bytes())?;
        Some(keys.iter().map(|key| (key.id.clone(), key.algorithm())).collect())
    }

    fn one(jwk: Value) -> Option<&'static str> {
        ids(&json!({"keys": [jwk]})).unwrap().first().map(|(_, algorithm)| *algorithm)
    }

    fn bytes(length: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xc3; length])
    }

    fn ed25519(more: &Value) -> Value {
        with(json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": bytes(32)}), more)
    }

    fn p256(more: &Value) -> Value {
        with(json!({"kty": "EC", "crv": "P-256", "kid": "1", "x": bytes(32), "y": bytes(32)}), more)
    }

    fn rsa(more: &Value) -> Value {
        with(json!({"kty": "RSA", "kid": "1", "n": bytes(256), "e": "AQAB"}), more)
    }

    fn with(mut jwk: Value, more: &Value) -> Value {
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    #[test]
    fn the_real_mixed_set_gives_its_four_usable_keys() {
        let document = include_bytes!("../../../tests/fixtures/better-auth/mixed-jwks.json");
        let keys = parse_key_set(document).unwrap();
        let mut algorithms: Vec<_> = keys.iter().map(|key| key.algorithm()).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        assert_eq!(algorithms, ["ES256", "EdDSA", "PS256", "RS256"]);
    }

    #[test]
    fn a_key_without_an_algorithm_has_that_of_its_type() {
        assert_eq!(one(ed25519(&json!({}))), Some("EdDSA"));
        assert_eq!(one(p256(&json!({}))), Some("ES256"));
        assert_eq!(one(rsa(&json!({}))), Some("RS256"));
        assert_eq!(one(rsa(&json!({"alg": "PS256"}))), Some("PS256"));
    }

    #[test]
    fn keys_for_other_uses_types_and_algorithms_are_passed_over() {
        assert_eq!(one(ed25519(&json!({"use": "sig", "key_ops": ["verify"]}))), Some("EdDSA"));
        for refused in [
            ed25519(&json!({"use": "enc"})),
            ed25519(&json!({"key_ops": ["sign"]})),
            ed25519(&json!({"key_ops": "verify"})),
            ed25519(&json!({"alg": "ES256"})),
            ed25519(&json!({"alg": "HS256"})),
            ed25519(&json!({"crv": "Ed448"})),
            ed25519(&json!({"crv": "X25519"})),
            ed25519(&json!({"kid": ""})),
            ed25519(&json!({"kid": null})),
            ed25519(&json!({"kid": 1})),
            ed25519(&json!({"kty": "EC"})),
            p256(&json!({"alg": "ES512"})),
            p256(&json!({"crv": "P-521"})),
            p256(&json!({"crv": "secp256k1"})),
            rsa(&json!({"alg": "RS512"})),
            rsa(&json!({"alg": "none"})),
            rsa(&json!({"alg": "HS256"})),
            json!({"kty": "oct", "kid": "1", "k": bytes(32)}),
            json!({"kty": "oct", "kid": "1", "k": bytes(32), "alg": "HS256"}),
        ] {
            assert_eq!(one(refused.clone()), None, "{refused}");
        }
    }

    #[test]
    fn malformed_and_weak_keys_are_passed_over() {
        for refused in [
            ed25519(&json!({"x": bytes(31)})),
            ed25519(&json!({"x": bytes(33)})),
            ed25519(&json!({"x": ""})),
            ed25519(&json!({"x": format!("{}=", bytes(32))})),
            ed25519(&json!({"x": null})),
            p256(&json!({"y": bytes(31)})),
            p256(&json!({"y": null})),
            rsa(&json!({"n": bytes(128)})),
            rsa(&json!({"n": bytes(255)})),
            rsa(&json!({"n": bytes(1025)})),
            rsa(&json!({"n": URL_SAFE_NO_PAD.encode([vec![0x7f], vec![0xff; 255]].concat())})),
            rsa(&json!({"n": URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 255]].concat())})),
            rsa(&json!({"n": URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 256]].concat())})),
            rsa(&json!({"n": ""})),
            rsa(&json!({"e": "Aw"})),
            rsa(&json!({"e": "AAEAAQ"})),
            rsa(&json!({"e": null})),
        ] {
            assert_eq!(one(refused.clone()), None, "{refused}");
        }
    }

    #[test]
    fn a_key_is_an_object() {
        let jwk = json!(["OKP", "1", "EdDSA", "sig", null, "Ed25519", bytes(32), null, null, null]);
        assert_eq!(one(jwk), None);
    }

    #[test]
    fn of_two_keys_with_one_id_the_first_counts() {
        let set = json!({"keys": [ed25519(&json!({"x": ""})), rsa(&json!({})), p256(&json!({})), ed25519(&json!({"kid": "2"}))]});
        assert_eq!(ids(&set).unwrap(), [("1".to_owned(), "RS256"), ("2".to_owned(), "EdDSA")]);
    }

    #[test]
    fn a_member_named_twice_spoils_its_key_alone() {
        let key = ed25519(&json!({"kid": "2"})).to_string();
        let set =
            format!(r#"{{"keys":[{{"kty":"OKP","kty":"OKP","crv":"Ed25519","kid":"1","x":"{}"}},{key}]}}"#, bytes(32));
        assert_eq!(parse_key_set(set.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn other_documents_are_no_key_sets() {
        for document in ["", "[]", "[[]]", "null", r#"{"keys":null}"#, r#"{"key":[]}"#, "{\"keys\":[}"] {
            assert!(parse_key_set(document.as_bytes()).is_none(), "{document}");
        }
    }
}
