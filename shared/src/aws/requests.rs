//! `GetItem`, `PutItem`, and `UpdateItem`: requests about one item, written as JSON straight from its attributes, whose answers
//! are read as those to queries.
//!
//! - **Figure:** 9 % of the instructions of an update, 3 % of a create, 2 % of a get, beyond what `read.rs` gains.
//! - **Reason:** the SDK wants hash maps first, writes them in small steps, and makes a hash map of what it reads.
//! - **To remove it:** delete this file, and its interceptor in `client.rs`; in `store`, the requests become the client's
//!   own, which take and give items as maps.

use std::borrow::Cow;
use std::cell::RefCell;
use std::pin::pin;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, SdkError};
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use aws_sdk_dynamodb::{Client, operation};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{SerializeRequest, SharedRequestSerializer};
use aws_smithy_types::base64;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::read::{Capacity, Operation, ReadFailure, read, units};

/// Attributes, each name once.
pub(crate) type Attributes = [(&'static str, AttributeValue)];

/// A strongly consistent read.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html#API_GetItem_RequestSyntax>
pub(crate) struct GetItem<'a> {
    pub(crate) table: &'a str,
    pub(crate) key: &'a Attributes,
}

/// A new item. If the condition fails, the error has the item that is there.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html#API_PutItem_RequestSyntax>
pub(crate) struct PutItem<'a> {
    pub(crate) table: &'a str,
    pub(crate) item: &'a Attributes,
    pub(crate) condition: &'a str,
}

/// A change of an item. If the condition fails, the error has the item that is there.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_RequestSyntax>
pub(crate) struct UpdateItem<'a> {
    pub(crate) table: &'a str,
    pub(crate) key: &'a Attributes,
    pub(crate) expressions: &'a Expressions,
    pub(crate) returns: &'a ReturnValue,
}

/// What becomes of an item, and on which condition.
pub(crate) struct Expressions {
    pub(crate) update: String,
    pub(crate) condition: String,
    /// What stands behind `#`, each name once.
    pub(crate) names: Vec<&'static str>,
    /// What stands behind `:`, each name once.
    pub(crate) values: Vec<(Cow<'static, str>, AttributeValue)>,
}

/// The answer to a [`GetItem`] or an [`UpdateItem`].
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html#API_GetItem_ResponseSyntax>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<T> {
    #[serde(alias = "Attributes")]
    item: Option<T>,
    consumed_capacity: Option<Capacity>,
}

impl GetItem<'_> {
    /// Sends the request, and reads the item, if there is one.
    ///
    /// # Errors
    /// [`ReadFailure`].
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        client: &Client,
    ) -> Result<Option<T>, ReadFailure<GetItemError>> {
        let sending = pin!(client.get_item().table_name(self.table).send());
        let sending = pin!(BODY.scope(Body::new("DynamoDB_20120810.GetItem", self.json()), sending));
        let operation = Operation {
            sdk: || operation::get_item::GetItem::new().config(),
            empty_output: || Output::erase(GetItemOutput::builder().build()),
        };
        let units = |answer: &Answer<T>| (units(&answer.consumed_capacity), 0.0);
        read(sending, operation, units).await.map(|answer| answer.item)
    }

    fn json(&self) -> Json {
        let mut json = Json::of_table(self.table);
        json.object("Key", "", self.key.iter().map(|(name, value)| (*name, value)));
        json.bool("ConsistentRead", true);
        json.end();
        json
    }
}

impl PutItem<'_> {
    /// Sends the request.
    ///
    /// # Errors
    /// As the SDK says it.
    pub(crate) async fn send(&self, client: &Client) -> Result<(), Box<SdkError<PutItemError, HttpResponse>>> {
        // The SDK looks for the table's name in the input, before anything is written.
        let sending = pin!(client.put_item().table_name(self.table).send());
        BODY.scope(Body::new("DynamoDB_20120810.PutItem", self.json()), sending).await?;
        Ok(())
    }

    fn json(&self) -> Json {
        let mut json = Json::of_table(self.table);
        json.object("Item", "", self.item.iter().map(|(name, value)| (*name, value)));
        json.condition(self.condition);
        json
    }
}

