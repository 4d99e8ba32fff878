//! Events of an API Gateway HTTP API (payload format 2.0), which `lambda_http` makes requests of. Its adapter would end some
//! of them as a Lambda error, which API Gateway answers with a bare 500. Here they are answered with a 400 of ours:
//!
//! - the conversion panics at a `Host` that is not a host, at a query with a character that a URI cannot have (`<`, a
//!   space), and at a body that is not the base64 that the event says it is. Any client can send the first two;
//! - an event that is not one of an HTTP API is an error before any code of ours runs.
//!
//! Of two header names that differ only in case `lambda_http` keeps the last. API Gateway sends each name once, in lower
//! case, and joins the values of repeated fields with commas, so a second `Authorization` field still shows.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{LambdaEvent, RequestExt};
use serde_json::value::RawValue;

use super::problem::Problem;
use super::request::Request;
use super::response::Response;
use crate::signals::{TraceContext, note};

/// Reads an event, which may be any JSON.
///
/// # Errors
/// The answer to an event that is not a request.
pub(crate) fn read(event: LambdaEvent<Box<RawValue>>) -> Result<Request, Box<Response>> {
    let LambdaEvent { payload, context } = event;
    note(|record| {
        record.function.clone_from(&context.env_config.function_name);
        record.trace = context.xray_trace_id.as_deref().and_then(TraceContext::from_xray);
    });
    let (problem, request_id) = match serde_json::from_str::<ApiGatewayV2httpRequest>(payload.get()) {
        Ok(event) => {
            let request_id = event.request_context.request_id.clone();
            match converting(|| lambda_http::Request::from(LambdaRequest::ApiGatewayV2(event))) {
                Some(request) => {
                    let request = Request::from(request.with_lambda_context(context));
                    request.note_origin();
                    return Ok(request);
                }
                None => (Problem::unreadable_request(), request_id.unwrap_or(context.request_id)),
            }
        }
        // The error itself would repeat what it found there.
        Err(error) => (Problem::not_an_event(error.line(), error.column()), context.request_id),
    };
    Err(Box::new(Response::to(&request_id, Err(problem))))
}

thread_local! {
    static CONVERTING: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic at what a client sent.
fn converting<T>(convert: impl FnOnce() -> T) -> Option<T> {
    CONVERTING.set(true);
    let result = catch_unwind(AssertUnwindSafe(convert));
    CONVERTING.set(false);
    result.ok()
}

/// Whether a panic at this moment is one that [`read`] answers: it is not a fault of this code, and not an error in the log.
pub fn is_converting() -> bool {
    CONVERTING.get()
}
