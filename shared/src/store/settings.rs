//! Where DynamoDB is, who we are there, and how long we wait for it.

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedAsyncSleep};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_async::rt::sleep::TokioSleep;

use crate::connector::Connector;
use crate::settings::{InvalidSetting, Variables};

/// DynamoDB answers in single-digit milliseconds, so an attempt without an answer after a second and a half is lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Three attempts and their pauses. An API call makes few requests and has ten seconds in all (see
/// [`crate::app::ANSWER_WITHIN`]), well before API Gateway gives up after thirty.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: u32 = 3;
const INITIAL_BACKOFF: Duration = Duration::from_millis(50);

/// Checked settings of the [`super::TaskStore`].
pub struct StoreSettings {
    pub(super) tasks_table: String,
    pub(super) idempotency_table: String,
    endpoint: Option<String>,
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
        Ok(Self {
            tasks_table: variables.required("TASKS_TABLE")?,
            idempotency_table: variables.required("IDEMPOTENCY_TABLE")?,
            endpoint: variables.optional("AWS_ENDPOINT_URL_DYNAMODB")?,
            region: variables.required("AWS_REGION")?,
            credentials: Credentials::new(
                variables.required("AWS_ACCESS_KEY_ID")?,
                variables.required("AWS_SECRET_ACCESS_KEY")?,
                variables.optional("AWS_SESSION_TOKEN")?,
                None,
                "environment",
            ),
        })
    }

    /// A client that may try a request again, because no write of ours does harm twice: each carries an id that tells
    /// a retry that it was done before (see [`super::write`]).
    pub(super) fn client(&self, connector: &Connector) -> Client {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
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
            .http_client(connector.http_client());
        config.set_endpoint_url(self.endpoint.clone());
        Client::from_conf(config.build())
    }
}