impl UpdateItem<'_> {
    /// Sends the request, and reads what it returns of the item.
    ///
    /// # Errors
    /// [`ReadFailure`].
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        client: &Client,
    ) -> Result<Option<T>, ReadFailure<UpdateItemError>> {
        let sending = pin!(client.update_item().table_name(self.table).send());
        let sending = pin!(BODY.scope(Body::new("DynamoDB_20120810.UpdateItem", self.json()), sending));
        let operation = Operation {
            sdk: || operation::update_item::UpdateItem::new().config(),
            empty_output: || Output::erase(UpdateItemOutput::builder().build()),
        };
        let units = |answer: &Answer<T>| (0.0, units(&answer.consumed_capacity));
        read(sending, operation, units).await.map(|answer| answer.item)
    }

    fn json(&self) -> Json {
        let mut json = Json::of_table(self.table);
        json.object("Key", "", self.key.iter().map(|(name, value)| (*name, value)));
        let Expressions { update, condition, names, values } = self.expressions;
        json.member("UpdateExpression", update);
        json.names("ExpressionAttributeNames", "#", names);
        json.object("ExpressionAttributeValues", ":", values.iter().map(|(name, value)| (name.as_ref(), value)));
        json.member("ReturnValues", self.returns.as_str());
        json.condition(condition);
        json
    }
}

/// The JSON of a request, as far as it is written. Names of members and attributes are ours, and need no escapes.
struct Json(String);

impl Json {
    fn of_table(table: &str) -> Self {
        let mut json = Self(String::with_capacity(2 * 1024));
        json.0.push('{');
        json.member("TableName", table);
        json
    }

    fn condition(&mut self, condition: &str) {
        self.member("ConditionExpression", condition);
        self.member("ReturnValuesOnConditionCheckFailure", ReturnValuesOnConditionCheckFailure::AllOld.as_str());
        self.end();
    }

    fn end(&mut self) {
        // For the meter.
        self.member("ReturnConsumedCapacity", ReturnConsumedCapacity::Total.as_str());
        self.0.push('}');
    }

    fn bool(&mut self, name: &str, value: bool) {
        self.name("", name);
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn object<'a>(&mut self, name: &str, prefix: &str, members: impl Iterator<Item = (&'a str, &'a AttributeValue)>) {
        self.name("", name);
        self.0.push('{');
        for (name, value) in members {
            self.name(prefix, name);
            self.value(value);
        }
        self.0.push('}');
    }

    fn names(&mut self, name: &str, prefix: &str, names: &[&str]) {
        self.name("", name);
        self.0.push('{');
        for name in names {
            self.name(prefix, name);
            self.text(name);
        }
        self.0.push('}');
    }

    fn member(&mut self, name: &str, text: &str) {
        self.name("", name);
        self.text(text);
    }

    fn name(&mut self, prefix: &str, name: &str) {
        self.0.push_str(if self.0.ends_with('{') { "\"" } else { ",\"" });
        self.0.push_str(prefix);
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn text(&mut self, text: &str) {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            self.0.push_str(&serde_json::Value::from(text).to_string());
        } else {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        }
    }

    /// A value of the types that the tables use.
    fn value(&mut self, value: &AttributeValue) {
        self.0.push('{');
        match value {
            AttributeValue::S(text) => self.member("S", text),
            AttributeValue::N(digits) => self.member("N", digits),
            AttributeValue::B(bytes) => self.member("B", &base64::encode(bytes)),
            AttributeValue::Bool(value) => self.bool("BOOL", *value),
            AttributeValue::L(values) => {
                self.name("", "L");
                self.0.push('[');
                for (index, value) in values.iter().enumerate() {
                    self.0.push_str(if index == 0 { "" } else { "," });
                    self.value(value);
                }
                self.0.push(']');
            }
            // DynamoDB refuses a value without a type, and writes nothing.
            _ => {}
        }
        self.0.push('}');
    }
}

tokio::task_local! {
    /// There while a request is sent whose body is written here.
    static BODY: Body;
}

/// What is sent in place of what the SDK would write.
struct Body {
    target: &'static str,
    json: RefCell<String>,
}

impl Body {
    fn new(target: &'static str, Json(json): Json) -> Self {
        Self { target, json: RefCell::new(json) }
    }
}

/// Takes the place of the SDK's serializer, for requests whose bodies are written here.
#[derive(Debug)]
pub(super) struct SendBody;

#[dyn_dispatch_hint]
impl Intercept for SendBody {
    fn name(&self) -> &'static str {
        "SendBody"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if BODY.try_with(|_| ()).is_ok() {
            config.interceptor_state().store_put(SharedRequestSerializer::new(Self));
        }
        Ok(())
    }
}

