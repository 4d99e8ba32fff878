//! The verifier against tokens that Better Auth issued, with a clock that can be set, and the key set against an issuer
//! that misbehaves.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::aws::TrustedRoots;
use crate::settings::{InvalidSetting, Variables};

/// When most fixtures were issued, and a minute.
const NOW: u64 = 1_795_219_200;

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(NOW) };
}

fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(CLOCK.get())
}

fn wait(seconds: u64) {
    CLOCK.set(CLOCK.get() + seconds);
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
    AuthSettings::read(&Variables::new(&|name| variables.get(name).cloned()))
}

fn verifier(variables: &[(&str, &str)]) -> TokenVerifier {
    TokenVerifier::with_clock(settings(variables).unwrap(), &Connector::trusting(TrustedRoots::System), clock)
}

/// A verifier in the mode that the fixture is meant for, with the fixture's secret, or its keys given by the settings.
fn verifier_for(fixture: &Value) -> TokenVerifier {
    if fixture["jwks"].is_null() {
        return verifier(&[("BETTER_AUTH_SECRET", fixture["secret"].as_str().unwrap())]);
    }
    let issuer = fixture["expect"]["iss"].as_str().unwrap();
    let audience = match &fixture["expect"]["aud"] {
        Value::Array(audiences) => audiences[0].as_str().unwrap(),
        audience => audience.as_str().unwrap(),
    };
    verifier(&[("BETTER_AUTH_URL", issuer), ("TOKEN_AUDIENCE", audience), ("JWKS", &fixture["jwks"].to_string())])
}

#[tokio::test]
async fn tokens_of_better_auth_are_accepted_for_their_subject() {
    let accepted = ["01", "01b", "03", "03b", "04", "05", "07", "08", "09", "10"];
    for name in accepted {
        let fixture = fixture(name);
        let user = verifier_for(&fixture).verify(fixture["token"].as_str().unwrap()).await;
        assert_eq!(user.expect(name).id(), fixture["expect"]["sub"].as_str().unwrap(), "{name}");
    }
}

#[tokio::test]
async fn what_better_auth_signs_for_other_purposes_is_refused() {
    for (name, reason) in [
        ("02", "the payload is not a JSON object of a token's claims"),
        ("02b", "the payload is not a JSON object of a token's claims"),
        ("90", "the payload is not a JSON object of a token's claims"),
        ("91", "the token is of another type"),
    ] {
        let fixture = fixture(name);
        let error = verifier_for(&fixture).verify(fixture["token"].as_str().unwrap()).await.unwrap_err();
        assert_eq!(error, AuthError::Invalid(reason), "{name}");
    }
}

#[test]
fn a_key_set_of_es512_alone_is_refused_at_the_start() {
    let jwks = fixture("06")["jwks"].to_string();
    let error = settings(&[("BETTER_AUTH_URL", "https://app.example"), ("JWKS", &jwks)]).unwrap_err();
    assert_eq!(error.to_string(), "JWKS must be a JSON Web Key Set with a key that can be used");
}

