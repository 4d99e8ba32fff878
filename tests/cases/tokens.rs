//! Tokens that must be rejected: each by every function, before any request to DynamoDB.

pub(crate) mod bad;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::{ALICE, Api, Event, ISSUER, Key, Operation, SECRET, Signer, now};

use self::bad::bad_tokens;

const INVALID: &str = "token_invalid";
const EXPIRED: &str = "token_expired";

/// Sends the token to every function and expects the same 401 from each.
async fn assert_refused(api: &Api, why: &str, token: &str, code: &str) {
    api.wire.take();
    for operation in Operation::of_a_user() {
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

/// Expects 401 for all bad tokens of a kind.
async fn assert_all_refused(api: &Api, kind: &str, signer: impl Fn(Key) -> Signer) {
    for (why, token) in bad_tokens(kind, signer) {
        assert_refused(api, &why, &token, INVALID).await;
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

/// A token that this key signed, with other claims.
fn claims_by(key: Key, members: Value) -> String {
    Signer::with(key).claims(members).token(ALICE)
}

fn header(members: Value) -> String {
    good().header(members).token(ALICE)
}

fn claims(members: Value) -> String {
    claims_by(Key::Secret, members)
}

/// Signs this payload with a valid header.
fn payload(payload: &str) -> String {
    good().sign(r#"{"alg":"HS256"}"#, payload)
}

#[tokio::test]
async fn table_has_over_a_hundred_bad_tokens() {
    let kinds = ["malformed", "headers", "claims", "forged"];
    assert!(kinds.map(|kind| bad_tokens(kind, Signer::with).len()).iter().sum::<usize>() >= 106);
}

#[tokio::test]
async fn malformed_token_is_refused_everywhere() {
    let api = Api::start().await;
    assert_all_refused(&api, "malformed", Signer::with).await;
}

#[tokio::test]
async fn token_with_a_bad_header_is_refused_everywhere() {
    let api = lenient().await;
    assert_all_refused(&api, "headers", Signer::with).await;
}

#[tokio::test]
async fn token_with_bad_claims_is_refused_everywhere() {
    let api = lenient().await;
    assert_all_refused(&api, "claims", Signer::with).await;
}

#[tokio::test]
async fn forged_token_is_refused_everywhere() {
    let api = Api::start().await;
    assert_all_refused(&api, "forged", Signer::with).await;
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
    assert_all_refused(&api, "of another issuer or audience", |key| Signer::with(key).claims(both.clone())).await;
}

#[tokio::test]
async fn key_decides_the_algorithm() {
    let api = Api::start_with_key_set().await;
    for key in Key::PUBLISHED {
        assert_accepted(&api, "a published key", &Signer::with(key).token(ALICE)).await;
    }
    assert_all_refused(&api, "of a key set", Signer::with).await;
    let token = Signer::with(Key::P256).token(ALICE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |part: &[u8]| [&[2, 33, 0], part].concat();
    let der = [vec![0x30, 70], integer(&raw[..32]), integer(&raw[32..])].concat();
    let with_key = Signer::with(Key::OtherEd25519).header(json!({ "jwk": Signer::key_set()["keys"][0] }));
    for (why, token) in [
        ("a key in the header", with_key.token(ALICE)),
        ("a signature in DER", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(der))),
        ("a signature of zeros, which Java once accepted", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64]))),
    ] {
        assert_refused(&api, why, &token, INVALID).await;
    }
    let expired = claims_by(Key::Ed25519, json!({ "exp": now() - 60 }));
    assert_refused(&api, "expired", &expired, EXPIRED).await;
}

#[tokio::test]
async fn missing_keys_make_the_api_unavailable() {
    let nowhere = ("JWKS_URL", "http://127.0.0.1:1/jwks");
    let api = Api::start_with(&[("BETTER_AUTH_URL", ISSUER), nowhere]).await;
    let token = Signer::with(Key::Ed25519).token(ALICE);
    for operation in Operation::of_a_user() {
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
        for operation in Operation::of_a_user() {
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
