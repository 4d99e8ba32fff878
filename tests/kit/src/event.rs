//! Events of API Gateway, payload format 2.0, made part by part.

use std::fmt;

use serde_json::{Map, Value, json};
use signer::Signer;

use crate::Operation;

/// An event in the making.
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
    /// Of a request by a user with a good token, to their own tasks.
    pub fn by(user: &str) -> Self {
        Self::anonymous(user).bearer(&Signer::default().token(user))
    }

    /// Of a request to a user's tasks without a token.
    pub fn anonymous(user: &str) -> Self {
        let (user, headers) = (user.to_owned(), Vec::new());
        Self { user, task: None, headers, query: String::new(), body: None, base64: false }
    }

    /// To the tasks of this user instead, whoever calls.
    pub fn at(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }

    /// To this task.
    pub fn task(mut self, id: &str) -> Self {
        self.task = Some(id.to_owned());
        self
    }

    /// Of an operation, on this task if it is on one, and with a body if it cannot do without.
    pub fn of(self, operation: Operation, task: &str) -> Self {
        let event = if operation.is_on_a_task() { self.task(task) } else { self };
        if operation.needs_body() { event.good_body(operation) } else { event }
    }

    /// With a body that this operation takes, if it takes one.
    pub fn good_body(self, operation: Operation) -> Self {
        operation.good_body().iter().fold(self, |event, body| event.json(body))
    }

    /// With a token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a query.
    pub fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        self.query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self
    }

    /// With a query as it is.
    pub fn raw_query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// With a body of `application/json`.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// With a body of any type.
    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", content_type)
    }

    /// With a body that API Gateway took for binary.
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
        // Fields of one name are folded with commas, as API Gateway does it.
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let folded = headers.get(name).and_then(Value::as_str).map(|earlier| format!("{earlier},{value}"));
            headers.insert(name.clone(), json!(folded.unwrap_or_else(|| value.clone())));
        }
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
                "http": { "method": "GET", "path": path },
            },
            "body": self.body,
            "isBase64Encoded": self.base64,
        });
        event.fmt(f)
    }
}
