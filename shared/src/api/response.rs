//! Answers of handlers, and to failures.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, LOCATION, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde::Serialize;

use super::problem::{Errors, Problem};
use super::request::Request;
use crate::signals::note;
use crate::store::{Changes, Done, Export, Page, Progress, Row, TagsPage};
use crate::task::{DeletedTask, Tag, Task, TaskId, Version};

/// The answer to a request.
#[derive(Debug)]
pub struct Response(http::Response<Body>);

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sent with every answer, unless it has another type. An API shows no page, and its answers belong to one user, so nothing
/// may be cached, framed, sniffed, or sent without TLS (OWASP REST Security Cheat Sheet, "Security Headers").
static ON_EVERY_ANSWER: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    ])
});

impl Response {
    /// 200 with a task and its `ETag`.
    #[must_use]
    pub fn task(task: &Task) -> Self {
        Self::new(StatusCode::OK, json(task)).with(ETAG, entity_tag(task.version))
    }

    /// 201 with a task that `request` created, its `ETag` and its `Location`.
    #[must_use]
    pub fn created(task: &Task, request: &Request) -> Self {
        let response = Self::new(StatusCode::CREATED, json(task)).with(ETAG, entity_tag(task.version));
        response.with(LOCATION, request.location(task.id))
    }

    /// 200 with a page of tasks.
    #[must_use]
    pub fn page(page: &Page) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            tasks: &'a [Task],
            next_cursor: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            progress: Option<Progress>,
        }

        let body = Body { tasks: &page.tasks, next_cursor: page.next_cursor.as_deref(), progress: page.progress };
        Self::new(StatusCode::OK, json(&body))
    }

    /// 200 with a page of tags.
    #[must_use]
    pub fn tags(page: &TagsPage) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            tags: Vec<Count<'a>>,
            next_cursor: Option<&'a str>,
        }

        #[derive(Serialize)]
        struct Count<'a> {
            tag: &'a Tag,
            key: &'a str,
            open: usize,
            completed: usize,
        }

        let tags = page.tags.iter().map(|count| Count {
            tag: &count.tag,
            key: &count.key,
            open: count.open,
            completed: count.completed,
        });
        Self::new(StatusCode::OK, json(&Body { tags: tags.collect(), next_cursor: page.next_cursor.as_deref() }))
    }

    /// 200 with a page of changes.
    #[must_use]
    pub fn changes(changes: &Changes) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            tasks: &'a [Task],
            deleted: &'a [DeletedTask],
            next: &'a str,
            has_more: bool,
        }

        let Changes { tasks, deleted, next, has_more } = changes;
        Self::new(StatusCode::OK, json(&Body { tasks, deleted, next, has_more: *has_more }))
    }

    /// 200 with a page of an export.
    #[must_use]
    pub fn export(export: &Export) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            tasks: &'a [Task],
            deleted: &'a [DeletedTask],
            next_cursor: Option<TaskId>,
        }

        let Export { tasks, deleted, next } = export;
        Self::new(StatusCode::OK, json(&Body { tasks, deleted, next_cursor: *next }))
    }

    /// 200 with whether an erasure has to be continued.
    #[must_use]
    pub fn erased(has_more: bool) -> Self {
        #[derive(Serialize)]
        struct Body {
            has_more: bool,
        }

        Self::new(StatusCode::OK, json(&Body { has_more }))
    }

    /// 200: the API answers requests.
    #[must_use]
    pub fn healthy() -> Self {
        #[derive(Serialize)]
        struct Body {
            status: &'static str,
        }

        Self::new(StatusCode::OK, json(&Body { status: "ok" }))
    }

    /// 200 with what became of each item of a batch. The log has the server faults among them.
    #[must_use]
    pub fn rows(rows: Vec<Row>) -> Self {
        #[derive(Serialize)]
        struct Body {
            results: Vec<Result>,
        }

        #[derive(Serialize)]
        struct Result {
            id: TaskId,
            status: u16,
            etag: Option<String>,
            problem: Option<Reason>,
        }

        #[derive(Serialize)]
        struct Reason {
            code: &'static str,
            detail: Cow<'static, str>,
        }

        let result = |Row { id, result }| {
            let (status, version) = match result {
                Ok(Done::Created(version)) => (StatusCode::CREATED, Some(version)),
                Ok(Done::Written(version)) => (StatusCode::OK, version),
                Ok(Done::Deleted) => (StatusCode::NO_CONTENT, None),
                Err(error) => {
                    let problem = Problem::from(error);
                    let (status, code) = (problem.status, problem.code);
                    let (detail, failure) = problem.into_parts();
                    if status.is_server_error() {
                        note(|record| record.item_failed(failure));
                    }
                    let problem = Some(Reason { code, detail });
                    return Result { id, status: status.as_u16(), etag: None, problem };
                }
            };
            Result { id, status: status.as_u16(), etag: version.map(entity_tag), problem: None }
        };
        Self::new(StatusCode::OK, json(&Body { results: rows.into_iter().map(result).collect() }))
    }

    /// 304: the client has this task in its current version.
    #[must_use]
    pub fn not_modified(task: &Task) -> Self {
        Self::new(StatusCode::NOT_MODIFIED, Body::Empty).with(ETAG, entity_tag(task.version))
    }

    /// 204: there is nothing to say.
    #[must_use]
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Body::Empty)
    }

    /// The answer to the request with this id, which the log has as well.
    pub(crate) fn to(request_id: &str, result: Result<Self, Problem>) -> Self {
        let (response, failure) = match result {
            Ok(response) => (response, None),
            Err(problem) => (Self::problem(&problem, request_id), Some(problem.into_parts().1)),
        };
        note(|record| {
            request_id.clone_into(&mut record.request_id);
            record.status = response.0.status().as_u16();
            record.failure = failure;
        });
        response.with(X_REQUEST_ID, request_id)
    }

    fn problem(problem: &Problem, request_id: &str) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            detail: &'a str,
            code: &'static str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "is_none")]
            errors: &'a Errors,
        }

        fn is_none(errors: &Errors) -> bool {
            matches!(errors, Errors::None)
        }

        let body = Body {
            // RFC 9457 §4.2.1: the status says what kind of problem it is; `code` says it more exactly.
            r#type: "about:blank",
            title: problem.status.canonical_reason().unwrap_or_default(),
            status: problem.status.as_u16(),
            detail: &problem.detail,
            code: problem.code,
            request_id,
            errors: &problem.errors,
        };
        let mut response = Self::new(problem.status, json(&body)).with(CONTENT_TYPE, PROBLEM_JSON);
        response.0.headers_mut().extend(problem.header());
        response
    }

    fn new(status: StatusCode, body: Body) -> Self {
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = ON_EVERY_ANSWER.clone();
        Self(response)
    }

    /// Sets a header field, whose value is visible ASCII.
    fn with(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.0.headers_mut().insert(name, value);
        }
        self
    }
}

/// `lambda_http` would clone the headers of an [`http::Response`], and copy its body.
impl From<Response> for ApiGatewayV2httpResponse {
    fn from(response: Response) -> Self {
        let (parts, body) = response.0.into_parts();
        let mut response = Self::default();
        response.status_code = parts.status.as_u16().into();
        response.headers = parts.headers;
        response.body = Some(body).filter(|body| *body != Body::Empty);
        response
    }
}

/// A strong entity tag (RFC 9110 §8.8.3).
fn entity_tag(version: Version) -> String {
    format!("\"{version}\"")
}

fn json(value: &impl Serialize) -> Body {
    // It cannot fail: all values are strings, numbers, and arrays of them.
    Body::Text(serde_json::to_string(value).unwrap_or_default())
}
