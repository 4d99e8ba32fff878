//! Logs and error responses contain nothing that a user sent, no secrets, no causes, and no hint whether another user's
//! task exists. Everything that must not appear elsewhere contains the word `CANARY`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{
    ALICE, Answer, Api, Content, ENDPOINT, ENVIRONMENT, Event, Fault, ISSUER, Issuer, Key, Lambda, Operation, SECRET,
    SECRET_SETTINGS, Signer, lines, now,
};

use crate::tokens;

const CANARY: &str = "CANARY";

/// The variables that Lambda sets for DynamoDB, and the most verbose log level.
const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "CANARYACCESSKEYID"),
    ("AWS_SECRET_ACCESS_KEY", "CANARY-secret-access-key"),
    ("AWS_SESSION_TOKEN", "CANARY-session-token"),
    ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
];

/// A request that fails, with the expected status.
struct Case {
    what: String,
    event: String,
    fault: Fault,
    status: u16,
}

impl Case {
    fn new(what: &str, event: impl ToString, status: u16) -> Self {
        Self { what: what.to_owned(), event: event.to_string(), fault: Fault::None, status }
    }
}

/// A signer that puts canaries into claims.
fn marked(key: Key) -> Signer {
    Signer::with(key).claims(json!({ "name": "CANARY-claim", "email": "CANARY@example.com" }))
}

/// A request with everything that an operation accepts, and more.
fn request(operation: Operation, id: &str, token: &str) -> Event {
    let event = Event::anonymous("me").bearer(token).header("x-marked", "CANARY-header").header("cookie", "CANARY=1");
    let event = event.header("traceparent", "00-CANARY-CANARY-01").header("x-amzn-trace-id", "Root=1-CANARY-CANARY");
    let event = if operation.is_on_a_task() { event.task(id) } else { event };
    let event = if operation.takes_idempotency_key() { event.header("idempotency-key", "CANARY-key") } else { event };
    let query = operation.queries().first().copied().unwrap_or_default().replace("tag=work", "tag=CANARY-tag");
    let event = event.raw_query(&query);
    if !operation.needs_body() {
        return event;
    }
    let mut body = operation.good_body().unwrap();
    if operation == Operation::MoveTask {
        return event.json(&body);
    }
    let marked = json!({ "title": "CANARY-title", "description": "CANARY-description", "tags": ["CANARY-tag"] });
    let task = if operation.answers() == Content::Rows { &mut body["items"][0]["task"] } else { &mut body };
    task.as_object_mut().unwrap().extend(marked.as_object().unwrap().clone());
    event.json(&body)
}

