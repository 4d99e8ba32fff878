//! Answers read from JSON straight into the caller's own items.
//!
//! - **Figure:** 30 % of the instructions of a list of 50, 6 % of a get.
//! - **Reason:** the SDK first builds a hash map for each item and a value for each attribute.
//! - **To remove it:** remove `requests.rs` first. Delete this file but for [`Value`], and the interceptor in `client.rs`; in
//!   `store`, `query(request)` becomes `request.send()`, whose items are read as those of transactions are.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::pin::{Pin, pin};

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::query::{Query, QueryError, QueryOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::interceptors::context::{Output, OutputOrError};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::config_bag::FrozenLayer;
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
pub(crate) enum ReadFailure<E> {
    /// As the SDK says it.
    Sdk(Box<SdkError<E, HttpResponse>>),
    /// The answer is not JSON of this form at this column: it was cut off on its way, or something else answered.
    Malformed { column: usize },
}

/// Sends the request, and reads the answer.
///
/// # Errors
/// [`ReadFailure`].
pub(crate) async fn query<T: DeserializeOwned>(
    request: QueryFluentBuilder,
) -> Result<Answer<T>, ReadFailure<QueryError>> {
    let operation =
        Operation { sdk: || Query::new().config(), empty_output: || Output::erase(QueryOutput::builder().build()) };
    let sending = pin!(request.send());
    read(sending, operation, |answer: &Answer<T>| (units(&answer.consumed_capacity), 0.0)).await
}

/// The units that were used, if the answer says it.
pub(super) fn units(capacity: &Option<Capacity>) -> f64 {
    capacity.as_ref().map_or(0.0, |used| used.capacity_units)
}

/// Reads the answer to a request. `units` says how many units it read and wrote.
///
/// The future is pinned where it was made, because it is several kilobytes that would be copied at each move.
pub(super) async fn read<A: DeserializeOwned, O, E>(
    sending: Pin<&mut impl Future<Output = Result<O, SdkError<E, HttpResponse>>>>,
    operation: Operation,
    units: impl FnOnce(&A) -> (f64, f64),
) -> Result<A, ReadFailure<E>> {
    let kept = Kept { body: RefCell::default(), operation };
    let (sent, body) = KEPT.scope(kept, async { (sending.await, KEPT.with(|kept| kept.body.take())) }).await;
    sent.map_err(|error| ReadFailure::Sdk(Box::new(error)))?;
    let answer = parse(&body);
    note(|record| match answer.as_ref().map(units) {
        Ok((read, written)) => record.dynamodb.consumed(read, written),
        Err(_) => record.dynamodb.was_malformed(),
    });
    answer.map_err(|column| ReadFailure::Malformed { column })
}

tokio::task_local! {
    /// There while a request is sent whose answer is read here.
    static KEPT: Kept;
}

/// The body of an answer.
struct Kept {
    body: RefCell<Vec<u8>>,
    operation: Operation,
}

/// What the SDK knows of an operation.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    /// How it makes requests and reads answers.
    pub(super) sdk: fn() -> Option<FrozenLayer>,
    /// What it passes on instead of a body that is kept.
    pub(super) empty_output: fn() -> Output,
}

/// Has the bodies of answers kept that are read here.
#[derive(Debug)]
pub(super) struct KeepBody;

/// Takes the place of the SDK's deserializer.
#[derive(Debug)]
struct BodyKeeper;

#[dyn_dispatch_hint]
impl Intercept for KeepBody {
    fn name(&self) -> &'static str {
        "KeepBody"
    }

    /// For all attempts, of which some may fail.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if KEPT.try_with(|_| ()).is_ok() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(BodyKeeper));
        }
        Ok(())
    }
}

impl DeserializeResponse for BodyKeeper {
    fn deserialize_nonstreaming_with_config(&self, response: &HttpResponse, config: &ConfigBag) -> OutputOrError {
        let operation = KEPT.try_with(|kept| kept.operation).map_err(OrchestratorError::other)?;
        // The SDK itself reads a failure, because it knows what may be tried again.
        if !response.status().is_success() {
            let sdk = (operation.sdk)();
            let deserializer = sdk.as_ref().and_then(|layer| layer.load::<SharedResponseDeserializer>());
            let deserializer = deserializer.ok_or_else(|| OrchestratorError::other("the SDK has no deserializer"))?;
            return deserializer.deserialize_nonstreaming_with_config(response, config);
        }
        let body = response.body().bytes().unwrap_or_default();
        let kept = KEPT.try_with(|kept| kept.body.replace(body.to_vec()));
        kept.map(|_| (operation.empty_output)()).map_err(OrchestratorError::other)
    }
}

/// # Errors
/// The column up to which the answer is as it should be.
fn parse<A: DeserializeOwned>(body: &[u8]) -> Result<A, usize> {
    // As text, because otherwise each of its strings would be checked to be UTF-8.
    let body = str::from_utf8(body).map_err(|error| error.valid_up_to())?;
    // The error itself would repeat what it found.
    serde_json::from_str(body).map_err(|error| error.column())
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
        let answer: Answer<Names> =
            parse(br#"{"Items":[],"ScannedCount":7,"LastEvaluatedKey":{"user_id":{"S":"u"},"task_id":{"S":"t"}}}"#)
                .unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let expected = HashMap::from([("user_id".to_owned(), text("u")), ("task_id".to_owned(), text("t"))]);
        assert_eq!((answer.last_evaluated_key, answer.scanned_count), (Some(expected), 7));
    }

    #[test]
    fn truncated_answer_is_malformed() {
        fn check<A: DeserializeOwned>(whole: &str) {
            assert!(parse::<A>(whole.as_bytes()).is_ok());
            for end in 0..whole.len() {
                let part = &whole.as_bytes()[..end];
                assert!(parse::<A>(part).is_err_and(|column| column <= end), "{end} bytes of {whole}");
            }
        }

        check::<Answer<Names>>(r#"{"Count":1,"Items":[{"title":{"S":"a \u0021"}}],"ScannedCount":7}"#);
        for body in [&b"{\"Items\":[],\"\xff"[..], br#"{"Items":"a","ScannedCount":1}"#] {
            assert!(parse::<Answer<Names>>(body).is_err());
        }
    }
}
