//! The answer to a `Query`, read from its JSON straight into tasks. The SDK would make a hash map of each item and each
//! value first, which was a third of a list's work.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_smithy_runtime_api::client::interceptors::context::{Output, OutputOrError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::StoreError;
use super::item::{Item, TaskAttributes, Value, text};
use crate::json::Text;
use crate::task::Task;

/// What a `Query` found.
pub(super) struct Answer {
    pub(super) tasks: Vec<Task>,
    /// How many items were read, whether or not a filter passed them over.
    pub(super) scanned_count: usize,
    /// Where to go on; `None` at the end.
    pub(super) last_evaluated_key: Option<Item>,
}

/// Sends the request, and reads the answer.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
pub(super) async fn to(request: QueryFluentBuilder) -> Result<Answer, StoreError> {
    let reader = AnswerReader::default();
    request.customize().interceptor(reader.clone()).send().await?;
    reader.answer()
}

/// Takes the place of the SDK's deserializer. The SDK passes on no other output than its own, so what was read is kept
/// here.
#[derive(Clone, Default)]
struct AnswerReader(Arc<Mutex<Option<Result<Answer, StoreError>>>>);

impl AnswerReader {
    fn read(&self, body: &[u8]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(read(body));
    }

    fn answer(&self) -> Result<Answer, StoreError> {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer.unwrap_or_else(|| Err(StoreError::unexpected("the SDK read an answer itself")))
    }
}

impl fmt::Debug for AnswerReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerReader")
    }
}

impl Intercept for AnswerReader {
    fn name(&self) -> &'static str {
        "AnswerReader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A failure is read by the SDK itself, which knows what may be tried again.
        if context.response().status().is_success() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl DeserializeResponse for AnswerReader {
    fn deserialize_nonstreaming_with_config(&self, response: &HttpResponse, _: &ConfigBag) -> OutputOrError {
        self.read(response.body().bytes().unwrap_or_default());
        Ok(Output::erase(QueryOutput::builder().build()))
    }
}

fn read(body: &[u8]) -> Result<Answer, StoreError> {
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html#API_Query_ResponseSyntax>
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body {
        items: Vec<TaskItem>,
        scanned_count: usize,
        last_evaluated_key: Option<HashMap<String, KeyAttribute>>,
    }

    #[derive(Deserialize)]
    struct KeyAttribute {
        #[serde(rename = "S")]
        text: String,
    }

    // As text, because otherwise each of its strings would be checked to be UTF-8.
    let body = str::from_utf8(body).map_err(|error| malformed(error.valid_up_to()))?;
    // The error itself would repeat what it found.
    let body: Body = serde_json::from_str(body).map_err(|error| malformed(error.column()))?;
    let key =
        |key: HashMap<_, _>| key.into_iter().map(|(name, KeyAttribute { text: value })| (name, text(value))).collect();
    Ok(Answer {
        tasks: body.items.into_iter().map(|item| item.0).collect::<Result<_, _>>()?,
        scanned_count: body.scanned_count,
        last_evaluated_key: body.last_evaluated_key.map(key),
    })
}

/// What is not whole was cut off on its way.
fn malformed(column: usize) -> StoreError {
    StoreError::Unavailable(format!("an answer is malformed at column {column}"))
}

struct TaskItem(Result<Task, StoreError>);

impl<'de> Deserialize<'de> for TaskItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes;

        impl<'de> Visitor<'de> for Attributes {
            type Value = TaskItem;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TaskItem, A::Error> {
                let mut attributes = TaskAttributes::default();
                while let Some((Text(name), value)) = map.next_entry::<Text<'_>, Value<'_>>()? {
                    attributes.set(&name, value);
                }
                Ok(TaskItem(attributes.task()))
            }
        }

        deserializer.deserialize_map(Attributes)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByType;

        impl<'de> Visitor<'de> for ByType {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute's value")
            }

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
mod tests {
    use super::*;

