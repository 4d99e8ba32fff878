//! Where DynamoDB is, who we are there, and how long we wait for it.

use std::fmt;
use std::time::Duration;

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, IdentityCache, Intercept, Region, SharedAsyncSleep,
    StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;

use crate::connector::{Connector, TrustedRoots};
use crate::settings::{InvalidSetting, Variables};

/// DynamoDB answers in single-digit milliseconds, so an attempt without an answer after a second and a half is lost.
/// Three of them and their pauses, of 50 and 100 milliseconds at most, are over in less than five seconds: a second
/// timer for all of them would only cost time. An API call has ten in all (see [`crate::app::ANSWER_WITHIN`]).
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
const MAX_ATTEMPTS: u32 = 3;
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);

/// Checked settings of the [`super::TaskStore`].
pub struct StoreSettings {
    pub(super) tasks_table: String,
    pub(super) idempotency_table: String,
    /// Where DynamoDB is. The SDK would find it as well, by way of all regions and partitions there are; it does that
    /// for the few partitions whose names follow no rule of ours.
    pub(super) endpoint: Option<String>,
    trusted_roots: TrustedRoots,
    region: String,
    credentials: Credentials,
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("StoreSettings");
        fields.field("tasks_table", &self.tasks_table).field("idempotency_table", &self.idempotency_table);
        fields.field("endpoint", &self.endpoint).field("region", &self.region).finish_non_exhaustive()
    }
}

impl StoreSettings {
    /// Reads the tables' names, and what Lambda itself puts into a function's environment: region and credentials.
    ///
    /// # Errors
    /// Names the setting that is missing.
    pub(crate) fn read(variables: &Variables<'_>) -> Result<Self, InvalidSetting> {
        let region = variables.required("AWS_REGION")?;
        let custom_endpoint = variables.optional("AWS_ENDPOINT_URL_DYNAMODB")?;
        let in_commercial_partition = !region.starts_with("cn-") && !region.contains("-iso");
        let trusted_roots = match variables.optional("AWS_CA_BUNDLE")? {
            Some(path) => TrustedRoots::Bundle(read_certificates(&path)?),
            None if custom_endpoint.is_none() && in_commercial_partition => TrustedRoots::Amazon,
            None => TrustedRoots::System,
        };
        let endpoint = custom_endpoint
            .or_else(|| in_commercial_partition.then(|| format!("https://dynamodb.{region}.amazonaws.com")));
        Ok(Self {
            tasks_table: variables.required("TASKS_TABLE")?,
            idempotency_table: variables.required("IDEMPOTENCY_TABLE")?,
            endpoint,
            trusted_roots,
            region,
            credentials: Credentials::new(
                variables.required("AWS_ACCESS_KEY_ID")?,
                variables.required("AWS_SECRET_ACCESS_KEY")?,
                variables.optional("AWS_SESSION_TOKEN")?,
                None,
                "environment",
            ),
        })
    }

    /// A connector that believes the certificates that DynamoDB may show. Where only the SDK knows the endpoint, the first
    /// to look it up is a request, which must not be kept waiting.
    pub(crate) fn connector(&self) -> Connector {
        let roots = self.trusted_roots.clone();
        if self.endpoint.is_some() { Connector::connected_at_start(roots) } else { Connector::trusting(roots) }
    }

    /// A client that may try a request again, because no write of ours does harm twice: each carries an id that tells
    /// a retry that it was done before (see [`super::write`]).
    pub(super) fn client(&self, connector: &Connector) -> Client {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(INITIAL_BACKOFF);
        // A budget of retries for this client alone; the SDK would share one among all clients of a process.
        let budget = RetryPartition::custom("tasks").token_bucket(TokenBucket::default()).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .timeout_config(timeouts)
            .retry_config(retries)
            .retry_partition(budget)
            // Credentials never change while a function lives, and answers are too small to stall half-way: the time-outs
            // see to those.
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connector.http_client())
            .interceptor(NoTelemetry);
        config.set_endpoint_url(self.endpoint.clone());
        Client::from_conf(config.build())
    }
}

/// Leaves out the headers in which the SDK tells AWS about itself, its version and its retries. DynamoDB has no use for
/// them, and together they were a sixth of a function's first request.
#[derive(Debug)]
struct NoTelemetry;

impl Intercept for NoTelemetry {
    fn name(&self) -> &'static str {
        "NoTelemetry"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const CAUSE: &str = "DynamoDB has no use for it";
        config
            .interceptor_state()
            .store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE))
            .store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE));
        Ok(())
    }
}

fn read_certificates(path: &str) -> Result<Vec<u8>, InvalidSetting> {
    let is_pem = |bundle: &Vec<u8>| bundle.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----");
    let bundle = std::fs::read(path).ok().filter(is_pem);
    bundle.ok_or(InvalidSetting::new("AWS_CA_BUNDLE", "must name a file of certificates in PEM"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<StoreSettings, InvalidSetting> {
        let required = ["TASKS_TABLE", "IDEMPOTENCY_TABLE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let mut variables: HashMap<_, _> = required.into_iter().map(|name| (name, "x")).collect();
        variables.extend([("AWS_REGION", "eu-central-1")].iter().chain(more).copied());
        StoreSettings::read(&Variables::new(&|name| variables.get(name).map(|&value| value.to_owned())))
    }

    #[test]
    fn every_setting_but_the_endpoint_is_needed() {
        for name in ["TASKS_TABLE", "IDEMPOTENCY_TABLE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(read(&[(name, "")]).unwrap_err().to_string(), format!("{name} is set but empty"));
        }
    }

    #[test]
    fn what_is_shown_of_the_settings_holds_no_credentials() {
        let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let text = format!("{:?}", read(&credentials.map(|name| (name, "secret"))).unwrap());
        assert!(text.contains("eu-central-1") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn amazon_is_believed_where_amazon_answers() {
        let commercial = read(&[]).unwrap();
        assert_eq!(commercial.endpoint.as_deref(), Some("https://dynamodb.eu-central-1.amazonaws.com"));
        assert_eq!(commercial.trusted_roots, TrustedRoots::Amazon);
        for elsewhere in
            [("AWS_REGION", "cn-north-1"), ("AWS_REGION", "us-iso-east-1"), ("AWS_REGION", "eu-isoe-west-1")]
        {
            let settings = read(&[elsewhere]).unwrap();
            assert_eq!((settings.endpoint, settings.trusted_roots), (None, TrustedRoots::System));
        }
        let custom = read(&[("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:4566")]).unwrap();
        assert_eq!(custom.endpoint.as_deref(), Some("https://localhost:4566"));
        assert_eq!(custom.trusted_roots, TrustedRoots::System);
    }

    #[test]
    fn a_bundle_of_certificates_replaces_all_roots() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/connector/amazon-trust-services.pem");
        let settings = read(&[("AWS_CA_BUNDLE", path)]).unwrap();
        assert_eq!(settings.trusted_roots, TrustedRoots::Bundle(std::fs::read(path).unwrap()));
        for refused in ["/nowhere", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let error = read(&[("AWS_CA_BUNDLE", refused)]).unwrap_err();
            assert_eq!(error.to_string(), "AWS_CA_BUNDLE must name a file of certificates in PEM");
        }
    }
}
