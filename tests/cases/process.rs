//! The binaries as Lambda runs them: what they refuse to start with.

use tests::{ENDPOINT, ENVIRONMENT, ISSUER, Lambda, SECRET, SECRET_SETTINGS};

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
        (
            &[("BETTER_AUTH_SECRET", SECRET)],
            "TOKEN_ISSUER must be set with BETTER_AUTH_SECRET; the word any gives the check up",
        ),
        (&[&SECRET_SETTINGS[..], &[("TASKS_TABLE", "")]].concat(), "TASKS_TABLE is set but empty"),
    ] {
        assert_eq!(refusal(auth).await, format!("Error: refusing to start: {reason}\n"));
    }
}
