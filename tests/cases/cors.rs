//! Checks that browsers on other origins may do what the template allows, and nothing else.

use std::fs;

use local::template::{Cors, Route, Template};
use serde_json::{Value, json};
use tests::{ALICE, Answer, Dev, Operation, SECRET_SETTINGS, Signer, send, temporary_folder};

/// The header fields that the page sends and reads.
const SENT: [&str; 5] = ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"];
const READ: [&str; 4] = ["etag", "location", "retry-after", "x-request-id"];

const FOREIGN: [&str; 5] =
    ["http://evil.example", "http://localhost", "http://localhost:3000", "null", "http://127.0.0.1"];

#[tokio::test(flavor = "multi_thread")]
async fn cors_allows_what_the_template_says() {
    let folder = temporary_folder("cors");
    let dev = Dev::start(&folder, &[], &SECRET_SETTINGS).await;
    let template = Template::read().unwrap();
    let origins = [dev.page()];

    for Route { method, path } in template.functions.iter().flat_map(|function| &function.routes) {
        let url = url(&dev, path);
        for origin in &origins {
            let asked = [("access-control-request-method", method.as_str()), ("origin", origin)];
            let answer = send("OPTIONS", &url, &[asked[0], asked[1], SENT_FIELDS], "").await;
            assert_eq!((answer.status, &answer.body), (204, &Value::Null), "{method} {path}");
            assert_preflight(&answer, &template.cors, origin, method);
            let operation = Operation::ALL.into_iter().find(|known| known.method() == method && known.path() == path);
            let status = if operation.is_some_and(Operation::takes_token) { 401 } else { 200 };
            assert_shared(&send(method, &url, &[("origin", origin)], "").await, status, &template.cors, origin);
        }
        for origin in FOREIGN {
            let asked = [("access-control-request-method", method.as_str()), ("origin", origin)];
            assert_not_shared(&send("OPTIONS", &url, &asked, "").await);
            assert_not_shared(&send(method, &url, &[("origin", origin)], "").await);
        }
        assert_not_shared(&send(method, &url, &[], "").await);
    }

    let token = format!("Bearer {}", Signer::default().token(ALICE));
    let origin = dev.page();
    let headers = [("origin", origin.as_str()), ("authorization", &token), ("content-type", "application/json")];
    let tasks = url(&dev, "/api/{user_id}/tasks");
    let created = send("POST", &tasks, &headers, json!({ "title": "shared" }).to_string()).await;
    assert_shared(&created, 201, &template.cors, &origin);
    assert_eq!(created.header("etag"), "\"1\"");
    let missing = url(&dev, "/api/{user_id}/tasks/{task_id}");
    assert_shared(&send("GET", &missing, &headers, "").await, 404, &template.cors, &origin);
    let stale = [headers[0], headers[1], headers[2], ("if-match", "\"7\"")];
    let task = format!("{}{}", dev.api(), created.header("location"));
    let conflict = send("PATCH", &task, &stale, json!({ "title": "stale" }).to_string()).await;
    assert_shared(&conflict, 412, &template.cors, &origin);
    // Beyond the limit of the functions and that of the gateway.
    for size in [70_000, local::gateway::LARGEST_BODY + 1] {
        let answer = send("POST", &tasks, &headers, vec![b' '; size]).await;
        assert_shared(&answer, 413, &template.cors, &origin);
    }

    let unknown = [("GET", "/"), ("GET", "/api/me/tasks/"), ("PATCH", "/api/me/tasks"), ("HEAD", "/api/me/tasks")];
    for (method, path) in unknown {
        let answer = send(method, &format!("{}{path}", dev.api()), &headers, "").await;
        assert_shared(&answer, 404, &template.cors, &origin);
        if method != "HEAD" {
            assert_eq!(answer.body, json!({ "message": "Not Found" }), "{method} {path}");
        }
    }
    // API Gateway joins the two fields, so the request has no valid token, and none of two identities is chosen.
    let twice = [("authorization", token.as_str()), ("authorization", &token)];
    assert_eq!(send("GET", &tasks, &twice, "").await.status, 401);
    drop(dev);
    fs::remove_dir_all(folder).unwrap();
}

const SENT_FIELDS: (&str, &str) =
    ("access-control-request-headers", "authorization,content-type,idempotency-key,if-match,if-none-match");

fn url(dev: &Dev, path: &str) -> String {
    let path = path.replace("{user_id}", "me").replace("{task_id}", "01890000-0000-7000-8000-000000000000");
    format!("{}{path}", dev.api())
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

/// The names of the CORS fields in a response.
fn cors_fields(answer: &Answer) -> Vec<&str> {
    answer.headers.keys().map(String::as_str).filter(|name| name.starts_with("access-control-")).collect()
}

fn assert_preflight(answer: &Answer, cors: &Cors, origin: &str, method: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(list(answer.header("access-control-allow-methods")), cors.allow_methods);
    assert!(list(answer.header("access-control-allow-methods")).contains(&method));
    let allowed = list(answer.header("access-control-allow-headers"));
    assert_eq!(allowed, cors.allow_headers);
    assert!(SENT.iter().all(|name| allowed.contains(name)), "{allowed:?}");
    assert_eq!(answer.header("access-control-max-age"), cors.max_age.to_string());
    assert_eq!(cors_fields(answer).len(), 4, "no credentials: {:?}", answer.headers);
}

fn assert_shared(answer: &Answer, status: u16, cors: &Cors, origin: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    let exposed = list(answer.header("access-control-expose-headers"));
    assert_eq!(exposed, cors.expose_headers);
    assert!(READ.iter().all(|name| exposed.contains(name)), "{exposed:?}");
    assert_eq!(answer.header("vary"), "origin");
    assert_eq!(cors_fields(answer).len(), 2, "{:?}", answer.headers);
}

fn assert_not_shared(answer: &Answer) {
    assert_eq!(cors_fields(answer), [""; 0], "{:?}", answer.headers);
}
