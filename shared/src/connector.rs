//! Outgoing HTTP/1.1 and HTTP/2, plain and over TLS: the one pool of connections to DynamoDB and to the issuer. It is
//! the AWS SDK's own connector, so the key set costs no second HTTP client.

use std::error::Error;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http_body_util::{BodyExt, Limited};

/// A connection in a Lambda's region opens in a few milliseconds; one that takes a second will not open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends requests. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Connector(SharedHttpConnector);

impl Connector {
    /// The connector of the product, with TLS by rustls on aws-lc and the system's root certificates.
    #[must_use]
    pub fn https() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = aws_smithy_http_client::Connector::builder()
            .connector_settings(settings)
            .sleep_impl(TokioSleep::new())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build();
        Self::new(connector)
    }

    /// A connector that does something else on the way: counts, delays, fails.
    pub fn new(connector: impl HttpConnector + 'static) -> Self {
        Self(SharedHttpConnector::new(connector))
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// What happened to the connection.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.0.call(request).await
    }

    /// For the AWS SDK.
    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let connector = self.0.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// The body of a `200 OK` from `url`, if it comes whole within `timeout` and `max_bytes`. A redirect is not
    /// followed: it is a failure like every other status.
    ///
    /// # Errors
    /// What went wrong, for the log.
    pub(crate) async fn get(&self, url: &str, timeout: Duration, max_bytes: usize) -> Result<Vec<u8>, String> {
        let exchange = async {
            let request = HttpRequest::get(url).map_err(|error| error.to_string())?;
            let response = self.call(request).await.map_err(|error| chain(&error))?;
            if response.status().as_u16() != 200 {
                return Err(format!("the answer has status {}", response.status().as_u16()));
            }
            let body = Limited::new(response.into_body(), max_bytes).collect().await;
            Ok(body.map_err(|error| chain(&*error))?.to_bytes().to_vec())
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
