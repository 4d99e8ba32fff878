//! Checks that every response follows the contract: a status that the operation may return, with the matching body.

use kit::{Content, ON_EVERY_ANSWER, Operation};
use serde_json::{Map, Value, json};

use crate::json::parse;

/// A response in the form that API Gateway gets.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) headers: Map<String, Value>,
    /// `null` without a body.
    pub(crate) body: Value,
}

/// Statuses of problems with their codes.
const CODES: [(u64, &str); 14] = [
    (
        400,
        "invalid_cursor invalid_event invalid_header invalid_json invalid_parameter invalid_request invalid_sync_token",
    ),
    (401, "token_expired token_invalid token_missing"),
    (403, "forbidden"),
    (404, "task_not_found"),
    (409, "idempotency_key_in_flight"),
    (410, "restore_expired sync_token_expired tasks_erased"),
    (412, "already_exists version_mismatch"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "batch_too_large idempotency_key_reused invalid_field invalid_task_id no_next_occurrence"),
    (424, "not_attempted"),
    (500, "internal"),
    (503, "unavailable"),
    (507, "storage_full"),
];

/// The members of a task that recurs, or did.
const SERIES: [&str; 3] = ["recurrence", "series_id", "occurrence"];
const TASK: &str = "completed completed_at created_at description due id priority tags title updated_at version";

impl Answer {
    /// Parses a response and checks the rules that apply to every one.
    pub(crate) fn of(mut answer: Value) -> Self {
        let status = answer["statusCode"].as_u64().expect("a status");
        let Value::Object(headers) = answer["headers"].take() else { panic!("no header fields: {answer}") };
        assert_eq!(answer["isBase64Encoded"], false);
        for (name, value) in ON_EVERY_ANSWER {
            assert_eq!(headers[name], value, "{name}");
        }
        let body = answer["body"]
            .as_str()
            .map_or(Value::Null, |body| parse(body.as_bytes()).expect("the body is JSON without duplicate members"));
        let answer = Self { status, headers, body };
        if status >= 400 {
            answer.check_problem();
        }
        answer
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The pointers and parameters of a problem's errors.
    pub(crate) fn places(&self) -> impl Iterator<Item = &str> {
        let errors = self.body["errors"].as_array().map_or(&[][..], Vec::as_slice);
        errors.iter().filter_map(|error| error["pointer"].as_str().or(error["parameter"].as_str()))
    }

    /// Checks that an operation may return this response to a client's request while the database works.
    pub(crate) fn check(&self, operation: Operation) {
        let known = match self.status {
            400 | 401 | 403 => true,
            304 => operation.condition() == Some("if-none-match"),
            // An idempotency key may belong to a deleted task.
            404 => operation.is_on_a_task() || operation.takes_idempotency_key(),
            410 => operation.answers() == Content::Changes || operation == Operation::RestoreTask,
            412 => operation.takes_if_match(),
            413 | 415 => operation.takes_body(),
            422 => operation.takes_body() || operation.takes_idempotency_key(),
            201 if operation.creates_under_its_id() => true,
            success => success == u64::from(operation.success()),
        };
        assert!(known, "{operation:?} returns {self:?}");
        self.check_success(operation);
    }

    /// Checks the body and the header fields of a success.
    pub(crate) fn check_success(&self, operation: Operation) {
        match (self.status, operation.answers()) {
            (200, Content::Page) => {
                let page = self.body.as_object().expect("a page");
                let members = if page.contains_key("progress") { 3 } else { 2 };
                assert!(page.len() == members && (page["next_cursor"].is_null() || page["next_cursor"].is_string()));
                page["tasks"].as_array().expect("the tasks of a page").iter().for_each(check_task);
            }
            (200, Content::Tags) => {
                let page = self.body.as_object().expect("a page");
                assert!(page.len() == 2 && (page["next_cursor"].is_null() || page["next_cursor"].is_string()));
                page["tags"].as_array().expect("the tags of a page").iter().for_each(check_tag);
            }
            (200, Content::Changes) => {
                let page = self.body.as_object().expect("a page");
                assert!(page.len() == 4 && page["next"].is_string() && page["has_more"].is_boolean(), "{page:?}");
                page["tasks"].as_array().expect("changed tasks").iter().for_each(check_task);
                page["deleted"].as_array().expect("deleted tasks").iter().for_each(check_tombstone);
            }
            (200, Content::Export) => {
                let page = self.body.as_object().expect("a page");
                assert!(page.len() == 3 && (page["next_cursor"].is_null() || page["next_cursor"].is_string()));
                page["tasks"].as_array().expect("tasks").iter().for_each(check_task);
                page["deleted"].as_array().expect("deleted tasks").iter().for_each(check_tombstone);
            }
            (200, Content::Erasure) => {
                let is_whole = self.body.as_object().is_some_and(|body| body.len() == 1);
                assert!(is_whole && self.body["has_more"].is_boolean(), "{self:?}");
            }
            (200, Content::Health) => assert_eq!(self.body, json!({ "status": "ok" })),
            (200, Content::Rows) => {
                let rows = self.body["results"].as_array().expect("the results of a batch");
                assert_eq!(self.body.as_object().map(Map::len), Some(1), "{self:?}");
                assert!((1..=100).contains(&rows.len()), "{self:?}");
                rows.iter().for_each(check_row);
            }
            (200 | 201, _) => {
                check_task(&self.body);
                assert_eq!(self.headers["etag"], format!("\"{}\"", self.body["version"]));
            }
            (204 | 304, _) => assert_eq!(self.body, Value::Null),
            _ => {}
        }
        let location = self.headers.get("location").map(|location| location.as_str().expect("a path"));
        assert_eq!(location.is_some(), self.status == 201);
        let is_path = |path: &str| {
            path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|byte| byte.is_ascii_graphic())
        };
        assert!(location.is_none_or(is_path), "{location:?}");
    }