#[tokio::test]
async fn a_token_signed_with_es512_is_refused_whatever_else_the_key_set_holds() {
    let (es512, eddsa) = (fixture("06"), fixture("01b"));
    let keys = json!({"keys": [es512["jwks"]["keys"][0], eddsa["jwks"]["keys"][0]]}).to_string();
    let issuer = Issuer::start().await;
    issuer.answers(200, &keys);
    let verifier =
        issuer.verifier(&[("TOKEN_ISSUER", "http://127.0.0.1:4100"), ("TOKEN_AUDIENCE", "http://127.0.0.1:4100")]);
    let error = verifier.verify(es512["token"].as_str().unwrap()).await.unwrap_err();
    assert_eq!(error, AuthError::Invalid("the token names an unknown key"));
    verifier.verify(eddsa["token"].as_str().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_token_lives_from_iat_to_exp_with_fifteen_seconds_at_both_ends() {
    for name in ["01", "03"] {
        let fixture = fixture(name);
        let verifier = verifier_for(&fixture);
        let token = fixture["token"].as_str().unwrap();
        let (iat, exp) = (fixture["expect"]["iat"].as_u64().unwrap(), fixture["expect"]["exp"].as_u64().unwrap());
        for (now, expected) in [
            (iat - 16, Err(AuthError::Invalid("the token was issued in the future"))),
            (iat - 15, Ok(())),
            (exp + 14, Ok(())),
            (exp + 15, Err(AuthError::Expired)),
        ] {
            CLOCK.set(now);
            assert_eq!(verifier.verify(token).await.map(drop), expected, "{name} at iat + {}", now as i64 - iat as i64);
        }
    }
}

/// What becomes of these claims of a token that was signed, where nothing is expected of issuer and audience.
fn accept(claims: &Value) -> Result<String, AuthError> {
    let expectations = Expectations { issuer: None, audience: None };
    Claims::parse(claims.to_string().as_bytes()).unwrap().accept(&expectations, clock())
}

#[test]
fn a_token_may_begin_fifteen_seconds_from_now() {
    for (nbf, expected) in [
        (NOW + 15, Ok("1".to_owned())),
        (NOW + 16, Err(AuthError::Invalid("the token is not valid yet"))),
        (NOW * 2, Err(AuthError::Invalid("the token is not valid yet"))),
    ] {
        assert_eq!(accept(&json!({"sub": "1", "exp": NOW * 3, "nbf": nbf})), expected, "{nbf}");
    }
}

#[test]
fn a_subject_is_a_user_id_that_has_one_spelling() {
    let accept = |subject: &str| accept(&json!({"sub": subject, "exp": NOW + 60}));
    for subject in [
        "1",
        "69I6ffNKbVwizSEqWAS7F5mdjBXr92R6",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "auth0|a.b@c",
        &"a".repeat(128),
    ] {
        assert_eq!(accept(subject).as_deref(), Ok(subject));
    }
    for subject in ["", "me", ".", "..", "a b", "a/b", "a%62", "a#b", "ä", "a\n", "\0", &"a".repeat(129)] {
        assert!(accept(subject).is_err(), "{subject:?}");
    }
}

#[test]
fn an_audience_may_be_written_with_escapes() {
    let expectations = Expectations { issuer: None, audience: Some("tasks".to_owned()) };
    for audience in [r#""\u0074asks""#, r#"["\u0074asks"]"#, r#""tasks""#] {
        let payload = format!(r#"{{"sub":"1","exp":{},"aud":{audience}}}"#, NOW + 60);
        let subject = Claims::parse(payload.as_bytes()).unwrap().accept(&expectations, clock());
        assert_eq!(subject.as_deref(), Ok("1"), "{audience}");
    }
}

#[test]
fn a_token_has_three_segments() {
    for text in ["", "a", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b.", "..", "a.b..c"] {
        let error = UnverifiedToken::parse(text, 8192).err();
        assert_eq!(error, Some(AuthError::Invalid("the token does not have three segments")), "{text}");
    }
}

#[test]
fn a_token_is_as_long_as_the_setting_says_and_not_a_byte_longer() {
    let token = token("03b");
    assert!(UnverifiedToken::parse(&token, token.len()).is_ok());
    let error = UnverifiedToken::parse(&token, token.len() - 1).err();
    assert_eq!(error, Some(AuthError::Invalid("the token is too long")));
    assert_eq!(settings(&[("BETTER_AUTH_SECRET", &"x".repeat(32))]).unwrap().max_token_bytes, 8192);
}

#[test]
fn a_key_id_has_at_most_256_bytes() {
    let parse = |length: usize| {
        let header = json!({"alg": "EdDSA", "kid": "x".repeat(length)}).to_string();
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        UnverifiedToken::parse(&token, 8192).map(|token| token.key_id().map(str::len))
    };
    assert_eq!(parse(256), Ok(Ok(256)));
    assert_eq!(parse(257), Err(AuthError::Invalid("the key id is too long")));
}

#[test]
fn a_verifier_and_its_settings_can_be_shown_without_their_secret() {
    let secret = "a secret of at least thirty-two bytes";
    for (verifier, algorithm) in
        [(verifier(&[("BETTER_AUTH_SECRET", secret)]), "HS256"), (verifier_for(&fixture("01b")), "EdDSA")]
    {
        let text = format!("{verifier:?}");
        assert!(text.contains(&format!("algorithm: \"{algorithm}\"")) && !text.contains(secret), "{text}");
    }
    for (variables, expected) in [
        ([("BETTER_AUTH_SECRET", secret)], "SharedSecret"),
        ([("BETTER_AUTH_URL", "https://app.example")], "KeySet { url: \"https://app.example/api/auth/jwks\", .. }"),
    ] {
        let text = format!("{:?}", settings(&variables).unwrap());
        assert!(text.contains(expected) && !text.contains(secret), "{text}");
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
                    assert!(request[..read].starts_with(b"GET /api/auth/jwks HTTP/1.1\r\n"));
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

    fn verifier(&self, more: &[(&str, &str)]) -> TokenVerifier {
        let mut variables = vec![("BETTER_AUTH_URL", self.url.as_str())];
        variables.extend(more);
        verifier(&variables)
    }
}

/// An issuer that publishes `published`, and a verifier that believes it.
async fn issuer_of(published: &str) -> (Issuer, TokenVerifier) {
    let issuer = Issuer::start().await;
    issuer.answers(200, &fixture(published)["jwks"].to_string());
    let verifier =
        issuer.verifier(&[("TOKEN_ISSUER", "http://127.0.0.1:4100"), ("TOKEN_AUDIENCE", "http://127.0.0.1:4100")]);
    (issuer, verifier)
}

fn token(name: &str) -> String {
    fixture(name)["token"].as_str().unwrap().to_owned()
}

const UNKNOWN_KEY: AuthError = AuthError::Invalid("the token names an unknown key");

#[tokio::test]
async fn a_key_set_is_fetched_once_and_kept() {
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
async fn a_key_set_of_one_mebibyte_is_read_and_a_larger_one_is_not() {
    let (issuer, verifier) = issuer_of("01b").await;
    let key_set = fixture("01b")["jwks"].to_string();
    let padded = |bytes: usize| " ".repeat(bytes - key_set.len()) + &key_set;
    issuer.answers(200, &padded(1024 * 1024 + 1));
    assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::KeysUnavailable);
    issuer.answers(200, &padded(1024 * 1024));
    wait(30);
    verifier.verify(&token("01b")).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_cool_down() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.warm_up().await;
    for _ in 0..100 {
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), UNKNOWN_KEY);
    }
    assert_eq!(issuer.requests(), 1);
    wait(30);
    for _ in 0..100 {
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), UNKNOWN_KEY);
    }
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_rotated_key_is_found_after_the_cool_down() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.answers(200, &fixture("04")["jwks"].to_string());
    assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), UNKNOWN_KEY);
    wait(30);
    verifier.verify(&token("04")).await.unwrap();
    assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), UNKNOWN_KEY, "the old key is gone");
}

