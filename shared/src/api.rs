//! HTTP as API Gateway speaks it: an event in, an answer out. The one place that knows status codes.

mod body;
mod event;
mod problem;
mod query;
mod request;
mod response;

pub use self::body::FromBody;
pub use self::problem::Problem;
pub use self::request::Request;
pub use self::response::{GatewayResponse, Response};
