//! Outgoing HTTP, to DynamoDB, Secrets Manager, and the issuer: one client for the AWS SDK and for all else.

use std::error::Error;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http_body_util::{BodyExt, Limited};

use super::connections::Connections;
use super::roots::TrustedRoots;

/// Sends requests. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Connector(Arc<LazyLock<SharedHttpConnector, MakeConnector>>);

type MakeConnector = Box<dyn FnOnce() -> SharedHttpConnector + Send>;

impl Connector {
    /// A connector that is built when it is first used: one that is never used reads no certificates.
    #[must_use]
    pub fn trusting(roots: TrustedRoots) -> Self {
        Self::made_by(move || SharedHttpConnector::new(Connections::new(&roots)))
    }

    /// A connector that behaves differently, for tests: it counts, delays, or fails.
    #[must_use]
    pub fn new(connector: impl HttpConnector + 'static) -> Self {
        Self::made_by(move || SharedHttpConnector::new(connector))
    }

    fn made_by(make: impl FnOnce() -> SharedHttpConnector + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// What happened to the connection.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.0.call(request).await
    }

    /// For the AWS SDK.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = self.clone();
        http_client_fn(move |_, _| LazyLock::force(&connector.0).clone())
    }

    /// The body of a `200 OK` from `url`, if it comes whole within `timeout` and `max_bytes`. A redirect is not
    /// followed: it is a failure like every other status.
    ///
    /// # Errors
    /// What went wrong, for the log.
    pub(crate) async fn get(&self, url: &str, timeout: Duration, max_bytes: usize) -> Result<Vec<u8>, String> {
        let request = HttpRequest::get(url).map_err(|error| error.to_string())?;
        match self.exchange(request, timeout, max_bytes).await? {
            (200, body) => Ok(body),
            (status, _) => Err(format!("the answer has status {status}")),
        }
    }

    /// Posts JSON, which the server takes with `200 OK` and at most `max_bytes`.
    ///
    /// # Errors
    /// What went wrong, for the log.
    pub(crate) async fn post(
        &self,
        url: &str,
        json: Vec<u8>,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<(), String> {
        let mut request = HttpRequest::get(url).map_err(|error| error.to_string())?;
        request.set_method("POST").map_err(|error| error.to_string())?;
        *request.body_mut() = json.into();
        request.headers_mut().insert("content-type", "application/json");
        match self.exchange(request, timeout, max_bytes).await?.0 {
            200 => Ok(()),
            status => Err(format!("the answer has status {status}")),
        }
    }

    /// The status and the body of the answer to a request, if it comes whole within `timeout` and `max_bytes`.
    ///
    /// # Errors
    /// What went wrong, for the log.
    pub(crate) async fn exchange(
        &self,
        request: HttpRequest,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<(u16, Vec<u8>), String> {
        let exchange = async {
            let response = self.call(request).await.map_err(|error| chain(&error))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), max_bytes).collect().await;
            Ok((status, body.map_err(|error| chain(&*error))?.to_bytes().to_vec()))
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")))
    }
}

/// An error and what it came from, in one line. The `Debug` form would repeat requests and items.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Answers one request with this text, and gives its own URL.
    async fn answering(response: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            // The head ends with an empty line.
            while stream.read_line(&mut line).await.unwrap() > 2 {
                line.clear();
            }
            stream.write_all(response.as_bytes()).await.unwrap();
        });
        url
    }

    #[tokio::test]
    async fn plain_http_needs_no_certificates() {
        for roots in [TrustedRoots::amazon().unwrap(), TrustedRoots::System] {
            let url = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
            assert_eq!(Connector::trusting(roots).get(&url, PATIENCE, 5).await.unwrap(), b"hello");
        }
    }

    #[tokio::test]
    async fn incomplete_answer_says_why() {
        let connector = Connector::trusting(TrustedRoots::System);
        for (response, reason) in [
            ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "the answer has status 302"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello!", "length limit exceeded"),
        ] {
            let url = answering(response).await;
            assert_eq!(connector.get(&url, PATIENCE, 5).await.unwrap_err(), reason);
        }
        assert!(connector.get("no URL", PATIENCE, 5).await.is_err());
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let error = connector.get(&url, Duration::from_millis(50), 5).await.unwrap_err();
        assert_eq!(error, "no answer within 50ms");
    }
}
