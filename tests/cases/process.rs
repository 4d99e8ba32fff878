//! The binaries as Lambda runs them: settings with which they refuse to start.

use std::fs;

use tests::{ENDPOINT, ENVIRONMENT, ISSUER, Lambda, SECRET, SECRET_SETTINGS, temporary_folder};

/// An endpoint at which nothing listens.
const NOWHERE: (&str, &str) = (ENDPOINT, "http://127.0.0.1:1");

async fn refusal(auth: &[(&str, &str)]) -> String {
    let environment = [&ENVIRONMENT[..], &[NOWHERE], auth].concat();
    let output = Lambda::start("get-task", &environment).await.output().await;
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Creates a truncated certificate bundle and returns its path.
fn truncated_bundle() -> String {
    let whole = include_bytes!("../../shared/src/aws/amazon-trust-services.pem");
    let path = temporary_folder("bundle").join("bundle.pem");
    fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn refused_start_says_why_in_one_line() {
    let (bundle, no_access) = (truncated_bundle(), "AWS_ACCESS_KEY_ID and its secret access key must be set");
    let with = |name, value| [&SECRET_SETTINGS[..], &[(name, value)]].concat();
    let secret = ("BETTER_AUTH_SECRET", SECRET);
    for (auth, reason) in [
        (
            vec![],
            "BETTER_AUTH_SECRET or BETTER_AUTH_SECRET_ARN or BETTER_AUTH_URL must be set: nothing says how tokens are verified",
        ),
        (
            vec![secret, ("BETTER_AUTH_URL", ISSUER)],
            "BETTER_AUTH_SECRET and BETTER_AUTH_URL are both set: set the one that says how tokens are verified",
        ),
        (vec![("BETTER_AUTH_SECRET", "too short")], "BETTER_AUTH_SECRET must be at least 32 bytes long"),
        (vec![secret], "TOKEN_ISSUER must be set with a secret; the word any turns the check off"),
        (
            vec![("BETTER_AUTH_SECRET_ARN", "daylist")],
            "BETTER_AUTH_SECRET_ARN must be the ARN of a secret in Secrets Manager, in this region",
        ),
        (with("TASKS_TABLE", ""), "TASKS_TABLE is set but empty"),
        (with("AWS_REGION", ""), "AWS_REGION must be set"),
        (with("AWS_ACCESS_KEY_ID", ""), no_access),
        (with("AWS_SECRET_ACCESS_KEY", ""), no_access),
        (
            with("AWS_CA_BUNDLE", &bundle),
            "AWS_CA_BUNDLE must name a file of certificates in PEM, each whole and usable",
        ),
    ] {
        assert_eq!(refusal(&auth).await, format!("Error: refusing to start: {reason}\n"));
    }
}