/// Tokens that are rejected, with the reason: those of the table, and some with canaries where a token has none.
fn bad_tokens() -> Vec<(String, String)> {
    let kinds = ["malformed", "headers", "claims", "forged"];
    let good = || marked(Key::Secret);
    let payload = json!({ "name": CANARY, "exp": now() + 60 }).to_string();
    let tokens = kinds.into_iter().flat_map(|kind| tokens::bad::bad_tokens(kind, marked));
    // Before the last function gets it, it has become valid.
    let tokens = tokens.filter(|(what, _)| what != "not valid for sixteen seconds");
    let marked = [
        ("that is not a JWT", "CANARY-opaque-session-token".to_owned()),
        ("of another type", good().header(json!({ "typ": "CANARY+jwt" })).token(ALICE)),
        ("with a critical header", good().header(json!({ "crit": ["CANARY"], "CANARY": 1 })).token(ALICE)),
        ("with a header that is not JSON", good().sign("{\"CANARY", "{}")),
        ("with a payload that is not JSON", good().sign(r#"{"alg":"HS256"}"#, "{\"CANARY")),
        ("that has expired", good().claims(json!({ "exp": now() - 60 })).token(ALICE)),
        ("without a user", good().sign(r#"{"alg":"HS256"}"#, &payload)),
        ("of an invalid user id", good().token("CANARY/..")),
    ];
    tokens.chain(marked.map(|(what, token)| (what.to_owned(), token))).collect()
}

/// Requests that are rejected before any data is read.
fn refused(operation: Operation, id: &str, good: &str, bad_tokens: &[(String, String)]) -> Vec<Case> {
    let mut cases: Vec<_> = bad_tokens
        .iter()
        .map(|(what, token)| Case::new(&format!("a token {what}"), request(operation, id, token), 401))
        .collect();
    let bare = Event::anonymous("me").task(id).header("x-marked", "CANARY-header");
    let longer = format!("Bearer {good} CANARY");
    cases.extend([
        Case::new("no token", &bare, 401),
        Case::new("a password", bare.clone().header("authorization", "Basic Q0FOQVJZOkNBTkFSWQ=="), 401),
        Case::new("a field with more after the token", bare.clone().header("authorization", &longer), 401),
        Case::new("two tokens", request(operation, id, good).bearer(good), 401),
        Case::new("a token in the query", bare.clone().query(&[("access_token", good)]), 401),
        Case::new("another user's path", request(operation, id, good).at("CANARY-user"), 403),
        Case::new("an event without its required members", r#"{"version":2,"CANARY":"CANARY"}"#, 400),
        Case::new("an event with invalid header fields", r#"{"headers":"CANARY"}"#, 400),
        Case::new("an event that is a string", r#""CANARY""#, 400),
    ]);
    cases
}

/// Invalid requests with a valid token.
fn wrong(operation: Operation, id: &str, good: &str) -> Vec<Case> {
    let ours = || Event::anonymous("me").bearer(good).task(id).header("x-marked", "CANARY-header");
    let conditional = |value: &str| request(operation, id, good).header("if-match", value);
    let missing = request(operation, "01990000-0000-7000-8000-000000000000", good);
    let (query, body) = (operation.takes_query(), operation.takes_body());
    let (key, version, on_task) =
        (operation.takes_idempotency_key(), operation.takes_if_match(), operation.is_on_a_task());
    let parameters = [("status", "CANARY"), ("limit", "CANARY"), ("due_from", "CANARY")];
    let too_large = CANARY.repeat(operation.max_body_bytes() / CANARY.len() + 1);
    let broken = "{\"title\":\"CANARY-title\",\"CANARY";
    let fields = json!({ "title": "CANARY\u{7}", "description": ["CANARY"], "due": "CANARY", "tags": "CANARY" });
    let cases = [
        (query, "wrong parameters", ours().query(&parameters), 400),
        (query, "a cursor", ours().query(&[("cursor", "CANARY")]), 400),
        (query, "a sync token", ours().query(&[("since", "CANARY")]), 400),
        (!query, "a query", ours().query(&[("CANARY", "CANARY")]), 400),
        (body, "a body that is not JSON", ours().body("application/json", broken), 400),
        (body, "a body in Base64", ours().base64_body("application/json", &BASE64_STANDARD.encode(broken)), 400),
        (body, "a body that is not Base64", ours().base64_body("application/json", "CANARY"), 400),
        (body, "a body of another type", ours().body("text/CANARY", "CANARY"), 415),
        (body, "a body that is too large", ours().body("application/json", &too_large), 413),
        (body, "wrong fields", ours().json(&fields), 422),
        (key, "an invalid idempotency key", ours().header("idempotency-key", "CANARY key").of(operation, id), 400),
        (on_task, "a missing task", missing, 404),
        (on_task, "a malformed id", request(operation, "CANARY", good), 404),
        (version, "a malformed condition", conditional("CANARY"), 400),
        (version, "a malformed version", conditional("\"CANARY\""), 412),
    ];
    let cases = cases.into_iter().filter(|(applies, ..)| *applies);
    cases.map(|(_, what, event, status)| Case::new(what, event, status)).collect()
}

/// Valid requests that fail because of DynamoDB.
fn spoiled(operation: Operation, id: &str, good: &str) -> Vec<Case> {
    let faults = [
        (Fault::Error(400, "ThrottlingException"), 503),
        (Fault::Error(400, "ValidationException"), 500),
        (Fault::Error(400, "AccessDeniedException"), 500),
        (Fault::Error(500, "InternalServerError"), 503),
        (Fault::Reset, 503),
        (Fault::Hang, 503),
        (Fault::Truncated, 503),
        (Fault::Garbled, 503),
    ];
    let case =
        |(fault, status)| Case { fault, ..Case::new(&format!("{fault:?}"), request(operation, id, good), status) };
    faults.map(case).into()
}

/// Returns the forbidden strings that a text contains.
fn leaks<'a>(text: &str, forbidden: &'a [String]) -> Vec<&'a str> {
    forbidden.iter().map(String::as_str).filter(|secret| text.contains(*secret)).collect()
}

/// The forbidden strings: the canary, secrets, and every part of every token.
fn forbidden<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let segments = tokens.into_iter().flat_map(|token| token.split('.')).filter(|segment| segment.len() > 8);
    let key = ENVIRONMENT.into_iter().filter(|(name, _)| *name == "LOG_HASH_KEY").map(|(_, key)| key);
    segments.chain([CANARY, "Q0FOQVJZ", SECRET, "Bearer ey"]).chain(key).map(str::to_owned).collect()
}

/// The response without the names of unknown fields and parameters, which a problem may repeat.
fn without_names(answer: &Answer) -> String {
    let mut body = answer.body.clone();
    if let Some(errors) = body["errors"].as_array_mut() {
        for error in errors {
            error.as_object_mut().unwrap().retain(|member, _| member == "detail");
        }
        body["detail"] = Value::Null;
    }
    format!("{body} {:?}", answer.headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_failures_hold_nothing_a_user_sent() {
    let api = Api::start().await;
    let task = api.create(ALICE, json!({ "title": "CANARY-title", "description": "CANARY-description" })).await;
    let id = task["id"].as_str().unwrap();
    let good = marked(Key::Secret).token(ALICE);
    let bad = bad_tokens();
    let forbidden = forbidden(bad.iter().map(|(_, token)| token.as_str()).chain([good.as_str()]));
    let found = async |operation: Operation| {
        let name = operation.name();
        let process = api.another_with(&SECRET_SETTINGS).await;
        let endpoint = [(ENDPOINT, process.wire.endpoint())];
        let environment = [&ENVIRONMENT[..], &CREDENTIALS, &SECRET_SETTINGS, &endpoint].concat();
        let mut function = Lambda::start(name, &environment).await;
        let good = good.as_str();
        let cases = refused(operation, id, good, &bad).into_iter().chain(wrong(operation, id, good));
        let cases: Vec<_> = cases.chain(spoiled(operation, id, good)).collect();
        let mut found = Vec::new();
        for case in &cases {
            process.wire.fail_all(case.fault);
            process.wire.take();
            let answer = function.invoke(&case.event).await;
            let (status, _) = answer.outcome();
            if status != case.status {
                found.push(format!("{name} returns {status} for {}", case.what));
            }
            let leaks = leaks(&without_names(&answer), &forbidden);
            found.extend(leaks.into_iter().map(|leak| format!("{name} returns {leak:?} for {}", case.what)));
            // Every function opens its connection in advance.
            let asked: Vec<_> = process.wire.take_operations().into_iter().filter(|asked| asked != "GET /").collect();
            assert!(![401, 403].contains(&case.status) || asked.is_empty(), "{name}, {}: {asked:?}", case.what);
        }
        process.wire.fail_all(Fault::None);
        let recurrence = (operation == Operation::SkipTask).then(|| json!({ "rule": "FREQ=DAILY" }));
        let own = json!({ "title": "CANARY-title", "due": "2099-12-01", "recurrence": recurrence });
        let own = api.create_id(ALICE, own).await;
        let answer = function.invoke(&request(operation, &own, good).to_string()).await;
        assert!(answer.status < 300, "{answer:?}");
        let output = function.stop().await;
        let logs = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        for line in logs.lines() {
            let leaks = leaks(line, &forbidden).into_iter().chain(line.contains(ALICE).then_some(ALICE));
            found.extend(leaks.map(|leak| format!("{name} logs {leak:?}: {line}")));
        }
        let reported = lines::of(logs.as_bytes()).len();
        assert_eq!(reported, cases.len() + 1, "{name}: the log has one line per request");
        for cause in ["the signature does not match", "ValidationException with status 400", "has timed out"] {
            assert!(logs.contains(cause), "{name} does not log {cause:?}: {logs}");
        }
        found
    };
    // An erasure would take the tasks of the others away.
    let (erasures, others): (Vec<_>, Vec<_>) =
        Operation::of_a_user().partition(|operation| *operation == Operation::EraseTasks);
    let mut all = join_all(others.into_iter().map(&found)).await;
    all.extend(join_all(erasures.into_iter().map(&found)).await);
    let found = all.concat();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_issuer_leaks_nothing() {
    let api = Api::start().await;
    let good = marked(Key::Ed25519).token(ALICE);
    let unknown = marked(Key::Ed25519).header(json!({ "kid": "CANARY-kid" })).token(ALICE);
    let forbidden = forbidden([good.as_str(), &unknown]);
    let garbage = r#"{"keys":[{"kty":"oct","kid":"CANARY","k":"CANARY"}],"CANARY":"CANARY"}"#;
    let unusable = "the key set has no key that can be used";
    let failed = "the keys could not be refreshed";
    let troubles = [
        (200, garbage, unusable, 401),
        (200, "CANARY", failed, 503),
        (500, "CANARY", failed, 503),
        (404, "CANARY", failed, 503),
    ];
    let found = join_all(troubles.map(async |(status, document, logged, without_keys)| {
        let issuer = Issuer::publishing(&Signer::key_set()).await;
        issuer.answers(status, document);
        let url = format!("{}/jwks", issuer.wire.endpoint());
        let keys = Signer::key_set().to_string();
        let cold = [(ENDPOINT, api.wire.endpoint()), ("BETTER_AUTH_URL", ISSUER), ("JWKS_URL", url.as_str())];
        let warm = [cold.as_slice(), &[("JWKS", keys.as_str())]].concat();
        let mut found = Vec::new();
        for (settings, token, expected) in [(cold.as_slice(), &good, without_keys), (&warm, &unknown, 401)] {
            let environment = [&ENVIRONMENT[..], &CREDENTIALS, settings].concat();
            let mut function = Lambda::start("create-task", &environment).await;
            let answer = function.invoke(&request(Operation::CreateTask, "", token).to_string()).await;
            assert_eq!(answer.status, expected, "{answer:?}");
            let output = function.stop().await;
            let logs = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(logs.contains(logged), "{logs}");
            found.extend(leaks(&format!("{logs}{}", answer.raw), &forbidden).into_iter().map(str::to_owned));
        }
        found
    }));
    assert_eq!(found.await.concat(), Vec::<String>::new());
}

#[tokio::test]
async fn refused_setting_is_not_repeated() {
    for setting in [
        ("BETTER_AUTH_SECRET", "CANARY, but short"),
        ("BETTER_AUTH_SECRET", "-----BEGIN CANARY-----, and long enough"),
        ("BETTER_AUTH_URL", "CANARY"),
        ("JWKS", "CANARY"),
        ("JWKS_URL", "http://CANARY.example/jwks"),
        ("TOKEN_MAX_BYTES", "CANARY"),
        ("TOKEN_MAX_LIFETIME_SECONDS", "CANARY"),
        ("JWKS_MAX_STALE_SECONDS", "CANARY"),
        ("BETTER_AUTH_SECRET_ARN", "CANARY"),
    ] {
        let url = [("BETTER_AUTH_URL", ISSUER)];
        let environment = [&ENVIRONMENT[..], &CREDENTIALS, if setting.0.starts_with("BETTER") { &[] } else { &url }];
        let output = Lambda::start("get-task", &[environment.concat(), vec![setting]].concat()).await.output().await;
        assert_eq!(output.status.code(), Some(1), "{setting:?}");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains(setting.0) && !said.contains(CANARY), "{said}");
    }
}

#[tokio::test]
async fn answers_hold_nothing_of_causes() {
    let api = Api::start().await;
    for fault in [Fault::Error(400, "ThrottlingException"), Fault::Error(400, "ValidationException"), Fault::Reset] {
        api.wire.fail_all(fault);
        let answer = api.list(ALICE, &[]).await.raw.to_string();
        for cause in ["Exception", "DynamoDB", "dynamodb", "reset", "tasks_table", "127.0.0.1"] {
            assert!(!answer.contains(cause), "{cause} in {answer}");
        }
    }
}
