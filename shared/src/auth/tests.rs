//! The verifier against tokens that Better Auth issued and tokens that are made for the moment, and the key set, with a clock
//! that can be set, against an issuer that misbehaves.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use signer::{ISSUER, Key, PrivateKey, SECRET, Signer, now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::aws::Access;
use crate::environment::{InvalidSetting, Variables};
use crate::signals::{captured, recorded};

/// When most fixtures were issued, and a minute.
const NOW: Duration = Duration::from_secs(1_795_219_200);
/// For the fixtures, most of which live for fifty years.
const CENTURY: (&str, &str) = ("TOKEN_MAX_LIFETIME_SECONDS", "3155760000");

thread_local! {
    static CLOCK: Cell<Duration> = const { Cell::new(NOW) };
}

fn clock() -> SystemTime {
    UNIX_EPOCH + CLOCK.get()
}

fn wait(seconds: u64) {
    wait_for(Duration::from_secs(seconds));
}

fn wait_for(time: Duration) {
    CLOCK.set(CLOCK.get() + time);
}

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/better-auth");
    let file = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .find(|entry| entry.file_name().to_str().unwrap().starts_with(&format!("{name}-")))
        .unwrap_or_else(|| panic!("no fixture {name}"));
    serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap()
}

fn settings(variables: &[(&str, &str)]) -> Result<AuthSettings, InvalidSetting> {
    let variables: HashMap<_, _> = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    AuthSettings::read(&Variables::new(&|name| variables.get(name).cloned()), &Access::new("eu-central-1", "x", "x"))
}

fn verifier(variables: &[(&str, &str)]) -> TokenVerifier {
    with_clock(settings(variables).unwrap())
}

fn with_clock(settings: AuthSettings) -> TokenVerifier {
    let connector = settings.connector();
    TokenVerifier::with_clock(settings, &connector, clock)
}

/// A verifier for the tokens of a [`Signer`].
fn verifier_with_secret(more: &[(&str, &str)]) -> TokenVerifier {
    let secret = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", ISSUER), ("TOKEN_AUDIENCE", ISSUER)];
    verifier(&[&secret, more].concat())
}

/// A verifier in the mode that the fixture is meant for, with the fixture's secret, or its keys given by the settings.
fn verifier_for(fixture: &Value) -> TokenVerifier {
    let issuer = fixture["expect"]["iss"].as_str().unwrap_or("any");
    let audience = match &fixture["expect"]["aud"] {
        Value::Array(audiences) => audiences[0].as_str().unwrap(),
        audience => audience.as_str().unwrap_or("any"),
    };
    let claims = [("TOKEN_ISSUER", issuer), ("TOKEN_AUDIENCE", audience), CENTURY];
    match &fixture["jwks"] {
        Value::Null => {
            verifier(&[&claims[..], &[("BETTER_AUTH_SECRET", fixture["secret"].as_str().unwrap())]].concat())
        }
        // Nobody listens there: the keys that are configured have to do.
        keys => {
            let keys = keys.to_string();
            let url = [("BETTER_AUTH_URL", issuer), ("JWKS_URL", "http://127.0.0.1:1/jwks"), ("JWKS", keys.as_str())];
            verifier(&[&claims[..], &url].concat())
        }
    }
}

#[tokio::test]
async fn better_auth_tokens_are_accepted() {
    let accepted = ["01b", "03b", "04", "05", "07", "08", "09", "10"];
    for name in accepted {
        let fixture = fixture(name);
        let user = verifier_for(&fixture).verify(fixture["token"].as_str().unwrap()).await;
        assert_eq!(user.expect(name).id(), fixture["expect"]["sub"].as_str().unwrap(), "{name}");
    }
}

#[tokio::test]
async fn tokens_of_better_auth_expire() {
    // As they were issued, for a quarter of an hour that is over.
    for name in ["01", "03"] {
        let fixture = fixture(name);
        let error = verifier_for(&fixture).verify(fixture["token"].as_str().unwrap()).await.unwrap_err();
        assert_eq!(error, AuthError::Expired, "{name}");
    }
}

#[tokio::test]
async fn better_auth_tokens_of_other_purposes_are_refused() {
    for (name, reason) in [
        ("02", AuthError::BadSubject),
        ("02b", AuthError::BadSubject),
        ("90", AuthError::BadSubject),
        ("91", AuthError::WrongType),
    ] {
        let fixture = fixture(name);
        let error = verifier_for(&fixture).verify(fixture["token"].as_str().unwrap()).await.unwrap_err();
        assert_eq!(error, reason, "{name}");
    }
}

#[test]
fn es512_only_key_set_is_refused_at_start() {
    let jwks = keys("06");
    let error = settings(&[("BETTER_AUTH_URL", "https://app.example"), ("JWKS", &jwks)]).unwrap_err();
    assert_eq!(error.to_string(), "JWKS must be a JSON Web Key Set with a key that can be used");
}

#[tokio::test]
async fn es512_token_is_refused() {
    let (es512, eddsa) = (fixture("06"), fixture("01b"));
    let keys = json!({"keys": [es512["jwks"]["keys"][0], eddsa["jwks"]["keys"][0]]}).to_string();
    let issuer = Issuer::start().await;
    issuer.answers(200, &keys);
    let verifier = issuer.verifier(&[]);
    // `jsonwebtoken` does not know the name.
    assert_eq!(verifier.verify(es512["token"].as_str().unwrap()).await.unwrap_err(), AuthError::WrongAlgorithm);
    verifier.verify(eddsa["token"].as_str().unwrap()).await.unwrap();
}

