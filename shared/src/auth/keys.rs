//! Keys that tokens are verified with, and how a JSON Web Key (RFC 7517) becomes one.

use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation};
use serde::Deserialize;
use serde::de::{DeserializeOwned, MapAccess};
use serde_json::value::RawValue;

use super::claims::LEEWAY_SECONDS;
use super::error::AuthError;
use super::token::UnverifiedToken;
use crate::json::{self, FromMembers, Object, Text};

/// What the settings require of a token's claims. `None` if the check is turned off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expectations {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
}

/// A key that is ready for use, with its one algorithm and what the claims of its tokens must be.
#[derive(Debug)]
pub(crate) struct VerificationKey {
    id: String,
    key: DecodingKey,
    validation: Validation,
}

/// The claims of a token whose signature is valid, and which match the settings.
#[derive(Debug)]
pub(super) enum Verified<T> {
    /// It is valid now.
    Current(T),
    /// It was valid until its `exp`.
    Expired(T),
}

impl VerificationKey {
    /// The shared secret: its exact bytes, for HS256 alone.
    pub(super) fn from_secret(secret: &[u8], expected: &Expectations) -> Self {
        Self::new(String::new(), DecodingKey::from_secret(secret), Algorithm::HS256, expected)
    }

    fn new(id: String, key: DecodingKey, algorithm: Algorithm, expected: &Expectations) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &expected.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        match &expected.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        Self { id, key, validation }
    }

    /// The claims, if this key signed the token with its own algorithm: the one place where a signature is verified.
    ///
    /// `jsonwebtoken` checks `exp` before issuer and audience. Before a token is called expired, they are checked as well.
    pub(super) fn verify<T: DeserializeOwned>(&self, token: &UnverifiedToken<'_>) -> Result<Verified<T>, AuthError> {
        let decode = |validation: &Validation| {
            jsonwebtoken::decode(token.text(), &self.key, validation)
                .map(|decoded| decoded.claims)
                .map_err(AuthError::from)
        };
        match decode(&self.validation) {
            Err(AuthError::Expired) => {
                decode(&Validation { validate_exp: false, ..self.validation.clone() }).map(Verified::Expired)
            }
            claims => claims.map(Verified::Current),
        }
    }

    fn from_jwk(jwk: &Jwk, expected: &Expectations) -> Option<Self> {
        let common = &jwk.common;
        let for_signatures = common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature);
        let for_verifying = common.key_operations.as_ref().is_none_or(|ops| ops.contains(&KeyOperations::Verify));
        let id = common.key_id.as_ref().filter(|id| for_signatures && for_verifying && !id.is_empty())?;
        let of_type = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 && is_32_bytes(&key.x) => {
                Algorithm::EdDSA
            }
            AlgorithmParameters::EllipticCurve(key)
                if key.curve == EllipticCurve::P256 && is_32_bytes(&key.x) && is_32_bytes(&key.y) =>
            {
                Algorithm::ES256
            }
            // The one exponent in use, 65537.
            AlgorithmParameters::RSA(key) if key.e == "AQAB" => Algorithm::RS256,
            _ => return None,
        };
        // A key without `alg` has the usual algorithm of its type.
        let algorithm = match (of_type, common.key_algorithm) {
            (Algorithm::RS256, Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
            (of_type, alg) if alg.is_none_or(|alg| alg == KeyAlgorithm::from(of_type)) => of_type,
            _ => return None,
        };
        let key = DecodingKey::from_jwk(jwk).ok().filter(has_safe_size)?;
        Some(Self::new(id.clone(), key, algorithm, expected))
    }
}

/// Whether this is the base64url of 32 bytes, if it is base64url: an Ed25519 key or a coordinate on P-256 (RFC 8037 §2,
/// RFC 7518 §6.2.1.2). `jsonwebtoken` takes any length, and coordinates of 31 and 33 bytes for each other's.
fn is_32_bytes(text: &str) -> bool {
    text.len() == 43
}

/// RSA moduli have 2048 to 8192 bits: less is weak, and more makes every forged token expensive.
fn has_safe_size(key: &DecodingKey) -> bool {
    match key.kind() {
        DecodingKeyKind::SecretOrDer(_) => true,
        DecodingKeyKind::RsaModulusExponent { n, .. } => {
            let leading_zeros = n.first().map_or(8, |byte| byte.leading_zeros() as usize);
            leading_zeros < 8 && (2048..=8192).contains(&(n.len() * 8 - leading_zeros))
        }
    }
}

/// The usable keys of a JSON Web Key Set. Each entry is read by itself, and skipped if it is malformed, weak, or of another
/// kind or use. Of two with the same `kid` the first counts.
///
/// `None` if the document is not a key set at all. A key set may be empty, or have no key that can be used.
pub(crate) fn parse_key_set(document: &[u8], expected: &Expectations) -> Option<Vec<Arc<VerificationKey>>> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }

    // serde reads a struct from an array as well.
    if document.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let document: Document<'_> = serde_json::from_slice(document).ok()?;
    let mut keys: Vec<Arc<VerificationKey>> = Vec::new();
    for entry in document.keys.iter().map(|entry| entry.get().as_bytes()) {
        if serde_json::from_slice::<Object<PlainJwk>>(entry).is_ok()
            && let Ok(jwk) = serde_json::from_slice(entry)
            && let Some(key) = VerificationKey::from_jwk(&jwk, expected)
            && find_key(&keys, &key.id).is_none()
        {
            keys.push(Arc::new(key));
        }
    }
    Some(keys)
}