    fn check_problem(&self) {
        let Self { status, headers, body } = self;
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(is_known(*status, self.code()), "{self:?}");
        assert_eq!((&body["type"], &body["status"]), (&Value::from("about:blank"), &Value::from(*status)));
        let id = body["request_id"].as_str().expect("a request id");
        // API Gateway's ids are visible ASCII. One with a control character cannot be in a header field (RFC 9110 §5.5).
        let fits = id.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control());
        assert_eq!(headers.get("x-request-id"), fits.then(|| Value::from(id)).as_ref());
        assert!(body["title"].is_string() && body["detail"].is_string());
        let members = if body["errors"].is_null() { 6 } else { 7 };
        assert_eq!(body.as_object().map(Map::len), Some(members), "{body}");
        if let Some(errors) = body["errors"].as_array() {
            assert!((1..=32).contains(&errors.len()) && self.places().count() == errors.len(), "{body}");
        }
        let challenge = match (status, self.code()) {
            (401, "token_missing") => Some(r#"Bearer realm="tasks""#),
            (401, _) => Some(r#"Bearer realm="tasks", error="invalid_token""#),
            _ => None,
        };
        assert_eq!(headers.get("www-authenticate").and_then(Value::as_str), challenge);
        assert_eq!(headers.contains_key("retry-after"), [409, 503].contains(status));
    }
}

fn is_known(status: u64, code: &str) -> bool {
    CODES.iter().any(|(known, codes)| *known == status && codes.split(' ').any(|known| known == code))
}

fn check_tombstone(task: &Value) {
    let members = task.as_object().expect("a deleted task");
    assert!(members.keys().eq(["deleted_at", "id", "version"]), "{task}");
    assert!(task["deleted_at"].is_string() && task["id"].is_string() && task["version"].is_u64(), "{task}");
}

fn check_tag(tag: &Value) {
    let members = tag.as_object().expect("a tag");
    assert!(members.keys().eq(["completed", "key", "open", "tag"]), "{tag}");
    assert!(tag["key"].is_string() && tag["tag"].is_string(), "{tag}");
    assert!(tag["open"].is_u64() && tag["completed"].is_u64(), "{tag}");
}

fn check_row(row: &Value) {
    let members = row.as_object().expect("a row");
    assert!(members.keys().eq(&["etag", "id", "problem", "status"]), "{row}");
    let status = row["status"].as_u64().expect("a status");
    let is_known = match row["problem"].as_object() {
        Some(problem) => {
            let code = problem["code"].as_str().expect("a code");
            problem.len() == 2 && problem["detail"].is_string() && is_known(status, code)
        }
        None => [200, 201, 204].contains(&status),
    };
    assert!(is_known && row["id"].is_string() && (row["etag"].is_null() || row["etag"].is_string()), "{row}");
}

fn check_task(task: &Value) {
    let members = task.as_object().expect("a task");
    // These are there only if they say something.
    let is_placed = |name: &str| ["parent_id", "position"].contains(&name);
    assert!(members.iter().all(|(name, value)| !is_placed(name) || value.is_string()), "{task}");
    let names = members.keys().map(String::as_str).filter(|name| !SERIES.contains(name) && !is_placed(name));
    assert!(names.eq(TASK.split(' ')), "{task}");
    if SERIES.iter().any(|name| members.contains_key(*name)) {
        let recurrence = &task["recurrence"];
        assert!(recurrence.is_null() || recurrence["rule"].is_string() && recurrence["from"].is_string(), "{task}");
        assert!(task["series_id"].is_string() && task["occurrence"].is_u64(), "{task}");
    }
    let is = |name: &str, kind: fn(&Value) -> bool| assert!(kind(&task[name]), "{name} of {task}");
    let is_text_or_null = |value: &Value| value.is_string() || value.is_null();
    ["id", "title", "priority", "created_at", "updated_at"].into_iter().for_each(|name| is(name, Value::is_string));
    ["completed_at", "description", "due"].into_iter().for_each(|name| is(name, is_text_or_null));
    is("tags", |tags| tags.as_array().is_some_and(|tags| tags.iter().all(Value::is_string)));
    is("version", Value::is_u64);
    assert_eq!(task["completed"], !task["completed_at"].is_null());
}