/// What becomes of a token whose claims are made for this very second.
async fn verify_at_once(verifier: &TokenVerifier, claims: impl Fn(u64) -> Value) -> Result<(), AuthError> {
    loop {
        let second = now();
        let token = Signer::default().claims(claims(second)).token("1");
        let result = verifier.verify(&token).await.map(drop);
        if now() == second {
            return result;
        }
    }
}

#[tokio::test]
async fn token_lifetime_has_fifteen_seconds_of_leeway() {
    let verifier = verifier_with_secret(&[]);
    let issued = |seconds| verify_at_once(&verifier, move |now| json!({ "iat": now + seconds }));
    assert_eq!(issued(15).await, Ok(()));
    assert_eq!(issued(16).await, Err(AuthError::IssuedInFuture));
    let begins = |seconds| verify_at_once(&verifier, move |now| json!({ "nbf": now + seconds }));
    assert_eq!(begins(15).await, Ok(()));
    assert_eq!(begins(16).await, Err(AuthError::NotYetValid));
    let expired = |seconds| verify_at_once(&verifier, move |now| json!({ "exp": now - seconds }));
    assert_eq!(expired(15).await, Ok(()));
    assert_eq!(expired(16).await, Err(AuthError::Expired));
}

#[tokio::test]
async fn token_lives_no_longer_than_the_setting_says() {
    const WEEK: u64 = 7 * 24 * 60 * 60;
    for (setting, maximum) in [(&[][..], WEEK), (&[("TOKEN_MAX_LIFETIME_SECONDS", "900")], 900)] {
        let verifier = verifier_with_secret(setting);
        let lives = |seconds| verify_at_once(&verifier, move |now| json!({ "exp": now + seconds }));
        assert_eq!(lives(maximum + 15).await, Ok(()));
        let too_long = AuthError::LifetimeTooLong { maximum: Duration::from_secs(maximum) };
        assert_eq!(lives(maximum + 16).await, Err(too_long));
        // The year 3000.
        assert_eq!(verify_at_once(&verifier, |_| json!({ "exp": 32_503_680_000_u64 })).await, Err(too_long));
    }
}

#[tokio::test]
async fn expiry_is_told_only_of_valid_tokens() {
    let verifier = verifier_with_secret(&[]);
    for (wrong, reason) in [
        (json!({}), AuthError::Expired),
        (json!({ "sub": "me" }), AuthError::BadSubject),
        (json!({ "iss": "https://evil.example" }), AuthError::WrongIssuer),
        (json!({ "iss": null }), AuthError::WrongIssuer),
        (json!({ "aud": "other" }), AuthError::WrongAudience),
        (json!({ "aud": null }), AuthError::WrongAudience),
        (json!({ "nbf": now() + 60 }), AuthError::NotYetValid),
        (json!({ "iat": now() + 60 }), AuthError::IssuedInFuture),
    ] {
        let token = Signer::default().claims(json!({ "exp": now() - 60 })).claims(wrong.clone()).token("1");
        assert_eq!(verifier.verify(&token).await.unwrap_err(), reason, "{wrong}");
    }
    let forged = Signer::with(Key::OtherSecret).claims(json!({ "exp": now() - 60 })).token("1");
    assert_eq!(verifier.verify(&forged).await.unwrap_err(), AuthError::BadSignature);
}

