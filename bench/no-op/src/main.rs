//! A yardstick: the least that a function on `lambda_runtime` can do. It returns a constant.

use std::convert::Infallible;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::IgnoredAny;

/// A response in API Gateway's payload format 2.0.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    body: &'static str,
    is_base64_encoded: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let service = service_fn(async |_: LambdaEvent<IgnoredAny>| {
        Ok::<_, Infallible>(Answer { status_code: 200, body: "{}", is_base64_encoded: false })
    });
    lambda_runtime::run(service).await
}
