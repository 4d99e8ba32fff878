use std::collections::HashMap;

use http::header::{HeaderName, HeaderValue};
use http::{Method, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};

use super::*;
use crate::fixtures::spellings;
use crate::task::NewTask;

const TASK: &str = "01990000-0000-7000-8000-000000000000";

/// An event of which only these members matter, as `lambda_http` reads it.
fn read(mut event: Value) -> Request {
    event["requestContext"]["http"] = json!({ "method": Method::GET.as_str() });
    Request::from(lambda_http::request::from_str(&event.to_string()).unwrap())
}

/// A request with these fields of one name, kept apart.
fn with_fields(name: &str, values: &[&str]) -> Request {
    let mut request = lambda_http::Request::default();
    for value in values {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Request::from(request)
}

fn with_body(body: impl Into<Body>) -> Request {
    let mut request = lambda_http::Request::new(body.into());
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    Request::from(request)
}

fn empty() -> Request {
    Request::from(lambda_http::Request::default())
}

fn token(request: &Request) -> Result<&str, &'static str> {
    request.unverified_token().map_err(|problem| {
        assert_eq!(problem.status, StatusCode::UNAUTHORIZED);
        problem.code
    })
}

fn if_match(values: &[&str]) -> Result<Precondition, &'static str> {
    with_fields("If-Match", values).if_match().map_err(|problem| problem.code)
}

fn versions(versions: &[Version]) -> Result<Precondition, &'static str> {
    Ok(Precondition::Version(versions.to_vec()))
}

#[test]
fn authorization_field_has_one_form() {
    for (outcome, fields) in spellings::<HashMap<String, Vec<String>>>("authorization") {
        let expected = if outcome == "accepted" { Ok("AZaz09-._~+/==") } else { Err(outcome.as_str()) };
        for field in fields {
            assert_eq!(token(&with_fields("Authorization", &[&field])), expected, "{field:?}");
        }
    }
    assert_eq!(token(&empty()), Err("token_missing"));
}

#[test]
fn second_authorization_field_is_seen() {
    for values in [["Bearer a", "Bearer b"], ["Bearer a", "Bearer a"], ["Bearer a", ""], ["Basic a", "Bearer a"]] {
        assert_eq!(token(&with_fields("Authorization", &values)), Err("token_invalid"), "{values:?}");
    }
    // API Gateway joins them with commas.
    let joined = read(json!({ "headers": { "authorization": "Bearer a,Bearer b" } }));
    assert_eq!(token(&joined), Err("token_invalid"));
}

#[test]
fn second_idempotency_key_is_seen() {
    assert!(with_fields("Idempotency-Key", &["a"]).idempotency_key().unwrap().is_some());
    for values in [["a", "b"].as_slice(), &["a", "a"], &[""], &["a b"], &["\u{e4}"], &[&"a".repeat(256)]] {
        let problem = with_fields("idempotency-KEY", values).idempotency_key().unwrap_err();
        assert_eq!((problem.status, problem.code), (StatusCode::BAD_REQUEST, "invalid_header"), "{values:?}");
    }
}

#[test]
fn if_match_names_versions() {
    assert_eq!(empty().if_match().unwrap(), Precondition::None);
    assert_eq!(if_match(&["*"]), Ok(Precondition::None));
    assert_eq!(if_match(&["\"3\""]), versions(&[3]));
    assert_eq!(if_match(&["\"1\" ,\t\"2\""]), versions(&[1, 2]));
    assert_eq!(if_match(&["\"1\"", "\"2\""]), versions(&[1, 2]));
    assert_eq!(if_match(&[", ,\"1\",,\"2\","]), versions(&[1, 2]));
    assert_eq!(if_match(&["\"18446744073709551615\""]), versions(&[Version::MAX]));
}