/// A token that is valid but for these claims, signed with this secret.
fn signed_with(secret: &str, claims: Value) -> String {
    let claims = Signer::default().claims(claims).claims(json!({ "sub": "1" })).claims;
    PrivateKey::from_secret(secret.as_bytes()).sign(r#"{"alg":"HS256"}"#, Value::Object(claims).to_string())
}

#[tokio::test]
async fn previous_secret_is_accepted_during_rotation() {
    const PREVIOUS: &str = "the secret of before, of more than thirty-two bytes";
    let before = |claims| signed_with(PREVIOUS, claims);
    let verifier = verifier_with_secret(&[("BETTER_AUTH_SECRET_PREVIOUS", PREVIOUS)]);
    verifier.verify(&before(json!({}))).await.unwrap();
    verifier.verify(&Signer::default().token("1")).await.unwrap();
    let refused = verifier.verify(&Signer::with(Key::OtherSecret).token("1")).await.unwrap_err();
    assert_eq!(refused, AuthError::BadSignature);
    assert_eq!(verifier.verify(&before(json!({ "exp": 0 }))).await.unwrap_err(), AuthError::Expired);
    assert_eq!(verifier.verify(&before(json!({ "aud": "other" }))).await.unwrap_err(), AuthError::WrongAudience);

    let after = verifier_with_secret(&[]);
    assert_eq!(after.verify(&before(json!({}))).await.unwrap_err(), AuthError::BadSignature);
}

#[test]
fn disabled_check_is_a_warning_at_start() {
    let start = |issuer, audience| {
        let variables = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", issuer), ("TOKEN_AUDIENCE", audience)];
        captured(|| drop(verifier(&variables))).1
    };
    assert_eq!(start("i", "a"), "");
    for (log, named) in [(start("any", "a"), "TOKEN_ISSUER"), (start("i", "any"), "TOKEN_AUDIENCE")] {
        assert!(log.contains("WARN") && log.contains(named) && log.lines().count() == 1, "{log}");
    }
}

#[tokio::test]
async fn subject_is_a_user_id_that_has_one_spelling() {
    let verifier = verifier_with_secret(&[]);
    for subject in [
        "1",
        "69I6ffNKbVwizSEqWAS7F5mdjBXr92R6",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "auth0|a.b@c",
        &"a".repeat(128),
    ] {
        assert_eq!(verifier.verify(&Signer::default().token(subject)).await.unwrap().id(), subject);
    }
    for subject in ["", "me", ".", "..", "a b", "a/b", "a%62", "a#b", "ä", "a\n", "\0", &"a".repeat(129)] {
        let error = verifier.verify(&Signer::default().token(subject)).await.unwrap_err();
        assert_eq!(error, AuthError::BadSubject, "{subject:?}");
    }
}

#[tokio::test]
async fn audience_may_be_written_with_escapes() {
    let verifier = verifier_with_secret(&[("TOKEN_AUDIENCE", "tasks")]);
    for audience in [r#""\u0074asks""#, r#"["\u0074asks"]"#, r#""tasks""#] {
        let payload = format!(r#"{{"sub":"1","exp":{},"iss":"{ISSUER}","aud":{audience}}}"#, now() + 60);
        let token = Signer::default().sign(r#"{"alg":"HS256"}"#, &payload);
        assert_eq!(verifier.verify(&token).await.unwrap().id(), "1", "{audience}");
    }
}

#[tokio::test]
async fn unchecked_issuer_and_audience_have_their_types() {
    let any = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", "any"), ("TOKEN_AUDIENCE", "any")];
    let verifier = verifier(&any);
    for claims in [json!({ "aud": "x" }), json!({ "aud": [] }), json!({ "aud": ["x", "y"] }), json!({ "iss": "x" })] {
        let token = Signer::default().claims(claims.clone()).token("1");
        assert_eq!(verifier.verify(&token).await.unwrap().id(), "1", "{claims}");
    }
    for claims in [
        json!({ "aud": 1 }),
        json!({ "aud": ["x", 1] }),
        json!({ "aud": [["x"]] }),
        json!({ "aud": { "x": "y" } }),
        json!({ "iss": 1 }),
        json!({ "iss": ["x"] }),
    ] {
        let token = Signer::default().claims(claims.clone()).token("1");
        let error = verifier.verify(&token).await.unwrap_err();
        assert_eq!(error, AuthError::Malformed(Malformed::Content), "{claims}");
    }
}

#[tokio::test]
async fn errors_describe_themselves_for_the_log() {
    let verifier = verifier_with_secret(&[]);
    let good = Signer::default;
    let payload = |payload: &str| good().sign(r#"{"alg":"HS256"}"#, payload);
    let whole = json!({ "sub": "1", "iat": now(), "exp": now() + 60, "iss": ISSUER, "aud": ISSUER }).to_string();
    verifier.verify(&payload(&whole)).await.unwrap();
    for (token, reason) in [
        (good().header(json!({ "crit": [] })).token("1"), AuthError::UnsupportedHeader { member: "crit" }),
        (
            good().header(json!({ "zip": "DEF", "b64": true })).token("1"),
            AuthError::UnsupportedHeader { member: "b64" },
        ),
        (good().header(json!({ "typ": "at+jwt" })).token("1"), AuthError::WrongType),
        (good().header(json!({ "alg": "none" })).token("1"), AuthError::WrongAlgorithm),
        (good().header(json!({ "alg": null })).token("1"), AuthError::WrongAlgorithm),
        (good().header(json!({ "alg": "HS384" })).token("1"), AuthError::WrongAlgorithm),
        (good().header(json!({ "alg": "RS256" })).token("1"), AuthError::WrongAlgorithm),
        (good().header(json!({ "alg": { "HS256": null } })).token("1"), AuthError::Malformed(Malformed::Header)),
        (good().header(json!({ "kid": 1 })).token("1"), AuthError::Malformed(Malformed::Header)),
        (good().header(json!({ "jku": 1 })).token("1"), AuthError::Malformed(Malformed::Content)),
        (payload("x"), AuthError::Malformed(Malformed::Content)),
        (payload(&whole.replacen('{', r#"{"nbf":null,"#, 1)), AuthError::Malformed(Malformed::Content)),
        (good().claims(json!({ "exp": null })).token("1"), AuthError::BadTime),
        (good().claims(json!({ "exp": -1 })).token("1"), AuthError::BadTime),
        (good().claims(json!({ "nbf": -1 })).token("1"), AuthError::BadTime),
        (payload(&json!({ "exp": now() + 60, "iss": ISSUER, "aud": ISSUER }).to_string()), AuthError::BadSubject),
        (good().claims(json!({ "iss": "x" })).token("1"), AuthError::WrongIssuer),
        (good().claims(json!({ "aud": ["x"] })).token("1"), AuthError::WrongAudience),
        (good().sign_segments("eyJhbGciOiJIUzI1NiJ9", "x!"), AuthError::Malformed(Malformed::Encoding)),
        (good().sign_segments("x!", "e30"), AuthError::Malformed(Malformed::Encoding)),
    ] {
        assert_eq!(verifier.verify(&token).await.unwrap_err(), reason);
        assert!(!reason.to_string().is_empty());
    }
    let text = AuthError::LifetimeTooLong { maximum: Duration::from_secs(900) }.to_string();
    assert_eq!(text, "the token expires more than 900 seconds from now");
    let text = AuthError::KeysUnavailable { retry_after: Duration::from_millis(1500) }.to_string();
    assert_eq!(text, "there are no keys; the next fetch is due in 2 seconds");
    assert_eq!(AuthError::Expired.to_string(), "the token has expired");
}

#[test]
fn token_has_three_segments() {
    for text in ["", "a", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b.", "..", "a.b..c"] {
        let error = UnverifiedToken::parse(text, 8192).err();
        assert_eq!(error, Some(AuthError::Malformed(Malformed::Segments)), "{text}");
    }
}

#[test]
fn token_length_is_bounded_to_the_byte() {
    let token = token("03b");
    assert!(UnverifiedToken::parse(&token, token.len()).is_ok());
    let maximum = token.len() - 1;
    let error = UnverifiedToken::parse(&token, maximum).err();
    assert_eq!(error, Some(AuthError::Malformed(Malformed::TooLong { maximum })));
    assert_eq!(settings(&[("BETTER_AUTH_URL", "https://app.example")]).unwrap().max_token_bytes, 8192);
}

#[test]
fn key_id_has_at_most_256_bytes() {
    let parse = |length: usize| {
        let header = json!({"alg": "EdDSA", "kid": "x".repeat(length)}).to_string();
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        UnverifiedToken::parse(&token, 8192).map(|token| token.key_id().map(str::len))
    };
    assert_eq!(parse(256), Ok(Ok(256)));
    assert_eq!(parse(257), Err(AuthError::Malformed(Malformed::KeyId)));
}

#[test]
fn type_is_that_of_a_token_in_any_case() {
    let parse = |header: Value| {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header.to_string()));
        UnverifiedToken::parse(&token, 8192).map(drop)
    };
    assert_eq!(parse(json!({ "alg": "EdDSA" })), Ok(()));
    for accepted in ["JWT", "jwt", "Jwt", "application/jwt", "application/JWT", "Application/Jwt"] {
        assert_eq!(parse(json!({ "alg": "EdDSA", "typ": accepted })), Ok(()), "{accepted}");
    }
    for refused in ["", "at+jwt", "logout+jwt", "application/at+jwt", "JWT ", "application/", "jwt;x=y"] {
        assert_eq!(parse(json!({ "alg": "EdDSA", "typ": refused })), Err(AuthError::WrongType), "{refused}");
    }
}

#[tokio::test]
async fn debug_output_has_no_secret() {
    const PREVIOUS: &str = "the secret of before, of more than thirty-two bytes";
    let secrets = [
        ("BETTER_AUTH_SECRET", SECRET),
        ("BETTER_AUTH_SECRET_PREVIOUS", PREVIOUS),
        ("TOKEN_ISSUER", "i"),
        ("TOKEN_AUDIENCE", "a"),
    ];
    let is_secret = |text: &str| text.contains(SECRET) || text.contains(PREVIOUS);
    let (_store, stored) = secrets_manager(&json!({ "current": SECRET, "previous": PREVIOUS }).to_string()).await;
    stored.warm_up().await;
    for (verifier, algorithm) in
        [(verifier(&secrets), "HS256"), (stored, "HS256"), (verifier_for(&fixture("01b")), "EdDSA")]
    {
        let text = format!("{verifier:?}");
        assert!(text.contains(&format!("algorithms: [{algorithm}]")) && !is_secret(&text), "{text}");
    }
    let elsewhere = [("BETTER_AUTH_SECRET_ARN", ARN), ("TOKEN_ISSUER", "i"), ("TOKEN_AUDIENCE", "a")];
    for (variables, expected) in [
        (&secrets[..], "SharedSecret"),
        (&elsewhere, "StoredSecret { secret: StoredSecret { arn: "),
        (&[("BETTER_AUTH_URL", "https://app.example")], "KeySet { url: \"https://app.example/api/auth/jwks\", .. }"),
    ] {
        let text = format!("{:?}", settings(variables).unwrap());
        assert!(text.contains(expected) && !is_secret(&text), "{text}");
    }
}

/// An issuer that answers what it is told, and counts.
struct Issuer {
    url: String,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        Self::asked_for(&["GET /api/auth/jwks HTTP/1.1\r\n"]).await
    }

    /// Every request has these parts, in lower case but for its first line.
    async fn asked_for(parts: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answer, requests) = (Arc::new(Mutex::new(None::<Vec<u8>>)), Arc::new(AtomicUsize::new(0)));
        let issuer = Self { url, answer: Arc::clone(&answer), requests: Arc::clone(&requests) };
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let read = stream.read(&mut request).await.unwrap();
                    let request = str::from_utf8(&request[..read]).unwrap();
                    assert!(parts.iter().all(|part| request.contains(part)), "{request}");
                    requests.fetch_add(1, Ordering::SeqCst);
                    let answer = answer.lock().unwrap().clone();
                    match answer {
                        Some(answer) => stream.write_all(&answer).await.unwrap_or_default(),
                        None => tokio::time::sleep(Duration::from_secs(60)).await,
                    }
                });
            }
        });
        issuer
    }

    fn answers(&self, status: u16, body: &str) {
        let head = format!(
            "HTTP/1.1 {status} x\r\nlocation: {}/elsewhere\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.url,
            body.len()
        );
        *self.answer.lock().unwrap() = Some((head + body).into_bytes());
    }

    fn hangs(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Holds this text as the current version of the secret.
    fn holds(&self, text: &str) {
        let id = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111";
        let answer = json!({
            "ARN": ARN, "CreatedDate": 1.8e9, "Name": "daylist", "SecretString": text, "VersionId": id,
            "VersionStages": ["AWSCURRENT"],
        });
        self.answers(200, &answer.to_string());
    }

    /// Publishes the key of this fixture.
    fn publishes(&self, name: &str) {
        self.answers(200, &keys(name));
    }

    fn settings(&self, more: &[(&str, &str)]) -> AuthSettings {
        let issuer = [
            ("BETTER_AUTH_URL", self.url.as_str()),
            ("TOKEN_ISSUER", "http://127.0.0.1:4100"),
            ("TOKEN_AUDIENCE", "http://127.0.0.1:4100"),
            CENTURY,
        ];
        settings(&[&issuer, more].concat()).unwrap()
    }

    fn verifier(&self, more: &[(&str, &str)]) -> TokenVerifier {
        with_clock(self.settings(more))
    }
}

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:daylist-AbCdEf";