    const ITEM: &str = r#"{"task_id":{"S":"01990000-0000-7000-8000-000000000000"},"title":{"S":"Buy \"milk\"\u0021"},
        "priority":{"S":"high"},"tags":{"L":[{"S":"home"},{"S":"\u00e4"}]},"created_at":{"S":"2026-11-21T10:30:00.123Z"},
        "updated_at":{"S":"2026-11-21T10:30:00.124Z"},"version":{"N":"3"},"due":{"S":"2026-11-30"},
        "write_id":{"B":"AZkAAAAA"},"user_id":{"S":"u"},"later":{"M":{"x":{"NULL":true}}}}"#;

    fn body(item: &str) -> String {
        format!(r#"{{"Count":1,"Items":[{item}],"ScannedCount":7}}"#)
    }

    fn failure(body: &str) -> StoreError {
        read(body.as_bytes()).err().unwrap()
    }

    #[test]
    fn tasks_are_read_whatever_else_is_in_an_item() {
        let answer = read(body(ITEM).as_bytes()).unwrap();
        assert_eq!((answer.scanned_count, answer.last_evaluated_key), (7, None));
        let task = serde_json::to_value(&answer.tasks).unwrap();
        let expected = serde_json::json!([{
            "id": "01990000-0000-7000-8000-000000000000",
            "title": "Buy \"milk\"!",
            "description": null,
            "completed": false,
            "completed_at": null,
            "priority": "high",
            "due": "2026-11-30",
            "tags": ["home", "ä"],
            "created_at": "2026-11-21T10:30:00.123Z",
            "updated_at": "2026-11-21T10:30:00.124Z",
            "version": 3,
        }]);
        assert_eq!(task, expected);
    }

    #[test]
    fn where_to_go_on_is_read_as_it_stands() {
        let answer =
            read(br#"{"Items":[],"ScannedCount":0,"LastEvaluatedKey":{"user_id":{"S":"u"},"task_id":{"S":"t"}}}"#);
        let expected = Item::from([("user_id".to_owned(), text("u")), ("task_id".to_owned(), text("t"))]);
        assert_eq!(answer.unwrap().last_evaluated_key, Some(expected));
    }

    #[test]
    fn an_item_that_is_no_task_is_refused_and_the_attribute_named() {
        for (attribute, good, bad) in [
            ("task_id", r#""task_id":{"S":"01990000"#, r#""task_id":{"S":"0199"#),
            ("title", r#""title":{"S":"Buy \"milk\"\u0021"}"#, r#""title":{"N":"1"}"#),
            ("title", r#""title""#, r#""name""#),
            ("priority", "high", "urgent"),
            ("due", r#""due":{"S":"2026-11-30"}"#, r#""due":{}"#),
            ("description", r#""due""#, r#""description":{"BOOL":true},"due""#),
            ("tags", r#"{"S":"home"}"#, r#"{"N":"1"}"#),
            ("tags", r#""tags":{"L":[{"S":"home"},{"S":"\u00e4"}]}"#, r#""tags":{"S":"home"}"#),
            ("version", r#""version":{"N":"3"}"#, r#""version":{"N":"three"}"#),
        ] {
            let other = ITEM.replace(good, bad);
            assert_ne!(other, ITEM);
            let expected = StoreError::unexpected(format!("attribute {attribute} is missing or malformed"));
            assert_eq!(failure(&body(&other)), expected, "{bad}");
        }
    }

    #[test]
    fn an_answer_that_is_not_whole_is_unavailable_and_not_repeated() {
        let whole = body(ITEM);
        for end in 0..whole.len() {
            let Some(part) = whole.get(..end) else { continue };
            let StoreError::Unavailable(cause) = failure(part) else { panic!("{part}") };
            assert!(cause.starts_with("an answer is malformed at column "), "{cause}");
        }
        assert!(matches!(read(b"{\"Items\":[],\"\xff").err(), Some(StoreError::Unavailable(_))));
        for body in
            [r#"{"Items":"Buy milk","ScannedCount":1}"#, r#"{"Items":[{"title":{"S":"a","N":"1"}}],"ScannedCount":1}"#]
        {
            assert!(matches!(failure(body), StoreError::Unavailable(cause) if !cause.contains("Buy")), "{body}");
        }
    }
}