#[test]
fn unknown_tags_match_nothing() {
    for value in spellings::<Vec<String>>("tags of no version") {
        assert_eq!(if_match(&[&value]), versions(&[]), "{value}");
    }
    assert_eq!(if_match(&["\"a,\\\", \"2\", W/\"3\""]), versions(&[2]));
}

#[test]
fn malformed_tags_are_refused() {
    for values in spellings::<Vec<Vec<String>>>("malformed tags") {
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        assert_eq!(if_match(&values), Err("invalid_header"), "{values:?}");
    }
}

#[test]
fn list_has_at_most_fifty_tags() {
    assert_eq!(if_match(&[&["\"1\""; 50].join(",")]), versions(&[1; 50]));
    assert_eq!(if_match(&[&["\"1\""; 51].join(",")]), Err("invalid_header"));
    assert_eq!(if_match(&["\"1\""; 51]), Err("invalid_header"));
}

#[test]
fn if_none_match_compares_weakly() {
    let has_current =
        |values: &[&str]| with_fields("If-None-Match", values).has_current(3).map_err(|problem| problem.code);
    assert!(!empty().has_current(3).unwrap());
    for values in [["\"3\""].as_slice(), &["W/\"3\""], &["*"], &["\"1\", W/\"3\""], &["\"1\"", "\"3\""]] {
        assert_eq!(has_current(values), Ok(true), "{values:?}");
    }
    for values in [["\"2\""].as_slice(), &["W/\"33\""], &["\"03\""], &["\"1,3\""]] {
        assert_eq!(has_current(values), Ok(false), "{values:?}");
    }
    assert_eq!(has_current(&["3"]), Err("invalid_header"));
}

#[test]
fn path_parameters_are_decoded_once() {
    for (sent, decoded) in spellings::<HashMap<String, String>>("path parameters") {
        let parameters = json!({ "user_id": sent, "task_id": sent });
        // API Gateway has decoded these already; `cargo lambda watch` has not.
        for (route, expected) in [("GET /api/{user_id}/tasks", &sent), ("$default", &decoded)] {
            let event = json!({ "pathParameters": parameters, "requestContext": { "routeKey": route } });
            let request = read(event.clone());
            assert_eq!(request.user_segment(), *expected, "{event}");
            assert_eq!(request.path_parameter("task_id").as_ref(), Some(&expected.into()), "{event}");
        }
    }
}

#[test]
fn task_has_one_spelling() {
    let request = |task: &str| read(json!({ "pathParameters": { "task_id": task } }));
    assert_eq!(request(TASK).task_id().unwrap().to_string(), TASK);
    for task in [
        "",
        "1",
        &TASK.to_uppercase().replace('0', "A"),
        &TASK.replace('-', ""),
        &format!("{{{TASK}}}"),
        &format!("{TASK} "),
    ] {
        assert_eq!(request(task).task_id().unwrap_err().status, StatusCode::NOT_FOUND, "{task}");
    }
    assert_eq!(empty().task_id().unwrap_err().status, StatusCode::NOT_FOUND);
}

