//! Test data in files: recorded tokens, events, and fuzz inputs.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// The folder of events, which are `NAME.json` files for `cargo lambda invoke`.
pub fn events() -> PathBuf {
    root().join("events")
}

/// Reads an event by its name, such as `create-task.me`.
///
/// # Panics
/// If it does not exist.
pub fn event(name: &str) -> String {
    read(&events().join(format!("{name}.json")))
}

/// The event as `cargo lambda watch` would send it, in the form of one that it sent: its only route is `$default`, what
/// the path names stays percent-encoded, and a body that is neither text nor JSON is Base64.
///
/// # Panics
/// If it is not an event of API Gateway.
pub fn as_cargo_lambda_watch(event: &str) -> String {
    let event: Value = serde_json::from_str(event).expect("an event in JSON");
    let mut path = event["rawPath"].as_str().expect("a path").to_owned();
    let mut watch = table("cargo-lambda-watch");
    for name in ["rawQueryString", "headers", "pathParameters", "body", "isBase64Encoded"] {
        watch[name] = event[name].clone();
    }
    if let Some(user) = event["pathParameters"]["user_id"].as_str() {
        let encoded = user.replacen(&user[..1], &format!("%{:02x}", user.as_bytes()[0]), 1);
        path = path.replacen(&format!("/{user}/"), &format!("/{encoded}/"), 1);
        watch["pathParameters"]["user_id"] = json!(encoded);
    }
    watch["rawPath"] = json!(path);
    watch["requestContext"]["requestId"] = event["requestContext"]["requestId"].clone();
    watch["requestContext"]["http"]["method"] = event["requestContext"]["http"]["method"].clone();
    watch["requestContext"]["http"]["path"] = json!(path);
    let is_text = |kind: &str| kind.starts_with("text/") || kind.starts_with("application/json");
    if let (Some(body), false) = (event["body"].as_str(), event["headers"]["content-type"].as_str().is_none_or(is_text))
        && event["isBase64Encoded"] == false
    {
        watch["body"] = json!(BASE64_STANDARD.encode(body));
        watch["isBase64Encoded"] = json!(true);
    }
    watch.to_string()
}

/// Reads a table of cases by its file name in `tests/fixtures`.
///
/// # Panics
/// If it does not exist or is not JSON.
pub fn table(name: &str) -> Value {
    let text = read(&root().join("tests/fixtures").join(format!("{name}.json")));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"))
}

/// A section of `tests/fixtures/refused.json`: what is refused, and the places that the problem names.
///
/// # Panics
/// If there is no such section.
pub fn refused(section: &str) -> Vec<(Value, Vec<String>)> {
    serde_json::from_value(table("refused")[section].clone()).unwrap_or_else(|error| panic!("{section}: {error}"))
}

/// Reads a token that Better Auth issued, together with its issuer's keys, by file name.
///
/// # Panics
/// If it does not exist.
pub fn better_auth(name: &str) -> String {
    read(&root().join("tests/fixtures/better-auth").join(format!("{name}.json")))
}

/// The folder of a fuzz target's kept inputs.
pub fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
