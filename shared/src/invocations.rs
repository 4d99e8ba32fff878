//! Takes invocations from Lambda's Runtime API one after another, and lets `lambda_runtime` handle each of them: read the event,
//! catch panics, send the response.
//!
//! - **Figure:** 170 bytes per request, which are never freed, and 1 % of the instructions of a warm get.
//! - **Reason:** [`lambda_runtime::run`] sets `_X_AMZN_TRACE_ID` for each invocation, and glibc's `setenv` never frees an old
//!   value. It also opens a tracing span for each, which the signals do not use. No setting turns either off.
//! - **To remove it:** delete this file, and call `lambda_runtime::run` in `app.rs`.

use std::cell::RefCell;
use std::future::ready;
use std::sync::Arc;

use http::StatusCode;
use http_body_util::BodyExt;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::tower::{Service, ServiceExt, service_fn};
use lambda_runtime::{Config, Context, Error, LambdaInvocation, Runtime};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{PooledClient, build_request};

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";

/// Handles invocations with the service of a runtime until the Runtime API is gone.
///
/// # Errors
/// The Runtime API cannot be reached, or what it sends is not an invocation.
pub(crate) async fn run<S>(runtime: Runtime<S>) -> Result<(), Error>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let mut service = service_of(runtime)?;
    let config = Arc::new(Config::from_env());
    let client = PooledClient::builder().build();
    loop {
        let (parts, body) = client.call(build_request().uri(NEXT).body(Body::empty())?).await?.into_parts();
        // What `cargo lambda watch` sends now and then while nothing is to be done.
        if parts.status == StatusCode::NO_CONTENT {
            continue;
        }
        let body = body.collect().await?.to_bytes();
        let id = parts.headers.get(REQUEST_ID).ok_or("an invocation without a request id")?.to_str()?;
        let context = Context::new(id, Arc::clone(&config), &parts.headers)?;
        service.ready().await?.call(LambdaInvocation { parts, body, context }).await?;
    }
}

/// Returns the service that handles an invocation. A runtime shows it only to its layers, so a layer takes it out.
fn service_of<S>(runtime: Runtime<S>) -> Result<S, Error>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let taken = RefCell::new(None);
    drop(runtime.layer(layer_fn(|service| {
        taken.replace(Some(service));
        service_fn(|_: LambdaInvocation| ready(Ok(())))
    })));
    taken.into_inner().ok_or_else(|| "the runtime has no service".into())
}
