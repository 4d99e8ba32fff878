//! Bodies, queries, and events that the API rejects, and those that it accepts although they are unusual.

use kit::fixtures::{refused, table};

use super::*;

#[tokio::test]
async fn body_errors_are_all_named() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let too_much = [
        (json!({ "title": "x".repeat(201) }), vec!["/title"]),
        (json!({ "title": "x", "description": "x".repeat(10_001) }), vec!["/description"]),
        (json!({ "title": "x", "tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>() }), vec!["/tags"]),
        (json!({ "title": "x", "tags": ["a", "", 1, "x".repeat(51)] }), vec!["/tags/1", "/tags/2", "/tags/3"]),
    ];
    let too_much = too_much.map(|(body, places)| (body, places.into_iter().map(str::to_owned).collect()));
    for (body, expected) in refused("bodies").into_iter().chain(too_much) {
        for operation in [Operation::CreateTask, Operation::ReplaceTask] {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).json(&body)).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid_field"), "{operation:?}: {body}");
            assert_eq!(named(&answer), expected, "{operation:?}: {body}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.body["type"], "about:blank");
            assert_eq!(answer.body["title"], "Unprocessable Entity");
            assert_eq!(answer.body["status"], 422);
            assert_eq!(answer.body["request_id"], "request-id");
            assert!(answer.body["detail"].as_str().unwrap().contains(&expected[0]));
        }
    }
    assert_eq!(api.items("tasks", ALICE).len(), 1);
    assert_eq!(api.get(ALICE, &task).await.body["version"], 1);
}

#[tokio::test]
async fn other_than_json_objects_is_refused() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    for body in table("refused")["texts that are no JSON object"].as_array().unwrap() {
        let body = body.as_str().unwrap();
        // An empty body counts as no body where the body is optional.
        let takes = |operation: &Operation| operation.needs_body() || (operation.takes_body() && !body.is_empty());
        for operation in Operation::ALL.into_iter().filter(takes) {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).body("application/json", body)).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_json"), "{operation:?}: {body}");
        }
    }
    let answer = api.call(Operation::CreateTask, &Event::by(ALICE).base64_body("application/json", "no base64!")).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"));
    let latin1 = Event::by(ALICE).base64_body("application/json", "eyJ0aXRsZSI6IuQifQ==");
    assert_eq!(api.call(Operation::CreateTask, &latin1).await.status, 400);
}

#[tokio::test]
async fn only_json_is_read() {
    let api = Api::start().await;
    let task = api.create_titled("one").await;
    let body = r#"{"title":"two"}"#;
    for content_type in
        ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/xml+json", "json"]
    {
        for operation in Operation::ALL.into_iter().filter(|operation| operation.takes_body()) {
            let answer = api.call(operation, &Event::by(ALICE).task(&task).body(content_type, body)).await;
            let problem = (answer.status, answer.code());
            assert_eq!(problem, (415, "unsupported_media_type"), "{operation:?}: {content_type:?}");
            assert!(answer.body["detail"].as_str().unwrap().contains("application/json"));
        }
    }
    for content_type in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x=y"] {
        assert_eq!(api.call(Operation::CreateTask, &Event::by(ALICE).body(content_type, body)).await.status, 201);
    }
    for (operation, status) in [(Operation::UpdateTask, 200), (Operation::CreateTask, 415)] {
        let event = Event::by(ALICE).task(&task).body("application/merge-patch+json", body);
        assert_eq!(api.call(operation, &event).await.status, status, "{operation:?}");
    }
}

#[tokio::test]
async fn encoded_body_is_refused() {
    let api = Api::start().await;
    let body = json!({ "title": "x" });
    for (coding, status) in [("gzip", 415), ("br, identity", 415), ("identity", 201), ("Identity", 201)] {
        let event = Event::by(ALICE).json(&body).header("content-encoding", coding);
        assert_eq!(api.call(Operation::CreateTask, &event).await.status, status, "{coding}");
    }
}

#[tokio::test]
async fn only_lists_have_a_query() {
    let api = Api::start().await;
    let id = api.create_titled("one").await;
    for operation in Operation::ALL.into_iter().filter(|operation| !operation.takes_query()) {
        let event = Event::by(ALICE).of(operation, &id).query(&[("user_id", "bob"), ("x", "1")]);
        let answer = api.call(operation, &event).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_parameter"), "{operation:?}");
        assert_eq!(named(&answer), ["user_id", "x"], "{operation:?}");
    }
    assert_eq!(api.get(ALICE, &id).await.body["version"], 1);
}

#[tokio::test]
async fn answer_lists_a_bounded_number_of_errors() {
    let api = Api::start().await;
    let fields: serde_json::Map<_, _> = (0..5_000).map(|number| (format!("x{number}"), json!(1))).collect();
    let tags = json!({ "title": "x", "tags": vec![0; 20_000] });
    for body in [Value::Object(fields), tags] {
        let answer = create(&api, body).await;
        assert_eq!((answer.status, named(&answer).len()), (422, 32));
        assert!(answer.raw.to_string().len() < 8_192);
    }
    let query: String = (0..2_000).map(|number| format!("x{number}&")).collect();
    let answer = api.call(Operation::ListTasks, &Event::by(ALICE).raw_query(&query)).await;
    assert_eq!((answer.status, named(&answer).len()), (400, 32));
    assert!(answer.body["detail"].as_str().unwrap().ends_with("and 1999 more."), "{answer:?}");
}

#[tokio::test]
async fn location_is_a_uri() {
    let api = Api::start().await;
    let event: Value = serde_json::from_str(&Event::by("auth0|a").json(&json!({ "title": "x" })).to_string()).unwrap();
    for (path, expected) in [
        ("/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/prod/api/auth0|a/tasks", "/prod/api/auth0%7Ca/tasks/"),
        ("/api/api/auth0|a/tasks", "/api/api/auth0%7Ca/tasks/"),
        ("//evil.example/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/a b\r\n/api/auth0|a/tasks", "/api/auth0%7Ca/tasks/"),
        ("/somewhere/else", "/api/auth0%7Ca/tasks/"),
    ] {
        let mut event = event.clone();
        event["rawPath"] = json!(path);
        let answer = api.call_raw(Operation::CreateTask, &event.to_string()).await;
        let location = format!("{expected}{}", answer.body["id"].as_str().unwrap());
        assert_eq!(answer.header("location"), location, "{path}");
    }
}

#[tokio::test]
async fn null_member_of_an_event_is_absent() {
    let api = Api::start().await;
    let mut event: Value = serde_json::from_str(&Event::by(ALICE).to_string()).unwrap();
    for name in ["rawQueryString", "body", "queryStringParameters", "stageVariables", "cookies", "requestId"] {
        if name == "requestId" {
            event["requestContext"][name] = Value::Null;
        } else {
            event[name] = Value::Null;
        }
        let answer = api.call_raw(Operation::ListTasks, &event.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    assert_eq!(api.call_raw(Operation::ListTasks, &event.to_string()).await.header("x-request-id"), "invocation-id");
}

#[tokio::test]
async fn body_has_at_most_64_kib() {
    let api = Api::start().await;
    let body = r#"{"title":"x"}"#;
    let too_large = (413, "body_too_large");
    for (length, expected) in [(65_536, (201, "")), (65_537, too_large), (6_000_000, too_large)] {
        let padded = " ".repeat(length - body.len()) + body;
        let answer = api.call(Operation::CreateTask, &Event::by(ALICE).body("application/json", &padded)).await;
        assert_eq!((answer.status, answer.code()), expected, "{length}");
    }
}
