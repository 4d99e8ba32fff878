//! The product, set up once and called repeatedly.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

use kit::{Answers, Asked, Content, FakeDynamoDb, INVOCATION, MAX_REQUESTS, Operation};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde_json::{Value, json};
use shared::api::{Problem, Request, Response, is_converting};
use shared::app::App;
use shared::aws::Connector;
use shared::settings::{InvalidSetting, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::USER;
use crate::answer::Answer;
use crate::tokens::{SECRET, token};

/// An app and its fake DynamoDB.
pub(crate) struct Api {
    app: App,
    dynamodb: FakeDynamoDb,
    runtime: Runtime,
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
    /// An app that trusts tokens of the shared secret.
    pub(crate) static API: Api = Api::with_secret();
    /// A token of [`USER`] for it.
    pub(crate) static TOKEN: String = token(USER);
}

impl Api {
    /// An app that trusts tokens of the shared secret. Kept inputs name neither issuer nor audience.
    pub(crate) fn with_secret() -> Self {
        let settings = [("BETTER_AUTH_SECRET", SECRET), ("TOKEN_ISSUER", "any"), ("TOKEN_AUDIENCE", "any")];
        Self::new(&settings, &FakeDynamoDb::new(Answers::EndlessList)).expect("valid settings")
    }

    /// An app with these authentication settings, whose issuer is `issuer`.
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

    /// Sets DynamoDB's responses.
    pub(crate) fn dynamodb_answers(&self, answers: Answers) {
        self.dynamodb.answer_with(answers);
    }

    /// Sends an event to an operation. Returns the response and the requests to DynamoDB.
    pub(crate) fn call(&self, operation: Operation, event: &str) -> (Answer, Vec<Asked>) {
        let answer = self.watch(operation.invoke(&self.app, event));
        let asked = self.dynamodb.take();
        // A batch asks as often as it has items, and so does an erasure.
        let asks_for_each = matches!(operation.answers(), Content::Rows | Content::Erasure);
        assert!(asks_for_each || asked.len() <= MAX_REQUESTS, "{operation:?}: {asked:?}");
        (answer, asked)
    }

    /// Sends a partial event, whose other members do not matter, to a handler that an invariant defines.
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
            let answer = self.app.answer(&request, handle(&self.app, &request)).await;
            serde_json::to_value(ApiGatewayV2httpResponse::from(answer)).expect("an answer is JSON")
        })
    }

    /// Sends a request with this `Authorization` field. Returns the response, and who was accepted.
    pub(crate) fn authenticate(&self, authorization: &str) -> (Answer, Option<String>) {
        let accepted = RefCell::new(None);
        let who = async |app: &App, request: &Request| {
            accepted.replace(Some(app.authenticate(request).await?.id().to_owned()));
            Ok(Response::no_content())
        };
        let event = json!({ "version": "2.0", "headers": { "authorization": authorization } }).to_string();
        let answer = self.answer(who, &event);
        (answer, accepted.into_inner())
    }

    /// Fails if the product panicked, although it responds to panics with a 500.
    fn watch(&self, answer: impl Future<Output = Value>) -> Answer {
        let panics = PANICS.get();
        let answer = self.runtime.block_on(answer);
        assert_eq!(PANICS.get(), panics, "the product panicked");
        Answer::of(answer)
    }
}

/// The maximum remaining lifetime of a token, long enough that kept inputs keep their meaning.
pub(crate) const MAX_LIFETIME_SECONDS: &str = "3155760000";

/// Reads a function's settings with these authentication settings.
pub(crate) fn settings(auth: &[(&str, &str)]) -> Result<Settings, InvalidSetting> {
    kit::settings(&[&[("TOKEN_MAX_LIFETIME_SECONDS", MAX_LIFETIME_SECONDS)], auth].concat())
}

/// Installs a hook that counts panics and calls the next hook; libFuzzer's ends the process. It ignores panics of
/// `lambda_http` while it converts an event, which the product answers with a 400.
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
    #[should_panic(expected = "the product panicked")]
    fn answered_panic_is_still_seen() {
        Api::with_secret().answer(async |_, _| panic!("of a function"), "{}");
    }
}
