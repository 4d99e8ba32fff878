//! The binaries as Lambda runs them: what they refuse to start with, and what they write into their logs.

use serde_json::{Value, json};
use tests::{ALICE, Api, ENDPOINT, ENVIRONMENT, Event, Fault, ISSUER, Key, Lambda, SECRET, Signer};

/// DynamoDB is where nobody listens.
const NOWHERE: (&str, &str) = (ENDPOINT, "http://127.0.0.1:1");

async fn refusal(auth: &[(&str, &str)]) -> String {
    let environment = [&ENVIRONMENT[..], &[NOWHERE], auth].concat();
    let output = Lambda::start("get-task", &environment).await.output().await;
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_function_refuses_to_start_and_says_why_in_one_line() {
    for (auth, reason) in [
        (&[][..], "BETTER_AUTH_SECRET or BETTER_AUTH_URL must be set: nothing says how tokens are verified"),
        (
            &[("BETTER_AUTH_SECRET", SECRET), ("BETTER_AUTH_URL", ISSUER)],
            "BETTER_AUTH_SECRET and BETTER_AUTH_URL are both set: set the one that says how tokens are verified",
        ),
        (&[("BETTER_AUTH_SECRET", "too short")], "BETTER_AUTH_SECRET must be at least 32 bytes long"),
        (&[("BETTER_AUTH_SECRET", SECRET), ("TASKS_TABLE", "")], "TASKS_TABLE is set but empty"),
    ] {
        assert_eq!(refusal(auth).await, format!("Error: refusing to start: {reason}\n"));
    }
}

#[tokio::test]
async fn logs_hold_causes_and_nothing_that_a_user_sent() {
    let environment =
        [&ENVIRONMENT[..], &[NOWHERE, ("BETTER_AUTH_SECRET", SECRET), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")]].concat();
    let mut function = Lambda::start("create-task", &environment).await;
    let good = Signer::default().token(ALICE);
    let forged = Signer::with(Key::OtherSecret).token(ALICE);
    let body = json!({ "title": "a very secret title", "description": "a very secret text" });
    let marked =
        |event: Event| event.header("x-marked", "a very secret header").header("idempotency-key", "secret-key");
    let mut statuses = Vec::new();
    for event in [
        marked(Event::anonymous(ALICE).bearer(&good).json(&body)),
        marked(Event::anonymous(ALICE).bearer(&forged).json(&body)),
        marked(Event::anonymous("bob").bearer(&good).json(&body)),
        marked(Event::anonymous(ALICE).bearer(&good).body("application/json", "{\"a very secret title")),
        marked(Event::anonymous(ALICE).bearer(&good).json(&json!({ "a very secret title": "a very secret text" }))),
    ] {
        statuses.push(function.invoke(&event.to_string()).await.status);
    }
    statuses.push(function.invoke(r#"{"version":2,"x":"a very secret title"}"#).await.status);
    assert_eq!(statuses, [503, 401, 403, 400, 422, 400]);

    let output = function.stop().await;
    let logs = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let codes: Vec<_> =
        logs.lines().map(|line| serde_json::from_str::<Value>(line).expect(line)["code"].clone()).collect();
    for code in ["unavailable", "token_invalid", "forbidden", "invalid_json", "invalid_field", "invalid_event"] {
        assert!(codes.contains(&json!(code)), "{code} in {logs}");
    }
    assert!(logs.contains("the signature does not match"), "the cause of a 401 is logged: {logs}");
    let secrets = [good.as_str(), &forged, SECRET, "very secret", "secret-key", "test-secret-access-key", "Bearer"];
    for secret in secrets {
        assert!(!logs.contains(secret), "{secret:?} in {logs}");
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