/// A Secrets Manager that holds this, and a verifier that reads it.
async fn secrets_manager(holds: &str) -> (Issuer, TokenVerifier) {
    let store = Issuer::asked_for(&[
        "POST / HTTP/1.1\r\n",
        "\r\nx-amz-target: secretsmanager.GetSecretValue\r\n",
        "\r\ncontent-type: application/x-amz-json-1.1\r\n",
        "/eu-central-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, ",
        "\r\n\r\n{\"SecretId\":\"arn:aws:secretsmanager:eu-central-1:123456789012:secret:daylist-AbCdEf\"}",
    ])
    .await;
    store.holds(holds);
    let stored = [("BETTER_AUTH_SECRET_ARN", ARN), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", store.url.as_str())];
    let verifier = verifier(&[&stored[..], &[("TOKEN_ISSUER", ISSUER), ("TOKEN_AUDIENCE", ISSUER)]].concat());
    (store, verifier)
}

/// An issuer that publishes `published`, and a verifier that trusts it.
async fn issuer_of(published: &str) -> (Issuer, TokenVerifier) {
    let issuer = Issuer::start().await;
    issuer.publishes(published);
    let verifier = issuer.verifier(&[]);
    (issuer, verifier)
}

fn token(name: &str) -> String {
    fixture(name)["token"].as_str().unwrap().to_owned()
}

/// The key set of a fixture.
fn keys(name: &str) -> String {
    fixture(name)["jwks"].to_string()
}

/// How long until the keys are fetched again, which there are none of.
async fn keys_unavailable(verifier: &TokenVerifier) -> Duration {
    match verifier.verify(&token("01b")).await.unwrap_err() {
        AuthError::KeysUnavailable { retry_after } => retry_after,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn key_set_is_fetched_once_and_kept() {
    let (issuer, verifier) = issuer_of("01b").await;
    for _ in 0..5 {
        verifier.verify(&token("01b")).await.unwrap();
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn warming_up_fetches_the_key_set() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.warm_up().await;
    assert_eq!(issuer.requests(), 1);
    verifier.verify(&token("01b")).await.unwrap();
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn key_set_is_bounded_to_one_mebibyte() {
    let (issuer, verifier) = issuer_of("01b").await;
    let key_set = keys("01b");
    let padded = |bytes: usize| " ".repeat(bytes - key_set.len()) + &key_set;
    issuer.answers(200, &padded(1024 * 1024 + 1));
    keys_unavailable(&verifier).await;
    issuer.answers(200, &padded(1024 * 1024));
    wait(30);
    verifier.verify(&token("01b")).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_cool_down() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.warm_up().await;
    for _ in 0..100 {
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), AuthError::UnknownKey);
    }
    assert_eq!(issuer.requests(), 1);
    wait(30);
    for _ in 0..100 {
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), AuthError::UnknownKey);
    }
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn rotated_key_is_found_after_the_cool_down() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.publishes("04");
    assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), AuthError::UnknownKey);
    wait(30);
    verifier.verify(&token("04")).await.unwrap();
    assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey, "the old key is gone");
}

