//! HTTP as API Gateway speaks it, on `lambda_http`: an event in, an answer out. The one place that knows status codes.

mod body;
mod gateway;
mod problem;
mod query;
mod request;
mod response;

pub use self::body::FromBody;
pub use self::gateway::is_converting;
pub use self::problem::Problem;
pub use self::request::{PutTarget, Request};
pub use self::response::Response;

pub(crate) use self::gateway::read;