#[test]
fn put_with_if_none_match_makes_a_new_task() {
    let id = TaskId::parse(TASK).unwrap();
    let target = |task: &str, fields: &[(&'static str, &'static str)]| {
        let mut request = lambda_http::Request::default();
        for (name, value) in fields {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        let path = HashMap::from([("task_id".to_owned(), task.to_owned())]);
        let target = Request::from(request.with_path_parameters(path)).put_target();
        target.map_err(|problem| (problem.status.as_u16(), problem.code))
    };
    assert_eq!(target(TASK, &[]), Ok(PutTarget::Existing(id)));
    assert_eq!(target(TASK, &[("if-match", "*")]), Ok(PutTarget::Existing(id)));
    assert_eq!(target(TASK, &[("if-none-match", " * ")]), Ok(PutTarget::New(id)));
    for fields in [
        &[("if-none-match", "\"1\"")][..],
        &[("if-none-match", "")],
        &[("if-none-match", "*, \"1\"")],
        &[("if-none-match", "*"), ("if-none-match", "*")],
        &[("if-none-match", "*"), ("if-match", "*")],
        &[("if-none-match", "*"), ("if-match", "\"1\"")],
    ] {
        assert_eq!(target(TASK, fields), Err((400, "invalid_header")), "{fields:?}");
    }
    let tomorrow = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    for bad in ["none", "", &TASK.to_uppercase().replace('0', "A"), "67e55044-10b1-426f-9247-bb680e5fe0c8", tomorrow] {
        assert_eq!(target(bad, &[("if-none-match", "*")]), Err((422, "invalid_task_id")), "{bad}");
    }
    assert_eq!(target("none", &[]), Err((404, "task_not_found")));
}

#[test]
fn location_is_under_the_mount() {
    let id = TaskId::parse(TASK).unwrap();
    for (path, mount) in spellings::<HashMap<String, String>>("mounts") {
        let mut request = lambda_http::Request::default().with_raw_http_path(&path);
        request = request.with_path_parameters(HashMap::from([("user_id".to_owned(), "me".to_owned())]));
        let request = Request::from(request);
        assert_eq!(request.location(id), format!("{mount}/api/me/tasks/{TASK}"), "{path}");
    }
}

#[test]
fn request_id_falls_back_to_the_invocation() {
    let request = |context: Value| {
        let mut invocation = lambda_http::Context::default();
        "invocation-id".clone_into(&mut invocation.request_id);
        Request::from(read(json!({ "requestContext": context })).0.with_lambda_context(invocation))
    };
    assert_eq!(request(json!({ "requestId": "abc=" })).id(), "abc=");
    assert_eq!(request(json!({})).id(), "invocation-id");
    assert_eq!(empty().id(), "");
}

#[test]
fn null_members_are_absent() {
    let request = read(json!({
        "version": "2.0", "routeKey": null, "rawPath": null, "rawQueryString": null, "body": null, "headers": null,
        "queryStringParameters": null, "pathParameters": null, "requestContext": { "requestId": null },
    }));
    assert_eq!(token(&request), Err("token_missing"));
    assert_eq!((request.user_segment().as_ref(), request.bytes()), ("", &b""[..]));
    assert!(request.refuse_query().is_ok());
}

#[test]
fn query_is_read_as_it_was_sent() {
    let event = json!({
        "rawPath": "/api/me/tasks",
        "rawQueryString": "status=open&tag=a%26b+c&tag=",
        "queryStringParameters": { "status": "completed" },
        "headers": { "host": "tasks.example" },
    });
    let request = read(event);
    let query: Vec<_> = request.query().collect();
    assert_eq!(
        query,
        [("status", "open"), ("tag", "a&b c"), ("tag", "")].map(|(name, value)| (name.into(), value.into()))
    );
    assert_eq!(request.refuse_query().unwrap_err().code, "invalid_parameter");
}

#[test]
fn body_is_bounded_in_bytes() {
    let largest = |bytes: usize| format!(r#"{{"title":"x"{}}}"#, " ".repeat(bytes - 13));
    assert!(with_body(largest(NewTask::MAX_BYTES)).body::<NewTask>().is_ok());
    assert!(with_body(largest(NewTask::MAX_BYTES).into_bytes()).body::<NewTask>().is_ok());
    let problem = with_body(largest(NewTask::MAX_BYTES + 1)).body::<NewTask>().unwrap_err();
    assert_eq!((problem.status, problem.code), (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
}

#[test]
fn optional_body_is_absent_only_if_empty() {
    assert!(with_body("").optional_body::<NewTask>().unwrap().is_none());
    assert!(with_body(r#"{"title":"x"}"#).optional_body::<NewTask>().unwrap().is_some());
    assert_eq!(with_body(" ").optional_body::<NewTask>().unwrap_err().code, "invalid_json");
}
