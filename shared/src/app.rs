//! A function: a verifier and a store, built once, and an operation that runs for every request.

use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::{LambdaEvent, Service, service_fn};
use serde_json::value::RawValue;

use crate::api::{self, Problem, Request, Response};
use crate::auth::{AuthenticatedUser, TokenVerifier};
use crate::aws::Connector;
use crate::settings::{InvalidSetting, Settings};
use crate::signals::{self, AuditEvent, Record, Signals, note};
use crate::store::{TaskStore, UserTasks};

/// How long an operation may take. Lambda's time-out is 15 seconds and API Gateway's 30, so that a client always gets an
/// answer of ours.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a collector on this machine may take for a span.
const EXPORT_WITHIN: Duration = Duration::from_secs(1);
const MAX_EXPORT_ANSWER_BYTES: usize = 16 * 1024;

/// What every operation needs: who is calling, and where their tasks are.
#[derive(Debug)]
pub struct App {
    verifier: TokenVerifier,
    store: TaskStore,
    signals: Signals,
    to_collector: Connector,
}

impl App {
    /// An app with these settings, which reaches DynamoDB and the source of keys through these connectors.
    #[must_use]
    pub fn new(settings: Settings, to_dynamodb: &Connector, to_keys: &Connector) -> Self {
        Self {
            verifier: TokenVerifier::new(settings.auth, to_keys),
            store: TaskStore::new(settings.store, to_dynamodb),
            signals: Signals::new(settings.signals),
            // Any would do, because collectors are reached without TLS. This one exists already.
            to_collector: to_dynamodb.clone(),
        }
    }

    /// Writes the line of each request with this function, as bytes that end with a line feed. Without it, there are none.
    #[must_use]
    pub fn with_lines(mut self, write: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.signals.write_with(write);
        self
    }

    /// Does all that can be done before the first request: fetches the keys if they are elsewhere, and opens a
    /// connection to DynamoDB.
    pub async fn warm_up(&self) {
        let ((), record) = signals::recorded(self.connect()).await;
        self.signals.started(None, &record);
    }

    async fn connect(&self) {
        tokio::join!(self.verifier.warm_up(), self.store.warm_up());
    }

    /// Authentication: who is calling, by the token, and by the operator's switch if there is one.
    ///
    /// # Errors
    /// 401 with a challenge; 503 while the keys or the switch are unavailable.
    pub async fn authenticate(&self, request: &Request) -> Result<AuthenticatedUser, Problem> {
        let user = self.verifier.verify(request.unverified_token()?).await?;
        let hash = self.signals.hash(user.id());
        note(|record| record.user = hash);
        let not_before = self.store.not_before(&user).await?;
        Ok(user.issued_since(not_before)?)
    }

    /// Authorization, before body and data are looked at: users reach their own tasks, under their id or as `me`.
    ///
    /// # Errors
    /// 403 for any other user in the path, whether that user exists or not.
    pub fn tasks_of(&self, user: AuthenticatedUser, request: &Request) -> Result<UserTasks<'_>, Problem> {
        let addressed = request.user_segment();
        if addressed == "me" || addressed == user.id() {
            Ok(self.store.tasks_of(user))
        } else {
            Err(Problem::forbidden())
        }
    }

    /// Answers a request with an operation: always, within [`ANSWER_WITHIN`], even after a panic.
    pub async fn answer(
        &self,
        request: &Request,
        operation: impl Future<Output = Result<Response, Problem>>,
    ) -> Response {
        let result = match tokio::time::timeout(ANSWER_WITHIN, AssertUnwindSafe(operation).catch_unwind()).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(Problem::internal("a panic")),
            Err(_elapsed) => Err(Problem::unavailable("no answer in time")),
        };
        if let Some(event) = result.as_ref().err().and_then(Problem::audit_event) {
            self.audit(request, event);
        }
        Response::to(request.id(), result)
    }

    /// Notes whose path was asked for in vain.
    fn audit(&self, request: &Request, event: AuditEvent) {
        let path_user = Some(request.user_segment()).filter(|user| user != "me");
        let path_user = path_user.and_then(|user| self.signals.hash(&user));
        request.audit(event);
        note(|record| record.path_user = path_user);
    }

    /// Writes what is known of an answered request, and exports its span while the answer is on its way.
    fn report(&self, record: Record) {
        let span = self.signals.emit(record);
        let Some((url, span)) = self.signals.collector().map(str::to_owned).zip(span) else { return };
        let connector = self.to_collector.clone();
        tokio::spawn(async move {
            if let Err(cause) = connector.post(&url, span, EXPORT_WITHIN, MAX_EXPORT_ANSWER_BYTES).await {
                tracing::warn!(cause, "a span could not be exported");
            }
        });
    }
}

/// A Lambda function: takes the events of API Gateway, and answers them with an operation.
pub fn function<'a>(
    app: &'a App,
    handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy + 'a,
) -> impl Service<LambdaEvent<Box<RawValue>>, Response = ApiGatewayV2httpResponse, Error = Infallible> {
    service_fn(move |event| async move {
        // Pinned, because it is large, and would be copied at each move.
        let answer = pin!(async {
            match api::read(event) {
                // Boxed, because the compiler gives up on the layout of what is nested deeper.
                Ok(request) => app.answer(&request, Box::pin(handle(app, &request))).await,
                Err(refusal) => *refusal,
            }
        });
        let (response, record) = signals::recorded(answer).await;
        app.report(record);
        Ok(response.into())
    })
}

/// Runs an operation as a Lambda function: reads the settings, gets keys and connections ready, then answers requests for as
/// long as Lambda keeps the function.
///
/// # Errors
/// [`StartError::Setting`] if the function must not start, [`StartError::Runtime`] if Lambda's Runtime API fails.
pub async fn serve(
    handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy + 'static,
) -> Result<(), StartError> {
    run(App::connect, handle).await
}

/// As [`serve`], for an operation that needs neither keys nor DynamoDB: it connects to nothing.
///
/// # Errors
/// As [`serve`].
pub async fn serve_unconnected(
    handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy + 'static,
) -> Result<(), StartError> {
    run(async |_| {}, handle).await
}

async fn run(
    get_ready: impl AsyncFnOnce(&App) + 'static,
    handle: impl AsyncFn(&App, &Request) -> Result<Response, Problem> + Copy + 'static,
) -> Result<(), StartError> {
    // A task, because the runtime polls the kernel each time before it polls its main future.
    let function = tokio::task::spawn_local(async move {
        let begun = Instant::now();
        let app = start()?;
        let ((), record) = signals::recorded(get_ready(&app)).await;
        app.signals.started(Some(begun.elapsed()), &record);
        lambda_runtime::run(function(&app, handle)).await.map_err(StartError::Runtime)
    });
    function.await.unwrap_or_else(|ended| resume_unwind(ended.into_panic()))
}

fn start() -> Result<App, StartError> {
    signals::start_logging(api::is_converting);
    let settings = Settings::from_env().map_err(StartError::Setting)?;
    let (to_dynamodb, to_keys) = (settings.store.connector(), settings.auth.connector());
    Ok(App::new(settings, &to_dynamodb, &to_keys).with_lines(signals::to_stdout))
}

/// Why a function does not run. `main` prints it as one line.
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
    use crate::aws::{Access, TrustedRoots};
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
