//! The events of API Gateway's Lambda proxy integration: payload format 2.0 (HTTP APIs) and 1.0 (REST APIs). Only what
//! this API looks at is read, and whatever is absent or `null` is as good as empty.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) version: Option<String>,
    /// 2.0: the route that was taken, such as `GET /api/{user_id}/tasks`.
    pub(super) route_key: Option<String>,
    /// 2.0: the path with the stage, percent-decoded by API Gateway.
    pub(super) raw_path: Option<String>,
    /// 2.0: the query as it was sent.
    pub(super) raw_query_string: Option<String>,
    pub(super) query_string_parameters: Option<Members<String>>,
    /// 1.0: every value of every parameter, percent-decoded.
    pub(super) multi_value_query_string_parameters: Option<Members<Vec<String>>>,
    pub(super) headers: Option<Members<String>>,
    /// 1.0: every value of every header.
    pub(super) multi_value_headers: Option<Members<Vec<String>>>,
    pub(super) path_parameters: Option<Members<String>>,
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: Option<bool>,
    pub(super) request_context: Option<Context>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Context {
    pub(super) request_id: Option<String>,
    /// 1.0: the path with the stage.
    pub(super) path: Option<String>,
}

/// The members of an object in their order, those that differ only in case and even those that are the same included.
/// A map would keep one of two `Authorization` headers and hide the other.
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((name, value)) = map.next_entry::<String, Option<T>>()? {
                    members.extend(value.map(|value| (name, value)));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}
