//! Region and credentials, read by `aws-config` from the environment that Lambda sets.
//!
//! - **Figure:** `aws-config`'s default chain takes 5 to 17 % more of a cold start and 0.9 MB more of each file.
//! - **Reason:** in Lambda, they are always in the environment. They are read once, at the start: a function's environment
//!   never changes, and new credentials come with a new process.
//! - **To remove it:** make [`Access`] of what `aws_config::load_defaults` gives.

use std::fmt;

use aws_config::Region;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials};
use futures_util::FutureExt;

use crate::environment::InvalidSetting;

/// The region and the credentials of requests.
#[derive(Clone)]
pub struct Access {
    pub(super) region: Region,
    pub(super) credentials: Credentials,
}

impl Access {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names the setting that is missing.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        // These providers only read the environment, so one poll is enough.
        let region = EnvironmentVariableRegionProvider::new().region().now_or_never().flatten();
        let region = region.filter(|region| !region.as_ref().is_empty());
        let provider = EnvironmentVariableCredentialsProvider::new();
        let credentials = provider.provide_credentials().now_or_never().and_then(Result::ok);
        Ok(Self {
            region: region.ok_or(InvalidSetting::new("AWS_REGION", "must be set"))?,
            credentials: credentials
                .ok_or(InvalidSetting::new("AWS_ACCESS_KEY_ID", "and its secret access key must be set"))?,
        })
    }

    /// Access in this region with a fixed access key.
    #[must_use]
    pub fn new(region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "fixed");
        Self { region: Region::new(region.to_owned()), credentials }
    }
}

/// Without the credentials.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("region", &self.region).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    #[test]
    fn debug_output_has_no_credentials() {
        let text = format!("{:?}", Access::new("eu-central-1", "a-secret", "a-secret"));
        assert!(text.contains("eu-central-1") && !text.contains("a-secret"), "{text}");
    }
}
