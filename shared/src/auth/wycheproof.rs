//! The verifier against the vectors of Project Wycheproof: tokens and key sets that broke other libraries. Their payloads
//! are no claims, so what is tested is all that comes before those.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto, jwk};
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::{Value, json};

use super::keys::{Expectations, parse_key_set};
use super::*;
use crate::aws::TrustedRoots;

/// Where the verdict is not ours: the vector, whether we accept it, and why.
type Differences = Vec<(u64, bool, String)>;

/// A section of `verdicts.json`: our verdicts, and how many vectors of each algorithm there are.
fn verdicts<T: DeserializeOwned>(section: &str) -> T {
    let document = include_str!("../../../tests/fixtures/wycheproof/verdicts.json");
    let document: Value = serde_json::from_str(document).unwrap();
    serde_json::from_value(document[section].clone()).unwrap()
}

/// The algorithms of the vectors' keys that are not supported: of their tokens none is accepted.
const UNSUPPORTED: [&str; 5] = ["ES521", "PS384", "PS512", "RS384", "RS512"];

/// How many vectors there were, and how many were accepted.
#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
struct Tally {
    run: usize,
    accepted: usize,
}

impl Tally {
    fn count(&mut self, accepted: bool) {
        self.run += 1;
        self.accepted += usize::from(accepted);
    }
}

fn groups(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/wycheproof");
    let document: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
    let groups = document["testGroups"].as_array().unwrap().clone();
    let vectors = groups.iter().map(|group| tests(group).len()).sum::<usize>();
    assert_eq!(document["numberOfTests"], vectors, "the file is whole");
    groups
}

fn tests(group: &Value) -> &[Value] {
    group["tests"].as_array().unwrap()
}

const NOTHING: Expectations = Expectations { issuer: None, audience: None };

fn verifier(keys: Keys) -> TokenVerifier {
    ring_provider::install();
    TokenVerifier { keys, max_token_bytes: 8192, max_lifetime: Duration::MAX }
}

fn verifier_with_secret(key: &Value) -> TokenVerifier {
    let secret = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
    verifier(Keys::Secrets(vec![Arc::new(VerificationKey::from_secret(&secret, &NOTHING))]))
}

fn verifier_with_key_set(key_set: &Value) -> TokenVerifier {
    let keys = parse_key_set(key_set.to_string().as_bytes(), &NOTHING).unwrap();
    // Nobody listens there: an unknown key stays unknown.
    let nowhere = Source::KeySet("http://127.0.0.1:1/jwks".to_owned());
    let connector = Connector::trusting(TrustedRoots::System);
    verifier(Keys::KeySet(KeyCache::new(nowhere, keys, NOTHING, Duration::MAX, connector, SystemTime::now)))
}

thread_local! {
    static PAYLOADS: Cell<usize> = const { Cell::new(0) };
}

/// A payload, whatever it is. Only that of a token whose signature holds is read.
struct Payload;

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PAYLOADS.set(PAYLOADS.get() + 1);
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Whether the verifier believes the vector's token, after that was compared with what is expected.
async fn check(verifier: &TokenVerifier, test: &Value, supported: bool, differences: &Differences) -> bool {
    let (id, valid) = (test["tcId"].as_u64().unwrap(), test["result"] == "valid");
    let difference = differences.iter().find(|(differing, _, _)| *differing == id);
    let expected = difference.map_or(valid && supported, |(_, accepted, _)| *accepted);
    let (_, _, why) = difference.cloned().unwrap_or_default();
    assert!(difference.is_none() || expected != valid, "{id} differs no more: {why}");
    PAYLOADS.set(0);
    let _ = verifier.claims_of::<Payload>(test["jws"].as_str().unwrap()).await;
    let accepted = PAYLOADS.get() > 0;
    assert_eq!(accepted, expected, "{id}, {} {why}", test["comment"]);
    accepted
}

#[tokio::test]
async fn tokens_match_their_vectors() {
    let (differences, mut tallies) = (verdicts("tokens"), BTreeMap::<String, Tally>::new());
    for group in groups("json_web_signature_test.json") {
        let (key, verifier) = match &group["public"] {
            Value::Null => (&group["private"], verifier_with_secret(&group["private"])),
            key => (key, verifier_with_key_set(&json!({ "keys": [key] }))),
        };
        let algorithm = key["alg"].as_str().map_or_else(|| format!("any of {}", key["kty"]), str::to_owned);
        for test in tests(&group) {
            let supported = !UNSUPPORTED.contains(&algorithm.as_str());
            let accepted = check(&verifier, test, supported, &differences).await;
            tallies.entry(algorithm.clone()).or_default().count(accepted);
        }
    }
    assert_eq!(tallies, verdicts("tallies"));
}

#[test]
fn vectors_without_padding_are_the_valid_one() {
    let vectors: Vec<Value> =
        groups("json_web_signature_test.json").iter().flat_map(|group| tests(group).to_vec()).collect();
    let token = |id: u64| &vectors.iter().find(|test| test["tcId"] == id).unwrap()["jws"];
    assert_eq!([token(367), token(370)], [token(357); 2]);
}

#[tokio::test]
async fn key_sets_match_their_vectors() {
    let (differences, mut tally) = (verdicts("key sets"), Tally::default());
    for group in groups("json_web_key_test.json") {
        let key_set = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let verifier = verifier_with_key_set(key_set);
        for test in tests(&group) {
            tally.count(check(&verifier, test, true, &differences).await);
        }
    }
    assert_eq!(tally, Tally { run: 26, accepted: 2 });
}

#[test]
fn weak_keys_of_the_vectors_are_ignored() {
    // Their tokens have empty payloads, and would be refused with any key.
    for weak in ["RS256_1024", "RS256_2048"] {
        let groups = groups("json_web_key_test.json");
        let group = groups.iter().find(|group| group["public"]["keys"][0]["kid"] == weak).unwrap();
        assert_eq!(parse_key_set(group["public"].to_string().as_bytes(), &NOTHING).unwrap().len(), 0, "{weak}");
    }
}

#[test]
fn eddsa_signatures_match_their_vectors() {
    let bytes = |hex: &Value| -> Vec<u8> {
        let digits = hex.as_str().unwrap().as_bytes().chunks(2);
        digits.map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()).collect()
    };
    ring_provider::install();
    let mut tally = Tally::default();
    for group in groups("ed25519_test.json") {
        assert_eq!(
            parse_key_set(json!({ "keys": [group["publicKeyJwk"]] }).to_string().as_bytes(), &NOTHING).unwrap().len(),
            1
        );
        let key: jwk::Jwk = serde_json::from_value(group["publicKeyJwk"].clone()).unwrap();
        let key = DecodingKey::from_jwk(&key).unwrap();
        for test in tests(&group) {
            let signature = URL_SAFE_NO_PAD.encode(bytes(&test["sig"]));
            let accepted = crypto::verify(&signature, &bytes(&test["msg"]), &key, Algorithm::EdDSA).unwrap();
            assert_eq!(accepted, test["result"] == "valid", "{}, {}", test["tcId"], test["comment"]);
            tally.count(accepted);
        }
    }
    assert_eq!(tally, Tally { run: 151, accepted: 88 });
}
