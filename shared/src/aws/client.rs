//! The DynamoDB client: its time-outs, its retries, and parts of the SDK that it turns off.
//!
//! - **Figure:** not measured alone.
//! - **Reason:** credentials never change, so they need no cache; answers are small and time-outs cover them, so their
//!   streams need no watch for stalls.
//! - **To remove it:** delete the lines on `identity_cache` and `stalled_stream_protection`.

use std::time::Duration;

use aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, SharedInterceptor, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::{Client, Config};

use super::interceptors::LessAroundRequests;
use super::meter::Meter;
use super::read::KeepBody;
use super::requests::SendBody;
use super::signer::Signer;
use super::{AwsSettings, Connector};

/// DynamoDB answers in single-digit milliseconds, so an attempt without an answer after a second and a half is lost.
/// Three of them, with pauses of 50 and 100 milliseconds at most, take less than five seconds, so that they need no timer
/// of their own. An API call has ten in all (see [`crate::app::ANSWER_WITHIN`]).
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
const MAX_ATTEMPTS: u32 = 3;
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);

impl AwsSettings {
    /// A client that retries requests: they must do no harm when they are done twice.
    pub(crate) fn client(&self, connector: &Connector) -> Client {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(INITIAL_BACKOFF);
        // The connector itself drops the connection to a server that fails.
        let retries = retries.with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        // A budget of retries for this client alone; the SDK would share one among all clients of a process.
        let budget = RetryPartition::custom("tasks").token_bucket(TokenBucket::default()).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.access.region.clone())
            .endpoint_resolver(KnownEndpoint(Endpoint::builder().url(self.endpoint.clone()).build()))
            .credentials_provider(self.access.credentials.clone())
            .push_auth_scheme(Signer::new(self.access.clone(), "dynamodb"))
            .timeout_config(timeouts)
            .retry_config(retries)
            .retry_partition(budget)
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connector.http_client());
        // Permanent ones are not looked up in the configuration at each step of a request.
        config.push_interceptor(SharedInterceptor::permanent(KeepBody));
        config.push_interceptor(SharedInterceptor::permanent(SendBody));
        config.push_interceptor(SharedInterceptor::permanent(LessAroundRequests));
        config.push_interceptor(SharedInterceptor::permanent(Meter));
        Client::from_conf(config.build())
    }
}

/// The endpoint of the settings. The SDK's own resolver parses its URL for each request.
#[derive(Debug)]
struct KnownEndpoint(Endpoint);

impl ResolveEndpoint for KnownEndpoint {
    fn resolve_endpoint(&self, _: &Params) -> EndpointFuture<'_> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;
    use crate::aws::{Access, DYNAMODB, WarmUp};
    use crate::environment::Variables;
    use crate::signals::captured;

    /// Keeps what it was asked for, and reaches nobody.
    #[derive(Debug, Clone, Default)]
    pub(in crate::aws) struct Asked(pub(in crate::aws) Arc<Mutex<Vec<HttpRequest>>>);

    impl Asked {
        /// A client whose requests come to it.
        pub(in crate::aws) fn client() -> (Self, Client) {
            let asked = Self::default();
            let client = settings().client(&Connector::new(asked.clone()));
            (asked, client)
        }
    }

    impl HttpConnector for Asked {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.lock().unwrap().push(request);
            HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is there".into())))
        }
    }

    fn settings() -> AwsSettings {
        AwsSettings::read(&Variables::new(&|_| None), Access::new("eu-central-1", "x", "x"), DYNAMODB).unwrap()
    }

    #[tokio::test]
    async fn warming_up_asks_dynamodb_for_nothing() {
        let asked = Asked::default();
        WarmUp::new(&settings(), &Connector::new(asked.clone())).connect().await;
        let asked = asked.0.lock().unwrap();
        let [request] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((request.method(), request.uri()), ("GET", "https://dynamodb.eu-central-1.amazonaws.com"));
    }

    /// The SDK's own message would be an error in the log of a request that then succeeds.
    #[test]
    fn repeated_attempts_log_nothing() {
        #[derive(Debug)]
        struct Busy;

        impl HttpConnector for Busy {
            fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
                let response = http::Response::builder().status(503).body("{}".into()).unwrap();
                HttpConnectorFuture::ready(Ok(response.try_into().unwrap()))
            }
        }

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = settings().client(&Connector::new(Busy));
        let (has_failed, log) = captured(|| runtime.block_on(client.list_tables().send()).is_err());
        assert!(has_failed);
        assert_eq!(log, "");
    }

    #[tokio::test]
    async fn request_says_what_it_asks_and_no_more() {
        let (asked, client) = Asked::client();
        assert!(client.list_tables().send().await.is_err());
        let asked = asked.0.lock().unwrap();
        let [request] = asked.as_slice() else { panic!("{asked:?}") };
        let mut headers: Vec<_> = request.headers().iter().map(|(name, _)| name).collect();
        headers.sort_unstable();
        assert_eq!(headers, ["authorization", "content-length", "content-type", "x-amz-date", "x-amz-target"]);
        let authorization = request.headers().get("authorization").unwrap();
        assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target,"), "{authorization}");
    }
}