#[tokio::test]
async fn a_withdrawn_key_dies_at_the_maximum_age() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.answers(200, &fixture("04")["jwks"].to_string());
    wait(599);
    verifier.verify(&token("01b")).await.unwrap();
    wait(1);
    assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), UNKNOWN_KEY);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn whatever_an_issuer_answers_the_keys_there_were_stay() {
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
        (200, r#"{"keys":[]}"#),
        (200, r#"{"keys":{}}"#),
        (200, r#"{"keys":[null,1,"x",{},{"kty":"oct","k":"c2VjcmV0","kid":"1"}]}"#),
        (200, huge.as_str()),
    ] {
        issuer.answers(status, body);
        wait(600);
        verifier.verify(&token("01b")).await.unwrap();
        assert_eq!(verifier.verify(&token("04")).await.unwrap_err(), UNKNOWN_KEY);
    }
    assert_eq!(issuer.requests(), 13, "one fetch a cool-down, failed ones counted, and no redirect followed");
}

#[tokio::test]
async fn an_issuer_that_hangs_is_waited_for_three_seconds_once_for_all() {
    let (issuer, verifier) = issuer_of("01b").await;
    verifier.verify(&token("01b")).await.unwrap();
    issuer.hangs();
    wait(600);
    let started = std::time::Instant::now();
    let token = token("01b");
    let (first, second, third) =
        tokio::join!(verifier.verify(&token), verifier.verify(&token), verifier.verify(&token));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert!((3..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn without_any_key_ever_nothing_can_be_said() {
    let (issuer, verifier) = issuer_of("01b").await;
    issuer.answers(500, "");
    verifier.warm_up().await;
    for _ in 0..10 {
        assert_eq!(verifier.verify(&token("01b")).await.unwrap_err(), AuthError::KeysUnavailable);
    }
    assert_eq!(issuer.requests(), 1);
    issuer.answers(200, &fixture("01b")["jwks"].to_string());
    wait(30);
    verifier.verify(&token("01b")).await.unwrap();
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
async fn configured_keys_need_no_fetch() {
    let issuer = Issuer::start().await;
    issuer.answers(500, "");
    let fixture = fixture("01b");
    let jwks = fixture["jwks"].to_string();
    let iss = fixture["expect"]["iss"].as_str().unwrap();
    let verifier = issuer.verifier(&[("JWKS", &jwks), ("TOKEN_ISSUER", iss), ("TOKEN_AUDIENCE", iss)]);
    verifier.warm_up().await;
    verifier.verify(&token("01b")).await.unwrap();
    assert_eq!(issuer.requests(), 0);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_the_refreshing() {
    let (issuer, verifier) = issuer_of("01b").await;
    CLOCK.set(NOW + 86_400);
    verifier.verify(&token("01b")).await.unwrap();
    CLOCK.set(NOW);
    issuer.answers(200, &fixture("04")["jwks"].to_string());
    verifier.verify(&token("04")).await.unwrap();
}
