//! The wire between the functions and DynamoDB: it keeps a record, and fails when told to.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use shared::connector::{Connector, TrustedRoots};

/// A connector that goes to the embedded DynamoDB, and to issuers unspoiled. Clones share record and faults.
#[derive(Debug, Clone)]
pub struct Wire {
    inner: Connector,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    recorded: Vec<Recorded>,
    faults: VecDeque<Fault>,
    all: Option<Fault>,
}

/// A request that DynamoDB was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The operation, such as `UpdateItem`.
    pub operation: String,
    /// Its body.
    pub body: Value,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is answered with this status and DynamoDB error.
    Error(u16, &'static str),
    /// It is answered as a transaction that was cancelled for this reason.
    Cancelled(&'static str),
    /// The connection is reset before it arrives.
    Reset,
    /// It is never answered, and never arrives.
    Hang,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// It is done, and the answer ends in the middle.
    Truncated,
}

impl Default for Wire {
    fn default() -> Self {
        Self { inner: Connector::trusting(TrustedRoots::System), state: Arc::default() }
    }
}

impl Wire {
    /// What was sent since this was asked last.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.state.lock().unwrap().recorded)
    }

    /// The operations that were sent since this was asked last.
    pub fn take_operations(&self) -> Vec<String> {
        self.take().into_iter().map(|recorded| recorded.operation).collect()
    }

    /// Spoils the next requests, each in its way.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults = faults.into_iter().collect();
    }

    /// Spoils all requests from now on, or none.
    pub fn fail_all(&self, fault: Fault) {
        self.state.lock().unwrap().all = Some(fault);
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some((_, operation)) = request.headers().get("x-amz-target").and_then(|target| target.rsplit_once('.'))
        else {
            let inner = self.inner.clone();
            return HttpConnectorFuture::new(async move { inner.call(request).await });
        };
        let operation = operation.to_owned();
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let fault = {
            let mut state = self.state.lock().unwrap();
            state.recorded.push(Recorded { operation, body });
            state.faults.pop_front().or_else(|| state.all.clone()).unwrap_or(Fault::None)
        };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            match fault {
                Fault::None => inner.call(request).await,
                Fault::Error(status, code) => Ok(error(status, code, "")),
                Fault::Cancelled(reason) => {
                    let reasons = format!(r#","CancellationReasons":[{{"Code":"None"}},{{"Code":"{reason}"}}]"#);
                    Ok(error(400, "TransactionCanceledException", &reasons))
                }
                Fault::Reset => Err(reset()),
                Fault::Hang => std::future::pending().await,
                Fault::LostAnswer => {
                    inner.call(request).await?;
                    Err(reset())
                }
                Fault::Truncated => {
                    let mut response = inner.call(request).await?;
                    *response.body_mut() = SdkBody::from("{\"Item\":{\"user_");
                    response.headers_mut().remove("x-amz-crc32");
                    Ok(response)
                }
            }
        })
    }
}

fn error(status: u16, code: &str, more: &str) -> HttpResponse {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"made by the test"{more}}}"#);
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}
