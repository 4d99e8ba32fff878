//! Builds API Gateway events in payload format 2.0.

use std::fmt;

use serde_json::{Map, Value, json};
use signer::Signer;

use crate::Operation;

/// A builder of an event.
#[derive(Debug, Clone)]
pub struct Event {
    user: String,
    task: Option<String>,
    headers: Vec<(String, String)>,
    query: String,
    body: Option<String>,
    base64: bool,
}

impl Event {
    /// A request of a user with a valid token to their own tasks.
    pub fn by(user: &str) -> Self {
        Self::anonymous(user).bearer(&Signer::default().token(user))
    }

    /// A request to a user's tasks without a token.
    pub fn anonymous(user: &str) -> Self {
        let (user, headers) = (user.to_owned(), Vec::new());
        Self { user, task: None, headers, query: String::new(), body: None, base64: false }
    }

    /// Sets the user in the path, independently of the token.
    pub fn at(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// Sets the task in the path.
    pub fn task(mut self, id: &str) -> Self {
        self.task = Some(id.to_owned());
        self
    }

    /// Adds what an operation requires: the task in the path, and a body.
    pub fn of(self, operation: Operation, task: &str) -> Self {
        let event = if operation.is_on_a_task() { self.task(task) } else { self };
        if operation.needs_body() { event.good_body(operation) } else { event }
    }

    /// Adds a body that the operation accepts, if it accepts any.
    pub fn good_body(self, operation: Operation) -> Self {
        self.maybe_json(operation.good_body().as_ref())
    }

    /// Adds a token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the query.
    pub fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        self.query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self
    }

    /// Sets the query without encoding it.
    pub fn raw_query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// Sets a JSON body, if there is one.
    pub fn maybe_json(self, body: Option<&Value>) -> Self {
        body.into_iter().fold(self, |event, body| event.json(body))
    }

    /// Adds a header field, if there is a value for it.
    pub fn maybe_header(self, name: &str, value: Option<&str>) -> Self {
        value.into_iter().fold(self, |event, value| event.header(name, value))
    }

    /// Sets a body of any type.
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", content_type)
    }

    /// Sets a body that is marked as Base64, as API Gateway marks binary ones.
    pub fn base64_body(mut self, content_type: &str, body: &str) -> Self {
        self.base64 = true;
        self.body(content_type, body)
    }
}

/// The event's JSON.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parameters = Map::from_iter([("user_id".to_owned(), json!(self.user))]);
        parameters.extend(self.task.iter().map(|id| ("task_id".to_owned(), json!(id))));
        let path = self.task.iter().fold(format!("/api/{}/tasks", self.user), |path, id| format!("{path}/{id}"));
        // API Gateway joins fields of the same name with commas.
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let folded = headers.get(name).and_then(Value::as_str).map(|earlier| format!("{earlier},{value}"));
            headers.insert(name.clone(), json!(folded.unwrap_or_else(|| value.clone())));
        }
        // Only the erasure reads it.
        headers.entry("confirm-erase").or_insert_with(|| json!(self.user));
        let event = json!({
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": self.query,
            "headers": headers,
            "pathParameters": parameters,
            "requestContext": {
                "requestId": "request-id",
                "routeKey": "ANY /api/{user_id}/tasks",
                "stage": "$default",
                "http": { "method": "GET", "path": path, "sourceIp": "203.0.113.7" },
                // Of another user, so that every test would notice if it was read.
                "authorizer": { "jwt": { "claims": { "sub": "bob" }, "scopes": null } },
            },
            "body": self.body,
            "isBase64Encoded": self.base64,
        });
        event.fmt(f)
    }
}
