//! Tokens that must be rejected: each by every function, before any request to DynamoDB.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{ALICE, Api, Event, ISSUER, Key, Operation, SECRET, Signer, now};

const INVALID: &str = "token_invalid";
const EXPIRED: &str = "token_expired";

/// Sends the token to every function and expects the same 401 from each.
async fn assert_refused(api: &Api, why: &str, token: &str, code: &str) {
    api.wire.take();
    for operation in Operation::ALL {
        let event = Event::anonymous(ALICE).task("01990000-0000-7000-8000-000000000000").bearer(token);
        let answer = api.call(operation, &event.json(&json!({ "title": "stolen" }))).await;
        assert_eq!((answer.status, answer.code()), (401, code), "{why}, at {operation:?}");
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Bearer realm="tasks", error="invalid_token""#,
            "{why}, at {operation:?}"
        );
        let same_for_all = match code {
            EXPIRED => "The token has expired. Get a new one.",
            _ => "The token is not valid for this API.",
        };
        assert_eq!(answer.body["detail"], same_for_all, "{why}, at {operation:?}");
        let is_repeated = token.len() >= 8 && answer.raw.to_string().contains(token);
        assert!(!is_repeated, "{operation:?} repeats the token: {why}");
    }
    assert_eq!(api.wire.take(), [], "{why}: a request reached DynamoDB");
}

