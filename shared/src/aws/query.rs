//! The answer to a `Query`, read from JSON straight into the caller's own items.
//!
//! - **Figure:** 30 % of the instructions of a list of 50.
//! - **Reason:** the SDK first builds a hash map for each item and a value for each attribute.
//! - **To remove it:** delete this file but for [`Value`]; in `store`, `query(request)` becomes `request.send()`, whose
//!   items are read as those of the other requests are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::interceptors::context::{Output, OutputOrError};
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::json::Text;
use crate::signals::note;

/// What a `Query` found.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html#API_Query_ResponseSyntax>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer<T> {
    pub(crate) items: Vec<T>,
    /// How many items were read, including those that a filter left out.
    pub(crate) scanned_count: usize,
    /// Where to go on; `None` at the end.
    #[serde(default, deserialize_with = "start_key")]
    pub(crate) last_evaluated_key: Option<HashMap<String, AttributeValue>>,
    pub(crate) consumed_capacity: Option<Capacity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Capacity {
    capacity_units: f64,
}

fn start_key<'de, D: Deserializer<'de>>(d: D) -> Result<Option<HashMap<String, AttributeValue>>, D::Error> {
    #[derive(Deserialize)]
    enum Text {
        S(String),
    }

    let key = HashMap::<_, Text>::deserialize(d)?;
    Ok(Some(key.into_iter().map(|(name, Text::S(text))| (name, AttributeValue::S(text))).collect()))
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum QueryFailure {
    /// As the SDK says it.
    Sdk(Box<SdkError<QueryError, HttpResponse>>),
    /// The answer is not JSON of this form at this column: it was cut off on its way, or something else answered.
    Malformed { column: usize },
}

/// Sends the request, and reads the answer.
///
/// # Errors
/// [`QueryFailure`].
pub(crate) async fn query<T: DeserializeOwned>(request: QueryFluentBuilder) -> Result<Answer<T>, QueryFailure> {
    let body = KeepBody::default();
    let sent = request.customize().interceptor(body.clone()).send().await;
    sent.map_err(|error| QueryFailure::Sdk(Box::new(error)))?;
    let answer = read::<T>(body.0.get().map_or(&[], Vec::as_slice));
    note(|record| match &answer {
        Ok(Answer { consumed_capacity: Some(used), .. }) => record.dynamodb.consumed(used.capacity_units, 0.0),
        Ok(_) => {}
        Err(_) => record.dynamodb.was_malformed(),
    });
    answer
}

/// Takes the place of the SDK's deserializer and keeps the body, because the SDK passes on no other output than its own.
#[derive(Debug, Clone, Default)]
struct KeepBody(Arc<OnceLock<Vec<u8>>>);

impl Intercept for KeepBody {
    fn name(&self) -> &'static str {
        "KeepBody"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The SDK itself reads a failure, because it knows what may be tried again.
        if context.response().status().is_success() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl DeserializeResponse for KeepBody {
    fn deserialize_nonstreaming_with_config(&self, response: &HttpResponse, _: &ConfigBag) -> OutputOrError {
        self.0.get_or_init(|| response.body().bytes().unwrap_or_default().to_vec());
        Ok(Output::erase(QueryOutput::builder().build()))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<Answer<T>, QueryFailure> {
    // As text, because otherwise each of its strings would be checked to be UTF-8.
    let body = str::from_utf8(body).map_err(|error| QueryFailure::Malformed { column: error.valid_up_to() })?;
    // The error itself would repeat what it found.
    serde_json::from_str(body).map_err(|error| QueryFailure::Malformed { column: error.column() })
}

/// The value of an attribute, of the types that the tables use.
pub(crate) enum Value<'a> {
    S(Cow<'a, str>),
    N(Cow<'a, str>),
    L(Vec<Self>),
    Other,
}

impl From<AttributeValue> for Value<'_> {
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::S(text.into()),
            AttributeValue::N(digits) => Self::N(digits.into()),
            AttributeValue::L(values) => Self::L(values.into_iter().map(Self::from).collect()),
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByType;

        impl<'de> Visitor<'de> for ByType {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute's value")
            }

            #[inline]
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                let text = |Text(text): Text<'de>| text;
                match map.next_key::<Text<'_>>()? {
                    Some(Text(Cow::Borrowed("S"))) => map.next_value().map(text).map(Value::S),
                    Some(Text(Cow::Borrowed("N"))) => map.next_value().map(text).map(Value::N),
                    Some(Text(Cow::Borrowed("L"))) => map.next_value().map(Value::L),
                    Some(_) => map.next_value().map(|IgnoredAny| Value::Other),
                    None => Ok(Value::Other),
                }
            }
        }

        deserializer.deserialize_map(ByType)
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    /// The names of an item's attributes.
    type Names = HashMap<String, IgnoredAny>;

    #[test]
    fn position_is_read_verbatim() {
        let answer = read::<Names>(
            br#"{"Items":[],"ScannedCount":7,"LastEvaluatedKey":{"user_id":{"S":"u"},"task_id":{"S":"t"}}}"#,
        )
        .unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let expected = HashMap::from([("user_id".to_owned(), text("u")), ("task_id".to_owned(), text("t"))]);
        assert_eq!((answer.last_evaluated_key, answer.scanned_count), (Some(expected), 7));
    }

    #[test]
    fn truncated_answer_is_malformed() {
        let whole = r#"{"Count":1,"Items":[{"title":{"S":"a \u0021"}}],"ScannedCount":7}"#;
        assert_eq!(read::<Names>(whole.as_bytes()).unwrap().items[0].len(), 1);
        for end in 0..whole.len() {
            let part = &whole.as_bytes()[..end];
            assert!(matches!(read::<Names>(part), Err(QueryFailure::Malformed { column }) if column <= end), "{end}");
        }
        for body in [&b"{\"Items\":[],\"\xff"[..], br#"{"Items":"a","ScannedCount":1}"#] {
            assert!(matches!(read::<Names>(body), Err(QueryFailure::Malformed { .. })));
        }
    }
}
