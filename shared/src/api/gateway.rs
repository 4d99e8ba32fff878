//! What stands around `lambda_http`, which reads the events of an API Gateway HTTP API (payload format 2.0) and writes the
//! answers. It would end some requests as a Lambda error, which API Gateway answers with a bare 500. Here they are
//! answered with a 400 of ours:
//!
//! - its conversion panics at a `Host` that is no host, at a query with a character that a URI cannot have (`<`, a space)
//!   and at a body that is not the base64 that the event says it is. Any client can send the first two;
//! - an event that is not one of an HTTP API is an error before any code of ours runs.
//!
//! Of two header names that differ only in case `lambda_http` keeps the last. API Gateway sends each name once, in lower
//! case, and joins the values of repeated fields with commas, so a second `Authorization` field still shows.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use futures_util::future::{Either, MapOk, TryFutureExt};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::request::LambdaRequest;
use lambda_http::{LambdaEvent, Service};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::problem::Problem;
use super::response::Response;

/// An event as Lambda hands it over: any JSON.
pub struct Event(Result<Box<ApiGatewayV2httpRequest>, NotAnEvent>);

/// Where the JSON stops being an event of an HTTP API.
struct NotAnEvent {
    line: usize,
    column: usize,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(json.get()).map(Box::new).map_err(NotAnEvent::from)))
    }
}

/// The error itself would repeat what it found there.
impl From<serde_json::Error> for NotAnEvent {
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// `lambda_http`'s adapter `A`, and around it what answers the events that it cannot take.
pub(crate) struct Gateway<A>(pub(crate) A);

/// The answer in the form that API Gateway expects, from the adapter or from here.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum GatewayResponse<R> {
    Adapter(R),
    Refusal(Box<ApiGatewayV2httpResponse>),
}

type Answer<F, R> = Either<MapOk<F, fn(R) -> GatewayResponse<R>>, Ready<Result<GatewayResponse<R>, Infallible>>>;

impl<A> Service<LambdaEvent<Event>> for Gateway<A>
where
    A: Service<LambdaEvent<LambdaRequest>, Error = Infallible>,
{
    type Response = GatewayResponse<A::Response>;
    type Error = Infallible;
    type Future = Answer<A::Future, A::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, event: LambdaEvent<Event>) -> Self::Future {
        let LambdaEvent { payload: Event(event), context } = event;
        let (problem, request_id) = match event {
            Ok(event) => {
                let request_id = event.request_context.request_id.clone();
                let invocation_id = context.request_id.clone();
                let event = LambdaEvent::new(LambdaRequest::ApiGatewayV2(*event), context);
                match converting(|| self.0.call(event)) {
                    Ok(answer) => return Either::Left(answer.map_ok(GatewayResponse::Adapter)),
                    Err(Panicked) => (Problem::unreadable_request(), request_id.unwrap_or(invocation_id)),
                }
            }
            Err(NotAnEvent { line, column }) => (Problem::not_an_event(line, column), context.request_id),
        };
        problem.log(&request_id);
        let refusal = Response::problem(&problem, &request_id).with_request_id(&request_id);
        Either::Right(ready(Ok(GatewayResponse::Refusal(Box::new(refusal.into_gateway_response())))))
    }
}

thread_local! {
    static CONVERTING: Cell<bool> = const { Cell::new(false) };
}

struct Panicked;

/// Does what may panic at what a client sent.
fn converting<T>(convert: impl FnOnce() -> T) -> Result<T, Panicked> {
    CONVERTING.set(true);
    let result = catch_unwind(AssertUnwindSafe(convert));
    CONVERTING.set(false);
    result.map_err(|_| Panicked)
}

/// Whether a panic at this moment is one that [`Gateway`] answers: no fault of this code, and not worth an error in the log.
pub fn is_converting() -> bool {
    CONVERTING.get()
}
