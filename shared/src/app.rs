//! A function: verifier and store, put together once, and an operation that is run for every request.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use lambda_http::{Adapter, LambdaEvent, Service, service_fn};
use serde::Serialize;

use crate::api::{Event, Gateway, Problem, Request, Response};
use crate::auth::{AuthenticatedUser, TokenVerifier};
use crate::aws::{Connector, TrustedRoots};
use crate::logging;
use crate::settings::{InvalidSetting, Settings};
use crate::store::{TaskStore, UserTasks};
use crate::timers::Timers;

/// When an answer is given up. The function's own time-out is 15 seconds and API Gateway's 30, so that a client always
/// gets an answer of ours.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What every operation needs: who is calling, and where their tasks are.
#[derive(Debug)]
pub struct App {
    verifier: TokenVerifier,
    store: TaskStore,
    timers: Timers,
}

impl App {
    /// An app with these settings, which reaches DynamoDB and the issuer through these connectors.
    #[must_use]
    pub fn new(settings: Settings, to_dynamodb: &Connector, to_issuer: &Connector) -> Self {
        Self {
            verifier: TokenVerifier::new(settings.auth, to_issuer),
            store: TaskStore::new(settings.store, to_dynamodb),
            timers: Timers::of(ANSWER_WITHIN),
        }
    }

    /// Does all that can be done before the first request: fetches the issuer's keys if it has some, and opens a
    /// connection to DynamoDB.
    pub async fn warm_up(&self) {
        tokio::join!(self.verifier.warm_up(), self.store.warm_up());
    }

    /// Authentication: who is calling, from the token alone.
    ///
    /// # Errors
    /// 401 with a challenge; 503 while there are no keys of the issuer.
    pub async fn authenticate(&self, request: &Request) -> Result<AuthenticatedUser, Problem> {
        Ok(self.verifier.verify(request.unverified_token()?).await?)
    }

    /// Authorization, before body and data are looked at: users reach their own tasks, under their id or as `me`.
    ///
    /// # Errors
    /// 403 for any other user in the path, whether there is such a user or not.
    pub fn tasks_of(&self, user: AuthenticatedUser, request: &Request) -> Result<UserTasks<'_>, Problem> {
        let addressed = request.user_segment();
        if addressed == "me" || addressed == user.id() {
            Ok(self.store.tasks_of(user))
        } else {
            Err(Problem::forbidden())
        }
    }

    /// Answers a request with what an operation makes of it: always, within [`ANSWER_WITHIN`], even after a panic.
    pub async fn answer(
        &self,
        request: &Request,
        operation: impl Future<Output = Result<Response, Problem>>,
    ) -> Response {
        let operation = pin!(AssertUnwindSafe(operation).catch_unwind());
        let result = match select(operation, self.timers.start()).await {
            Either::Left((Ok(result), _)) => result,
            Either::Left((Err(_panic), _)) => Err(Problem::internal("a panic")),
            Either::Right(((), _)) => Err(Problem::unavailable("no answer in time")),
        };
        Response::to(request, result)
    }
}

/// An operation: an `async fn(&App, &Request) -> Result<Response, Problem>`. Lambda wants a future that can be sent between
/// threads, which [`AsyncFn`] has no word for.
pub trait Handler<'a>: Fn(&'a App, &'a Request) -> Self::Future {
    /// What it takes to answer.
    type Future: Future<Output = Result<Response, Problem>> + Send + 'a;
}

impl<'a, H, F> Handler<'a> for H
where
    H: Fn(&'a App, &'a Request) -> F,
    F: Future<Output = Result<Response, Problem>> + Send + 'a,
{
    type Future = F;
}

/// A Lambda function: takes the events of API Gateway, and answers them with an operation.
pub fn function<'a>(
    app: &'a App,
    handle: impl for<'r> Handler<'r> + Copy + Send + Sync + 'a,
) -> impl Service<LambdaEvent<Event>, Response = impl Serialize, Error = Infallible> {
    let answer = service_fn(move |request: lambda_http::Request| async move {
        let request = Request::from(request);
        // One box, so that the types of all operations do not run through the whole runtime.
        let operation: BoxFuture<'_, _> = Box::pin(handle(app, &request));
        Ok::<_, Infallible>(app.answer(&request, operation).await)
    });
    Gateway(Adapter::from(answer))
}

/// Runs an operation as a Lambda function: reads the settings, gets keys and connections ready, then answers requests for as
/// long as Lambda keeps the function.
///
/// # Errors
/// [`StartError::Setting`] if the function must not start, [`StartError::Runtime`] if Lambda's Runtime API is lost.
pub async fn serve(handle: impl for<'r> Handler<'r> + Copy + Send + Sync) -> Result<(), StartError> {
    logging::start();
    let settings = Settings::from_env().map_err(StartError::Setting)?;
    let to_dynamodb = settings.store.connector();
    let app = App::new(settings, &to_dynamodb, &Connector::trusting(TrustedRoots::System));
    app.warm_up().await;
    lambda_runtime::run(function(&app, handle)).await.map_err(StartError::Runtime)
}

/// Why a function does not run. What `main` prints of it is one line.
pub enum StartError {
    /// A setting is missing or wrong.
    Setting(InvalidSetting),
    /// The Runtime API cannot be reached.
    Runtime(lambda_runtime::Error),
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(error) => write!(f, "refusing to start: {error}"),
            Self::Runtime(error) => write!(f, "the Runtime API failed: {error}"),
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use crate::aws::Access;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    fn settings(endpoint: &str) -> Result<Settings, InvalidSetting> {
        let variable = |name: &str| {
            let value = match name {
                "BETTER_AUTH_SECRET" => "a secret of at least thirty-two bytes",
                "AWS_ENDPOINT_URL_DYNAMODB" => endpoint,
                "TOKEN_ISSUER" | "TOKEN_AUDIENCE" | "TASKS_TABLE" | "IDEMPOTENCY_TABLE" => "x",
                _ => return None,
            };
            Some(value.to_owned())
        };
        Settings::read(variable, Access::new("eu-central-1", "x", "x"))
    }

    #[tokio::test]
    async fn start_with_secret_only_connects() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let connector = Connector::trusting(TrustedRoots::System);
        let app = App::new(settings(&endpoint).unwrap(), &connector, &connector);
        let dynamodb = async {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut head = String::new();
            while stream.read_line(&mut head).await.unwrap() > 2 {}
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            (stream, head.to_lowercase())
        };
        let both = async { tokio::join!(app.warm_up(), dynamodb) };
        let ((), (_stream, head)) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        assert!(head.starts_with("get / http/1.1\r\n"), "{head}");
        assert!(!head.contains("x-amz-target") && !head.contains("authorization"), "{head}");

        drop(listener);
        app.warm_up().await;
    }

    #[test]
    fn refusal_to_start_names_the_setting_in_one_line() {
        let error = StartError::Setting(settings("").unwrap_err());
        assert_eq!(format!("{error:?}"), "refusing to start: AWS_ENDPOINT_URL_DYNAMODB is set but empty");
        let error = StartError::Runtime("connection refused".into());
        assert_eq!(format!("{error:?}"), "the Runtime API failed: connection refused");
    }
}