async fn assert_all_refused(api: &Api, tokens: impl IntoIterator<Item = (&'static str, String)>) {
    for (why, token) in tokens {
        assert_refused(api, why, &token, INVALID).await;
    }
}

async fn assert_accepted(api: &Api, why: &str, token: &str) {
    let answer = api.call(Operation::ListTasks, &Event::anonymous(ALICE).bearer(token)).await;
    assert_eq!(answer.status, 200, "{why}: {answer:?}");
}

/// An API that does not check issuer and audience, so that tokens are rejected for other reasons.
async fn lenient() -> Api {
    Api::start_with(&[("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", "any"), ("TOKEN_AUDIENCE", "any")]).await
}

fn good() -> Signer {
    Signer::default()
}

/// A token that this key signed, with another header.
fn header_by(key: Key, members: Value) -> String {
    Signer::with(key).header(members).token(ALICE)
}

/// A token that this key signed, with other claims.
fn claims_by(key: Key, members: Value) -> String {
    Signer::with(key).claims(members).token(ALICE)
}

fn header(members: Value) -> String {
    header_by(Key::Secret, members)
}

fn claims(members: Value) -> String {
    claims_by(Key::Secret, members)
}

/// Signs this payload with a valid header.
fn payload(payload: &str) -> String {
    good().sign(r#"{"alg":"HS256"}"#, payload)
}

fn payload_of(members: &str) -> String {
    payload(&format!(r#"{{"sub":"{ALICE}","exp":{},{members}}}"#, now() + 60))
}

/// Signs this payload in Latin-1 with a valid header.
fn latin_1(payload: &str) -> String {
    let bytes: Vec<_> = payload.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    good().sign_segments("eyJhbGciOiJIUzI1NiJ9", &URL_SAFE_NO_PAD.encode(bytes))
}

/// Signs this header with a valid payload.
fn raw_header(header: &str) -> String {
    good().sign(header, &json!({ "sub": ALICE, "exp": now() + 60 }).to_string())
}

/// Malformed tokens.
fn malformed() -> Vec<(&'static str, String)> {
    let token = good().token(ALICE);
    let parts: Vec<_> = token.split('.').collect();
    let [head, body, signature] = [parts[0], parts[1], parts[2]];
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    let standard = STANDARD.encode([0xfb, 0xff, 0xbf]);
    vec![
        ("the word that front ends send without a session", "undefined".to_owned()),
        ("another such word", "null".to_owned()),
        ("an opaque session token of Better Auth", "92dQ23M4kR3t322Y3TKPmvt6P32i3cZy.Zm9v".to_owned()),
        ("one segment", head.to_owned()),
        ("two segments", format!("{head}.{body}")),
        ("four segments", format!("{token}.{signature}")),
        ("five segments, as in an encrypted token", format!("{head}.{body}.{signature}.{body}.{signature}")),
        ("an empty header", format!(".{body}.{signature}")),
        ("an empty payload", format!("{head}..{signature}")),
        ("an empty signature", format!("{head}.{body}.")),
        ("only dots", "..".to_owned()),
        ("a signature cut short", format!("{head}.{body}.{}", &signature[..signature.len() - 4])),
        ("a signature with more after it", format!("{token}AAAA")),
        ("padding in the signature", format!("{head}.{body}.{}", padded(signature))),
        ("padding in the header", good().sign_segments(&padded(r"eyJhbGciOiJIUzI1NiIgfQ"), body)),
        ("a signature in another alphabet", format!("{head}.{body}.{standard}")),
        ("nonzero trailing bits in the signature", {
            // The last character of 32 bytes has two unused bits, so the next character decodes to the same bytes.
            let next = char::from(signature.as_bytes()[signature.len() - 1] + 1);
            format!("{head}.{body}.{}{next}", &signature[..signature.len() - 1])
        }),
        ("a payload that is not base64url", good().sign_segments(head, "ä")),
        ("a header that is not base64url", good().sign_segments("!!!!", body)),
        ("longer than 8 KiB", claims(json!({ "image": "x".repeat(8192) }))),
    ]
}

/// Tokens with a valid signature and an invalid header.
fn bad_headers() -> Vec<(&'static str, String)> {
    vec![
        ("no algorithm", header(json!({ "alg": null }))),
        ("the algorithm none", header(json!({ "alg": "none" }))),
        ("the algorithm None", header(json!({ "alg": "None" }))),
        ("an empty algorithm", header(json!({ "alg": "" }))),
        ("an algorithm in lower case", header(json!({ "alg": "hs256" }))),
        ("an algorithm that is a number", header(json!({ "alg": 256 }))),
        ("an algorithm of the same family", header(json!({ "alg": "HS512" }))),
        ("an algorithm of another family", header(json!({ "alg": "RS256" }))),
        ("an algorithm that is an object", header(json!({ "alg": { "HS256": null } }))),
        ("a fully specified algorithm (RFC 9864)", header(json!({ "alg": "Ed25519" }))),
        ("the type of a logout token", header(json!({ "typ": "logout+jwt" }))),
        ("a type with a parameter", header(json!({ "typ": "jwt;x=y" }))),
        ("a certificate that is a number", header(json!({ "x5c": [1] }))),
        ("another type", header(json!({ "typ": "at+jwt" }))),
        ("the type of Better Auth's cookie cache", header(json!({ "typ": "better-auth.session-cache+jwt" }))),
        ("an empty type", header(json!({ "typ": "" }))),
        ("a type that is an array", header(json!({ "typ": ["JWT"] }))),
        ("a null type", raw_header(r#"{"alg":"HS256","typ":null}"#)),
        ("a critical extension", header(json!({ "crit": ["exp"] }))),
        ("an empty list of critical extensions", header(json!({ "crit": [] }))),
        ("null for critical extensions", raw_header(r#"{"alg":"HS256","crit":null}"#)),
        ("an unencoded payload (RFC 7797)", header(json!({ "b64": false }))),
        ("an encryption", header(json!({ "enc": "A256GCM" }))),
        ("a compression", header(json!({ "zip": "DEF" }))),
        ("a nested token", header(json!({ "cty": "JWT" }))),
        ("a key id that is a number", header(json!({ "kid": 1 }))),
        ("a key id that is too long", header(json!({ "kid": "x".repeat(257) }))),
        ("a duplicate member", raw_header(r#"{"alg":"HS256","alg":"HS256"}"#)),
        ("a duplicate unknown member", raw_header(r#"{"alg":"HS256","x":1,"x":1}"#)),
        ("a duplicate member in two spellings", raw_header(r#"{"alg":"HS256","\u0061lg":"HS256"}"#)),
        ("an array", raw_header(r#"["HS256",null,null]"#)),
        ("a string", raw_header(r#""HS256""#)),
        ("Latin-1 in an unused member", {
            let header = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\",\"x\":\"\xe4\"}");
            good()
                .sign_segments(&header, &URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{ALICE}","exp":{}}}"#, now() + 60)))
        }),
        ("not JSON", raw_header("alg=HS256")),
        ("JSON with more after it", raw_header(r#"{"alg":"HS256"}{}"#)),
        ("JSON with a trailing comma", raw_header(r#"{"alg":"HS256",}"#)),
    ]
}

/// Tokens with a valid signature and invalid claims.
fn bad_claims() -> Vec<(&'static str, String)> {
    let (later, user) = (now() + 60, json!({ "id": "alice" }));
    vec![
        ("no subject", payload(&format!(r#"{{"exp":{later}}}"#))),
        ("an empty subject", good().token("")),
        ("the subject me", good().token("me")),
        ("a subject with a slash", good().token("alice/tasks")),
        ("a subject with a space", good().token("alice ")),
        ("a subject of dots", good().token("..")),
        ("a subject with a percent sign", good().token("%61lice")),
        ("a subject that is too long", good().token(&"a".repeat(129))),
        ("a subject that is not ASCII", good().token("alicé")),
        ("a subject that is a number", payload(&format!(r#"{{"sub":1,"exp":{later}}}"#))),
        ("a subject that is an array", payload(&format!(r#"{{"sub":["alice"],"exp":{later}}}"#))),
        ("a null subject", payload(&format!(r#"{{"sub":null,"exp":{later}}}"#))),
        ("only an id, as another claim", payload(&format!(r#"{{"id":"alice","userId":"alice","exp":{later}}}"#))),
        ("an e-mail link of Better Auth", payload(&format!(r#"{{"email":"a@example.com","exp":{later}}}"#))),
        ("a cookie cache of Better Auth", payload(&format!(r#"{{"session":{{}},"user":{user},"exp":{later}}}"#))),
        ("no expiry", claims(json!({ "exp": null }))),
        ("an expiry that is a string", claims(json!({ "exp": later.to_string() }))),
        ("a null expiry", payload(r#"{"sub":"alice","exp":null}"#)),
        ("an expiry beyond all floating-point numbers", payload(r#"{"sub":"alice","exp":1e999}"#)),
        ("an expiry beyond 64 bits", payload(r#"{"sub":"alice","exp":1e99}"#)),
        ("an expiry before 1970", claims(json!({ "exp": -1.5 }))),
        ("an expiry in the year 3000", claims(json!({ "exp": 32_503_680_000_u64 }))),
        ("an expiry in eight days", claims(json!({ "exp": now() + 8 * 86_400 }))),
        ("a start before 1970", claims(json!({ "nbf": -1 }))),
        ("not valid before tomorrow", claims(json!({ "nbf": now() + 86_400 }))),
        ("not valid for sixteen seconds", claims(json!({ "nbf": now() + 17 }))),
        ("a start that is a string", claims(json!({ "nbf": "0" }))),
        ("a null start", payload_of(r#""nbf":null"#)),
        ("issued tomorrow", claims(json!({ "iat": now() + 86_400 }))),
        ("a time of issue that is a string", claims(json!({ "iat": "0" }))),
        ("an issuer that is an array", claims(json!({ "iss": [ISSUER] }))),
        ("a null issuer", payload_of(r#""iss":null"#)),
        ("an audience that is a number", claims(json!({ "aud": 1 }))),
        ("an audience with a number in it", claims(json!({ "aud": [ISSUER, 1] }))),
        ("an audience that is an object", claims(json!({ "aud": {} }))),
        ("a duplicate claim", payload_of(r#""sub":"bob""#)),
        ("a duplicate expiry", payload_of(&format!(r#""exp":{later}"#))),
        ("a duplicate member within a claim", payload_of(r#""user":{"id":1,"id":2}"#)),
        ("an array", payload(&format!(r#"["alice",{later}]"#))),
        ("not JSON", payload("alice")),
        ("JSON in Latin-1", latin_1(&format!(r#"{{"sub":"ä","exp":{later}}}"#))),
        ("Latin-1 in an unused claim", latin_1(&format!(r#"{{"sub":"alice","exp":{later},"x":"ä"}}"#))),
        ("a byte order mark", payload(&format!("\u{feff}{{\"sub\":\"alice\",\"exp\":{later}}}"))),
    ]
}

/// Tokens without a signature of the issuer.
fn forged() -> Vec<(&'static str, String)> {
    let token = good().token(ALICE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = good().token("bob");
    let (other_signed, _) = other.rsplit_once('.').unwrap();
    let flipped =
        if signature.starts_with('A') { signature.replacen('A', "B", 1) } else { format!("A{}", &signature[1..]) };
    vec![
        ("another secret", Signer::with(Key::OtherSecret).token(ALICE)),
        ("a bit of the signature changed", format!("{signed}.{flipped}")),
        ("another token's signature", format!("{other_signed}.{signature}")),
        ("a signature of zeros", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 32]))),
        ("a key in the header", header_by(Key::OtherSecret, json!({ "jwk": { "kty": "oct", "k": "eHh4" } }))),
        ("a key set URL in the header", header_by(Key::OtherEd25519, json!({ "jku": "https://evil.example/jwks" }))),
        ("an asymmetric key", Signer::with(Key::Ed25519).token(ALICE)),
    ]
}

#[tokio::test]
async fn table_has_over_a_hundred_bad_tokens() {
    assert!(malformed().len() + bad_headers().len() + bad_claims().len() + forged().len() >= 105);
}

#[tokio::test]
async fn malformed_token_is_refused_everywhere() {
    let api = Api::start().await;
    assert_all_refused(&api, malformed()).await;
}

#[tokio::test]
async fn token_with_a_bad_header_is_refused_everywhere() {
    let api = lenient().await;
    assert_all_refused(&api, bad_headers()).await;
}

#[tokio::test]
async fn token_with_bad_claims_is_refused_everywhere() {
    let api = lenient().await;
    assert_all_refused(&api, bad_claims()).await;
}

#[tokio::test]
async fn forged_token_is_refused_everywhere() {
    let api = Api::start().await;
    assert_all_refused(&api, forged()).await;
}

/// Tokens that a front end's server signs for others, if it uses one secret for everything.
fn for_others() -> [(&'static str, Signer); 2] {
    let logout = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let signed = |members: Value| good().claims(json!({ "aud": "third-party" })).claims(members);
    [
        ("an ID token for a third party", signed(json!({ "nonce": "x", "auth_time": now() }))),
        ("a logout token for a third party", signed(json!({ "jti": "x", "events": logout }))),
    ]
}

#[tokio::test]
async fn token_of_other_purpose_is_refused_everywhere() {
    let api = Api::start().await;
    for (why, signer) in for_others() {
        assert_refused(&api, why, &signer.clone().header(json!({ "typ": "JWT" })).token(ALICE), INVALID).await;
        assert_refused(&api, why, &signer.header(json!({ "typ": "logout+jwt" })).token(ALICE), INVALID).await;
    }
    // Only the lenient settings accept them.
    let lenient = lenient().await;
    for (why, signer) in for_others() {
        assert_accepted(&lenient, why, &signer.token(ALICE)).await;
    }
}

#[tokio::test]
async fn both_secrets_are_accepted_during_rotation() {
    let rotated = [
        ("BETTER_AUTH_SECRET", "a new secret, which is longer than thirty-two bytes"),
        ("BETTER_AUTH_SECRET_PREVIOUS", SECRET),
        ("TOKEN_ISSUER", ISSUER),
        ("TOKEN_AUDIENCE", ISSUER),
    ];
    let api = Api::start_with(&rotated).await;
    assert_accepted(&api, "the previous secret", &good().token(ALICE)).await;
    assert_refused(&api, "an unknown secret", &Signer::with(Key::OtherSecret).token(ALICE), INVALID).await;
    let after = Api::start_with(&[&rotated[..1], &rotated[2..]].concat()).await;
    assert_refused(&after, "the previous secret", &good().token(ALICE), INVALID).await;
}

#[tokio::test]
async fn expired_tokens_get_their_own_code() {
    let api = Api::start().await;
    for (why, token) in [
        ("expired yesterday", claims(json!({ "exp": now() - 86_400 }))),
        ("expired sixteen seconds ago", claims(json!({ "exp": now() - 16 }))),
        ("expired in 1970", claims(json!({ "exp": 0 }))),
    ] {
        assert_refused(&api, why, &token, EXPIRED).await;
    }
    let forged = claims_by(Key::OtherSecret, json!({ "exp": 0 }));
    assert_refused(&api, "expired and forged", &forged, INVALID).await;
    let otherwise_bad = claims(json!({ "exp": 0, "nbf": now() + 60 }));
    assert_refused(&api, "expired and not yet valid", &otherwise_bad, INVALID).await;
}

#[tokio::test]
async fn what_is_allowed_is_accepted() {
    let api = lenient().await;
    for (why, token) in [
        ("a front end's token", good().token(ALICE)),
        ("the type JWT", header(json!({ "typ": "JWT" }))),
        ("the type application/jwt", header(json!({ "typ": "application/jwt" }))),
        ("the type in lowercase", header(json!({ "typ": "jwt" }))),
        ("the other type in uppercase", header(json!({ "typ": "APPLICATION/JWT" }))),
        ("an expiry in a week", claims(json!({ "exp": now() + 7 * 86_400 }))),
        ("a key id, which the secret does not need", header(json!({ "kid": "x" }))),
        ("unknown members", header(json!({ "x": [{}] }))),
        ("no time of issue", claims(json!({ "iat": null }))),
        ("times with fractions", claims(json!({ "iat": now() as f64 - 0.5, "exp": now() as f64 + 60.5 }))),
        ("clocks that differ by ten seconds", claims(json!({ "iat": now() + 10, "nbf": now() + 10 }))),
        ("an expiry ten seconds ago", claims(json!({ "exp": now() - 10 }))),
        ("an issuer and audiences that are not checked", claims(json!({ "iss": "x", "aud": ["y", "z"] }))),
        ("white space in the JSON", payload(&format!("\n{{ \"sub\" : \"{ALICE}\" ,\n\"exp\" : {} }}", now() + 60))),
    ] {
        assert_accepted(&api, why, &token).await;
    }
}

#[tokio::test]
async fn configured_claims_are_required() {
    let settings = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", ISSUER), ("TOKEN_AUDIENCE", "tasks")];
    let api = Api::start_with(&settings).await;
    let both = json!({ "iss": ISSUER, "aud": "tasks" });
    assert_accepted(&api, "issuer and audience", &claims(both.clone())).await;
    assert_accepted(&api, "one audience of many", &claims(json!({ "iss": ISSUER, "aud": ["other", "tasks"] }))).await;
    for (why, members) in [
        ("no issuer", json!({ "iss": null })),
        ("another issuer", json!({ "iss": "https://evil.example" })),
        ("an issuer with a slash", json!({ "iss": format!("{ISSUER}/") })),
        ("an issuer in upper case", json!({ "iss": ISSUER.to_uppercase() })),
        ("no audience", json!({ "aud": null })),
        ("another audience", json!({ "aud": "other" })),
        ("an empty list of audiences", json!({ "aud": [] })),
        ("other audiences", json!({ "aud": ["other", "tasks "] })),
        ("the audience of Better Auth's cookie cache", json!({ "aud": "better-auth:session-cache" })),
    ] {
        let token = good().claims(both.clone()).claims(members).token(ALICE);
        assert_refused(&api, why, &token, INVALID).await;
    }
}

#[tokio::test]
async fn key_decides_the_algorithm() {
    let api = Api::start_with_key_set().await;
    for key in Key::PUBLISHED {
        assert_accepted(&api, "a published key", &Signer::with(key).token(ALICE)).await;
    }
    let certificate = json!({ "x5c": ["MIIB"], "x5u": "http://127.0.0.1:1/certificate" });
    let token = Signer::with(Key::P256).token(ALICE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |part: &[u8]| [&[2, 33, 0], part].concat();
    let der = [vec![0x30, 70], integer(&raw[..32]), integer(&raw[32..])].concat();
    let tokens = [
        ("no key id", header_by(Key::Ed25519, json!({ "kid": null }))),
        ("an empty key id", header_by(Key::Ed25519, json!({ "kid": "" }))),
        ("another key's id", header_by(Key::Ed25519, json!({ "kid": "ec" }))),
        ("a key id in upper case", header_by(Key::Ed25519, json!({ "kid": "ED" }))),
        ("another key with the same id", Signer::with(Key::OtherEd25519).token(ALICE)),
        ("another RSA key with the same id", Signer::with(Key::OtherRs256).token(ALICE)),
        ("the public key as a secret", Signer::with(Key::PublicKeyAsSecret).token(ALICE)),
        ("the public key as a secret, with alg EdDSA", header_by(Key::PublicKeyAsSecret, json!({ "alg": "EdDSA" }))),
        ("the algorithm none", header_by(Key::Ed25519, json!({ "alg": "none" }))),
        ("the shared secret's algorithm", header_by(Key::Secret, json!({ "kid": "ed" }))),
        ("another algorithm for the same kind of key", header_by(Key::Ps256, json!({ "kid": "rs" }))),
        ("the right key with another algorithm's name", header_by(Key::Rs256, json!({ "alg": "PS256" }))),
        ("a longer hash", header_by(Key::Rs256, json!({ "alg": "RS512" }))),
        ("another issuer", claims_by(Key::Ed25519, json!({ "iss": "https://evil.example" }))),
        ("no issuer", claims_by(Key::Ed25519, json!({ "iss": null }))),
        ("another audience", claims_by(Key::Ed25519, json!({ "aud": "other" }))),
        ("no audience", claims_by(Key::Ed25519, json!({ "aud": null }))),
        ("a key in the header", header_by(Key::OtherEd25519, json!({ "jwk": Signer::key_set()["keys"][0] }))),
        ("a key set URL in the header", header_by(Key::OtherEd25519, json!({ "jku": "http://127.0.0.1:1/jwks" }))),
        ("a certificate in the header", header_by(Key::OtherRs256, certificate)),
        ("a signature in DER", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(der))),
        ("a signature of zeros, which Java once accepted", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64]))),
    ];
    assert_all_refused(&api, tokens).await;
    let expired = claims_by(Key::Ed25519, json!({ "exp": now() - 60 }));
    assert_refused(&api, "expired", &expired, EXPIRED).await;
}

#[tokio::test]
async fn missing_keys_make_the_api_unavailable() {
    let nowhere = ("JWKS_URL", "http://127.0.0.1:1/jwks");
    let api = Api::start_with(&[("BETTER_AUTH_URL", ISSUER), nowhere]).await;
    let token = Signer::with(Key::Ed25519).token(ALICE);
    for operation in Operation::ALL {
        let answer = api.call(operation, &Event::anonymous(ALICE).bearer(&token)).await;
        assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{operation:?}");
        let retry_after: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=4).contains(&retry_after), "{operation:?}: {retry_after}");
        assert!(!answer.headers.contains_key("www-authenticate"), "{operation:?}");
    }
    assert_eq!(api.wire.take(), []);
}

#[tokio::test]
async fn missing_token_challenge_names_no_error() {
    let api = Api::start().await;
    let token = good().token(ALICE);
    let (bare, form) = (Event::anonymous(ALICE), format!("access_token={token}"));
    for (why, event) in [
        ("no field", bare.clone()),
        ("an empty field", bare.clone().header("authorization", "")),
        ("another scheme", bare.clone().header("authorization", "Basic YWxpY2U6c2VjcmV0")),
        ("no scheme", bare.clone().header("authorization", &token)),
        ("no token", bare.clone().header("authorization", "Bearer")),
        ("a token in a cookie", bare.clone().header("cookie", &format!("better-auth.session_token={token}"))),
        ("a token in another field", bare.clone().header("x-authorization", &format!("Bearer {token}"))),
        ("a token in the query", bare.clone().query(&[("access_token", &token), ("token", &token)])),
        ("a token in the body", bare.clone().body("application/x-www-form-urlencoded", &form)),
    ] {
        for operation in Operation::ALL {
            let answer = api.call(operation, &event).await;
            assert_eq!((answer.status, answer.code()), (401, "token_missing"), "{why}, at {operation:?}");
            assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="tasks""#, "{why}, at {operation:?}");
        }
    }
    assert_eq!(api.wire.take(), []);
}

#[tokio::test]
async fn authorization_field_holds_one_token() {
    let api = Api::start().await;
    let token = good().token(ALICE);
    for field in [format!("bearer {token}"), format!("BEARER   {token}"), format!("Bearer {token} ")] {
        let answer = api.call(Operation::ListTasks, &Event::anonymous(ALICE).header("Authorization", &field)).await;
        assert_eq!(answer.status, 200, "{field}");
    }
    for field in [
        format!("Bearer {token} x"),
        format!("Bearer {token},"),
        // As API Gateway joins two fields.
        format!("Bearer {token},Bearer {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}\u{e4}"),
    ] {
        let answer = api.call(Operation::ListTasks, &Event::anonymous(ALICE).header("authorization", &field)).await;
        assert_eq!((answer.status, answer.code()), (401, "token_invalid"), "{field}");
    }
}