#[tokio::test]
async fn withdrawn_key_dies_at_the_maximum_age() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.publishes("04");
    wait(599);
    verifier.verify(&token("01b")).await.unwrap();
    wait(1);
    assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn failed_refresh_keeps_cached_keys() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    let huge = format!(r#"{{"padding":"{}","keys":[]}}"#, "x".repeat(1024 * 1024));
    for (status, body) in [
        (429, "slow down"),
        (500, ""),
        (302, ""),
        (404, ""),
        (204, ""),
        (200, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, r#"{"keys":{}}"#),
        (200, huge.as_str()),
    ] {
        issuer.answers(status, body);
        wait(600);
        verifier.verify(&token("01b")).await.unwrap();
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), AuthError::UnknownKey);
    }
    assert_eq!(issuer.requests(), 11, "one fetch a cool-down, failed ones counted, and no redirect followed");
}

#[tokio::test]
async fn hanging_issuer_costs_three_seconds_once() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.hangs();
    wait(600);
    let started = Instant::now();
    let token = token("01b");
    let (first, second, third) =
        tokio::join!(verifier.verify(&token), verifier.verify(&token), verifier.verify(&token));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert!((3..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn key_set_without_usable_keys_replaces_the_keys() {
    for set in [r#"{"keys":[]}"#, r#"{"keys":[null,1,"x",{},{"kty":"oct","k":"c2VjcmV0","kid":"1"}]}"#] {
        let (issuer, verifier) = issuer_of("01b").await;
        verifier.verify(&token("01b")).await.unwrap();
        issuer.answers(200, set);
        wait(600);
        assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey, "{set}");
        issuer.publishes("01b");
        wait(29);
        assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey, "{set}");
        wait(1);
        verifier.verify(&token("01b")).await.unwrap();
        assert_eq!(issuer.requests(), 3);
    }
}

