//! Turns off what the SDK does around a request that DynamoDB answers the same without: headers in which it describes
//! itself, its version, and its retries; the correction of a wrong clock, which [`super::signer`] does not use; and labels
//! of metrics that nobody reads.
//!
//! - **Figure:** headers: 17 % of the instructions of a first request, 7 % of any other. The rest: 6 % of a warm get,
//!   together with what `client.rs` does about endpoint and interceptors.
//! - **Reason:** all of it is paid for each request.
//! - **To remove it:** delete this file, and the interceptor in `client.rs`.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{disable_interceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

#[derive(Debug)]
pub(super) struct LessAroundRequests;

#[dyn_dispatch_hint]
impl Intercept for LessAroundRequests {
    fn name(&self) -> &'static str {
        "LessAroundRequests"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const CAUSE: &str = "DynamoDB answers the same without it";
        config
            .interceptor_state()
            .store_put(disable_interceptor::<InvocationIdInterceptor>(CAUSE))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(CAUSE))
            .store_put(disable_interceptor::<ServiceClockSkewInterceptor>(CAUSE))
            .store_put(disable_interceptor::<UserAgentInterceptor>(CAUSE))
            // Only metrics read it, for labels.
            .unset::<Metadata>();
        Ok(())
    }
}
