//! The product, put together once and called again and again.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

use kit::{Answers, Asked, Content, FakeDynamoDb, INVOCATION, MAX_REQUESTS, Operation};
use lambda_http::IntoResponse;
use serde_json::{Value, json};
use shared::api::{Problem, Request, Response, is_converting};
use shared::app::App;
use shared::aws::Connector;
use shared::settings::{InvalidSetting, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::answer::Answer;

use crate::tokens::SECRET;

/// An app and what it talks to.
pub(crate) struct Api {
    app: App,
    dynamodb: FakeDynamoDb,
    runtime: Runtime,
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

impl Api {
    /// An app that trusts tokens of the shared secret, whatever issuer and audience they name: kept inputs name none.
    pub(crate) fn with_secret() -> Self {
        let settings = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", "any"), ("TOKEN_AUDIENCE", "any")];
        Self::new(&settings, &FakeDynamoDb::new(Answers::EndlessList)).expect("good settings")
    }

    /// An app with these settings, whose issuer is `issuer`.
    pub(crate) fn new(auth: &[(&str, &str)], issuer: &FakeDynamoDb) -> Result<Self, InvalidSetting> {
        count_panics();
        let dynamodb = FakeDynamoDb::new(Answers::EndlessList);
        let app = App::new(settings(auth)?, &Connector::new(dynamodb.clone()), &Connector::new(issuer.clone()));
        let mut runtime = Builder::new_current_thread();
        runtime.enable_time();
        #[cfg(feature = "paused-clock")]
        runtime.start_paused(true);
        Ok(Self { app, dynamodb, runtime: runtime.build().expect("a runtime") })
    }

    /// Has DynamoDB answer so from now on.
    pub(crate) fn dynamodb_answers(&self, answers: Answers) {
        self.dynamodb.answer_with(answers);
    }

    /// The answer of an operation to an event, and what it asked DynamoDB for.
    pub(crate) fn call(&self, operation: Operation, event: &str) -> (Answer, Vec<Asked>) {
        let answer = self.watch(operation.invoke(&self.app, event));
        let asked = self.dynamodb.take();
        // A batch asks as often as it has items.
        assert!(operation.answers() == Content::Rows || asked.len() <= MAX_REQUESTS, "{operation:?}: {asked:?}");
        (answer, asked)
    }

    /// The answer of an operation that is made for an invariant, to an event of which only some members matter.
    ///
    /// # Panics
    /// If `lambda_http` cannot read the event.
    pub(crate) fn answer(
        &self,
        handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem>,
        event: &str,
    ) -> Answer {
        let mut event: Value = serde_json::from_str(event).expect("an event");
        event["requestContext"]["requestId"] = json!(INVOCATION);
        event["requestContext"]["http"] = json!({ "method": "GET" });
        let request = Request::from(lambda_http::request::from_str(&event.to_string()).expect("an event"));
        self.watch(async {
            let answer = self.app.answer(&request, handle(&self.app, &request)).await.into_response().await;
            let headers = answer.headers().iter().map(|(name, value)| {
                (name.as_str().to_owned(), Value::from(value.to_str().expect("a field of visible characters")))
            });
            let body = str::from_utf8(answer.body()).expect("a body is text");
            json!({
                "statusCode": answer.status().as_u16(),
                "headers": headers.collect::<Value>(),
                "body": (!body.is_empty()).then_some(body),
                "isBase64Encoded": false,
            })
        })
    }

    /// A panic is answered with a 500, and must be seen all the same.
    fn watch(&self, answer: impl Future<Output = Value>) -> Answer {
        let panics = PANICS.get();
        let answer = self.runtime.block_on(answer);
        assert_eq!(PANICS.get(), panics, "a panic was answered");
        Answer::of(answer)
    }
}

/// How long from now a token may be valid: kept inputs are to mean the same for a long time.
pub(crate) const MAX_LIFETIME_SECONDS: &str = "3155760000";

/// Reads the settings of a function whose way of verifying tokens is `auth`.
pub(crate) fn settings(auth: &[(&str, &str)]) -> Result<Settings, InvalidSetting> {
    kit::settings(&[&[("TOKEN_MAX_LIFETIME_SECONDS", MAX_LIFETIME_SECONDS)], auth].concat())
}

/// libFuzzer's own hook, which comes after this one, ends the process. What `lambda_http` panics at is answered with a 400.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !is_converting() {
                PANICS.set(PANICS.get() + 1);
                next(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a panic was answered")]
    fn answered_panic_is_still_seen() {
        Api::with_secret().answer(async |_, _| panic!("of a function"), "{}");
    }
}