#[tokio::test]
async fn stale_keys_are_dropped() {
    for (setting, staleness) in [(&[][..], 86_400), (&[("JWKS_MAX_STALE_SECONDS", "3600")], 3600)] {
        let issuer = Issuer::start().await;
        issuer.publishes("01b");
        let verifier = issuer.verifier(setting);
        verifier.warm_up().await;
        issuer.answers(500, "");
        wait(staleness - 1);
        verifier.verify(&token("01b")).await.unwrap();
        wait(1);
        assert!(keys_unavailable(&verifier).await <= Duration::from_secs(30));
        wait(29);
        assert!(keys_unavailable(&verifier).await <= Duration::from_secs(30));
        issuer.publishes("01b");
        wait(30);
        verifier.verify(&token("01b")).await.unwrap();
    }
}

#[tokio::test]
async fn pauses_are_short_again_after_a_success() {
    let (issuer, verifier) = issuer_of("01b").await;
    issuer.answers(429, "slow down");
    for _ in 0..4 {
        wait(30);
        keys_unavailable(&verifier).await;
    }
    wait(30);
    issuer.publishes("01b");
    verifier.verify(&token("01b")).await.unwrap();
    issuer.answers(429, "slow down");
    wait(86_400);
    assert!(keys_unavailable(&verifier).await <= Duration::from_secs(1));
}

#[tokio::test]
async fn failed_fetches_are_counted() {
    let (issuer, verifier) = issuer_of("01b").await;
    issuer.answers(500, "");
    let ((), record) = recorded(async {
        verifier.warm_up().await;
        wait(30);
        verifier.warm_up().await;
    })
    .await;
    assert_eq!(record.key_set_failures, 2);
}

#[tokio::test]
async fn pause_between_fetches_grows_without_keys() {
    let (issuer, verifier) = issuer_of("01b").await;
    issuer.answers(429, "slow down");
    verifier.warm_up().await;
    let mut pauses = Vec::new();
    for (fetches, longest) in (1..).zip([1, 2, 4, 8, 16].into_iter().chain([30; 16])) {
        let longest = Duration::from_secs(longest);
        for _ in 0..3 {
            let pause = keys_unavailable(&verifier).await;
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?} of {longest:?}");
        }
        assert_eq!(issuer.requests(), fetches, "failed fetches count");
        let pause = keys_unavailable(&verifier).await;
        pauses.push(pause);
        wait_for(pause - Duration::from_millis(1));
        assert_eq!(keys_unavailable(&verifier).await, Duration::from_millis(1));
        assert_eq!(issuer.requests(), fetches, "it is too soon");
        wait_for(Duration::from_millis(1));
        keys_unavailable(&verifier).await;
        assert_eq!(issuer.requests(), fetches + 1, "it is time");
    }
    pauses.dedup();
    assert!(pauses.len() > 10, "functions that started together come apart: {pauses:?}");
}

#[tokio::test]
async fn failed_first_fetch_costs_a_second() {
    let (issuer, verifier) = issuer_of("01b").await;
    issuer.answers(429, "slow down");
    verifier.warm_up().await;
    issuer.publishes("01b");
    keys_unavailable(&verifier).await;
    wait(1);
    verifier.verify(&token("01b")).await.unwrap();
    // From then on there are keys, and other pauses.
    issuer.answers(429, "slow down");
    for (seconds, fetches) in [(29, 2), (1, 3), (29, 3), (1, 4)] {
        wait(seconds);
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), AuthError::UnknownKey);
        assert_eq!(issuer.requests(), fetches);
    }
}