/// The key with this id.
pub(super) fn find_key<'a>(keys: &'a [Arc<VerificationKey>], id: &str) -> Option<&'a Arc<VerificationKey>> {
    keys.iter().find(|key| key.id == id)
}

/// What the key that made the signature makes of the token. `None` if none of them made it.
pub(super) fn verify_with_any<T: DeserializeOwned>(
    keys: &[Arc<VerificationKey>],
    token: &UnverifiedToken<'_>,
) -> Option<Result<Verified<T>, AuthError>> {
    keys.iter().map(|key| key.verify(token)).find(|result| !matches!(result, Err(AuthError::BadSignature)))
}

/// A key without duplicate members, whose known members are strings: [`Jwk`] accepts `{"alg":{"EdDSA":null}}` as well, and
/// ignores members of other key types.
#[derive(Default)]
struct PlainJwk;

impl<'de> FromMembers<'de> for PlainJwk {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "kty" | "kid" | "alg" | "use" | "crv" | "x" | "y" | "n" | "e" => {
                members.next_value::<Option<Text<'de>>>().map(drop)
            }
            _ => json::skip_value(members),
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use crate::fixtures::spellings;

    fn parse(document: &[u8]) -> Option<Vec<Arc<VerificationKey>>> {
        parse_key_set(document, &Expectations { issuer: None, audience: None })
    }

    fn ids(keys: &Value) -> Option<Vec<(String, Algorithm)>> {
        let keys = parse(keys.to_string().as_bytes())?;
        Some(keys.iter().map(|key| (key.id.clone(), key.validation.algorithms[0])).collect())
    }

    fn one(jwk: Value) -> Option<Algorithm> {
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
    fn recorded_mixed_set_has_four_usable_keys() {
        let document = include_bytes!("../../../tests/fixtures/better-auth/mixed-jwks.json");
        let keys = parse(document).unwrap();
        assert!(keys.iter().all(|key| key.validation.algorithms.len() == 1));
        let mut algorithms: Vec<_> = keys.iter().map(|key| format!("{:?}", key.validation.algorithms[0])).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        assert_eq!(algorithms, ["ES256", "EdDSA", "PS256", "RS256"]);
    }

    #[test]
    fn key_without_algorithm_has_that_of_its_type() {
        assert_eq!(one(ed25519(&json!({}))), Some(Algorithm::EdDSA));
        assert_eq!(one(p256(&json!({}))), Some(Algorithm::ES256));
        assert_eq!(one(rsa(&json!({}))), Some(Algorithm::RS256));
        assert_eq!(one(rsa(&json!({"alg": "PS256"}))), Some(Algorithm::PS256));
    }

    #[test]
    fn keys_of_other_uses_are_ignored() {
        assert_eq!(one(ed25519(&json!({"use": "sig", "key_ops": ["verify"]}))), Some(Algorithm::EdDSA));
        for refused in unusable("keys of other uses") {
            assert_eq!(one(refused.clone()), None, "{refused}");
        }
    }

    /// Keys that differ from good ones in these members.
    fn unusable(section: &str) -> Vec<Value> {
        let rows: Vec<(String, Value)> = spellings(section);
        let key = |(base, more): (String, Value)| {
            let lengths = [31, 32, 33, 128, 255, 1025];
            let more = lengths
                .into_iter()
                .fold(more.to_string(), |more, length| more.replace(&format!("{{{length}}}"), &bytes(length)));
            let more = serde_json::from_str(&more).unwrap();
            match base.as_str() {
                "ed25519" => ed25519(&more),
                "p256" => p256(&more),
                "rsa" => rsa(&more),
                _ => more,
            }
        };
        rows.into_iter().map(key).collect()
    }

    #[test]
    fn malformed_and_weak_keys_are_ignored() {
        let moduli = [[vec![0x7f], vec![0xff; 255]], [vec![0], vec![0xff; 255]], [vec![0], vec![0xff; 256]]];
        let weak = moduli.map(|modulus| rsa(&json!({"n": URL_SAFE_NO_PAD.encode(modulus.concat())})));
        for refused in unusable("malformed keys").into_iter().chain(weak) {
            assert_eq!(one(refused.clone()), None, "{refused}");
        }
    }

    #[test]
    fn key_is_an_object() {
        let jwk = json!(["OKP", "1", "EdDSA", "sig", null, "Ed25519", bytes(32), null, null, null]);
        assert_eq!(one(jwk), None);
    }

    #[test]
    fn first_of_two_keys_with_one_id_counts() {
        let set = json!({"keys": [ed25519(&json!({"x": ""})), rsa(&json!({})), p256(&json!({})), ed25519(&json!({"kid": "2"}))]});
        assert_eq!(ids(&set).unwrap(), [("1".to_owned(), Algorithm::RS256), ("2".to_owned(), Algorithm::EdDSA)]);
    }

    #[test]
    fn member_named_twice_spoils_its_key_alone() {
        let key = ed25519(&json!({"kid": "2"})).to_string();
        let set =
            format!(r#"{{"keys":[{{"kty":"OKP","kty":"OKP","crv":"Ed25519","kid":"1","x":"{}"}},{key}]}}"#, bytes(32));
        assert_eq!(parse(set.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn other_documents_are_no_key_sets() {
        for document in ["", "[]", "[[]]", "null", r#"{"keys":null}"#, r#"{"key":[]}"#, "{\"keys\":[}"] {
            assert!(parse(document.as_bytes()).is_none(), "{document}");
        }
    }
}
