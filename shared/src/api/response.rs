//! Answers, and the JSON that API Gateway turns into HTTP.

use http::StatusCode;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::problem::{Errors, Problem};
use super::request::{PayloadFormat, Request};
use crate::store::Page;
use crate::task::{Task, Version};

/// The answer to a request that was not a failure.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
    body: String,
}

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

impl Response {
    /// 200 with a task and its `ETag`.
    #[must_use]
    pub fn task(task: &Task) -> Self {
        Self::new(StatusCode::OK, json(task)).with("etag", entity_tag(task.version))
    }

    /// 201 with a task that `request` created, its `ETag` and its `Location`.
    #[must_use]
    pub fn created(task: &Task, request: &Request) -> Self {
        let response = Self::new(StatusCode::CREATED, json(task)).with("etag", entity_tag(task.version));
        response.with("location", request.location(task.id))
    }

    /// 200 with a page of tasks.
    #[must_use]
    pub fn page(page: &Page) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            tasks: &'a [Task],
            next_cursor: Option<&'a str>,
        }

        let body = Body { tasks: &page.tasks, next_cursor: page.next_cursor.as_deref() };
        Self::new(StatusCode::OK, json(&body))
    }

    /// 304: the client has this task in its current version.
    #[must_use]
    pub fn not_modified(task: &Task) -> Self {
        Self::new(StatusCode::NOT_MODIFIED, String::new()).with("etag", entity_tag(task.version))
    }

    /// 204: there is nothing to say.
    #[must_use]
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, String::new())
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

        problem.log(request_id);
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
        let mut response = Self { content_type: PROBLEM_JSON, ..Self::new(problem.status, json(&body)) };
        response.headers.extend(problem.header().map(|(name, value)| (name, value.to_owned())));
        response
    }

    fn new(status: StatusCode, body: String) -> Self {
        Self { status, headers: Vec::with_capacity(3), content_type: JSON, body }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A strong entity tag (RFC 9110 §8.8.3).
fn entity_tag(version: Version) -> String {
    format!("\"{version}\"")
}

fn json(value: &impl Serialize) -> String {
    // Values of this API are strings, numbers and arrays of them: there is no way for this to fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// A response in the form that API Gateway expects from a Lambda proxy integration.
#[derive(Debug)]
pub struct GatewayResponse {
    format: PayloadFormat,
    request_id: String,
    response: Response,
}

impl GatewayResponse {
    /// The answer to `request`.
    pub(crate) fn to(request: &Request, result: Result<Response, Problem>) -> Self {
        let response = result.unwrap_or_else(|problem| Response::problem(&problem, request.id()));
        Self { format: request.format(), request_id: request.id().to_owned(), response }
    }

    /// The answer to what was not even a request.
    pub(crate) fn to_unreadable(invocation_id: &str, problem: &Problem) -> Self {
        let response = Response::problem(problem, invocation_id);
        Self { format: PayloadFormat::V2, request_id: invocation_id.to_owned(), response }
    }
}

impl Serialize for GatewayResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { format, request_id, response } = self;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("statusCode", &response.status.as_u16())?;
        object.serialize_entry("headers", &Headers { response, request_id })?;
        object.serialize_entry("body", &response.body)?;
        object.serialize_entry("isBase64Encoded", &false)?;
        // `cargo lambda watch` insists on it; format 1.0 knows no such member.
        if *format == PayloadFormat::V2 {
            object.serialize_entry("cookies", &[(); 0])?;
        }
        object.end()
    }
}

struct Headers<'a> {
    response: &'a Response,
    request_id: &'a str,
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("content-type", self.response.content_type)?;
        object.serialize_entry("cache-control", "no-store")?;
        object.serialize_entry("x-request-id", self.request_id)?;
        for (name, value) in &self.response.headers {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}