#[tokio::test]
async fn waiting_callers_share_a_failed_fetch() {
    let issuer = Issuer::start().await;
    let settings = issuer.settings(&[]);
    let connector = settings.connector();
    let verifier = TokenVerifier::new(settings, &connector);
    let verify = || keys_unavailable(&verifier);
    // It takes longer than the first pause.
    tokio::join!(verify(), verify(), verify());
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn concurrent_callers_share_a_fetch() {
    let (issuer, verifier) = issuer_of("01b").await;
    let token = token("01b");
    let verify = || verifier.verify(&token);
    let results = tokio::join!(verify(), verify(), verify(), verify());
    assert!(results.0.is_ok() && results.1.is_ok() && results.2.is_ok() && results.3.is_ok());
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn configured_keys_hold_until_the_issuer_answers() {
    for warm_up in [true, false] {
        let issuer = Issuer::start().await;
        issuer.answers(500, "");
        let verifier = issuer.verifier(&[("JWKS", &keys("01b"))]);
        if warm_up {
            verifier.warm_up().await;
            assert_eq!(issuer.requests(), 1);
        }
        verifier.verify(&token("01b")).await.unwrap();
        assert_eq!(issuer.requests(), 1);
        issuer.publishes("04");
        wait(29);
        verifier.verify(&token("01b")).await.unwrap();
        wait(1);
        assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey, "it was withdrawn");
        verifier.verify(&token("04")).await.unwrap();
        assert_eq!(issuer.requests(), 2);
    }
}

#[tokio::test]
async fn withdrawn_configured_key_is_refused() {
    for warm_up in [true, false] {
        let issuer = Issuer::start().await;
        issuer.publishes("04");
        let verifier = issuer.verifier(&[("JWKS", &keys("01b"))]);
        if warm_up {
            verifier.warm_up().await;
        }
        assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::UnknownKey);
        assert_eq!(issuer.requests(), 1);
    }
}

#[tokio::test]
async fn stale_configured_keys_are_dropped() {
    let issuer = Issuer::start().await;
    issuer.answers(500, "");
    let verifier = issuer.verifier(&[("JWKS", &keys("01b"))]);
    wait(86_399);
    verifier.verify(&token("01b")).await.unwrap();
    wait(1);
    keys_unavailable(&verifier).await;
}

#[tokio::test]
async fn clock_set_back_does_not_stop_refreshing() {
    let (issuer, verifier) = issuer_of("01b").await;
    wait(86_400);
    verifier.verify(&token("01b")).await.unwrap();
    CLOCK.set(NOW);
    issuer.publishes("04");
    verifier.verify(&token("04")).await.unwrap();
}

#[tokio::test]
async fn clock_set_back_keeps_the_keys() {
    let (issuer, verifier) = issuer_of("01b").await;
    wait(86_400);
    verifier.verify(&token("01b")).await.unwrap();
    CLOCK.set(NOW);
    issuer.answers(500, "");
    verifier.verify(&token("01b")).await.unwrap();
}

/// A secret after a rotation.
const NEXT: &str = "the secret of afterwards, of more than thirty-two bytes";

#[tokio::test]
async fn rotation_refuses_no_valid_token() {
    let (issuer, of_issuer) = issuer_of("01b").await;
    let both = json!({ "keys": [fixture("01b")["jwks"]["keys"][0], fixture("04")["jwks"]["keys"][0]] });
    let (store, of_store) = secrets_manager(SECRET).await;
    let pair = json!({ "current": NEXT, "previous": SECRET });
    let publish_keys = |keys: &str| issuer.answers(200, keys);
    let store_secret = |text: &str| store.holds(text);
    let ways = [
        (
            &of_issuer,
            &publish_keys as &dyn Fn(&str),
            [both.to_string(), keys("04")],
            [token("01b"), token("04")],
            AuthError::UnknownKey,
        ),
        (
            &of_store,
            &store_secret as &dyn Fn(&str),
            [pair.to_string(), NEXT.to_owned()],
            [SECRET, NEXT].map(|secret| signed_with(secret, json!({}))),
            AuthError::BadSignature,
        ),
    ];
    for (verifier, publish, [both, after], [old, new], refusal) in ways {
        verifier.warm_up().await;
        verifier.verify(&old).await.unwrap();
        publish(&both);
        // The issuer signs with the new key from half a minute later on.
        wait(29);
        verifier.verify(&old).await.unwrap();
        wait(1);
        for token in [&new, &old, &new] {
            verifier.verify(token).await.unwrap();
        }
        publish(&after);
        wait(599);
        verifier.verify(&old).await.unwrap();
        wait(1);
        assert_eq!(verifier.verify(&old).await.unwrap_err(), refusal, "it has died");
        verifier.verify(&new).await.unwrap();
    }
    assert_eq!((issuer.requests(), store.requests()), (3, 3));
}

#[tokio::test]
async fn start_after_a_withdrawal_refuses_the_old_secret() {
    let (_store, verifier) = secrets_manager(&json!({ "current": NEXT }).to_string()).await;
    let old = signed_with(SECRET, json!({}));
    assert_eq!(verifier.verify(&old).await.unwrap_err(), AuthError::BadSignature);
    verifier.verify(&signed_with(NEXT, json!({}))).await.unwrap();
}

#[tokio::test]
async fn unknown_signatures_cost_one_read_a_cool_down() {
    let (store, verifier) = secrets_manager(SECRET).await;
    let forged = Signer::with(Key::OtherSecret).token("1");
    for reads in 1..3 {
        for _ in 0..100 {
            assert_eq!(verifier.verify(&forged).await.unwrap_err(), AuthError::BadSignature);
        }
        assert_eq!(store.requests(), reads);
        wait(29);
        verifier.verify(&forged).await.unwrap_err();
        assert_eq!(store.requests(), reads);
        wait(1);
    }
    // What is signed by the secret but refused asks for nothing.
    let before = store.requests();
    for claims in [json!({ "aud": "other" }), json!({ "exp": 0 })] {
        verifier.verify(&signed_with(SECRET, claims)).await.unwrap_err();
    }
    verifier.verify(&Signer::default().header(json!({ "alg": "none" })).token("1")).await.unwrap_err();
    assert_eq!(store.requests(), before);
}