impl SerializeRequest for SendBody {
    fn serialize_input(&self, _: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let (target, json) = BODY.try_with(|body| (body.target, body.json.take()))?;
        let length = json.len().to_string();
        let mut request = HttpRequest::new(json.into());
        request.set_method("POST")?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.0");
        headers.insert("x-amz-target", target);
        headers.insert("content-length", length);
        Ok(request)
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::primitives::Blob;
    use serde::de::IgnoredAny;
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::client::tests::Asked;

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn item() -> Vec<(&'static str, AttributeValue)> {
        vec![
            ("user_id", text("a")),
            ("title", text("\"\\ \u{7}\n\u{7f}ä\u{2028}😀")),
            ("version", AttributeValue::N("1".to_owned())),
            ("write_id", AttributeValue::B(Blob::new(*b"sixteen bytes \0\xff"))),
            ("deleted_with", AttributeValue::Bool(true)),
            ("none", AttributeValue::L(vec![])),
            ("tags", AttributeValue::L(vec![text(""), text("b")])),
        ]
    }

    fn map(attributes: Vec<(&str, AttributeValue)>) -> HashMap<String, AttributeValue> {
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The requests in words: all that the SDK's form of a request could differ in.
    fn requests(asked: &Asked) -> Vec<Value> {
        let requests = asked.0.lock().unwrap();
        let requests = requests.iter().map(|request| {
            let header = |name| request.headers().get(name).unwrap();
            let body = request.body().bytes().unwrap();
            assert_eq!(header("content-length"), body.len().to_string());
            let body: Value = serde_json::from_slice(body).unwrap();
            let (kind, target) = (header("content-type"), header("x-amz-target"));
            json!([request.method(), request.uri(), request.headers().len(), kind, target, body])
        });
        requests.collect()
    }

    #[test]
    fn item_may_be_missing() {
        let read = |body: &str| serde_json::from_str::<Answer<HashMap<String, IgnoredAny>>>(body).unwrap();
        let found = |body: &str| read(body).item.map(|names| names.len());
        assert_eq!(found("{}"), None);
        assert_eq!(found(r#"{"ConsumedCapacity":{"CapacityUnits":1,"TableName":"t"}}"#), None);
        assert_eq!(found(r#"{"Item":{"title":{"S":"a"}}}"#), Some(1));
        assert_eq!(found(r#"{"Attributes":{"title":{"S":"a"}}}"#), Some(1));
    }

    #[tokio::test]
    async fn read_is_sent_as_the_sdk_sends_it() {
        let (asked, client) = Asked::client();
        let key = [("user_id", text("a")), ("task_id", text("b"))];
        assert!(GetItem { table: "t", key: &key }.send::<IgnoredAny>(&client).await.is_err());
        let request = client.get_item().table_name("t").set_key(Some(map(key.to_vec()))).consistent_read(true);
        assert!(request.send().await.is_err());
        let [own, sdk] = requests(&asked).try_into().unwrap();
        assert_eq!(own, sdk);
    }

    #[tokio::test]
    async fn new_item_is_sent_as_the_sdk_sends_it() {
        let (asked, client) = Asked::client();
        let put = PutItem { table: "t", item: &item(), condition: "attribute_not_exists(task_id)" };
        assert!(put.send(&client).await.is_err());
        let request = client.put_item().table_name("t").set_item(Some(map(item())));
        let request = request.condition_expression("attribute_not_exists(task_id)");
        let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        assert!(request.send().await.is_err());
        let [own, sdk] = requests(&asked).try_into().unwrap();
        assert_eq!(own, sdk);
    }

    #[tokio::test]
    async fn change_is_sent_as_the_sdk_sends_it() {
        let (asked, client) = Asked::client();
        let key = [("user_id", text("a")), ("task_id", text("b"))];
        let zero = AttributeValue::N("0".to_owned());
        let expressions = Expressions {
            update: "SET #title = :title".to_owned(),
            condition: "#version IN (:version_0)".to_owned(),
            names: vec!["title", "version"],
            values: vec![("title".into(), text("\"")), ("version_0".into(), zero.clone())],
        };
        for returns in [ReturnValue::AllNew, ReturnValue::None] {
            let update = UpdateItem { table: "t", key: &key, expressions: &expressions, returns: &returns };
            assert!(update.send::<IgnoredAny>(&client).await.is_err());
            let request = client.update_item().table_name("t").set_key(Some(map(key.to_vec())));
            let request = request.update_expression("SET #title = :title");
            let request = request.condition_expression("#version IN (:version_0)");
            let request = request.expression_attribute_names("#title", "title");
            let request = request.expression_attribute_names("#version", "version");
            let request = request.expression_attribute_values(":title", text("\""));
            let request = request.expression_attribute_values(":version_0", zero.clone());
            let request = request.return_values(returns);
            let request = request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            assert!(request.send().await.is_err());
            let [own, sdk] = requests(&asked).try_into().unwrap();
            assert_eq!(own, sdk);
            asked.0.lock().unwrap().clear();
        }
    }
}