#[tokio::test]
async fn failed_read_keeps_the_secret_for_a_day() {
    let (store, verifier) = secrets_manager(SECRET).await;
    let good = signed_with(SECRET, json!({}));
    verifier.verify(&good).await.unwrap();
    for (status, body) in [
        (400, json!({ "__type": "AccessDeniedException", "Message": "no" })),
        (400, json!({ "__type": "AccessDeniedException", "SecretString": NEXT })),
        (500, json!({ "__type": "InternalServiceError" })),
        (200, json!({ "SecretBinary": "c2VjcmV0" })),
        (200, json!({ "SecretString": "short" })),
        (200, json!({ "SecretString": { "current": NEXT } })),
        (200, json!({ "SecretString": "x".repeat(16 * 1024) })),
        (200, json!("<html>")),
    ] {
        store.answers(status, &body.to_string());
        wait(600);
        verifier.verify(&good).await.unwrap();
        assert_eq!(verifier.verify(&signed_with(NEXT, json!({}))).await.unwrap_err(), AuthError::BadSignature);
    }
    assert_eq!(store.requests(), 9, "one read a cool-down, failed ones counted");
    wait(86_400 - 8 * 600 - 1);
    verifier.verify(&good).await.unwrap();
    wait(1);
    assert!(matches!(verifier.verify(&good).await.unwrap_err(), AuthError::KeysUnavailable { .. }));
    store.holds(SECRET);
    wait(30);
    verifier.verify(&good).await.unwrap();
}

#[test]
fn failed_read_is_logged_without_the_secret() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (holds, cause) in [
        ("CANARY", "current must be at least 32 bytes long"),
        (
            r#"{"current":"CANARY-0123456789-0123456789-0123456789","prev":""}"#,
            "the secret is JSON, but has other members",
        ),
    ] {
        let ((), log) = captured(|| {
            runtime.block_on(async {
                let (_store, verifier) = secrets_manager(holds).await;
                verifier.warm_up().await;
                let error = verifier.verify(&signed_with(SECRET, json!({}))).await.unwrap_err();
                assert!(matches!(error, AuthError::KeysUnavailable { .. }));
            });
        });
        assert!(
            log.contains("WARN") && log.contains("source=\"BETTER_AUTH_SECRET_ARN\"") && log.contains(cause),
            "{log}"
        );
        assert!(!log.contains("CANARY") && !log.contains(ARN), "{log}");
    }
}

#[test]
fn failed_fetch_is_logged_with_its_url_and_cause() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, log) = captured(|| {
        runtime.block_on(async {
            let issuer = Issuer::start().await;
            issuer.answers(500, "");
            issuer.verifier(&[]).warm_up().await;
            issuer.url
        })
    });
    let source = format!("source=\"{url}/api/auth/jwks\"");
    assert!(log.contains("WARN") && log.contains(&source) && log.contains("the answer has status 500"), "{log}");
}

#[tokio::test]
async fn first_token_of_a_new_secret_ends_the_old_one() {
    let (store, verifier) = secrets_manager(SECRET).await;
    let [old, new] = [SECRET, NEXT].map(|secret| signed_with(secret, json!({})));
    verifier.verify(&old).await.unwrap();
    store.holds(NEXT);
    wait(29);
    assert_eq!(verifier.verify(&new).await.unwrap_err(), AuthError::BadSignature, "the last read is too recent");
    verifier.verify(&old).await.unwrap();
    wait(1);
    verifier.verify(&new).await.unwrap();
    assert_eq!(verifier.verify(&old).await.unwrap_err(), AuthError::BadSignature);
    assert_eq!(store.requests(), 2);
}

#[tokio::test]
async fn keys_are_needed_before_the_first_answer() {
    let issuer = Issuer::start().await;
    issuer.answers(500, "");
    keys_unavailable(&issuer.verifier(&[])).await;
}

#[tokio::test]
async fn stored_secret_is_bounded_to_sixteen_kibibytes() {
    let long = "x".repeat(15 * 1024);
    let (store, verifier) = secrets_manager(&long).await;
    verifier.verify(&signed_with(&long, json!({}))).await.unwrap();
    let longer = "x".repeat(16 * 1024);
    store.holds(&longer);
    wait(600);
    verifier.verify(&signed_with(&longer, json!({}))).await.unwrap_err();
    verifier.verify(&signed_with(&long, json!({}))).await.unwrap();
}

#[tokio::test]
async fn access_ends_for_tokens_from_before() {
    let verifier = verifier_with_secret(&[]);
    let issued = now() - 60;
    for (iat, not_before, is_accepted) in [
        (json!(issued), None, true),
        (json!(null), None, true),
        (json!(issued), Some(0.0), true),
        (json!(issued), Some(issued as f64), true),
        (json!(issued), Some(issued as f64 + 0.5), false),
        (json!(null), Some(0.0), false),
    ] {
        let token = Signer::default().claims(json!({ "iat": iat })).token("1");
        let user = verifier.verify(&token).await.unwrap().issued_since(not_before);
        assert_eq!(
            user.map(|user| user.id().to_owned()),
            if is_accepted { Ok("1".to_owned()) } else { Err(AuthError::AccessEnded) }
        );
    }
    assert_eq!(AuthError::AccessEnded.to_string(), "an operator has ended the access of this token");
}
